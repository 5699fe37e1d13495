/* The matrix of a cut of a dense state in index bits. Called within scan/. */
#ifndef EG_SCAN_LAYOUT_H
#define EG_SCAN_LAYOUT_H

#include "backend/backend.h"

/* Rows: the images of the pixels in `mask`; columns: those of the others. The lowest-numbered pixel of a side is the most significant
 * bit of its number. */
void eg_layout_of_region(const eegpu_state *state, const uint64_t *mask, eg_matrix_layout *layout);

#endif
