/* What calls of cuSOLVER have in common: workspaces on device and host, values and the device's report, all given back together.
 * Comes in: sizes that cuSOLVER asks for; goes out: room, and a status for its report. Used by eigenvalues.c and singular.c
 * alone; calls no solver itself. */
#ifndef EG_BACKEND_CUDA_SOLVER_H
#define EG_BACKEND_CUDA_SOLVER_H

#include "backend/cuda/cuda.h"

typedef struct eg_cuda_solve {
    double *values; /* on the device */
    int *info;      /* on the device, one a problem */
    size_t device_bytes, host_bytes;
    void *device, *host;
} eg_cuda_solve;

/* Room for what `count` problems with n values each answer; then, with the bytes that cuSOLVER asks for filled in, the workspaces.
 * After a failure there is something to end. */
EG_MUST eg_cuda_solve_begin(eg_lane *lane, uint64_t count, uint64_t n, eg_cuda_solve *solve);
EG_MUST eg_cuda_solve_workspace(eg_lane *lane, eg_cuda_solve *solve);

/* After a failure it waits for the lane: cuSOLVER may still use the host's workspace, and the matrix. */
void eg_cuda_solve_end(eg_lane *lane, eegpu_status status, eg_cuda_solve *solve);

/* Is a problem solved? EEGPU_NUMERICS when it did not converge or when a value is no finite number. `what`: "eigenvalues of a 4 x 4
 * matrix", say; `other`: the other --method. */
EG_MUST eg_cuda_solve_check(int info, uint64_t n, const double *values, const char *what, const char *other);

/* cuSOLVER before CUDA 13.0 fails, or is silently wrong, on matrices with more than side^2 entries. */
EG_MUST eg_cuda_solver_can(int m, int n, int side);

#endif
