/* A stand-in for libcudart, compiled against NVIDIA's own headers: what the back end, the kernels and their tests call of the
 * runtime, on the emulated device of device.h. Linked in the place of libcudart; kernels come in through cpu_cuda::launch.
 * Copies in the wrong direction or past a buffer, double frees and objects used after their end stop the program with a line on
 * stderr. All devices share one memory. EEGPU_EMULATED_DEVICES=COUNT: how many there are (1); other variables: device.cpp,
 * cpu_cuda.cpp, cusolver.cpp. */
#include "cpu_cuda.h"

#include <cstdio>

#include "device.h"

using emulated::device_lock;
using emulated::place;
using emulated::require_device;
using emulated::require_host;
using emulated::stop;

struct CUevent_st {
    std::shared_ptr<emulated::recording> last;
};

struct CUmemPoolHandle_st {
    uint64_t release_threshold;
};

namespace
{

constexpr size_t plain_shared_bytes = 48 * 1024, most_shared_bytes = 227 * 1024;
thread_local cudaError_t last_error = cudaSuccess;
CUmemPoolHandle_st default_pool;

cudaError_t remember(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    return error;
}

int device_count() { return (int)emulated::setting("DEVICES", 1); }

} // namespace

/* What a function does first: one thread at a time, and the failure that it was told to have. */
#define BEGIN(failure)                                              \
    device_lock locked;                                             \
    do {                                                            \
        cudaError_t asked_for = emulated::begin(__func__, failure); \
        if (asked_for != cudaSuccess)                               \
            return remember(asked_for);                             \
        if (device_count() == 0)                                    \
            return remember(cudaErrorNoDevice);                     \
    } while (0)

/* ---- Launches ---- */

static bool fits(dim3 grid, dim3 block)
{
    uint64_t threads = (uint64_t)block.x * block.y * block.z;
    return threads >= 1 && block.x <= 1024 && block.y <= 1024 && block.z <= 64 && threads <= 1024 && grid.x >= 1 && grid.y >= 1 &&
           grid.z >= 1 && grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535;
}

cudaError_t cpu_cuda::launch(dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, size_t count,
                             const void *const *pointers, std::function<void()> body)
{
    device_lock locked;
    cudaError_t asked_for = emulated::begin("cudaLaunchKernel", cudaErrorLaunchOutOfResources);
    if (asked_for != cudaSuccess)
        return remember(asked_for);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", "a launch");
    if (!fits(grid, block))
        return remember(cudaErrorInvalidConfiguration);
    if (shared_bytes > plain_shared_bytes)
        return remember(cudaErrorInvalidValue);
    for (size_t i = 0; i < count; i++)
        if (pointers[i] != nullptr && !emulated::reachable_from_kernels(pointers[i]))
            stop("a launch: argument %zu points to no memory of the device", i + 1);
    emulated::submit(stream, [=] { cpu_cuda::run(grid, block, shared_bytes, body); });
    return cudaSuccess;
}

extern "C" {

/* ---- Devices ---- */

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = (int)emulated::setting("DRIVER", CUDART_VERSION);
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    BEGIN(cudaErrorUnknown); /* like the real one it leaves *count alone when it fails */
    *count = device_count();
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    BEGIN(cudaErrorDevicesUnavailable);
    if (device < 0 || device >= device_count())
        return remember(cudaErrorInvalidDevice);
    emulated::use_device(device);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    device_lock locked;
    emulated::finish_all();
    return remember(emulated::begin(__func__, cudaErrorLaunchFailure));
}

/* A small one of the H200's kind: few processors, so that grids made after their number stay small. */
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    BEGIN(cudaErrorUnknown);
    if (device < 0 || device >= device_count())
        return remember(cudaErrorInvalidDevice);
    *properties = {};
    snprintf(properties->name, sizeof properties->name, "Emulated GPU");
    properties->totalGlobalMem = emulated::total_memory();
    properties->sharedMemPerBlock = plain_shared_bytes;
    properties->sharedMemPerBlockOptin = most_shared_bytes;
    properties->sharedMemPerMultiprocessor = most_shared_bytes + 1024;
    properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->maxBlocksPerMultiProcessor = 32;
    properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
    properties->maxThreadsDim[2] = 64;
    properties->maxGridSize[0] = 0x7fffffff;
    properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
    properties->major = 9;
    properties->minor = 0;
    properties->multiProcessorCount = 4;
    properties->l2CacheSize = 50 << 20;
    properties->memoryBusWidth = 5120;
    properties->concurrentKernels = 1;
    properties->asyncEngineCount = 3;
    properties->unifiedAddressing = 1;
    properties->canMapHostMemory = 1;
    properties->ECCEnabled = 1;
    properties->memoryPoolsSupported = 1;
    properties->cooperativeLaunch = 1;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    BEGIN(cudaErrorUnknown);
    *free_bytes = emulated::free_memory();
    *total_bytes = emulated::total_memory();
    return cudaSuccess;
}

/* ---- Memory ---- */

cudaError_t cudaMalloc(void **address, size_t bytes)
{
    BEGIN(cudaErrorMemoryAllocation);
    return remember(emulated::allocate(address, place::device, bytes));
}

cudaError_t cudaFree(void *address)
{
    device_lock locked;
    emulated::release(address, place::device);
    return remember(emulated::begin_release(__func__));
}

cudaError_t cudaMallocAsync(void **address, size_t bytes, cudaStream_t stream)
{
    BEGIN(cudaErrorMemoryAllocation);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    return remember(emulated::allocate_in_order(address, bytes, stream));
}

cudaError_t cudaFreeAsync(void *address, cudaStream_t stream)
{
    device_lock locked;
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    emulated::release_in_order(address, stream);
    return remember(emulated::begin_release(__func__));
}

cudaError_t cudaMallocHost(void **address, size_t bytes)
{
    BEGIN(cudaErrorMemoryAllocation);
    return remember(emulated::allocate(address, place::pinned, bytes));
}

cudaError_t cudaFreeHost(void *address)
{
    device_lock locked;
    emulated::release(address, place::pinned);
    return remember(emulated::begin_release(__func__));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    BEGIN(cudaErrorNotSupported);
    if (device < 0 || device >= device_count())
        return remember(cudaErrorInvalidDevice);
    *pool = &default_pool;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value)
{
    BEGIN(cudaErrorInvalidValue);
    if (pool != &default_pool)
        stop("%s: not a memory pool", __func__);
    if (attribute == cudaMemPoolAttrReleaseThreshold)
        pool->release_threshold = *(uint64_t *)value;
    return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t)
{
    BEGIN(cudaErrorInvalidValue);
    if (pool != &default_pool)
        stop("%s: not a memory pool", __func__);
    return cudaSuccess;
}

} // extern "C"

/* ---- Copies ---- */

/* A copy of `rows` rows of `width` bytes, `pitch` bytes from row to row. */
struct plane {
    size_t width, rows, to_pitch, from_pitch;
    size_t bytes(size_t pitch) const { return pitch * (rows - 1) + width; }
};

static cudaMemcpyKind direction(const void *to, const void *from)
{
    static const cudaMemcpyKind kinds[2][2] = {{cudaMemcpyHostToHost, cudaMemcpyHostToDevice},
                                               {cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice}};
    return kinds[emulated::on_device(from)][emulated::on_device(to)];
}

static cudaError_t copy(const char *function, void *to, const void *from, plane shape, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", function);
    if (shape.width == 0 || shape.rows == 0)
        return cudaSuccess;
    if (shape.rows > 1 && (shape.to_pitch < shape.width || shape.from_pitch < shape.width))
        return cudaErrorInvalidPitchValue;
    if (kind == cudaMemcpyDefault)
        kind = direction(to, from);
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    (to_device ? require_device : require_host)(function, "the target", to, shape.bytes(shape.to_pitch));
    (from_device ? require_device : require_host)(function, "the source", from, shape.bytes(shape.from_pitch));
    emulated::submit(stream, [=] {
        for (size_t row = 0; row < shape.rows; row++)
            memcpy((char *)to + row * shape.to_pitch, (const char *)from + row * shape.from_pitch, shape.width);
    });
    return cudaSuccess;
}

static cudaError_t set(const char *function, void *to, int value, size_t bytes, cudaStream_t stream)
{
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", function);
    if (bytes == 0)
        return cudaSuccess;
    require_device(function, "the target", to, bytes);
    emulated::submit(stream, [=] { memset(to, value, bytes); });
    return cudaSuccess;
}

extern "C" {

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    BEGIN(cudaErrorInvalidValue);
    return remember(copy(__func__, to, from, {bytes, 1, bytes, bytes}, kind, stream));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    BEGIN(cudaErrorInvalidValue);
    cudaError_t error = copy(__func__, to, from, {bytes, 1, bytes, bytes}, kind, nullptr);
    emulated::finish(nullptr);
    return remember(error);
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t rows,
                              cudaMemcpyKind kind, cudaStream_t stream)
{
    BEGIN(cudaErrorInvalidValue);
    return remember(copy(__func__, to, from, {width, rows, to_pitch, from_pitch}, kind, stream));
}

cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t rows,
                         cudaMemcpyKind kind)
{
    BEGIN(cudaErrorInvalidValue);
    cudaError_t error = copy(__func__, to, from, {width, rows, to_pitch, from_pitch}, kind, nullptr);
    emulated::finish(nullptr);
    return remember(error);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    BEGIN(cudaErrorInvalidValue);
    return remember(set(__func__, to, value, bytes, stream));
}

/* ---- Streams ---- */

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    BEGIN(cudaErrorMemoryAllocation);
    *stream = emulated::new_stream(true);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags)
{
    BEGIN(cudaErrorMemoryAllocation);
    if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking)
        return remember(cudaErrorInvalidValue);
    *stream = emulated::new_stream(flags == cudaStreamDefault);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    device_lock locked;
    emulated::end_stream(stream);
    return remember(emulated::begin_release(__func__));
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    device_lock locked;
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    emulated::finish(stream);
    return remember(emulated::begin(__func__, cudaErrorLaunchFailure));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int)
{
    BEGIN(cudaErrorInvalidResourceHandle);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    emulated::object_needed(event, "event", __func__);
    std::shared_ptr<emulated::recording> mark = event->last;
    if (mark != nullptr)
        emulated::wait_for(stream, mark);
    return cudaSuccess;
}

/* ---- Events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int)
{
    BEGIN(cudaErrorMemoryAllocation);
    *event = new CUevent_st{nullptr};
    emulated::object_made(*event, "event");
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    device_lock locked;
    emulated::object_gone(event, "event", __func__);
    delete event;
    return remember(emulated::begin_release(__func__));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    BEGIN(cudaErrorInvalidResourceHandle);
    if (stream != nullptr)
        emulated::object_needed(stream, "stream", __func__);
    emulated::object_needed(event, "event", __func__);
    event->last = emulated::record(stream);
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    device_lock locked;
    emulated::object_needed(event, "event", __func__);
    if (event->last != nullptr)
        emulated::finish_until(event->last);
    return remember(emulated::begin(__func__, cudaErrorLaunchFailure));
}

/* ---- Errors ---- */

cudaError_t cudaGetLastError(void)
{
    device_lock locked;
    cudaError_t error = last_error;
    last_error = emulated::broken();
    return error;
}

#define ERRORS(X)                                                                                  \
    X(cudaSuccess, "no error")                                                                     \
    X(cudaErrorInvalidValue, "invalid argument")                                                   \
    X(cudaErrorMemoryAllocation, "out of memory")                                                  \
    X(cudaErrorInvalidConfiguration, "invalid configuration argument")                             \
    X(cudaErrorInvalidPitchValue, "invalid pitch argument")                                        \
    X(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version") \
    X(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable")            \
    X(cudaErrorNoDevice, "no CUDA-capable device is detected")                                     \
    X(cudaErrorInvalidDevice, "invalid device ordinal")                                            \
    X(cudaErrorInvalidDeviceFunction, "invalid device function")                                   \
    X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                   \
    X(cudaErrorNotReady, "device not ready")                                                       \
    X(cudaErrorIllegalAddress, "an illegal memory access was encountered")                         \
    X(cudaErrorLaunchOutOfResources, "too many resources requested for launch")                    \
    X(cudaErrorLaunchTimeout, "the launch timed out and was terminated")                           \
    X(cudaErrorLaunchFailure, "unspecified launch failure")                                        \
    X(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered")                            \
    X(cudaErrorNotSupported, "operation not supported")                                            \
    X(cudaErrorUnknown, "unknown error")

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
#define NAME(code, text) \
    case code:           \
        return #code;
        ERRORS(NAME)
#undef NAME
    default:
        return "unrecognized error code";
    }
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
#define TEXT(code, text) \
    case code:           \
        return text;
        ERRORS(TEXT)
#undef TEXT
    default:
        return "unrecognized error code";
    }
}

} // extern "C"
