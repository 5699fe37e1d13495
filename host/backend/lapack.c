/* The solvers of the CPU back end. Comes in: matrices, destroyed; goes out: their eigenvalues or singular values, and on demand
 * singular vectors. A single problem has all threads of the lane; many small ones go side by side, a thread each. Called through
 * the table in cpu.c, for vectors by scan/schmidt.c; does not check what comes out. */
#include "backend/lapack.h"

#include <stdatomic.h>
#include <string.h>

#include "backend/blas.h"
#include "backend/tridiagonal.h"
#include "backend/tuning.h"
#include "base/bits.h"
#include "base/parallel.h"

/* ---- Eigenvalues in two stages, by LAPACK alone ---- */

/* One call of the driver; with lwork = -1 it answers the sizes that it wants in work[0], rwork[0], iwork[0]. */
static int call_two_stage(const eg_blas *blas, bool is_complex, int n, double *matrix, double *values, double *work, int lwork,
                          double *rwork, int lrwork, int *iwork, int liwork)
{
    int info = 0;
    eg_blas_enter(blas);
    if (is_complex)
        blas->zheevd_2stage("N", "L", &n, matrix, &n, values, work, &lwork, rwork, &lrwork, iwork, &liwork, &info, 1, 1);
    else
        blas->dsyevd_2stage("N", "L", &n, matrix, &n, values, work, &lwork, iwork, &liwork, &info, 1, 1);
    eg_blas_leave(blas);
    return info;
}

static eegpu_status not_converged(int n, int info)
{
    return eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: no convergence (info %d); try --method svd", n, n, info);
}

static eegpu_status solve_two_stage(const eg_blas *blas, eg_budget *budget, const eg_eigen_problem *problem)
{
    bool is_complex = problem->is_complex;
    int n = problem->n, iwork_wanted[1] = {0};
    double work_wanted[2] = {0}, rwork_wanted[1] = {0}, unused[2] = {0}, *work = NULL;
    int info = call_two_stage(blas, is_complex, n, unused, unused, work_wanted, -1, rwork_wanted, -1, iwork_wanted, -1);
    eegpu_status status = EEGPU_OK;
    if (info != 0)
        return eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: the workspace query failed (info %d)", n, n, info);
    int lwork = work_wanted[0] < 1 ? 1 : (int)work_wanted[0], liwork = iwork_wanted[0] < 1 ? 1 : iwork_wanted[0];
    int lrwork = !is_complex ? 0 : rwork_wanted[0] < 1 ? 1 : (int)rwork_wanted[0];
    uint64_t numbers = (uint64_t)lwork * (is_complex ? 2 : 1);
    EG_TRY(eg_allocate(budget, numbers + (uint64_t)lrwork + (uint64_t)liwork + 8 * (uint64_t)n + 64, sizeof *work,
                       "the workspace of the eigenvalue solver", &work));
    info = call_two_stage(blas, is_complex, n, problem->matrix, problem->values, work, lwork, work + numbers, lrwork,
                          (int *)(work + numbers + lrwork), liwork);
    if (info != 0)
        status = not_converged(n, info);
done:
    eg_release(budget, work);
    return status;
}

/* ---- Eigenvalues in one stage: a tridiagonal matrix by LAPACK, its values by tridiagonal.c, many at once ---- */

/* The tridiagonal matrix of a problem. */
static eegpu_status reduce_to_tridiagonal(const eg_blas *blas, eg_budget *budget, const eg_eigen_problem *problem, double *diagonal,
                                          double *below)
{
    int n = problem->n, lwork = -1, info = 0;
    uint64_t unit = problem->is_complex ? 2 : 1;
    double wanted[2] = {0}, unused[2] = {0}, *work = NULL;
    void (*reduce)(eg_flag, eg_int, double *, eg_int, double *, double *, double *, double *, eg_int, int *, size_t) =
        problem->is_complex ? blas->zhetrd : blas->dsytrd;
    eegpu_status status = EEGPU_OK;
    eg_blas_enter(blas);
    reduce("L", &n, unused, &n, unused, unused, unused, wanted, &lwork, &info, 1);
    eg_blas_leave(blas);
    if (info != 0)
        return eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: the workspace query failed (info %d)", n, n, info);
    lwork = wanted[0] < 1 ? 1 : (int)wanted[0];
    EG_TRY(eg_allocate(budget, unit * ((uint64_t)n + (uint64_t)lwork) + 8 * (uint64_t)n + 64, sizeof *work,
                       "the workspace of the eigenvalue solver", &work));
    eg_blas_enter(blas);
    reduce("L", &n, problem->matrix, &n, diagonal, below, work, work + unit * (uint64_t)n, &lwork, &info, 1);
    eg_blas_leave(blas);
    if (info != 0)
        status = eg_fail(EEGPU_NUMERICS, "eigenvalues of a %d x %d matrix: its reduction failed (info %d)", n, n, info);
done:
    eg_release(budget, work);
    return status;
}

typedef struct problem_list {
    const eg_blas *blas;
    eg_budget *budget;
    const eg_eigen_problem *problems;
    double *space;            /* rows, diagonal and entries below of each problem */
    eg_tridiagonal *matrices; /* of the problems, in their order; n = 0: solved in two stages */
    atomic_size_t failed;     /* lowest number of those that failed; SIZE_MAX: none */
} problem_list;

static void note_failure(problem_list *list, size_t number)
{
    size_t lowest = atomic_load(&list->failed);
    while (number < lowest && !atomic_compare_exchange_weak(&list->failed, &lowest, number))
        continue;
}

static eegpu_status reduce_range(void *context, uint64_t first, uint64_t last, int worker)
{
    problem_list *list = context;
    (void)worker;
    for (uint64_t i = first; i < last; i++) {
        const eg_tridiagonal *matrix = &list->matrices[i];
        eegpu_status status =
            matrix->n == 0 ? solve_two_stage(list->blas, list->budget, &list->problems[i])
                           : reduce_to_tridiagonal(list->blas, list->budget, &list->problems[i], matrix->diagonal, matrix->below);
        if (status == EEGPU_OK)
            continue;
        note_failure(list, i);
        return status;
    }
    return EEGPU_OK;
}

static eegpu_status solve_range(void *context, uint64_t first, uint64_t last, int worker)
{
    problem_list *list = context;
    (void)worker;
    size_t failed = eg_tridiagonal_values(eg_tridiagonal_best(), list->matrices + first, last - first);
    for (uint64_t i = first; i < last; i++)
        if (list->matrices[i].n > 0)
            memcpy(list->problems[i].values, list->matrices[i].diagonal, (size_t)list->matrices[i].n * sizeof(double));
    if (failed == SIZE_MAX)
        return EEGPU_OK;
    note_failure(list, first + failed);
    return not_converged(list->matrices[first + failed].n, 1);
}

/* A matrix of n = 0 asks for nothing. */
static eegpu_status lay_out(eg_budget *budget, size_t count, const bool *two_stage, problem_list *list)
{
    uint64_t numbers = 0;
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < count; i++)
        numbers += two_stage[i] ? 0 : 4 * (uint64_t)list->problems[i].n;
    EG_TRY(eg_allocate(budget, numbers, sizeof *list->space, "tridiagonal matrices", &list->space));
    EG_TRY(eg_allocate(NULL, count, sizeof *list->matrices, "the list of tridiagonal matrices", &list->matrices));
    numbers = 0;
    for (size_t i = 0; i < count; i++) {
        int n = two_stage[i] ? 0 : list->problems[i].n;
        double *own = list->space + numbers;
        list->matrices[i] =
            (eg_tridiagonal){.n = n, .rows = (eg_tridiagonal_row *)(void *)own, .diagonal = own + 2 * n, .below = own + 3 * n};
        numbers += 4 * (uint64_t)n;
    }
done:
    return status;
}

static eegpu_status solve_list(eg_budget *budget, const eg_eigen_problem *problems, size_t count, const bool *two_stage,
                               int threads, size_t *failed)
{
    problem_list list = {.budget = budget, .problems = problems, .failed = SIZE_MAX};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_blas_load(&list.blas));
    EG_TRY(lay_out(budget, count, two_stage, &list));
    EG_TRY(eg_parallel_for(threads, count, 1, reduce_range, &list));
    EG_TRY(eg_parallel_for(threads, count, eg_ceil_div(count, (uint64_t)threads), solve_range, &list));
done:
    *failed = list.failed == SIZE_MAX ? 0 : list.failed;
    eg_release(budget, list.space);
    eg_release(NULL, list.matrices);
    return status;
}

eegpu_status eg_eigenvalues_by(eg_budget *budget, bool two_stage, const eg_eigen_problem *problem)
{
    size_t failed;
    return solve_list(budget, problem, 1, &two_stage, 1, &failed);
}

/* One problem alone has all threads; others go side by side. */
eegpu_status eg_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    bool is_alone = count == 1 && problems->alone, *two_stage = NULL;
    int threads = is_alone ? lane->threads : 1;
    eegpu_status status = EEGPU_OK;
    *failed = 0;
    EG_TRY(eg_allocate(NULL, count, sizeof *two_stage, "the list of eigenvalue problems", &two_stage));
    for (size_t i = 0; i < count; i++) {
        eg_driver driver = eg_tuning_driver(problems[i].is_complex, problems[i].n, threads);
        two_stage[i] = driver.two_stage;
        threads = is_alone && !driver.all_threads ? 1 : threads;
    }
    eg_blas_set_threads(threads);
    status = solve_list(lane->device->budget, problems, count, two_stage, is_alone ? 1 : lane->threads, failed);
done:
    eg_release(NULL, two_stage);
    return status;
}

/* ---- Singular values ---- */

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
