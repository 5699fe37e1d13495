/* The matrix of a cut of an image set: one row per distinct sub-image of A, one column per distinct sub-image of B, one entry an
 * image; then its exact reductions. Called by scan/; solves nothing. */
#ifndef EG_REDUCE_SPARSE_H
#define EG_REDUCE_SPARSE_H

#include "state/state.h"

/* Entry k stands at (row[k], column[k]) and is the square root of square[k], an integer: 1 or a multiplicity. */
typedef struct eg_sparse_matrix {
    uint64_t rows, columns, entries;
    uint32_t *row, *column;
    uint64_t *square;
    uint32_t *image_of_row, *image_of_column; /* an image of the set that shows the sub-image */
    eg_budget *budget;
} eg_sparse_matrix;

/* `mask`: the pixels of A. The matrix is the caller's, for eg_sparse_free(). */
EG_MUST eg_sparse_of_cut(const eegpu_state *state, const uint64_t *mask, eg_sparse_matrix *matrix);
void eg_sparse_free(eg_sparse_matrix *matrix);

/* Replace rows that are equal up to a factor by one of them, as long as all of them together, then columns likewise. The spectrum
 * stays: M = D_r^1/2 U D_c^1/2 up to isometries. Merging columns cannot make further rows equal, so one pass of each is complete.
 * The squares stay integers and their sum stays the same. */
EG_MUST eg_sparse_merge(eg_sparse_matrix *matrix);

/* Independent blocks: connected components of the graph of rows and columns whose edges are the entries (paper, section IV).
 * Entries come out grouped by block; block b has entries start[b] .. start[b+1]-1 and its rows and columns are numbered from 0. */
typedef struct eg_sparse_blocks {
    uint64_t count;
    uint64_t *start;          /* count + 1 */
    uint32_t *rows, *columns; /* of each block */
    eg_budget *budget;
} eg_sparse_blocks;

EG_MUST eg_sparse_split(eg_sparse_matrix *matrix, eg_sparse_blocks *blocks);

/* The whole matrix as one block, for comparisons without reductions. */
EG_MUST eg_sparse_whole(const eg_sparse_matrix *matrix, eg_sparse_blocks *blocks);

void eg_sparse_blocks_free(eg_sparse_blocks *blocks);

#endif
