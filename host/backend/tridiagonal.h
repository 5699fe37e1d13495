/* Eigenvalues of real symmetric tridiagonal matrices, several matrices at a time in the lanes of vectors. Comes in: what a
 * Hermitian matrix has been reduced to; goes out: all eigenvalues. Called by lapack.c; makes no vectors. */
#ifndef EG_BACKEND_TRIDIAGONAL_H
#define EG_BACKEND_TRIDIAGONAL_H

#include "base/status.h"

/* A diagonal entry and the square of the entry below it: one row of a matrix. */
typedef double eg_tridiagonal_row __attribute__((vector_size(16)));

typedef struct eg_tridiagonal {
    int n;
    double *diagonal;         /* n; becomes the eigenvalues, ascending */
    double *below;            /* n - 1; read only */
    eg_tridiagonal_row *rows; /* n: working space */
} eg_tridiagonal;

/* Matrices that are worked on at once. */
enum { EG_TRIDIAGONAL_LANES = 8 };

/* The sweeps under way, one a lane (tridiagonal.c). */
typedef struct eg_sweeps eg_sweeps;

typedef struct eg_tridiagonal_kernel {
    const char *name;
    bool (*is_supported)(void);
    void (*advance)(eg_sweeps *sweeps, int64_t steps); /* every lane by so many rows */
} eg_tridiagonal_kernel;

/* All rows of the table, fastest first, also those that this CPU cannot run; the fastest one that it can. All give the same
 * bits. */
const eg_tridiagonal_kernel *eg_tridiagonal_kernels(size_t *count);
const eg_tridiagonal_kernel *eg_tridiagonal_best(void);

/* SIZE_MAX: all are solved; else the number of the first that did not converge, or holds a number that is not finite; the last
 * value of such a matrix is NAN. The bits of a matrix do not depend on which others are solved with it. */
size_t eg_tridiagonal_values(const eg_tridiagonal_kernel *kernel, const eg_tridiagonal *matrices, size_t count);

#endif
