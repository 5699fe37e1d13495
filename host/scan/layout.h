/* The matrix of a cut of a dense state in index bits. Comes in: the pixels of the rows; goes out: which bits of the index are
 * rows and columns, in the order that density matrices of smaller regions share. Called by product.c and schmidt.c; moves no
 * amplitude. */
#ifndef EG_SCAN_LAYOUT_H
#define EG_SCAN_LAYOUT_H

#include "backend/backend.h"

/* Rows: the images of the pixels in `mask`; columns: those of the others. The lowest-numbered pixel of a side is the most
 * significant bit of its number. */
void eg_layout_of_region(const eegpu_state *state, const uint64_t *mask, eg_matrix_layout *layout);

#endif
