/* The solvers of the CPU back end. Comes in: matrices, destroyed; goes out: their eigenvalues or singular values, and on demand
 * singular vectors. A single problem has all threads of the lane; many small ones go side by side, a thread each. Called through
 * the table in cpu.c, for vectors by scan/schmidt.c; does not check what comes out. */
#include "backend/lapack.h"

#include <stdatomic.h>

#include "backend/blas.h"
#include "backend/tuning.h"
#include "base/parallel.h"

/* One call of the eigenvalue driver; with lwork = -1 it answers the sizes that it wants in work[0], rwork[0], iwork[0]. */
static int call_eigenvalues(const eg_blas *blas, bool is_complex, bool staged, int n, double *matrix, double *values, double *work,
                            int lwork, double *rwork, int lrwork, int *iwork, int liwork)
{
    int info = 0;
    eg_blas_enter(blas);
    if (is_complex)
        (staged ? blas->zheevd_2stage : blas->zheevd)("N", "L", &n, matrix, &n, values, work, &lwork, rwork, &lrwork, iwork,
                                                      &liwork, &info, 1, 1);
    else
        (staged ? blas->dsyevd_2stage : blas->dsyevd)("N", "L", &n, matrix, &n, values, work, &lwork, iwork, &liwork, &info, 1, 1);
    eg_blas_leave(blas);
    return info;
}

/* Workspace as one block of doubles: work, then rwork, then iwork. */
typedef struct eigen_sizes {
    int work, rwork, iwork;
    uint64_t doubles;
} eigen_sizes;

static eegpu_status query_eigenvalues(const eg_blas *blas, bool is_complex, bool staged, int n, eigen_sizes *sizes)
{
    double work[2] = {0}, rwork[1] = {0}, unused[2] = {0};
    int iwork[1] = {0};
    int info = call_eigenvalues(blas, is_complex, staged, n, unused, unused, work, -1, rwork, -1, iwork, -1);
    if (info != 0)
        return eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: the workspace query failed (info %d)", n, n, info);
    sizes->work = work[0] < 1 ? 1 : (int)work[0];
    sizes->rwork = is_complex ? (rwork[0] < 1 ? 1 : (int)rwork[0]) : 0;
    sizes->iwork = iwork[0] < 1 ? 1 : iwork[0];
    sizes->doubles = (uint64_t)sizes->work * (is_complex ? 2 : 1) + (uint64_t)sizes->rwork + ((uint64_t)sizes->iwork + 1) / 2;
    return EEGPU_OK;
}

eegpu_status eg_eigenvalues_by(eg_budget *budget, bool staged, const eg_eigen_problem *problem)
{
    const eg_blas *blas = NULL;
    double *work = NULL;
    eigen_sizes sizes = {0};
    bool is_complex = problem->is_complex;
    int n = problem->n;
    eegpu_status status = eg_blas_load(&blas);
    if (status != EEGPU_OK)
        return status;
    EG_TRY(query_eigenvalues(blas, is_complex, staged, n, &sizes));
    EG_TRY(
        eg_allocate(budget, sizes.doubles + 8 * (uint64_t)n + 64, sizeof *work, "the workspace of the eigenvalue solver", &work));
    double *rwork = work + (uint64_t)sizes.work * (is_complex ? 2 : 1);
    int *iwork = (int *)(rwork + sizes.rwork);
    int info = call_eigenvalues(blas, is_complex, staged, n, problem->matrix, problem->values, work, sizes.work, rwork, sizes.rwork,
                                iwork, sizes.iwork);
    if (info != 0)
        status = eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: LAPACK did not converge (info %d); try --method svd", n,
                         n, info);
done:
    eg_release(budget, work);
    return status;
}

typedef struct problem_list {
    eg_budget *budget;
    const eg_eigen_problem *problems;
    atomic_size_t failed; /* lowest number of those that failed; SIZE_MAX: none */
} problem_list;

static eegpu_status solve_range(void *context, uint64_t first, uint64_t last, int worker)
{
    problem_list *list = context;
    (void)worker;
    for (uint64_t i = first; i < last; i++) {
        const eg_eigen_problem *problem = &list->problems[i];
        eg_driver driver = eg_tuning_driver(problem->is_complex, problem->n, 1);
        eegpu_status status = eg_eigenvalues_by(list->budget, driver.two_stage, problem);
        size_t lowest = atomic_load(&list->failed);
        if (status == EEGPU_OK)
            continue;
        while (i < lowest && !atomic_compare_exchange_weak(&list->failed, &lowest, i))
            continue;
        return status;
    }
    return EEGPU_OK;
}

/* One problem alone has all threads; others go side by side. */
eegpu_status eg_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    problem_list list = {.budget = lane->device->budget, .problems = problems, .failed = SIZE_MAX};
    *failed = 0;
    bool alone = count == 1 && problems->alone;
    eg_driver driver = alone ? eg_tuning_driver(problems->is_complex, problems->n, lane->threads) : (eg_driver){0};
    eg_blas_set_threads(driver.all_threads ? lane->threads : 1);
    if (alone)
        return eg_eigenvalues_by(list.budget, driver.two_stage, problems);
    eegpu_status status = eg_parallel_for(lane->threads, count, 1, solve_range, &list);
    *failed = status == EEGPU_OK ? 0 : atomic_load(&list.failed);
    return status;
}

static int call_singular(const eg_blas *blas, bool is_complex, bool vectors, int m, int n, double *matrix, double *values,
                         double *u, double *vh, double *work, int lwork, double *rwork, int *iwork)
{
    int info = 0, r = m < n ? m : n;
    const char *job = vectors ? "S" : "N";
    eg_blas_enter(blas);
    if (is_complex)
        blas->zgesdd(job, &m, &n, matrix, &m, values, u, &m, vh, &r, work, &lwork, rwork, iwork, &info, 1);
    else
        blas->dgesdd(job, &m, &n, matrix, &m, values, u, &m, vh, &r, work, &lwork, iwork, &info, 1);
    eg_blas_leave(blas);
    return info;
}

static eegpu_status singular_sizes(const eg_blas *blas, bool is_complex, bool vectors, int m, int n, int *lwork, uint64_t *rwork)
{
    double work[2] = {0}, unused[2] = {0};
    int iwork[8] = {0},
        info = call_singular(blas, is_complex, vectors, m, n, unused, unused, unused, unused, work, -1, unused, iwork);
    if (info != 0 || work[0] > 2147483647.)
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "singular values of a %d x %d matrix: LAPACK cannot take this size (its workspace passes 2^31 numbers); try "
                       "--method gram",
                       m, n);
    *lwork = work[0] < 1 ? 1 : (int)work[0];
    uint64_t small = (uint64_t)(m < n ? m : n), large = (uint64_t)(m < n ? n : m);
    uint64_t by_small = 5 * small * small + 7 * small, by_large = 2 * large * small + 2 * small * small + small;
    *rwork = !is_complex ? 0 : !vectors ? 7 * small : by_small > by_large ? by_small : by_large; /* zgesdd's documentation */
    return EEGPU_OK;
}

static eegpu_status singular(eg_lane *lane, bool is_complex, bool vectors, int m, int n, double *matrix, double *values, double *u,
                             double *vh)
{
    eg_budget *budget = lane->device->budget;
    const eg_blas *blas = NULL;
    double *work = NULL, unused[2];
    int lwork = 0;
    uint64_t rwork = 0, small = (uint64_t)(m < n ? m : n);
    eegpu_status status = eg_blas_load(&blas);
    if (status != EEGPU_OK)
        return status;
    eg_blas_set_threads(lane->threads);
    EG_TRY(singular_sizes(blas, is_complex, vectors, m, n, &lwork, &rwork));
    uint64_t complex_work = (uint64_t)lwork * (is_complex ? 2 : 1);
    EG_TRY(
        eg_allocate(budget, complex_work + rwork + 4 * small, sizeof *work, "the workspace of the singular value solver", &work));
    int info = call_singular(blas, is_complex, vectors, m, n, matrix, values, u ? u : unused, vh ? vh : unused, work, lwork,
                             work + complex_work, (int *)(work + complex_work + rwork));
    if (info != 0)
        status = eg_fail(EEGPU_NUMERICS, "singular values of a %d x %d matrix: LAPACK did not converge (info %d)", m, n, info);
done:
    eg_release(budget, work);
    return status;
}

eegpu_status eg_singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    return singular(lane, is_complex, false, m, n, matrix, values, NULL, NULL);
}

eegpu_status eg_singular_vectors(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values, double *u,
                                 double *vh)
{
    return singular(lane, is_complex, true, m, n, matrix, values, u, vh);
}
