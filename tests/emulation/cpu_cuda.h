/* CUDA C++ for a plain C++ compiler: a .cu that includes launch.h is compiled by g++ with this header and its kernels run on the
 * CPU. Each GPU thread is a fiber, and the blocks of a grid run one after another (cpu_cuda.cpp); launches go through the streams
 * of the emulated device (runtime.cpp). Included by launch.h when the compiler is not nvcc; a missing device function is added
 * here. Not seen by this: races between blocks, missing fences between blocks, how much static shared memory a kernel has (nvcc
 * says), speed. */
#ifndef EG_EMULATION_CPU_CUDA_H
#define EG_EMULATION_CPU_CUDA_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#include <cuda_runtime_api.h>
#include <vector_functions.h>

/* CUDA's own header turns these into attributes that only nvcc knows. */
#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __shared__
#undef __launch_bounds__
#undef __grid_constant__
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static /* only one block runs at a time; a static has red zones and is watched for races */
#define __launch_bounds__(...)
#define __grid_constant__ const

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace cpu_cuda
{

/* Run a grid to its end in the calling thread; the caller sees to it that only one runs at a time. */
void run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &kernel);

/* Put a grid into a stream. `pointers` are the kernel's arguments of pointer type (checked to be the device's). (runtime.cpp) */
cudaError_t launch(dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, size_t count, const void *const *pointers,
                   std::function<void()> body);

void *dynamic_shared(); /* new for every block, and full of NaN */

/* What the lanes of a warp do together. All lanes of `mask` that have not ended must come to the same operation. */
void warp_barrier(unsigned mask);
uint64_t warp_exchange(unsigned mask, uint64_t word,
                       unsigned source_lane); /* the word of that lane; all bits set if it sent none */
unsigned warp_vote(unsigned mask, bool yes);  /* bit l: what lane l says */
int block_barrier(bool yes);                  /* how many threads of the block say yes */
unsigned lane();

template <class Value> Value shuffle(unsigned mask, Value value, unsigned source_lane)
{
    static_assert(std::is_arithmetic_v<Value> && sizeof(Value) <= 8, "the types that CUDA can shuffle");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    word = warp_exchange(mask, word, source_lane);
    memcpy(&value, &word, sizeof value);
    return value;
}

/* The first lane of this lane's group of `width` lanes. */
inline unsigned group(int width) { return lane() / (unsigned)width * (unsigned)width; }

template <class Argument> const void *pointer_in(Argument argument)
{
    if constexpr (std::is_pointer_v<Argument>)
        return (const void *)argument;
    else
        return nullptr;
}

/* CUDA's integer atomics. Relaxed, as on the device: they order nothing else. There are none for floating point here: the order of
 * a sum must not depend on chance. */
template <class Value> struct atomic_type {
    static_assert(std::is_same_v<Value, int> || std::is_same_v<Value, unsigned> || std::is_same_v<Value, unsigned long long>,
                  "the types that CUDA's integer atomics take");
    typedef Value type;
};
template <class Value> using atomic_value = typename atomic_type<Value>::type;

template <class Value, class Change> Value atomic_update(Value *address, Change change)
{
    Value old = __atomic_load_n(address, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(address, &old, change(old), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return old;
}

} // namespace cpu_cuda

/* ---- How launch.h starts a kernel ---- */

template <class... Parameters, class... Arguments>
cudaError_t eg_launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                      Arguments... arguments)
{
    static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many arguments as the kernel has parameters");
    static_assert((std::is_trivially_copyable_v<Parameters> && ...), "parameters are copied to the device byte by byte");
    std::tuple<Parameters...> values((Parameters)arguments...);
    static_assert(sizeof values <= 4096, "parameters of a kernel have room for 4096 bytes");
    const void *pointers[] = {cpu_cuda::pointer_in<Parameters>((Parameters)arguments)..., nullptr};
    return cpu_cuda::launch(grid, block, shared, stream, sizeof...(Parameters), pointers,
                            [kernel, values] { std::apply(kernel, values); });
}

/* ---- Barriers and warps ---- */

inline void __syncthreads() { cpu_cuda::block_barrier(false); }
inline int __syncthreads_count(int yes) { return cpu_cuda::block_barrier(yes != 0); }
inline int __syncthreads_or(int yes) { return cpu_cuda::block_barrier(yes != 0) > 0; }
inline void __syncwarp(unsigned mask = ~0u) { cpu_cuda::warp_barrier(mask); }

template <class Value> Value __shfl_sync(unsigned mask, Value value, int source, int width = warpSize)
{
    return cpu_cuda::shuffle(mask, value, cpu_cuda::group(width) + (unsigned)source % (unsigned)width);
}

template <class Value> Value __shfl_up_sync(unsigned mask, Value value, unsigned distance, int width = warpSize)
{
    unsigned lane = cpu_cuda::lane();
    return cpu_cuda::shuffle(mask, value, lane - cpu_cuda::group(width) >= distance ? lane - distance : lane);
}

template <class Value> Value __shfl_down_sync(unsigned mask, Value value, unsigned distance, int width = warpSize)
{
    unsigned lane = cpu_cuda::lane(), end = cpu_cuda::group(width) + (unsigned)width;
    return cpu_cuda::shuffle(mask, value, distance < end - lane ? lane + distance : lane);
}

template <class Value> Value __shfl_xor_sync(unsigned mask, Value value, int bits, int width = warpSize)
{
    unsigned lane = cpu_cuda::lane(), source = lane ^ (unsigned)bits;
    return cpu_cuda::shuffle(mask, value, source < cpu_cuda::group(width) + (unsigned)width ? source : lane);
}

inline unsigned __ballot_sync(unsigned mask, int yes) { return cpu_cuda::warp_vote(mask, yes != 0); }
inline int __any_sync(unsigned mask, int yes) { return cpu_cuda::warp_vote(mask, yes != 0) != 0; }

/* ---- Atomics: the second argument converts to the type of the first, as in CUDA's overloads ---- */

template <class Value> Value atomicAdd(Value *address, cpu_cuda::atomic_value<Value> value)
{
    return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

template <class Value> Value atomicOr(Value *address, cpu_cuda::atomic_value<Value> value)
{
    return __atomic_fetch_or(address, value, __ATOMIC_RELAXED);
}

template <class Value> Value atomicMin(Value *address, cpu_cuda::atomic_value<Value> value)
{
    return cpu_cuda::atomic_update(address, [=](Value old) { return old < value ? old : value; });
}

template <class Value> Value atomicMax(Value *address, cpu_cuda::atomic_value<Value> value)
{
    return cpu_cuda::atomic_update(address, [=](Value old) { return old > value ? old : value; });
}

template <class Value> Value atomicCAS(Value *address, cpu_cuda::atomic_value<Value> expected, cpu_cuda::atomic_value<Value> value)
{
    __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

/* ---- A load that passes by the first cache, and may meet another thread's atomics ---- */

template <class Value> Value __ldcg(const Value *address)
{
    Value value;
    __atomic_load(address, &value, __ATOMIC_RELAXED);
    return value;
}

/* ---- Bits ---- */

inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }

#endif
