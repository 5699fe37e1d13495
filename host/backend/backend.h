/* The device operations as one table of functions, chosen once. Comes in: shapes, and buffers that belong to the device; goes out:
 * buffers of the device, and numbers. A back end holds no knowledge of cuts or entropies. The CPU's is the plain reference; that of
 * the GPU is a plug-in, loaded at run time (plugin.h). Called by the stages from reduce/ on. */
#ifndef EG_BACKEND_BACKEND_H
#define EG_BACKEND_BACKEND_H

#include "backend/columns.h"
#include "plan/plan.h"
#include "state/cnn.h"

/* Which bits of the index are rows and columns of M. Row r, column c is the image deposit(r, row_mask) | deposit(c, column_mask);
 * bit j of r is bit row_bit[j] of the index, likewise for c. */
typedef struct eg_matrix_layout {
    int row_bits, column_bits;
    int row_bit[EG_MAX_DENSE_PIXELS], column_bit[EG_MAX_DENSE_PIXELS];
} eg_matrix_layout;

/* What is known of a device, for people. Empty where there is nothing to say. */
typedef struct eg_device_facts {
    char model[128]; /* "NVIDIA H200" */
    char capability[16], driver[32], runtime[32], blas[32], solver[32];
    uint64_t memory, memory_free; /* bytes, when it was opened */
} eg_device_facts;

typedef struct eg_device {
    const struct eg_backend *backend;
    char name[32];            /* what records say: "cpu", "cuda:0" */
    eg_budget *budget;        /* of its memory; of the CPU: that of the loaded function, NULL before */
    eg_capacity capacity;     /* for the planner */
    uint64_t least_piece;     /* columns that a call of gram should sum at least */
    int most_lanes;           /* that are of use side by side; 0: as many as there are threads */
    const eegpu_state *state; /* the loaded function */
    bool is_held;             /* by the device itself; else each panel's numbers are collected on the host and copied there first */
    eg_device_facts facts;
    struct eg_statistics *statistics; /* where the time goes (statistics.h); NULL: nobody asked */
} eg_device;

/* A line of work on a device: a number of CPU threads, or a stream with its handles. Calls on one lane take place in order, and may
 * return before their work is done; those that return numbers to the host wait. Different lanes may be used by different threads.
 * What one lane has made another may use after wait(). */
typedef struct eg_lane {
    eg_device *device;
    int threads; /* of the CPU, that calls may use */
} eg_lane;

/* The eigenvalues, ascending, of a Hermitian n x n matrix whose lower triangle is given. */
typedef struct eg_eigen_problem {
    bool is_complex;
    bool alone; /* it has the whole lane; else others may be solved beside it, and the bits must not depend on which */
    int n;
    double *matrix; /* on the device; destroyed */
    double *values; /* on the host */
} eg_eigen_problem;

/* Exact sums over an integer Gram matrix K with row weights w: of K_ii w_i, of K_ij^2 w_i w_j and of K_ij w_i w_j. */
typedef struct eg_count_sums {
    unsigned __int128 trace, square, total;
} eg_count_sums;

typedef struct eg_backend {
    const char *name; /* "cpu", "cuda" */

    /* Device `number` of this kind; closing NULL is fine. EEGPU_NO_DEVICE with the reason. */
    eegpu_status (*open)(int number, eg_device **device);
    void (*close)(eg_device *device);

    /* Make a function ready for gather() and derive_columns(); it must outlive the device's use. One at a time. The
     * device need not hold it: a back end may fetch the parts that gather() asks for from the host. */
    eegpu_status (*load)(eg_device *device, const eegpu_state *state, int threads);

    eegpu_status (*open_lane)(eg_device *device, int threads, eg_lane **lane);
    void (*close_lane)(eg_lane *lane); /* NULL is fine */
    eegpu_status (*wait)(eg_lane *lane);

    /* ---- Buffers of the device ---- */

    /* Room for count * size bytes, not cleared; *pointer must be NULL before. EEGPU_OUT_OF_MEMORY names `what`. */
    eegpu_status (*allocate)(eg_lane *lane, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer);
    void (*release)(eg_lane *lane, void *buffer); /* NULL is fine */

    /* A buffer of the host, had from eg_allocate() with this budget, becomes one of the device: *pointer changes, or is NULL after
     * a failure. */
    eegpu_status (*take)(eg_lane *lane, eg_budget *budget, uint64_t bytes, const char *what, void *pointer_to_pointer);

    eegpu_status (*fetch)(eg_lane *lane, const void *buffer, uint64_t bytes, void *host);

    /* ---- The matrix of a cut ---- */

    /* Columns [first, first + count) of M into `panel`, column-major with the rows contiguous (leading dimension 2^row_bits; pairs
     * when complex). `first` and `count` are multiples of one power of two >= count. Amplitudes are scaled by 2^exponent. */
    eegpu_status (*gather)(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel);

    /* eg_columns_derive() (columns.h); everything that goes in and out is on the host, except that the loaded function as a parent
     * is where it was loaded. */
    eegpu_status (*derive_columns)(eg_lane *lane, const eg_columns *parent, uint64_t pixels, eg_budget *budget, eg_columns *child);

    /* ---- Gram matrices: n x n, lower triangles, column-major ---- */

    /* gram = keep * gram + panel panel^H, panel n x k column-major, leading dimension n. */
    eegpu_status (*gram)(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *gram);

    /* Exact integers: K_ij = sum_c weight_c U_ic U_jc for a packed 0/1 matrix U (rows of ceil(columns / 64) words; weight NULL: all
     * 1) into `counts`. `bits` and `weight` are on the host. Every K must be below 2^63. */
    eegpu_status (*gram_bits)(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *counts);

    /* In place: K_ij becomes the double K_ij sqrt(w_i w_j) (a word becomes a double; exact on the diagonal up to one rounding, and
     * everywhere when all weights, on the host, are 1). */
    eegpu_status (*weigh)(eg_lane *lane, uint64_t n, const uint64_t *weight, uint64_t *counts, eg_count_sums *sums);

    /* child = trace of parent over the index bits that are not in kept_bits: parent is 2^parent_bits square, child
     * 2^popcount(kept_bits); the order of the kept bits stays. */
    eegpu_status (*partial_trace)(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                  double *child);

    /* merged(i, j) = matrix(row[i], row[j]) sqrt(weight[i] weight[j]), count x count; row and weight are on the host. */
    eegpu_status (*merge)(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                          const double *weight, double *merged);

    /* Trace and squared Frobenius norm. */
    eegpu_status (*invariants)(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, double *trace, double *square);

    /* ---- Spectra ---- */

    /* All problems, in the order and as many at a time as suits the device. On a failure *failed is the number of the problem. */
    eegpu_status (*eigenvalues)(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed);

    /* Singular values, descending, on the host, of an m x n column-major matrix of the device, m <= n or not; it is destroyed. */
    eegpu_status (*singular_values)(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values);

    /* ---- Functions ---- */

    /* eg_cnn_evaluate() (state/cnn.h) with all threads of the lane: the same bits on every device. `budget` is of host memory, the
     * amplitudes are on the host, and nothing need be loaded. Images that are done are added to the progress, which may be NULL. */
    eegpu_status (*evaluate_network)(eg_lane *lane, const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget,
                                     eg_progress *progress, double *amplitudes);
} eg_backend;

/* The plain reference: loops, threads, LAPACK. */
extern const eg_backend eg_backend_cpu;

/* Open a device by name: cpu, cuda, cuda:K, or auto: the first GPU if there is one that works, else the CPU. EEGPU_NO_DEVICE with
 * the reason; EEGPU_USAGE for another name. */
EG_MUST eg_device_open(const char *name, eg_device **device);
void eg_device_close(eg_device *device); /* NULL is fine */

#endif
