/* The distinct columns of a cut of a 0/1 function: for a region S of s pixels, the vectors f(., b) of 2^s bits over all images b of
 * the other pixels, each once, with the number of b that show it. They hold all there is to know of rho_S = sum w v v^T, and the
 * columns of any smaller region inside S follow from them alone: split every vector, merge again. A whole 0/1 function is the case
 * of one vector. Called by the back ends, reduce/, measure/ and scan/. */
#ifndef EG_BACKEND_COLUMNS_H
#define EG_BACKEND_COLUMNS_H

#include "backend/vector_set.h"
#include "state/state.h"

typedef struct eg_columns {
    int size;                              /* s: a vector has 2^s bits; in one word for s < 6, the rest 0 */
    int pixel_of_bit[EG_MAX_DENSE_PIXELS]; /* which pixel is bit i of the place in a vector */
    eg_vector_set set;
} eg_columns;

/* A 0/1 state as one column; it borrows the state's bits and is not freed. */
void eg_columns_of_state(const eegpu_state *state, uint64_t *weight_of_one, eg_columns *whole);

/* The columns of the region `pixels` (bit i: pixel i), a non-empty subset of the parent's pixels. With `class_of_column` not NULL
 * (room for parent count * 2^(parent size - s) numbers) it says which vector each column became, EG_ZERO_VECTOR for zeros: column
 * number v * 2^(parent size - s) + x belongs to parent vector v and to the image of the pixels left out whose bits, in the parent's
 * order, are the binary digits of x. Time: one pass over the parent's bits. */
EG_MUST eg_columns_derive(const eg_columns *parent, uint64_t pixels, eg_budget *budget, uint32_t *class_of_column,
                          eg_columns *child);

/* `pixels` as bits of the place in a vector. */
uint64_t eg_columns_index_bits(const eg_columns *columns, uint64_t pixels);

void eg_columns_free(eg_columns *columns);

#endif
