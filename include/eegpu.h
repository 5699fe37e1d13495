/* eegpu: exact entanglement entropy of functions of images.
 *
 * A function f on the 2^N images of an N-pixel lattice is read as the quantum state |f> = sum_s f(s) |s> / norm(f)
 * (Y.-H. Zhang, arXiv:1710.05520). For a cut of the lattice into a region A and its complement B, eegpu computes the
 * Schmidt spectrum p_k of |f>, the entropies that follow from it, and for each a bound on what rounding can have done.
 *
 * Conventions. Pixel i = row * width + column. An image's index has pixel 0 as its most significant bit. A cut is named by
 * the pixels kept in A. Entropies are in nats. Every function that can fail returns a status; the message that belongs to
 * it is eegpu_error_message(), per thread. The library never prints, aborts or exits. All calls may be made from
 * several threads on different objects; a state may be shared by concurrent scans, other objects may not. */
#ifndef EEGPU_H
#define EEGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EEGPU_VERSION "0.1.0"
#define EEGPU_VERSION_MAJOR 0
#define EEGPU_VERSION_MINOR 1
#define EEGPU_VERSION_PATCH 0

#if defined(__GNUC__)
#define EEGPU_API __attribute__((visibility("default")))
#define EEGPU_CHECK __attribute__((visibility("default"), warn_unused_result))
#else
#define EEGPU_API
#define EEGPU_CHECK
#endif

/* ---- Status ---------------------------------------------------------------------------------------------------- */

/* X(identifier, what it means, exit code of the program) */
#define EEGPU_STATUS_LIST(X)                                                              \
    X(OK, "success", 0)                                                                   \
    X(USAGE, "an argument that cannot be used", 2)                                        \
    X(BAD_INPUT, "a file whose content cannot be used", 1)                                \
    X(IO, "a file that cannot be opened, read or written", 1)                             \
    X(OUT_OF_MEMORY, "more memory needed than allowed or available", 1)                   \
    X(NO_DEVICE, "a device or library that is not there", 1)                              \
    X(NUMERICS, "a spectrum that failed its check, or a solver that did not converge", 1) \
    X(DISAGREEMENT, "independent routes that differ by more than their error", 3)         \
    X(INTERRUPTED, "stopped on request", 130)

typedef enum eegpu_status {
#define EEGPU_STATUS_ENUM(name, meaning, exit_code) EEGPU_##name,
    EEGPU_STATUS_LIST(EEGPU_STATUS_ENUM)
#undef EEGPU_STATUS_ENUM
} eegpu_status;

/* The message of the last failure in this thread: what was being done, what failed, where, what to try. Never NULL; valid
 * until the next failing call in this thread. */
EEGPU_API const char *eegpu_error_message(void);

/* One sentence for a status. Static storage. */
EEGPU_API const char *eegpu_status_meaning(eegpu_status status);

/* The version of the library that is loaded, such as "0.1.0". Static storage. */
EEGPU_API const char *eegpu_version(void);

/* ---- Progress -------------------------------------------------------------------------------------------------- */

/* Called now and then from one thread at a time. `stage` is a short phrase, `fraction` in [0,1] is the share of the
 * foreseen work that is done. Return false to stop: the call under way then fails with EEGPU_INTERRUPTED. */
typedef bool (*eegpu_progress)(void *user, const char *stage, double fraction);

/* ---- States ---------------------------------------------------------------------------------------------------- */

typedef struct eegpu_state eegpu_state;

typedef enum eegpu_bit_order { EEGPU_MSB, EEGPU_LSB } eegpu_bit_order;

typedef struct eegpu_open_options {
    int height, width; /* lattice; 0 x 0: the file's own shape, else 1 x N for 2^N amplitudes, 4 x 4 for built-in functions */
    eegpu_bit_order bit_order; /* of a file of 2^N amplitudes: is pixel 0 the most or the least significant bit of the index */
    int threads;               /* 0: as many as the machine has */
    uint64_t memory;           /* bytes that this state and all scans of it may use together; 0: 80 % of what is free now */
    eegpu_progress progress;   /* may be NULL */
    void *progress_user;
    /* Where networks (the function cnn) are evaluated: "cpu", "cuda", "cuda:K", or NULL or "auto": a GPU if there is one and the
     * network takes long enough. The amplitudes have the same bits on all of them. EEGPU_NO_DEVICE: a named one is not there. */
    const char *device;
} eegpu_open_options;

/* All zero: the defaults. */
EEGPU_API eegpu_open_options eegpu_open_options_default(void);

/* Open SOURCE: a file (.npy, IDX plain or gzip), `images:file=...`, `packed:file=...` (bits as np.packbits writes them),
 * `plugin:file=...` (a C function of yours, see Plug-ins below), or a built-in function `name:key=value,...` (`eegpu list`).
 * On success *state is the caller's, to be given to eegpu_state_close(). Cost: 2^N * 8 bytes for real amplitudes
 * (16 for complex; none where a file of float64 or complex128 is mapped), 2^N / 8 for 0/1 functions, and for image sets what the
 * images cost. */
EEGPU_CHECK eegpu_status eegpu_state_open(const char *source, const eegpu_open_options *options, eegpu_state **state);

/* The same from memory: 2^(height*width) doubles, or twice that (real and imaginary parts in turn) for complex ones. The
 * amplitudes are borrowed: they must stay unchanged until eegpu_state_close(). */
EEGPU_CHECK eegpu_status eegpu_state_from_amplitudes(const double *amplitudes, bool is_complex, const eegpu_open_options *options,
                                                     eegpu_state **state);

EEGPU_API void eegpu_state_close(eegpu_state *state); /* NULL is fine */

typedef struct eegpu_state_info {
    int height, width, pixels;
    const char *kind; /* "amplitudes", "bits" (a 0/1 function) or "images" (a sparse set); static storage */
    bool is_complex;
    uint64_t ones;  /* bits: images with f = 1; images: distinct images; amplitudes: 0 */
    double norm;    /* sqrt(sum |f|^2) */
    uint64_t bytes; /* memory held */
} eegpu_state_info;

EEGPU_API eegpu_state_info eegpu_state_describe(const eegpu_state *state);

/* Write the 2^N amplitudes as .npy: float64 (complex128 if complex), shape (2^N,), not normalised. */
EEGPU_CHECK eegpu_status eegpu_state_write(const eegpu_state *state, eegpu_bit_order order, const char *path);

/* ---- Plug-ins -------------------------------------------------------------------------------------------------- */

/* A function of yours as SOURCE: plugin:file=libmine.so,symbol=NAME,kind=bits|real|complex,argument=TEXT. `file` is a shared
 * library (looked for here, not in the system's folders); `symbol`, by default eegpu_function, is what it exports, in one of
 * two forms. The lattice is --lattice, by default 4x4.
 *
 * The short form is a function of one image, pixels row by row as bytes 0 (dark) or 1 (lit):
 *
 *     // mine.c: how many pixels of the last row are lit. Build: cc -O2 -shared -fPIC mine.c -o libmine.so
 *     // Use: eegpu scan plugin:file=libmine.so --lattice 4x5
 *     double eegpu_function(const unsigned char *pixels, int height, int width)
 *     {
 *         int lit = 0;
 *         for (int column = 0; column < width; column++)
 *             lit += pixels[(height - 1) * width + column];
 *         return lit;
 *     }
 *
 * With kind=bits every value must be 0 or 1, and the function is held as 2^N bits; with kind=real as 2^N doubles. Without
 * `kind`, bits are tried first, and all is evaluated again when a value is neither 0 nor 1.
 *
 * The full form is a variable of type eegpu_plugin, for speed, complex values, or something to be read first:
 *
 *     // phases.c: f(s) = exp(i angle (number of lit pixels)). Build: cc -O2 -shared -fPIC phases.c -o libphases.so -lm
 *     // Use: eegpu scan plugin:file=libphases.so,argument=0.3 --lattice 4x5
 *     #include <eegpu.h>
 *     #include <math.h>
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *
 *     static void *open_phases(int height, int width, const char *argument, char *message, size_t message_size)
 *     {
 *         (void)height, (void)width; // any lattice will do
 *         double *angle = malloc(sizeof *angle);
 *         if (angle != NULL && sscanf(argument, "%lf", angle) == 1)
 *             return angle;
 *         snprintf(message, message_size, "argument=ANGLE must be a number, not '%s'", argument);
 *         free(angle);
 *         return NULL;
 *     }
 *
 *     static int evaluate_phases(void *context, uint64_t first, uint64_t count, void *out)
 *     {
 *         const double *angle = context;
 *         double *pairs = out;
 *         for (uint64_t k = 0; k < count; k++) {
 *             int lit = __builtin_popcountll(first + k);
 *             pairs[2 * k] = cos(*angle * lit);
 *             pairs[2 * k + 1] = sin(*angle * lit);
 *         }
 *         return 0;
 *     }
 *
 *     const eegpu_plugin eegpu_function = {EEGPU_PLUGIN_ABI, EEGPU_PLUGIN_COMPLEX, open_phases, evaluate_phases, free};
 *
 * In C++, write extern "C" before the function or the variable.
 *
 * What a plug-in may rely on and must keep to:
 * - It runs in processes of its own, one a core, each with its own open() and close(); nothing that it does there is seen here
 *   but the values. Standard output goes to standard error; input is empty, and no other file of the program is open.
 * - evaluate() must be safe to call from several threads with one context, and give an image the same value whenever, wherever
 *   and together with whichever others it is asked for.
 * - A crash, exit() or abort(), a NaN, an infinity, in bits a value other than 0 and 1, open() giving NULL and evaluate() giving
 *   other than 0 end eegpu_state_open() with EEGPU_BAD_INPUT and a message that names the image. A plug-in that hangs is stopped
 *   when the progress callback returns false. */
enum { EEGPU_PLUGIN_ABI = 1 };

typedef enum eegpu_plugin_kind { EEGPU_PLUGIN_BITS, EEGPU_PLUGIN_REAL, EEGPU_PLUGIN_COMPLEX } eegpu_plugin_kind;

typedef struct eegpu_plugin {
    uint32_t abi;  /* EEGPU_PLUGIN_ABI of the header that it was built with */
    uint32_t kind; /* one of eegpu_plugin_kind; with kind= in SOURCE, that must be the same */

    /* Get ready for a lattice; `argument` is the text of argument=, "" without. Returns the context of the other two, not NULL;
     * or NULL, with the reason in `message`. NULL here: there is no context (evaluate gets NULL) and no argument. */
    void *(*open)(int height, int width, const char *argument, char *message, size_t message_size);

    /* The values of images first .. first + count - 1 (count > 0) into `out`: bytes 0 or 1 (bits), doubles (real), or pairs of
     * doubles (complex). Pixel i = row * width + column of image s is bit height * width - 1 - i of s. Returns 0; anything else
     * is a failure. Writing past `out` is a crash. */
    int (*evaluate)(void *context, uint64_t first, uint64_t count, void *out);

    void (*close)(void *context); /* may be NULL */
} eegpu_plugin;

/* ---- Cuts ------------------------------------------------------------------------------------------------------ */

typedef struct eegpu_cuts eegpu_cuts;

/* `family`: contiguous, prefix, lines, connected, all, or the name of a file of regions. `max_size` > 0 limits
 * min(N_A, N_B). On success *cuts is the caller's. */
EEGPU_CHECK eegpu_status eegpu_cuts_create(int height, int width, const char *family, int max_size, eegpu_cuts **cuts);

/* One cut from a list of the pixels kept in A. */
EEGPU_CHECK eegpu_status eegpu_cuts_from_pixels(int height, int width, const int *pixels, int count, eegpu_cuts **cuts);

EEGPU_API void eegpu_cuts_free(eegpu_cuts *cuts);

EEGPU_API size_t eegpu_cuts_count(const eegpu_cuts *cuts);

/* The pixels kept in A of one cut, ascending, into `pixels` (room for height*width). Returns N_A. */
EEGPU_API int eegpu_cuts_pixels(const eegpu_cuts *cuts, size_t cut, int *pixels);

/* ---- Scans ----------------------------------------------------------------------------------------------------- */

typedef enum eegpu_method { EEGPU_METHOD_AUTO, EEGPU_METHOD_GRAM, EEGPU_METHOD_SVD } eegpu_method;

enum { EEGPU_MAX_RENYI = 16 };

typedef struct eegpu_scan_options {
    eegpu_method method;
    const char *device; /* "auto", "cpu", "cuda" or "cuda:K" */
    bool no_reduce;     /* leave the exact reductions out (for comparisons) */
    int threads;        /* 0: as many as the machine has */
    int renyi_count;
    double renyi[EEGPU_MAX_RENYI]; /* orders alpha >= 0, INFINITY allowed */
    bool renyi_asked;              /* the orders were chosen by the user: `auto` then takes SVD when one of them is < 1 */
    bool keep_spectra;             /* keep p_k in the records */
    const char *journal;           /* file of finished cuts, read to resume and appended to; NULL: none */
    eegpu_progress progress;       /* may be NULL */
    void *progress_user;
} eegpu_scan_options;

/* Defaults: auto method and device, reductions on, all threads, Renyi orders 0, 2 and infinity. */
EEGPU_API eegpu_scan_options eegpu_scan_options_default(void);

/* What is known about one cut. Entropies in nats. */
typedef struct eegpu_record {
    size_t cut;          /* number within the cuts that were scanned */
    int n_a, n_b;        /* pixels of A and of B */
    int boundary, bonds; /* pixels of A with a nearest neighbour in B; nearest-neighbour pairs cut */
    double s_vn, error;  /* von Neumann entropy, and the bound on its rounding error */
    double renyi[EEGPU_MAX_RENYI], renyi_error[EEGPU_MAX_RENYI]; /* in the order of the options; error NAN: no bound is known */
    uint64_t rank;                                               /* Schmidt rank: exact, or the number of p above rank_tolerance */
    bool rank_exact;   /* found in integers, right but for rank_doubt; else read off with the tolerance */
    double rank_doubt; /* bound on the probability that an exact rank is too small; 0: proved; NAN: the rank is not exact */
    double rank_tolerance;
    double p_max, purity; /* largest p; sum p^2 */
    double rows, cols;    /* shape of M: 2^N_A x 2^N_B, for image sets the distinct sub-images of A and of B */
    uint64_t reduced_rows, reduced_cols, blocks; /* what is left after the exact reductions */
    const char *method;                          /* "gram" or "svd"; static storage */
    const char *device;                          /* where the spectrum was computed; owned by the result */
    double seconds;
    int64_t same_as;        /* number of an equivalent cut whose numbers these are; -1: none */
    size_t spectrum_count;  /* 0 unless spectra are kept */
    const double *spectrum; /* p_k, descending; owned by the result */
} eegpu_record;

typedef struct eegpu_result eegpu_result;

/* Compute the record of every cut. On success *result is the caller's. `options` NULL: the defaults. Bit-identical for the same
 * input, device, threads and BLAS. Matrices stay within the budget of the state; beside it go about 800 bytes a cut, and 8 bytes a
 * p that is kept. Scans of one process take turns, because the threads of a BLAS belong to the process: not to be called from a
 * progress callback. Errors: EEGPU_USAGE (options, cuts of another lattice, another scan's journal), EEGPU_OUT_OF_MEMORY (before
 * work starts where shapes tell), EEGPU_NO_DEVICE (the device, or no BLAS), EEGPU_NUMERICS (a check failed: no number is given),
 * EEGPU_IO (the journal), EEGPU_INTERRUPTED. */
EEGPU_CHECK eegpu_status eegpu_scan(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_scan_options *options,
                                    eegpu_result **result);

EEGPU_API size_t eegpu_result_count(const eegpu_result *result);
EEGPU_API const eegpu_record *eegpu_result_record(const eegpu_result *result, size_t cut); /* owned by the result */
EEGPU_API void eegpu_result_free(eegpu_result *result);

/* Page's mean entropy (nats) of a complex Haar-random state with 2^n_a x 2^n_b amplitudes; a reference line. */
EEGPU_API double eegpu_page_entropy(int n_a, int n_b);

/* ---- What is there --------------------------------------------------------------------------------------------- */

typedef struct eegpu_blas_info {
    const char *library; /* path or name of what was loaded */
    const char *config;  /* its own description, with its version */
    const char *kernels; /* the CPU kernels in use, such as "SkylakeX" */
    const char *advice;  /* empty, or what is wrong with them and what to do */
    bool corrected;      /* the library had mistaken the CPU and was loaded again with the right kernels */
    bool serialised;     /* it is not safe from several threads: calls are made one at a time */
} eegpu_blas_info;

/* Load the BLAS if that has not happened and describe it. EEGPU_NO_DEVICE: there is none. Strings are static. The load may set
 * OPENBLAS_CORETYPE in the environment for a moment: make this call before other threads start if they read the environment. */
EEGPU_CHECK eegpu_status eegpu_blas_describe(eegpu_blas_info *info);

#ifdef __cplusplus
}
#endif
#endif
