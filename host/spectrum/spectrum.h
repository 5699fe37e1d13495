/* Schmidt spectra. Comes in: the matrix of a cut, streamed from the amplitudes or as dense blocks. Goes out: squared Schmidt
 * coefficients, each with a bound on its rounding error, checked against trace and purity. Called by scan/. */
#ifndef EG_SPECTRUM_SPECTRUM_H
#define EG_SPECTRUM_SPECTRUM_H

#include "backend/backend.h"
#include "plan/plan.h"

/* One squared Schmidt coefficient p and the bound |p - exact p| <= error. */
typedef struct eg_level {
    double p, error;
} eg_level;

typedef struct eg_spectrum {
    eg_level *levels; /* descending after eg_spectrum_finish(); zeros included as far as they were computed */
    uint64_t count, capacity;
    double total_error;    /* bound on sum_k |p_k - exact p_k| */
    double rank_tolerance; /* a p above this is certainly not 0 */
    uint64_t rank;         /* number of p above it */
    bool rank_exact;
    eg_budget *budget;
} eg_spectrum;

/* A dense block of M, column-major, rows <= columns, `exact` when all entries are integers so small that Gram sums are exact. */
typedef struct eg_block {
    bool is_complex, exact;
    uint64_t rows, columns;
    double *entries; /* destroyed by the solution */
} eg_block;

void eg_spectrum_begin(eg_budget *budget, eg_spectrum *spectrum);

/* The whole matrix of a cut of a dense state, gathered panel by panel (Gram) or at once (SVD). */
EG_MUST eg_spectrum_of_state(const eg_backend *backend, const eegpu_state *state, const eg_matrix_layout *layout,
                             const eg_task *task, int threads, eg_spectrum *spectrum);

/* Add the values of one block of a matrix with sum |entries|^2 = norm_squared over all blocks. */
EG_MUST eg_spectrum_add_block(const eg_backend *backend, eg_route route, const eg_block *block, double norm_squared,
                              eg_spectrum *spectrum);

/* Sort, clip, check that the values sum to 1 within the bound, count the rank. */
EG_MUST eg_spectrum_finish(eg_spectrum *spectrum);

void eg_spectrum_free(eg_spectrum *spectrum);

#endif
