/* How a kernel is started, the same in every .cu: eg_launch(kernel, grid, block, shared bytes, stream, arguments...) returns the
 * launch's error. Under nvcc it is cudaLaunchKernel; when a .cu is compiled as plain C++ (tests/emulation), the kernel runs on the
 * CPU. Nothing else in a kernel differs. EG_DYNAMIC_SHARED(type, name) declares the shared memory whose size the launch says.
 * Included by every .cu; not seen by host code. */
#ifndef EG_KERNELS_LAUNCH_H
#define EG_KERNELS_LAUNCH_H

#include <cstdint>

#ifdef __CUDACC__

#include <cuda_runtime.h>

#include <tuple>
#include <utility>

template <class... Parameters, size_t... Number>
cudaError_t eg_launch_tuple(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                            std::tuple<Parameters...> arguments, std::index_sequence<Number...>)
{
    void *pointers[] = {(void *)&std::get<Number>(arguments)...};
    return cudaLaunchKernel((const void *)kernel, grid, block, pointers, shared, stream);
}

template <class... Parameters, class... Arguments>
cudaError_t eg_launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                      Arguments... arguments)
{
    static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many arguments as the kernel has parameters");
    return eg_launch_tuple(kernel, grid, block, shared, stream, std::tuple<Parameters...>((Parameters)arguments...),
                           std::index_sequence_for<Parameters...>());
}

#define EG_DYNAMIC_SHARED(type, name) extern __shared__ type name[]

#else

#include "cpu_cuda.h"

#define EG_DYNAMIC_SHARED(type, name) type *name = (type *)cpu_cuda::dynamic_shared()

#endif

/* Blocks for so many pieces of work, which kernels take in turns: one each, but at least one block and at most `most`. */
static inline unsigned eg_blocks(uint64_t pieces, uint64_t most)
{
    return (unsigned)(pieces < 1 ? 1 : pieces < most ? pieces : most);
}

#endif
