/* Eigenvalues of many Hermitian matrices on the GPU. Comes in: problems with matrices of the device, destroyed; goes out: values on
 * the host. Small matrices are solved in batches, middle ones side by side on several streams, large ones one after another: each
 * fills the device. Which way a matrix goes depends on itself alone, unless memory is short: then fewer go at a time. Called
 * through the table of plugin.c. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/cuda/solver.h"
#include "base/bits.h"
#include "base/parallel.h"

enum { SIDE_BEFORE_13 = 23000 }; /* largest n that libraries before CUDA 13 are known to take */

typedef const eg_eigen_problem *problem_pointer;

static uint64_t matrix_bytes(problem_pointer problem)
{
    return (uint64_t)problem->n * (uint64_t)problem->n * (problem->is_complex ? 16 : 8);
}

static cudaDataType type_of(problem_pointer problem) { return problem->is_complex ? CUDA_C_64F : CUDA_R_64F; }

static eegpu_status check(problem_pointer problem, int info)
{
    char what[64];
    snprintf(what, sizeof what, "eigenvalues of a %d x %d matrix", problem->n, problem->n);
    return eg_cuda_solve_check(info, (uint64_t)problem->n, problem->values, what, "svd");
}

/* ---- One matrix ---- */

/* *begun: the matrix may be destroyed. */
static eegpu_status solve_one(eg_lane *lane, problem_pointer problem, bool *begun)
{
    static const char doing[] = "computing eigenvalues (cusolverDnXsyevd)";
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    cudaDataType type = type_of(problem);
    int64_t n = problem->n;
    eg_cuda_solve room = {0};
    int info = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_solver_can(problem->n, problem->n, SIDE_BEFORE_13));
    EG_TRY(eg_cuda_solve_begin(lane, 1, (uint64_t)n, &room));
    EG_TRY(eg_cusolver_check(cusolverDnXsyevd_bufferSize(own->solver, own->parameters, CUSOLVER_EIG_MODE_NOVECTOR,
                                                         CUBLAS_FILL_MODE_LOWER, n, type, problem->matrix, n, CUDA_R_64F,
                                                         room.values, type, &room.device_bytes, &room.host_bytes),
                             doing));
    EG_TRY(eg_cuda_solve_workspace(lane, &room));
    *begun = true;
    EG_TRY(eg_cusolver_check(cusolverDnXsyevd(own->solver, own->parameters, CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER, n,
                                              type, problem->matrix, n, CUDA_R_64F, room.values, type, room.device,
                                              room.device_bytes, room.host, room.host_bytes, room.info),
                             doing));
    EG_TRY(eg_cuda_fetch(lane, room.info, sizeof info, &info));
    EG_TRY(eg_cuda_fetch(lane, room.values, (uint64_t)n * sizeof(double), problem->values));
    EG_TRY(check(problem, info));
done:
    eg_cuda_solve_end(lane, status, &room);
    return status;
}

/* With all the memory that can be had. */
static eegpu_status solve_alone(eg_lane *lane, problem_pointer problem)
{
    bool begun = false;
    eegpu_status status = solve_one(lane, problem, &begun);
    if (status != EEGPU_OUT_OF_MEMORY || begun)
        return status;
    eg_cuda_trim(lane);
    return solve_one(lane, problem, &begun);
}

/* ---- Batches of small matrices ---- */

static eegpu_status batch_workspace(eg_lane *lane, problem_pointer problem, size_t count, const double *matrices,
                                    eg_cuda_solve *room)
{
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    return eg_cusolver_check(cusolverDnXsyevBatched_bufferSize(own->solver, own->parameters, CUSOLVER_EIG_MODE_NOVECTOR,
                                                               CUBLAS_FILL_MODE_LOWER, problem->n, type_of(problem), matrices,
                                                               problem->n, CUDA_R_64F, room->values, type_of(problem),
                                                               &room->device_bytes, &room->host_bytes, (int64_t)count),
                             "sizing a batch of matrices (cusolverDnXsyevBatched)");
}

/* How many may go at once, alike whatever the memory: bounded by the copies, by the workspace and by the library. */
static eegpu_status batch_limit(eg_lane *lane, problem_pointer problem, size_t count, size_t *limit)
{
    uint64_t by_copies = EG_BATCH_BYTES / matrix_bytes(problem);
    size_t most = by_copies < EG_MOST_BATCH ? (size_t)by_copies : EG_MOST_BATCH;
    eg_cuda_solve room = {.values = problem->matrix}; /* any place: nothing is written */
    for (*limit = count < most ? count : most; *limit > 1; *limit /= 2) {
        eegpu_status status = batch_workspace(lane, problem, *limit, problem->matrix, &room);
        if (status != EEGPU_OK || room.device_bytes <= EG_BATCH_BYTES)
            return status;
    }
    return EEGPU_OK;
}

/* Values and report of each problem. *bad: the first one that is not solved. */
static eegpu_status read_batch(eg_lane *lane, const problem_pointer *problem, size_t count, const eg_cuda_solve *room, size_t *bad)
{
    size_t n = (size_t)problem[0]->n;
    double *values = NULL;
    int *info = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(NULL, count * n, sizeof *values, "the eigenvalues of a batch", &values));
    EG_TRY(eg_allocate(NULL, count, sizeof *info, "the reports of a batch", &info));
    EG_TRY(eg_cuda_fetch(lane, room->info, count * sizeof *info, info));
    EG_TRY(eg_cuda_fetch(lane, room->values, count * n * sizeof *values, values));
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < n; i++)
            problem[k]->values[i] = values[k * n + i];
        *bad = k;
        EG_TRY(check(problem[k], info[k]));
    }
done:
    eg_release(NULL, values);
    eg_release(NULL, info);
    return status;
}

/* The matrices are copied, so after a failure they are as before. */
static eegpu_status solve_batch(eg_lane *lane, const problem_pointer *problem, size_t count, size_t *bad)
{
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    cudaDataType type = type_of(problem[0]);
    int64_t n = problem[0]->n;
    uint64_t bytes = matrix_bytes(problem[0]);
    eg_cuda_solve room = {0};
    double *copies = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_solve_begin(lane, count, (uint64_t)n, &room));
    EG_TRY(eg_cuda_allocate(lane, count, bytes, "a batch of matrices", &copies));
    EG_TRY(batch_workspace(lane, problem[0], count, copies, &room));
    EG_TRY(eg_cuda_solve_workspace(lane, &room));
    for (size_t k = 0; k < count; k++)
        EG_TRY(eg_cuda_check(cudaMemcpyAsync(copies + k * (bytes / sizeof *copies), problem[k]->matrix, bytes,
                                             cudaMemcpyDeviceToDevice, own->stream),
                             "copying matrices into a batch"));
    EG_TRY(
        eg_cusolver_check(cusolverDnXsyevBatched(own->solver, own->parameters, CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER,
                                                 n, type, copies, n, CUDA_R_64F, room.values, type, room.device, room.device_bytes,
                                                 room.host, room.host_bytes, room.info, (int64_t)count),
                          "computing eigenvalues of a batch (cusolverDnXsyevBatched)"));
    EG_TRY(read_batch(lane, problem, count, &room, bad));
done:
    eg_cuda_solve_end(lane, status, &room);
    eg_cuda_release(lane, copies);
    return status;
}

/* Problems of one kind, in batches of about the same size. Short of memory: trim, then halve, then one by one in the other way. */
static eegpu_status solve_group(eg_lane *lane, const problem_pointer *problem, size_t count, problem_pointer *failed)
{
    size_t batch = 0, now = 0;
    bool trimmed = false;
    eegpu_status status = EEGPU_OK;
    *failed = problem[0];
    EG_TRY(batch_limit(lane, problem[0], count, &batch));
    batch = eg_ceil_div(count, eg_ceil_div(count, batch));
    for (size_t first = 0; first < count; first += now) {
        size_t bad = 0;
        now = batch < count - first ? batch : count - first;
        status = solve_batch(lane, problem + first, now, &bad);
        *failed = problem[first + bad];
        if (status == EEGPU_OUT_OF_MEMORY && now > 1) {
            eg_cuda_trim(lane);
            batch = trimmed ? now / 2 : now;
            trimmed = true;
            now = 0;
            continue;
        }
        if (status == EEGPU_OUT_OF_MEMORY)
            status = solve_alone(lane, problem[first]);
        EG_TRY(status);
    }
done:
    return status;
}

/* n = 1: the value is the real part of the only entry. */
static eegpu_status read_ones(eg_lane *lane, const problem_pointer *problem, size_t count, problem_pointer *failed)
{
    double *together = NULL, *values = NULL;
    eegpu_status status = EEGPU_OK;
    *failed = problem[0];
    EG_TRY(eg_allocate(NULL, count, sizeof *values, "the eigenvalues of a batch", &values));
    EG_TRY(eg_cuda_allocate(lane, count, sizeof *together, "a batch of matrices", &together));
    for (size_t k = 0; k < count; k++)
        EG_TRY(eg_cuda_check(cudaMemcpyAsync(together + k, problem[k]->matrix, sizeof *together, cudaMemcpyDeviceToDevice,
                                             eg_cuda_lane_of(lane)->stream),
                             "copying matrices into a batch"));
    EG_TRY(eg_cuda_fetch(lane, together, count * sizeof *values, values));
    for (size_t k = 0; k < count; k++) {
        *failed = problem[k];
        problem[k]->values[0] = values[k];
        EG_TRY(check(problem[k], 0));
    }
done:
    eg_cuda_release(lane, together);
    eg_release(NULL, values);
    return status;
}

/* ---- Side by side ---- */

typedef struct side_by_side {
    eg_lane *lanes[1 + EG_MOST_HELPERS]; /* the first is the caller's */
    int count;
    const problem_pointer *problem;
    bool *is_left;        /* had no memory, for each problem */
    pthread_mutex_t lock; /* guards `failed` */
    size_t failed;        /* lowest number of those that failed */
} side_by_side;

static eegpu_status solve_range(void *context, uint64_t first, uint64_t last, int worker)
{
    side_by_side *job = context;
    for (uint64_t k = first; k < last; k++) {
        bool begun = false;
        eegpu_status status = eg_cuda_enter(job->lanes[worker]->device);
        if (status == EEGPU_OK)
            status = solve_one(job->lanes[worker], job->problem[k], &begun);
        job->is_left[k] = status == EEGPU_OUT_OF_MEMORY && !begun;
        if (status == EEGPU_OK || job->is_left[k])
            continue;
        pthread_mutex_lock(&job->lock);
        job->failed = k < job->failed ? k : job->failed;
        pthread_mutex_unlock(&job->lock);
        return status;
    }
    return EEGPU_OK;
}

/* As many helpers as are of use and can be had; without any, the caller's lane does it all. */
static void find_helpers(side_by_side *job, size_t problems)
{
    while (job->count <= EG_MOST_HELPERS && (size_t)job->count < problems) {
        job->lanes[job->count] = eg_cuda_borrow_lane(job->lanes[0]->device);
        if (job->lanes[job->count] == NULL)
            return;
        job->count++;
    }
}

static eegpu_status solve_side_by_side(eg_lane *lane, const problem_pointer *problem, size_t count, problem_pointer *failed)
{
    side_by_side job = {.lanes = {lane}, .count = 1, .problem = problem, .failed = count};
    eegpu_status status = EEGPU_OK;
    pthread_mutex_init(&job.lock, NULL);
    *failed = problem[0];
    EG_TRY(eg_allocate_zero(NULL, count, sizeof *job.is_left, "the list of matrices to do again", &job.is_left));
    EG_TRY(eg_cuda_wait(lane)); /* what it has made, others may use now */
    find_helpers(&job, count);
    status = eg_parallel_for(job.count, count, 1, solve_range, &job);
    *failed = problem[job.failed < count ? job.failed : 0];
    for (size_t k = 0; k < count && status == EEGPU_OK; k++) {
        if (!job.is_left[k])
            continue;
        *failed = problem[k];
        status = solve_alone(lane, problem[k]);
    }
done:
    while (job.count > 1)
        eg_cuda_give_lane_back(job.lanes[--job.count]);
    pthread_mutex_destroy(&job.lock);
    eg_release(NULL, job.is_left);
    return status;
}

/* ---- All problems ---- */

/* Large ones first; those of one kind together, in the order in which they came. */
static int compare(const void *left, const void *right)
{
    problem_pointer a = *(const problem_pointer *)left, b = *(const problem_pointer *)right;
    if (a->n != b->n)
        return a->n < b->n ? 1 : -1;
    if (a->is_complex != b->is_complex)
        return a->is_complex ? 1 : -1;
    if (a->alone != b->alone)
        return a->alone ? 1 : -1;
    return a < b ? -1 : a > b;
}

/* Small ones that need not be alone go in batches, even of one: what is beside a matrix must not change its bits. *rest is then how
 * many problems, moved to the front, are left. */
static eegpu_status solve_small(eg_lane *lane, problem_pointer *problem, size_t count, size_t *rest, problem_pointer *failed)
{
    size_t group = 0;
    *rest = 0;
    for (size_t first = 0; first < count; first += group) {
        problem_pointer kind = problem[first];
        for (group = 1; first + group < count; group++) {
            problem_pointer next = problem[first + group];
            if (next->n != kind->n || next->is_complex != kind->is_complex || next->alone != kind->alone)
                break;
        }
        if (kind->n > EG_BATCHED_UP_TO || (kind->alone && kind->n > 1)) {
            for (size_t k = 0; k < group; k++)
                problem[(*rest)++] = problem[first + k];
            continue;
        }
        eegpu_status status = (kind->n == 1 ? read_ones : solve_group)(lane, problem + first, group, failed);
        if (status != EEGPU_OK)
            return status;
    }
    return EEGPU_OK;
}

eegpu_status eg_cuda_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    problem_pointer *order = NULL, culprit = problems;
    size_t rest = 0, large = 0;
    eegpu_status status = EEGPU_OK;
    *failed = 0;
    if (count == 0)
        return EEGPU_OK;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_allocate(NULL, count, sizeof *order, "the order of the matrices", &order));
    for (size_t k = 0; k < count; k++)
        order[k] = problems + k;
    qsort(order, count, sizeof *order, compare);
    EG_TRY(solve_small(lane, order, count, &rest, &culprit));
    for (; large < rest && order[large]->n >= EG_ALONE_FROM; large++) {
        culprit = order[large];
        EG_TRY(solve_alone(lane, order[large]));
    }
    if (large < rest)
        EG_TRY(solve_side_by_side(lane, order + large, rest - large, &culprit));
done:
    *failed = (size_t)(culprit - problems);
    eg_release(NULL, order);
    return status;
}
