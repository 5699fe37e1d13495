/* The amplitudes of a cut, reordered into columns of its matrix. Called by cpu.c. */
#ifndef EG_BACKEND_GATHER_H
#define EG_BACKEND_GATHER_H

#include "backend/backend.h"

EG_MUST eg_gather_columns(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel,
                          int threads);

#endif
