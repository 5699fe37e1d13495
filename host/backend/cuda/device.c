/* GPUs and lines of work on them. Comes in: the number of a GPU; goes out: an open device with what is known of it, its memory
 * budget and its lanes (a stream with the handles of cuBLAS and cuSOLVER), or the exact reason why it cannot be had. Also the
 * checks of every CUDA call. Called through the table in plugin.c; memory is in memory.c. */
#include <stdio.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "base/parallel.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Panels of 1 GiB (2 for complex numbers): large enough for full speed of a product. A matrix from about n = 2048 on fills the
 * device. The solver is given room for two more matrices. Estimates: not measured on a device yet. */
static const eg_capacity capacity = {
    .panel_amplitudes = EG_PANEL_AMPLITUDES, .svd_copies = 1, .wide_from_flops = 5e10, .solver_squares = 2, .collects = true};

enum { LEAST_PIECE = 1024 };

/* ---- Checked calls ---- */

typedef struct known_error {
    int number;
    const char *name;
    eegpu_status status;
    const char *advice;
} known_error;

#define ROW(name, status, advice) name, #name, EEGPU_##status, advice

static const known_error runtime_errors[] = {
    {ROW(cudaErrorMemoryAllocation, OUT_OF_MEMORY, "try fewer pixels, smaller regions (--max-size) or --device cpu")},
    {ROW(cudaErrorInsufficientDriver, NO_DEVICE, "install a newer NVIDIA driver")},
    {ROW(cudaErrorStubLibrary, NO_DEVICE,
         "the libcuda.so.1 that was found is the toolkit's stub: take its folder from LD_LIBRARY_PATH")},
    {ROW(cudaErrorInitializationError, NO_DEVICE, "see whether nvidia-smi works")},
    {ROW(cudaErrorDevicesUnavailable, NO_DEVICE, "another program holds it, or it is in prohibited mode (nvidia-smi shows both)")},
    {ROW(cudaErrorNoDevice, NO_DEVICE, "nvidia-smi shows the GPUs, and CUDA_VISIBLE_DEVICES hides some")},
    {ROW(cudaErrorInvalidDevice, NO_DEVICE, "nvidia-smi shows the GPUs, and CUDA_VISIBLE_DEVICES hides some")},
    {ROW(cudaErrorNoKernelImageForDevice, NO_DEVICE, "eegpu was built for other GPUs: set CMAKE_CUDA_ARCHITECTURES for this one")},
    {ROW(cudaErrorUnsupportedPtxVersion, NO_DEVICE, "eegpu was built for other GPUs: set CMAKE_CUDA_ARCHITECTURES for this one")},
    {ROW(cudaErrorECCUncorrectable, NO_DEVICE, "its memory is faulty: reset it, and see nvidia-smi -q")},
    {ROW(cudaErrorNvlinkUncorrectable, NO_DEVICE, "its link is faulty: reset it, and see nvidia-smi -q")},
    {ROW(cudaErrorSystemNotReady, NO_DEVICE, "a service of the driver does not run (nvidia-fabricmanager)")},
    {ROW(cudaErrorSystemDriverMismatch, NO_DEVICE, "kernel module and driver are of different versions: restart the machine")},
    {ROW(cudaErrorCompatNotSupportedOnDevice, NO_DEVICE, "install a newer NVIDIA driver")},
    {ROW(cudaErrorMpsConnectionFailed, NO_DEVICE, "the MPS server does not answer")},
    {ROW(cudaErrorUnknown, NO_DEVICE, "the GPU may have been lost: see nvidia-smi and the system's log")},
};

static const known_error blas_errors[] = {
    {ROW(CUBLAS_STATUS_NOT_INITIALIZED, NO_DEVICE, "the GPU is lost, or has no memory left")},
    {ROW(CUBLAS_STATUS_ALLOC_FAILED, OUT_OF_MEMORY, "try fewer pixels, smaller regions (--max-size) or --device cpu")},
    {ROW(CUBLAS_STATUS_ARCH_MISMATCH, NO_DEVICE, "the library does not know this GPU")},
    {ROW(CUBLAS_STATUS_INVALID_VALUE, NUMERICS, NULL)},
    {ROW(CUBLAS_STATUS_MAPPING_ERROR, NUMERICS, NULL)},
    {ROW(CUBLAS_STATUS_EXECUTION_FAILED, NUMERICS, NULL)},
    {ROW(CUBLAS_STATUS_INTERNAL_ERROR, NUMERICS, NULL)},
    {ROW(CUBLAS_STATUS_NOT_SUPPORTED, NUMERICS, NULL)},
};

static const known_error solver_errors[] = {
    {ROW(CUSOLVER_STATUS_NOT_INITIALIZED, NO_DEVICE, "the GPU is lost, or has no memory left")},
    {ROW(CUSOLVER_STATUS_ALLOC_FAILED, OUT_OF_MEMORY, "try fewer pixels, smaller regions (--max-size) or --device cpu")},
    {ROW(CUSOLVER_STATUS_ARCH_MISMATCH, NO_DEVICE, "the library does not know this GPU")},
    {ROW(CUSOLVER_STATUS_INVALID_VALUE, NUMERICS, NULL)},
    {ROW(CUSOLVER_STATUS_EXECUTION_FAILED, NUMERICS, NULL)},
    {ROW(CUSOLVER_STATUS_INTERNAL_ERROR, NUMERICS, NULL)},
    {ROW(CUSOLVER_STATUS_NOT_SUPPORTED, NUMERICS, NULL)},
};

static const known_error *find_error(const known_error *table, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].number == number)
            return &table[i];
    return NULL;
}

static const char broken_advice[] = "a mistake of eegpu or a broken device: try --device cpu";

eegpu_status eg_cuda_check(cudaError_t error, const char *doing)
{
    if (error == cudaSuccess)
        return EEGPU_OK;
    const known_error *known = find_error(runtime_errors, COUNT(runtime_errors), (int)error);
    (void)cudaGetLastError(); /* or the next launch would report it again */
    return eg_fail(known != NULL ? known->status : EEGPU_NUMERICS, "%s: CUDA says %s (%s); %s", doing, cudaGetErrorName(error),
                   cudaGetErrorString(error), known != NULL ? known->advice : broken_advice);
}

static eegpu_status library_failed(const char *library, const known_error *known, int number, const char *doing)
{
    char unknown[24];
    snprintf(unknown, sizeof unknown, "status %d", number);
    return eg_fail(known != NULL ? known->status : EEGPU_NUMERICS, "%s: %s says %s; %s", doing, library,
                   known != NULL ? known->name : unknown, known != NULL && known->advice != NULL ? known->advice : broken_advice);
}

eegpu_status eg_cublas_check(cublasStatus_t status, const char *doing)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return EEGPU_OK;
    return library_failed("cuBLAS", find_error(blas_errors, COUNT(blas_errors), (int)status), (int)status, doing);
}

eegpu_status eg_cusolver_check(cusolverStatus_t status, const char *doing)
{
    if (status == CUSOLVER_STATUS_SUCCESS)
        return EEGPU_OK;
    return library_failed("cuSOLVER", find_error(solver_errors, COUNT(solver_errors), (int)status), (int)status, doing);
}

eegpu_status eg_cuda_enter(const eg_device *device)
{
    return eg_cuda_check(cudaSetDevice(((const eg_cuda_device *)device)->number), "turning to the GPU");
}

/* ---- Lanes ---- */

/* Double precision as it is written, never emulated by other arithmetic, and the same bits each time. What the environment says
 * would count for more than the mode of cuBLAS: choose.c looks at that. cuSOLVER has the mode since CUDA 13.0. */
static eegpu_status open_handles(eg_cuda_lane *lane)
{
    eegpu_status status;
    EG_TRY(eg_cuda_check(cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking), "making a stream"));
    EG_TRY(eg_cublas_check(cublasCreate(&lane->blas), "starting cuBLAS"));
    EG_TRY(eg_cublas_check(cublasSetStream(lane->blas, lane->stream), "setting the stream of cuBLAS"));
    EG_TRY(eg_cublas_check(cublasSetMathMode(lane->blas, CUBLAS_DEFAULT_MATH), "setting the arithmetic of cuBLAS"));
    EG_TRY(eg_cusolver_check(cusolverDnCreate(&lane->solver), "starting cuSOLVER"));
    EG_TRY(eg_cusolver_check(cusolverDnSetStream(lane->solver, lane->stream), "setting the stream of cuSOLVER"));
    EG_TRY(eg_cusolver_check(cusolverDnSetDeterministicMode(lane->solver, CUSOLVER_DETERMINISTIC_RESULTS),
                             "making cuSOLVER deterministic"));
#if CUSOLVER_VERSION >= 12000
    EG_TRY(eg_cusolver_check(cusolverDnSetMathMode(lane->solver, CUSOLVER_DEFAULT_MATH), "setting the arithmetic of cuSOLVER"));
#endif
    EG_TRY(eg_cusolver_check(cusolverDnCreateParams(&lane->parameters), "making the parameters of cuSOLVER"));
done:
    return status;
}

eegpu_status eg_cuda_open_lane(eg_device *device, int threads, eg_lane **lane)
{
    eegpu_status status;
    eg_cuda_lane *new = NULL;
    EG_TRY(eg_cuda_enter(device));
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof *new, "a line of work on the GPU", &new));
    new->base = (eg_lane){device, threads};
    EG_TRY(open_handles(new));
    *lane = &new->base;
    new = NULL;
done:
    if (new != NULL)
        eg_cuda_close_lane(&new->base);
    return status;
}

void eg_cuda_close_lane(eg_lane *lane)
{
    eg_cuda_lane *old = eg_cuda_lane_of(lane);
    if (lane == NULL)
        return;
    (void)cudaSetDevice(eg_cuda_device_of(lane)->number);
    if (old->stream != NULL)
        (void)cudaStreamSynchronize(old->stream);
    if (old->parameters != NULL)
        (void)cusolverDnDestroyParams(old->parameters);
    if (old->solver != NULL)
        (void)cusolverDnDestroy(old->solver);
    if (old->blas != NULL)
        (void)cublasDestroy(old->blas);
    eg_cuda_free_staging(&old->staging);
    if (old->stream != NULL)
        (void)cudaStreamDestroy(old->stream);
    eg_release(NULL, old);
}

/* Helpers: one that is idle, else a new one while there may be more. */
eg_lane *eg_cuda_borrow_lane(eg_device *device)
{
    eg_cuda_helpers *helpers = &((eg_cuda_device *)device)->helpers;
    eg_lane *lane = NULL;
    pthread_mutex_lock(&helpers->lock);
    bool may_open = helpers->idle_count == 0 && helpers->count < EG_MOST_HELPERS;
    if (helpers->idle_count > 0)
        lane = helpers->idle[--helpers->idle_count];
    helpers->count += may_open;
    pthread_mutex_unlock(&helpers->lock);
    if (!may_open || eg_cuda_open_lane(device, 1, &lane) == EEGPU_OK)
        return lane;
    pthread_mutex_lock(&helpers->lock);
    helpers->count--;
    pthread_mutex_unlock(&helpers->lock);
    return NULL;
}

void eg_cuda_give_lane_back(eg_lane *lane)
{
    eg_cuda_helpers *helpers = &eg_cuda_device_of(lane)->helpers;
    pthread_mutex_lock(&helpers->lock);
    helpers->idle[helpers->idle_count++] = lane;
    pthread_mutex_unlock(&helpers->lock);
}

/* ---- Devices ---- */

/* "13.0" of 13000. */
static void version_text(int version, char *text, size_t size)
{
    snprintf(text, size, "%d.%d", version / 1000, version % 1000 / 10);
}

static eegpu_status driver_is_too_old(void)
{
    static const int least_driver[][2] = {{12, 525}, {13, 580}}; /* of each major version of CUDA */
    int driver = 0, runtime = 0;
    char has[32], needs[32], number[48] = "";
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return eg_fail(EEGPU_NO_DEVICE, "there is no NVIDIA driver here, or it does not answer; see whether nvidia-smi works");
    (void)cudaRuntimeGetVersion(&runtime);
    version_text(driver, has, sizeof has);
    version_text(runtime, needs, sizeof needs);
    for (size_t i = 0; i < COUNT(least_driver); i++)
        if (least_driver[i][0] == runtime / 1000)
            snprintf(number, sizeof number, " (driver %d or newer)", least_driver[i][1]);
    return eg_fail(EEGPU_NO_DEVICE, "the NVIDIA driver is too old: it is one for CUDA %s, and CUDA %s is needed%s", has, needs,
                   number);
}

/* All that goes wrong here is the lack of a device. */
static eegpu_status count_devices(int *count)
{
    *count = 0; /* CUDA leaves it as it is when it fails */
    cudaError_t error = cudaGetDeviceCount(count);
    if (error == cudaErrorInsufficientDriver) {
        (void)cudaGetLastError();
        return driver_is_too_old();
    }
    if (error != cudaSuccess && error != cudaErrorNoDevice)
        return eg_cuda_check(error, "looking for GPUs") == EEGPU_OK ? EEGPU_OK : EEGPU_NO_DEVICE;
    (void)cudaGetLastError();
    if (*count == 0)
        return eg_fail(
            EEGPU_NO_DEVICE,
            "the NVIDIA driver shows this program no GPU; nvidia-smi shows the GPUs, and CUDA_VISIBLE_DEVICES hides some");
    return EEGPU_OK;
}

static eegpu_status check_number(int number)
{
    int count = 0;
    eegpu_status status;
    EG_TRY(count_devices(&count));
    if (number >= count && count == 1)
        status = eg_fail(EEGPU_NO_DEVICE, "there is no GPU number %d: there is one, number 0", number);
    else if (number >= count)
        status = eg_fail(EEGPU_NO_DEVICE, "there is no GPU number %d: there are %d, numbers 0 to %d", number, count, count - 1);
done:
    return status;
}

/* "580.65.06 (CUDA 13.0)": the runtime knows what is in brackets, the system the number that people know. */
static void describe_driver(int version, char *text, size_t size)
{
    char cuda[32], number[24] = "";
    FILE *stream = fopen("/sys/module/nvidia/version", "re");
    version_text(version, cuda, sizeof cuda);
    if (stream != NULL && fgets(number, sizeof number, stream) != NULL)
        number[strcspn(number, "\n")] = '\0';
    if (stream != NULL)
        fclose(stream);
    snprintf(text, size, number[0] != '\0' ? "%.12s (CUDA %.8s)" : "%.0sCUDA %.8s", number, cuda);
}

static eegpu_status describe_libraries(eg_cuda_device *device)
{
    eegpu_status status;
    eg_device_facts *facts = &device->base.facts;
    int driver = 0, runtime = 0, blas = 0, solver = 0;
    EG_TRY(eg_cuda_check(cudaDriverGetVersion(&driver), "asking for the driver's version"));
    EG_TRY(eg_cuda_check(cudaRuntimeGetVersion(&runtime), "asking for the version of CUDA"));
    EG_TRY(eg_cublas_check(cublasGetVersion(device->loader->blas, &blas), "asking for the version of cuBLAS"));
    EG_TRY(eg_cusolver_check(cusolverGetVersion(&solver), "asking for the version of cuSOLVER"));
    describe_driver(driver, facts->driver, sizeof facts->driver);
    version_text(runtime, facts->runtime, sizeof facts->runtime);
    snprintf(facts->blas, sizeof facts->blas, "%d.%d.%d", blas / 10000, blas / 100 % 100, blas % 100);
    snprintf(facts->solver, sizeof facts->solver, "%d.%d.%d", solver / 1000, solver / 100 % 10, solver % 100);
done:
    return status;
}

static eegpu_status describe_device(eg_cuda_device *device)
{
    eegpu_status status;
    eg_device_facts *facts = &device->base.facts;
    struct cudaDeviceProp properties;
    memset(&properties, 0, sizeof properties);
    EG_TRY(eg_cuda_check(cudaGetDeviceProperties(&properties, device->number), "asking what the GPU is"));
    snprintf(facts->model, sizeof facts->model, "%.*s", (int)sizeof facts->model - 1, properties.name);
    snprintf(facts->capability, sizeof facts->capability, "%d.%d", properties.major, properties.minor);
    if (!properties.memoryPoolsSupported)
        status = eg_fail(EEGPU_NO_DEVICE, "the GPU (%s) has no memory pools, which eegpu needs", facts->model);
done:
    return status;
}

/* What is freed stays with the program until it ends or memory runs short: allocating is then cheap. */
static eegpu_status open_pool(eg_cuda_device *device)
{
    eegpu_status status;
    uint64_t keep = UINT64_MAX;
    EG_TRY(eg_cuda_check(cudaDeviceGetDefaultMemPool(&device->pool, device->number), "asking for the GPU's memory pool"));
    EG_TRY(eg_cuda_check(cudaMemPoolSetAttribute(device->pool, cudaMemPoolAttrReleaseThreshold, &keep),
                         "setting up the GPU's memory pool"));
done:
    return status;
}

/* Some memory is left to other programs and to what the libraries take by themselves. */
static eegpu_status open_budget(eg_cuda_device *device)
{
    eegpu_status status;
    size_t bytes_free = 0, bytes = 0;
    EG_TRY(eg_cuda_check(cudaMemGetInfo(&bytes_free, &bytes), "asking for the GPU's memory"));
    device->base.facts.memory = bytes;
    device->base.facts.memory_free = bytes_free;
    eg_budget_init(&device->own_budget, bytes_free / 10 * 9 + 1); /* 0 would be no limit */
done:
    return status;
}

/* A first kernel: one that was not compiled for this GPU is known now, while the CPU can still do the work. */
static eegpu_status try_kernel(eg_lane *lane)
{
    eegpu_status status;
    const float three = 3;
    double result = 0;
    float *narrow = NULL;
    double *wide = NULL;
    EG_TRY(eg_cuda_put(lane, &three, sizeof three, "a first number", &narrow));
    EG_TRY(eg_cuda_allocate(lane, 1, sizeof *wide, "a first number", &wide));
    EG_TRY(eg_cuda_check(eg_launch_widen(narrow, 1, wide, eg_cuda_lane_of(lane)->stream), "starting a first kernel"));
    EG_TRY(eg_cuda_fetch(lane, wide, sizeof result, &result));
    if (result != 3)
        status = eg_fail(EEGPU_NO_DEVICE, "the GPU cannot be trusted: a first kernel made %g of 3", result);
done:
    eg_cuda_release(lane, wide);
    eg_cuda_release(lane, narrow);
    return status;
}

static eegpu_status set_up(eg_cuda_device *device)
{
    eegpu_status status;
    eg_lane *loader = NULL;
    int threads = eg_processor_count();
    EG_TRY(eg_cuda_enter(&device->base));
    EG_TRY(describe_device(device));
    EG_TRY(open_pool(device));
    EG_TRY(eg_cuda_open_lane(&device->base, threads < EG_MOST_LOADING_THREADS ? threads : EG_MOST_LOADING_THREADS, &loader));
    device->loader = eg_cuda_lane_of(loader);
    EG_TRY(describe_libraries(device));
    EG_TRY(open_budget(device));
    EG_TRY(try_kernel(loader));
done:
    return status;
}

eegpu_status eg_cuda_open(int number, eg_device **device)
{
    eegpu_status status;
    eg_cuda_device *new = NULL;
    EG_TRY(check_number(number));
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof *new, "what is known of a GPU", &new));
    new->number = number;
    new->base = (eg_device){.backend = &eg_cuda_backend,
                            .budget = &new->own_budget,
                            .capacity = capacity,
                            .least_piece = LEAST_PIECE,
                            .most_lanes = EG_MOST_LANES};
    snprintf(new->base.name, sizeof new->base.name, "%s:%d", eg_cuda_backend.name, number);
    pthread_mutex_init(&new->buffers.lock, NULL);
    pthread_mutex_init(&new->helpers.lock, NULL);
    status = set_up(new);
    if (status != EEGPU_OK) {
        (void)eg_fail_while(status, "opening GPU number %d", number);
        eg_cuda_close(&new->base);
        goto done;
    }
    *device = &new->base;
done:
    return status;
}

void eg_cuda_close(eg_device *device)
{
    eg_cuda_device *old = (eg_cuda_device *)device;
    if (device == NULL)
        return;
    (void)cudaSetDevice(old->number);
    eg_cuda_unload(device);
    while (old->helpers.idle_count > 0)
        eg_cuda_close_lane(old->helpers.idle[--old->helpers.idle_count]);
    if (old->loader != NULL)
        eg_cuda_close_lane(&old->loader->base);
    if (old->pool != NULL)
        (void)cudaMemPoolTrimTo(old->pool, 0);
    (void)cudaGetLastError();
    pthread_mutex_destroy(&old->helpers.lock);
    pthread_mutex_destroy(&old->buffers.lock);
    eg_release(NULL, old);
}
