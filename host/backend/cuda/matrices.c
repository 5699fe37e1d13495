/* Operations on Hermitian matrices of the device: Gram matrices by cuBLAS, partial traces, merging of parallel rows, trace and
 * Frobenius norm by kernels. Comes in: buffers of the device, indices and weights of the host; goes out: buffers, or two numbers.
 * All but the invariants return before the work is done. Called through the table of plugin.c. */
#include "backend/cuda/cuda.h"

eegpu_status eg_cuda_gram(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *gram)
{
    const double one = 1;
    cublasHandle_t blas = eg_cuda_lane_of(lane)->blas;
    eegpu_status status = eg_cuda_enter(lane->device);
    if (status != EEGPU_OK)
        return status;
    if (is_complex)
        return eg_cublas_check(cublasZherk(blas, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, n, k, &one, (const cuDoubleComplex *)panel, n,
                                           &keep, (cuDoubleComplex *)gram, n),
                               "multiplying a panel by its adjoint (cublasZherk)");
    return eg_cublas_check(cublasDsyrk(blas, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, n, k, &one, panel, n, &keep, gram, n),
                           "multiplying a panel by its transpose (cublasDsyrk)");
}

eegpu_status eg_cuda_partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                   double *child)
{
    eegpu_status status = eg_cuda_enter(lane->device);
    if (status != EEGPU_OK)
        return status;
    return eg_cuda_check(eg_launch_partial_trace(is_complex, parent_bits, kept_bits, parent, child, eg_cuda_lane_of(lane)->stream),
                         "tracing pixels out of a density matrix");
}

eegpu_status eg_cuda_merge(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                           const double *weight, double *merged)
{
    uint32_t *device_row = NULL;
    double *device_weight = NULL;
    eegpu_status status = EEGPU_OK;
    if (count == 0)
        return EEGPU_OK;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_put(lane, row, count * sizeof *row, "the numbers of merged rows", &device_row));
    EG_TRY(eg_cuda_put(lane, weight, count * sizeof *weight, "the weights of merged rows", &device_weight));
    EG_TRY(eg_cuda_check(
        eg_launch_merge(is_complex, n, matrix, count, device_row, device_weight, merged, eg_cuda_lane_of(lane)->stream),
        "merging parallel rows of a density matrix"));
done:
    eg_cuda_release(lane, device_row);
    eg_cuda_release(lane, device_weight);
    return status;
}

eegpu_status eg_cuda_invariants(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, double *trace, double *square)
{
    double *scratch = NULL, *device_result = NULL, result[2];
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_allocate(lane, EG_INVARIANT_SCRATCH + 2, sizeof *scratch, "the sums of a trace", &scratch));
    device_result = scratch + EG_INVARIANT_SCRATCH;
    EG_TRY(eg_cuda_check(eg_launch_invariants(is_complex, n, matrix, scratch, device_result, eg_cuda_lane_of(lane)->stream),
                         "summing the trace and the norm of a density matrix"));
    EG_TRY(eg_cuda_fetch(lane, device_result, sizeof result, result));
    *trace = result[0];
    *square = result[1];
done:
    eg_cuda_release(lane, scratch);
    return status;
}
