/* Eigenvalues and singular values by LAPACK: part of the CPU back end (cpu.c). Comes in: matrices on the host, destroyed; goes
 * out: values and vectors. The vectors, which are asked for one cut at a time and only of the CPU, are called by scan/schmidt.c
 * as well. Bounds of errors are elsewhere (spectrum/). */
#ifndef EG_BACKEND_LAPACK_H
#define EG_BACKEND_LAPACK_H

#include "backend/backend.h"

/* The table's entries. */
EG_MUST eg_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed);
EG_MUST eg_singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values);

/* One problem on the calling thread by one of the two drivers, with the threads that the BLAS was given; for measuring them. */
EG_MUST eg_eigenvalues_by(eg_budget *budget, bool two_stage, const eg_eigen_problem *problem);

/* With vectors: u is m x r, vh is r x n, column-major, r = min(m, n). */
EG_MUST eg_singular_vectors(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values, double *u, double *vh);

#endif
