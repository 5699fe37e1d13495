/* The device operations as one table of functions, chosen once. A back end holds no knowledge of cuts or entropies. */
#ifndef EG_BACKEND_BACKEND_H
#define EG_BACKEND_BACKEND_H

#include "state/state.h"

/* Which bits of the index are rows and columns of M. Row r, column c is the image deposit(r, row_mask) | deposit(c, column_mask);
 * bit j of r is bit row_bit[j] of the index, likewise for c. */
typedef struct eg_matrix_layout {
    int row_bits, column_bits;
    int row_bit[EG_MAX_DENSE_PIXELS], column_bit[EG_MAX_DENSE_PIXELS];
} eg_matrix_layout;

typedef struct eg_backend {
    const char *name; /* "cpu" */

    /* Columns [first, first + count) of M into `panel`, column-major with the rows contiguous (leading dimension 2^row_bits; pairs when
     * complex). `first` and `count` are multiples of one power of two >= count. Amplitudes are scaled by 2^exponent. */
    eegpu_status (*gather)(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel,
                           int threads);

    /* gram (n x n, lower triangle) = keep * gram + panel panel^H, panel n x k column-major, leading dimension n. */
    eegpu_status (*gram)(bool is_complex, int n, int k, const double *panel, double keep, double *gram);

    /* Exact integers: K_ij = sum_c weight_c U_ic U_jc for a packed 0/1 matrix U (rows of ceil(columns / 64) words), lower triangle of
     * a rows x rows column-major matrix. Every K must be below 2^63. */
    eegpu_status (*gram_bits)(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *gram, int threads);

    /* child = trace of parent over the index bits that are not in kept_bits: parent is 2^parent_bits square, child 2^popcount(kept_bits);
     * lower triangles, the order of the kept bits stays. */
    eegpu_status (*partial_trace)(eg_budget *budget, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                  double *child, int threads);

    /* Eigenvalues, ascending, of the Hermitian n x n matrix whose lower triangle is given; the matrix is destroyed. */
    eegpu_status (*eigenvalues)(eg_budget *budget, bool is_complex, int n, double *matrix, double *values);

    /* Singular values, descending, of an m x n column-major matrix, m <= n or not; the matrix is destroyed. */
    eegpu_status (*singular_values)(eg_budget *budget, bool is_complex, int m, int n, double *matrix, double *values);

    /* The same with vectors: u is m x r, vh is r x n, column-major, r = min(m, n). */
    eegpu_status (*singular_vectors)(eg_budget *budget, bool is_complex, int m, int n, double *matrix, double *values, double *u,
                                     double *vh);

    /* Number of threads that the calls above may use from now on, in this process. 1 before calls from several threads. */
    void (*set_threads)(int threads);
} eg_backend;

/* The plain reference: loops, threads, LAPACK. */
extern const eg_backend eg_backend_cpu;

/* Why there is no GPU back end to choose, in a few words. Static storage. */
const char *eg_backend_why_no_gpu(void);

/* By name: auto, cpu, cuda, cuda:K. EEGPU_NO_DEVICE with the reason; EEGPU_USAGE for another name. */
EG_MUST eg_backend_choose(const char *device, const eg_backend **backend);

#endif
