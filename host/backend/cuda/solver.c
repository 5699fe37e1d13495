/* Workspaces, values and reports of cuSOLVER calls. Comes in: the bytes that cuSOLVER asks for; goes out: buffers, and what the
 * report says in words. Also which sizes an older cuSOLVER must not be given. Called by eigenvalues.c and singular.c; knows
 * nothing of matrices. */
#include "backend/cuda/solver.h"

#include <math.h>

enum { FIRST_GOOD_VERSION = 12000 }; /* of cuSOLVER; CUDA 13.0 has 12.0 */

eegpu_status eg_cuda_solve_begin(eg_lane *lane, uint64_t count, uint64_t n, eg_cuda_solve *solve)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_allocate(lane, count * n, sizeof *solve->values, "the values of a matrix", &solve->values));
    EG_TRY(eg_cuda_allocate(lane, count, sizeof *solve->info, "the report of the solver", &solve->info));
done:
    return status;
}

eegpu_status eg_cuda_solve_workspace(eg_lane *lane, eg_cuda_solve *solve)
{
    eegpu_status status = EEGPU_OK;
    if (solve->device_bytes > 0)
        EG_TRY(eg_cuda_allocate(lane, solve->device_bytes, 1, "the workspace of the solver", &solve->device));
    if (solve->host_bytes > 0)
        EG_TRY(eg_allocate(NULL, solve->host_bytes, 1, "the host's workspace of the solver", &solve->host));
done:
    return status;
}

void eg_cuda_solve_end(eg_lane *lane, eegpu_status status, eg_cuda_solve *solve)
{
    if (status != EEGPU_OK)
        (void)cudaStreamSynchronize(eg_cuda_lane_of(lane)->stream); /* the first failure is the one to tell */
    eg_cuda_release(lane, solve->values);
    eg_cuda_release(lane, solve->info);
    eg_cuda_release(lane, solve->device);
    eg_release(NULL, solve->host);
    *solve = (eg_cuda_solve){0};
}

eegpu_status eg_cuda_solve_check(int info, uint64_t n, const double *values, const char *what, const char *other)
{
    if (info > 0)
        return eg_fail(EEGPU_NUMERICS, "%s: cuSOLVER did not converge (info %d); try --method %s or --device cpu", what, info,
                       other);
    if (info < 0)
        return eg_fail(EEGPU_NUMERICS, "%s: cuSOLVER refuses its argument number %d; try --device cpu", what, -info);
    for (uint64_t k = 0; k < n; k++)
        if (!isfinite(values[k]))
            return eg_fail(EEGPU_NUMERICS, "%s: cuSOLVER's value number %llu is %f; try --method %s or --device cpu", what,
                           (unsigned long long)k, values[k], other);
    return EEGPU_OK;
}

eegpu_status eg_cuda_solver_can(int m, int n, int side)
{
    int version = 0;
    if ((int64_t)m * n <= (int64_t)side * side)
        return EEGPU_OK;
    eegpu_status status = eg_cusolver_check(cusolverGetVersion(&version), "asking cuSOLVER for its version");
    if (status != EEGPU_OK || version >= FIRST_GOOD_VERSION)
        return status;
    return eg_fail(EEGPU_NO_DEVICE,
                   "the spectrum of a %d x %d matrix: cuSOLVER %d.%d cannot take this size; CUDA 13.0 or newer is needed, or try "
                   "--device cpu",
                   m, n, version / 1000, version % 1000 / 100);
}
