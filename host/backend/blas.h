/* The BLAS and LAPACK of this process: OpenBLAS, loaded at run time, so that its kernels can be chosen before it starts and its
 * absence is a message. Fortran interface (LAPACK Users' Guide), 32-bit integers, hidden string lengths last. Called by
 * cpu.c, lapack.c and the tests' emulation of CUDA; knows nothing of matrices of cuts. */
#ifndef EG_BACKEND_BLAS_H
#define EG_BACKEND_BLAS_H

#include "base/status.h"

typedef const char *eg_flag; /* a one-character option */
typedef const int *eg_int;

typedef struct eg_blas {
    void (*dsyrk)(eg_flag uplo, eg_flag trans, eg_int n, eg_int k, const double *alpha, const double *a, eg_int lda,
                  const double *beta, double *c, eg_int ldc, size_t, size_t);
    void (*zherk)(eg_flag uplo, eg_flag trans, eg_int n, eg_int k, const double *alpha, const double *a, eg_int lda,
                  const double *beta, double *c, eg_int ldc, size_t, size_t);
    void (*dsytrd)(eg_flag uplo, eg_int n, double *a, eg_int lda, double *d, double *e, double *tau, double *work, eg_int lwork,
                   int *info, size_t);
    void (*zhetrd)(eg_flag uplo, eg_int n, double *a, eg_int lda, double *d, double *e, double *tau, double *work, eg_int lwork,
                   int *info, size_t);
    void (*dsyevd_2stage)(eg_flag jobz, eg_flag uplo, eg_int n, double *a, eg_int lda, double *w, double *work, eg_int lwork,
                          int *iwork, eg_int liwork, int *info, size_t, size_t);
    void (*zheevd_2stage)(eg_flag jobz, eg_flag uplo, eg_int n, double *a, eg_int lda, double *w, double *work, eg_int lwork,
                          double *rwork, eg_int lrwork, int *iwork, eg_int liwork, int *info, size_t, size_t);
    void (*dgesdd)(eg_flag jobz, eg_int m, eg_int n, double *a, eg_int lda, double *s, double *u, eg_int ldu, double *vt,
                   eg_int ldvt, double *work, eg_int lwork, int *iwork, int *info, size_t);
    void (*zgesdd)(eg_flag jobz, eg_int m, eg_int n, double *a, eg_int lda, double *s, double *u, eg_int ldu, double *vt,
                   eg_int ldvt, double *work, eg_int lwork, double *rwork, int *iwork, int *info, size_t);
    void (*set_threads)(int threads); /* may be NULL: a library without OpenBLAS's controls */
    char *(*get_corename)(void);      /* may be NULL */
    char *(*get_config)(void);        /* may be NULL */
    int (*get_parallel)(void);        /* may be NULL; 0: a serial build, whose LAPACK is not safe from several threads */
    bool serialised;
} eg_blas;

/* The library, loaded by the first call. EEGPU_NO_DEVICE with the reason when there is none. Thread-safe. */
EG_MUST eg_blas_load(const eg_blas **blas);

/* Around every call into a serialised library; no-ops otherwise. */
void eg_blas_enter(const eg_blas *blas);
void eg_blas_leave(const eg_blas *blas);

/* Threads that the next calls of the process may use; costs nothing when the number is the same. Thread-safe. */
void eg_blas_set_threads(int threads);

#endif
