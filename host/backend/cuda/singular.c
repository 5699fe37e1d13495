/* Singular values on the GPU by QR iteration (cusolverDnXgesvd), which is accurate also for small ones; the quicker routines of
 * cuSOLVER are randomised, approximate or perturb the matrix. Comes in: a matrix of the device, destroyed; goes out: values on the
 * host. Called through the table of plugin.c. */
#include <stdio.h>

#include "backend/cuda/solver.h"

enum { SIDE_BEFORE_13 = 16384 }; /* of square matrices that older libraries are known to do right */

/* The values of a matrix are those of its transpose, and cuSOLVER wants at least as many rows as columns. With m < n that is a
 * second copy on the device, 8 m n bytes, 16 m n when complex, beside the workspace: the planner counts it. */
static eegpu_status transpose(eg_lane *lane, bool is_complex, int m, int n, const double *matrix, double *transposed)
{
    cublasHandle_t blas = eg_cuda_lane_of(lane)->blas;
    const cuDoubleComplex one = {1, 0}, zero = {0, 0};
    cublasStatus_t answer;
    if (is_complex)
        answer = cublasZgeam(blas, CUBLAS_OP_T, CUBLAS_OP_N, n, m, &one, (const cuDoubleComplex *)matrix, m, &zero,
                             (cuDoubleComplex *)transposed, n, (cuDoubleComplex *)transposed, n);
    else
        answer = cublasDgeam(blas, CUBLAS_OP_T, CUBLAS_OP_N, n, m, &one.x, matrix, m, &zero.x, transposed, n, transposed, n);
    return eg_cublas_check(answer, "transposing the matrix of a cut (cublasDgeam, cublasZgeam)");
}

/* m >= n */
static eegpu_status solve(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    static const char doing[] = "computing singular values (cusolverDnXgesvd)";
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    cudaDataType type = is_complex ? CUDA_C_64F : CUDA_R_64F;
    eg_cuda_solve room = {0};
    char what[64];
    int info = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_solve_begin(lane, 1, (uint64_t)n, &room));
    EG_TRY(eg_cusolver_check(cusolverDnXgesvd_bufferSize(own->solver, own->parameters, 'N', 'N', m, n, type, matrix, m, CUDA_R_64F,
                                                         room.values, type, NULL, m, type, NULL, n, type, &room.device_bytes,
                                                         &room.host_bytes),
                             doing));
    EG_TRY(eg_cuda_solve_workspace(lane, &room));
    EG_TRY(eg_cusolver_check(cusolverDnXgesvd(own->solver, own->parameters, 'N', 'N', m, n, type, matrix, m, CUDA_R_64F,
                                              room.values, type, NULL, m, type, NULL, n, type, room.device, room.device_bytes,
                                              room.host, room.host_bytes, room.info),
                             doing));
    EG_TRY(eg_cuda_fetch(lane, room.info, sizeof info, &info));
    EG_TRY(eg_cuda_fetch(lane, room.values, (uint64_t)n * sizeof *values, values));
    snprintf(what, sizeof what, "singular values of a %d x %d matrix", m, n);
    EG_TRY(eg_cuda_solve_check(info, (uint64_t)n, values, what, "gram"));
done:
    eg_cuda_solve_end(lane, status, &room);
    return status;
}

eegpu_status eg_cuda_singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    double *transposed = NULL;
    eegpu_status status = EEGPU_OK;
    if (m == 0 || n == 0)
        return EEGPU_OK;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_solver_can(m, n, SIDE_BEFORE_13));
    if (m >= n) {
        EG_TRY(solve(lane, is_complex, m, n, matrix, values));
    } else {
        EG_TRY(eg_cuda_allocate(lane, (uint64_t)m * (uint64_t)n, is_complex ? 16 : 8, "the transpose of the matrix of a cut",
                                &transposed));
        EG_TRY(transpose(lane, is_complex, m, n, matrix, transposed));
        EG_TRY(solve(lane, is_complex, n, m, transposed, values));
    }
done:
    eg_cuda_release(lane, transposed);
    return status;
}
