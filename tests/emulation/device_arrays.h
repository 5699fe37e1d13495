/* Arrays on the device for the suites of the kernels, and a main() that says Skipped (77) where there is no device, or fails
 * there when EEGPU_REQUIRE_GPU=1. The same source runs on the emulated device (test_kernels_*) and on a real one
 * (test_gpu_kernels_*). A call that fails ends the program. Included by those suites only; it goes without streams. */
#ifndef EG_TESTS_DEVICE_ARRAYS_H
#define EG_TESTS_DEVICE_ARRAYS_H

#include <cuda_runtime_api.h>

#include "check.h"

static inline void must(cudaError_t error, const char *what, const char *file, int line)
{
    if (error == cudaSuccess)
        return;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, cudaGetErrorString(error));
    exit(1);
}
#define MUST(call) must(call, #call, __FILE__, __LINE__)

/* `bytes` of device memory with a copy of `data`; of whatever was there when it is NULL. Owned by the caller: cudaFree. */
static inline void *on_device(const void *data, size_t bytes)
{
    void *array = NULL;
    MUST(cudaMalloc(&array, bytes));
    if (data != NULL)
        MUST(cudaMemcpy(array, data, bytes, cudaMemcpyHostToDevice));
    return array;
}

/* The array's bytes on the host, to be freed by the caller; the device's array is freed. */
static inline void *off_device(void *array, size_t bytes)
{
    void *data = malloc(bytes);
    if (data == NULL) {
        fprintf(stderr, "out of memory: %zu bytes\n", bytes);
        exit(1);
    }
    MUST(cudaMemcpy(data, array, bytes, cudaMemcpyDeviceToHost));
    MUST(cudaFree(array));
    return data;
}

/* The next of a fixed sequence of numbers below `limit`: xorshift64* (Vigna 2014). */
static inline uint64_t draw(uint64_t limit)
{
    static uint64_t state = 20240229;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * UINT64_C(2685821657736338717) >> 11) % limit;
}

#define EG_DEVICE_SUITE(name, ...)                                                               \
    int main(void)                                                                               \
    {                                                                                            \
        static const CU_TestInfo tests[] = {__VA_ARGS__, CU_TEST_INFO_NULL};                     \
        const char *required = getenv("EEGPU_REQUIRE_GPU");                                      \
        int devices = 0;                                                                         \
        cudaError_t error = cudaGetDeviceCount(&devices);                                        \
        if (error == cudaSuccess && devices > 0)                                                 \
            return run_suite(name, tests);                                                       \
        printf("no GPU: %s\n", error == cudaSuccess ? "none found" : cudaGetErrorString(error)); \
        return required != NULL && strcmp(required, "1") == 0 ? 1 : 77;                          \
    }

#endif
