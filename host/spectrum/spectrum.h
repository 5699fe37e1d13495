/* Schmidt spectra. Comes in: a Gram matrix rho = M M^H, a block of M, or a reduced 0/1 matrix. Goes out: squared Schmidt
 * coefficients, each with a bound on its rounding error, checked against trace and purity. Called by scan/; it does not choose
 * how a cut is represented (plan/), and entropies are in measure/. */
#ifndef EG_SPECTRUM_SPECTRUM_H
#define EG_SPECTRUM_SPECTRUM_H

#include "backend/backend.h"
#include "plan/plan.h"
#include "reduce/bit_matrix.h"
#include "reduce/parallel_rows.h"

/* One squared Schmidt coefficient p and the bound |p - exact p| <= error. */
typedef struct eg_level {
    double p, error;
} eg_level;

/* rho of a region, not normalised: n x n, lower triangle, column-major. Every product of two amplitudes in it has passed through at
 * most `roundings` roundings; 0: all entries are exact. */
typedef struct eg_gram {
    bool is_complex;
    uint64_t n;
    double *entries; /* on the device */
    double roundings;
} eg_gram;

/* A density matrix whose eigenvalues are asked for, and what they are checked with. */
typedef struct eg_pending {
    eg_gram gram;
    double norm_squared, trace, square;
} eg_pending;

typedef struct eg_spectrum {
    eg_level *levels; /* descending after eg_spectrum_finish(); zeros included as far as they were computed */
    uint64_t count, capacity;
    double total_error;    /* bound on sum_k |p_k - exact p_k| */
    double rank_tolerance; /* a p above this is certainly not 0 */
    uint64_t rank;         /* number of p above it, or the exact rank */
    bool rank_exact;
    double rank_doubt;               /* bound on the probability that an exact rank is too small; 0: proved */
    double most_rank_steps;          /* elimination for an exact rank is done up to this many; 0: the default */
    uint64_t proved_rank;            /* sum over the blocks of a 0/1 function */
    bool has_counts;                 /* a 0/1 function: trace and purity are known exactly */
    unsigned __int128 trace, purity; /* sum of diagonal and of squares of the integer Gram matrices */
    eg_bit_matrix *parts;            /* blocks of a 0/1 function whose rank is not known yet: their levels follow level_of_parts */
    size_t part_count, part_capacity;
    uint64_t level_of_parts;
    eg_pending *pending; /* density matrices that wait for eg_spectra_solve() */
    size_t pending_count, pending_capacity;
    uint64_t pending_bytes;
    eg_budget *budget; /* of the host's memory */
} eg_spectrum;

/* A dense block of M, column-major, rows <= columns, `exact` when all entries are integers so small that Gram sums are exact. */
typedef struct eg_block {
    bool is_complex, exact;
    uint64_t rows, columns;
    double *entries;
} eg_block;

/* ---- Gram matrices (gram.c) ---- */

/* From the amplitudes of the loaded function, gathered panel by panel. */
EG_MUST eg_gram_of_state(eg_lane *lane, const eg_matrix_layout *layout, const eg_task *task, eg_gram *gram);

/* From that of a larger region: the bits `kept` of its index stay. */
EG_MUST eg_gram_of_parent(eg_lane *lane, const eg_gram *parent, uint64_t kept, eg_gram *gram);

/* Of a block, whose entries are on the device. */
EG_MUST eg_gram_of_block(eg_lane *lane, const eg_block *block, eg_gram *gram);

void eg_gram_free(eg_lane *lane, eg_gram *gram);

/* The bound || error of the Gram matrix ||_F <= eg_gram_error() * trace. */
double eg_gram_error(const eg_gram *gram);

/* ---- Spectra (spectrum.c, pending.c; counts.c for 0/1 functions, merged.c for parallel rows, values.c by SVD) ---- */

void eg_spectrum_begin(eg_budget *budget, eg_spectrum *spectrum);

/* Each adds a part of a matrix whose parts have sum |entries|^2 = norm_squared in all. Matrices on the device are taken over; they
 * wait in the spectrum until it is solved, or are solved at once where they are many. */
EG_MUST eg_spectrum_add_gram(eg_lane *lane, eg_gram *gram, double norm_squared, eg_spectrum *spectrum);

/* The same for rho of a matrix with parallel or zero rows or several blocks: each class of rows counts once, with its weight, and
 * each block is solved alone (merged.c). The gram stays. */
EG_MUST eg_spectrum_add_merged(eg_lane *lane, const eg_gram *gram, const eg_row_classes *classes, double norm_squared,
                               eg_spectrum *spectrum);

/* The entries are on the host and had from eg_allocate() with the spectrum's budget; they are taken over. */
EG_MUST eg_spectrum_add_block(eg_lane *lane, eg_route route, eg_block *block, double norm_squared, eg_spectrum *spectrum);

/* By SVD, the whole matrix of a cut at once. */
EG_MUST eg_spectrum_add_state(eg_lane *lane, const eg_matrix_layout *layout, const eg_task *task, eg_spectrum *spectrum);

/* The values of all that waits in several spectra. On a failure *failed is the number of the spectrum, and those whose values had
 * been found before are complete all the same: nothing waits in them. */
EG_MUST eg_spectra_solve(eg_lane *lane, eg_spectrum *const *spectra, size_t count, size_t *failed);
EG_MUST eg_spectrum_solve(eg_lane *lane, eg_spectrum *spectrum);

/* One value known up to rounding. */
EG_MUST eg_spectrum_add_level(eg_spectrum *spectrum, double p, double error);

/* The blocks of a reduced 0/1 matrix of a function with `ones` images; *count of them. The matrix may be taken over: free it, but
 * do not use it any more. */
EG_MUST eg_spectrum_add_counts(eg_lane *lane, eg_route route, eg_bit_matrix *matrix, uint64_t ones, uint64_t *count,
                               eg_spectrum *spectrum);

/* Their exact rank, as far as it can be had, when all is solved; before eg_spectrum_finish() (rank.c). With `may_give_up` it is not
 * had where memory is short and nobody asked for it; else that is EEGPU_OUT_OF_MEMORY. */
EG_MUST eg_spectrum_find_rank(eg_spectrum *spectrum, uint64_t ones, int threads, bool may_give_up);

/* Bytes of what waits in a spectrum: matrices to solve, blocks whose rank is to be found. */
uint64_t eg_spectrum_waiting_bytes(const eg_spectrum *spectrum);

/* Room for more levels (for the functions of this folder). */
EG_MUST eg_spectrum_reserve(eg_spectrum *spectrum, uint64_t more);

/* EEGPU_NUMERICS with both numbers when a check fails. */
EG_MUST eg_spectrum_check(bool good, const char *what, double found, double expected, double tolerance);

/* Sort, clip, check that the values sum to 1 within the bound, and for 0/1 functions trace and purity against their exact values;
 * count the rank. Nothing waits any more. */
EG_MUST eg_spectrum_finish(eg_spectrum *spectrum, uint64_t ones);

void eg_spectrum_free(eg_lane *lane, eg_spectrum *spectrum);

#endif
