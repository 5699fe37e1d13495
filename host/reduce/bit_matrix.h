/* What is left of the matrix of a cut of a 0/1 function when equal rows and equal columns are one: U of zeros and ones with a
 * multiplicity for every row and column, M = D_r^1/2 U D_c^1/2 up to isometries, and its independent blocks (paper, section IV).
 * Comes in: the distinct columns; goes out: blocks ready for an integer Gram matrix. Called by scan/. */
#ifndef EG_REDUCE_BIT_MATRIX_H
#define EG_REDUCE_BIT_MATRIX_H

#include "backend/columns.h"

typedef struct eg_bit_matrix {
    uint64_t rows, columns, words; /* words of 64 columns a row; spare bits 0 */
    uint64_t *bits;                /* rows * words */
    uint64_t *row_weight, *column_weight;
    eg_budget *budget;
} eg_bit_matrix;

/* Merge the rows; zero rows are left out. With `class_of_row` not NULL (2^s numbers) says which row each became, EG_ZERO_VECTOR for
 * zero rows; a row's number has the bits of the columns' places. */
EG_MUST eg_bit_matrix_of_columns(const eg_columns *columns, eg_budget *budget, uint32_t *class_of_row, eg_bit_matrix *matrix);

void eg_bit_matrix_free(eg_bit_matrix *matrix);

/* Independent blocks: connected components of the graph of rows and columns whose edges are the ones, numbered by first row. The
 * rows of block b are row[row_start[b]] to row[row_start[b+1]-1], its columns likewise. A block with one row has one column. */
typedef struct eg_bit_blocks {
    uint64_t count;
    uint64_t *row_start, *column_start;
    uint32_t *row, *column;
    uint32_t *number_of_column; /* within its block */
    eg_budget *budget;
} eg_bit_blocks;

EG_MUST eg_bit_matrix_split(const eg_bit_matrix *matrix, eg_bit_blocks *blocks);
void eg_bit_blocks_free(eg_bit_blocks *blocks);

/* Block b as a matrix of its own with no more rows than columns (transposed if need be; the weights go along). */
EG_MUST eg_bit_matrix_block(const eg_bit_matrix *matrix, const eg_bit_blocks *blocks, uint64_t b, eg_bit_matrix *part);

/* The same matrix with rows and columns exchanged. */
EG_MUST eg_bit_matrix_transpose(const eg_bit_matrix *matrix, eg_bit_matrix *transposed);

#endif
