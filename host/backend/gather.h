/* The parts of the CPU back end that are plain loops: comes in a state or a density matrix, goes out a panel or a smaller density
 * matrix. See the table in backend.h. Called by cpu.c; eg_gather_columns() also by reduce/parallel_rows.c and scan/schmidt.c, which
 * work on the host whatever the device. */
#ifndef EG_BACKEND_GATHER_H
#define EG_BACKEND_GATHER_H

#include "backend/backend.h"

EG_MUST eg_gather_columns(const eegpu_state *state, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel,
                          int threads);

EG_MUST eg_partial_trace(eg_budget *budget, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                         double *child, int threads);

#endif
