/* Rows of the matrix of a cut that are zero or equal up to a factor, and its independent blocks (paper, section IV), for functions
 * of real or complex amplitudes. Comes in: a dense state and which bits are rows. Goes out: the class of every row, with M^H M =
 * sum over classes of weight * |row><row| of one row each. Nothing is decided by a tolerance; general phases between complex rows
 * are not looked for. For columns, exchange rows and columns of the layout. Called by scan/. 0/1 functions: columns.h. */
#ifndef EG_REDUCE_PARALLEL_ROWS_H
#define EG_REDUCE_PARALLEL_ROWS_H

#include "backend/backend.h"
#include "backend/vector_set.h"

/* Row i is factor * row representative[class_of_row[i]], the factor being real and at most 1 in size, for complex rows times 1, i,
 * -1 or -i. The weight is the sum of |factor|^2 over the class, within 5 * 2^-53 of itself, or exact. Classes and blocks are
 * numbered by their first rows; rows of two blocks have no column in which both are not zero. */
typedef struct eg_row_classes {
    uint64_t rows;
    uint64_t count;           /* classes of non-zero rows */
    uint32_t *class_of_row;   /* rows; EG_ZERO_VECTOR for zero rows */
    uint32_t *representative; /* count: a row, the largest of its class */
    double *weight;           /* count: sum over the class of |factor|^2 relative to the representative */
    bool exact_weights;       /* all factors are units (+-1, +-i) */
    uint64_t blocks;
    uint32_t *block_of_class; /* count */
    eg_budget *budget;
} eg_row_classes;

/* The function is read on the host, on whatever device its spectra are computed. *found = false, with nothing allocated, when no
 * two rows are parallel, none is zero and there is one block: as a rule that is seen in the first 16 columns. Else up to two passes
 * over M; about 40 bytes a row and 1 MiB (a column, if that is more) while they last. The same for all numbers of threads. At most
 * 2^31 rows (EEGPU_USAGE). */
EG_MUST eg_find_row_classes(const eegpu_state *state, const eg_matrix_layout *layout, int threads, bool *found,
                            eg_row_classes *classes);

/* As eg_gather_columns() of backend/gather.h. */
typedef eegpu_status eg_gather_function(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count,
                                        double *panel, int threads);

/* The same with another gather, and when hashes of rows have only the bits of hash_mask: rows whose hashes are equal by chance may
 * stay in classes of their own, and nothing else may go wrong (for tests). */
EG_MUST eg_find_row_classes_hashed(eg_gather_function *gather, const eegpu_state *state, const eg_matrix_layout *layout,
                                   int threads, uint64_t hash_mask, bool *found, eg_row_classes *classes);

void eg_row_classes_free(eg_row_classes *classes);

#endif
