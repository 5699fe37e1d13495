/* Memory of a GPU. Comes in: how many bytes for what, and host memory to copy; goes out: buffers of the device, counted against its
 * budget until they are released. Allocations are ordered with the work of their lane's stream and come from the pool of CUDA, so
 * that they are cheap and need no waiting. Uploads go through pinned memory, piece by piece. Called through the table in plugin.c
 * and by the other files of this folder. */
#include <inttypes.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "base/bits.h"
#include "base/parallel.h"

enum { GRAIN = 512, LEAST_STAGING = EG_STAGING_BYTES / 32, COPY_GRAIN = 1 << 20 };

/* ---- What is allocated ---- */

typedef struct eg_cuda_buffer {
    struct eg_cuda_buffer *next;
    const void *pointer;
    uint64_t bytes; /* of the budget */
} eg_cuda_buffer;

static eg_cuda_buffer **chain_of(eg_cuda_buffers *buffers, const void *pointer)
{
    return &buffers->chain[(uintptr_t)pointer / GRAIN * UINT64_C(0x9e3779b97f4a7c15) >> (64 - EG_CHAIN_BITS)];
}

static void remember(eg_cuda_buffers *buffers, eg_cuda_buffer *buffer)
{
    pthread_mutex_lock(&buffers->lock);
    eg_cuda_buffer **chain = chain_of(buffers, buffer->pointer);
    buffer->next = *chain;
    *chain = buffer;
    pthread_mutex_unlock(&buffers->lock);
}

/* The bytes that the buffer counted for. */
static uint64_t forget(eg_cuda_buffers *buffers, const void *pointer)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&buffers->lock);
    eg_cuda_buffer **place = chain_of(buffers, pointer);
    while (*place != NULL && (*place)->pointer != pointer)
        place = &(*place)->next;
    eg_cuda_buffer *found = *place;
    if (found != NULL) {
        *place = found->next;
        bytes = found->bytes;
    }
    pthread_mutex_unlock(&buffers->lock);
    eg_release(NULL, found);
    return bytes;
}

/* ---- Allocation ---- */

/* Says who holds what: the budget leaves a tenth to others, who may by now have taken more. */
static eegpu_status no_room(eg_lane *lane, uint64_t bytes, const char *what)
{
    const eg_cuda_device *device = eg_cuda_device_of(lane);
    char need[24], own_text[24], limit[24], free_text[24], others_text[24];
    size_t bytes_free = 0, total = 0;
    eg_cuda_trim(lane); /* what the pool keeps is nobody's */
    uint64_t own = atomic_load(&device->own_budget.used);
    if (cudaMemGetInfo(&bytes_free, &total) != cudaSuccess)
        (void)cudaGetLastError();
    uint64_t others = total - bytes_free > own ? total - bytes_free - own : 0;
    return eg_fail(
        EEGPU_OUT_OF_MEMORY,
        "no room for %s on %s: it needs %s (%" PRIu64 " bytes); of the %s that eegpu may use there it holds %s, %s are "
        "free and %s held by other programs and libraries; try fewer pixels, smaller regions (--max-size) or --device cpu",
        what, device->base.name, eg_bytes_text(bytes, need), bytes, eg_bytes_text(device->own_budget.limit, limit),
        eg_bytes_text(own, own_text), eg_bytes_text(bytes_free, free_text), eg_bytes_text(others, others_text));
}

/* Memory that was freed but is kept by the pool may be in pieces too small: give it back and ask once more. */
static cudaError_t ask_driver(eg_lane *lane, uint64_t bytes, void **pointer)
{
    cudaStream_t stream = eg_cuda_lane_of(lane)->stream;
    cudaError_t error = cudaMallocAsync(pointer, bytes, stream);
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        eg_cuda_trim(lane);
        error = cudaMallocAsync(pointer, bytes, stream);
    }
    return error;
}

eegpu_status eg_cuda_allocate(eg_lane *lane, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer)
{
    eg_cuda_device *device = eg_cuda_device_of(lane);
    eg_cuda_buffer *buffer = NULL;
    void *pointer = NULL;
    uint64_t bytes, counted = 0;
    eegpu_status status;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX)
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "no room for %s on %s: %" PRIu64 " items of %" PRIu64
                       " bytes are more than can be addressed; try fewer pixels",
                       what, device->base.name, count, size);
    bytes = bytes > 0 ? bytes : 1;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof *buffer, what, &buffer));
    if (eg_budget_take(&device->own_budget, eg_ceil_div(bytes, GRAIN) * GRAIN, what) != EEGPU_OK) {
        status = no_room(lane, bytes, what);
        goto done;
    }
    counted = eg_ceil_div(bytes, GRAIN) * GRAIN;
    cudaError_t error = ask_driver(lane, bytes, &pointer);
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        status = no_room(lane, bytes, what);
        goto done;
    }
    EG_TRY(eg_cuda_check(error, "allocating on the GPU"));
    *buffer = (eg_cuda_buffer){NULL, pointer, counted};
    remember(&device->buffers, buffer);
    buffer = NULL;
    counted = 0;
    memcpy(pointer_to_pointer, &pointer, sizeof pointer);
done:
    eg_budget_give(&device->own_budget, counted);
    eg_release(NULL, buffer);
    return status;
}

void eg_cuda_release(eg_lane *lane, void *buffer)
{
    if (buffer == NULL)
        return;
    eg_cuda_device *device = eg_cuda_device_of(lane);
    (void)cudaSetDevice(device->number);
    uint64_t bytes = forget(&device->buffers, buffer);
    (void)cudaFreeAsync(buffer, eg_cuda_lane_of(lane)->stream); /* a failure is that of earlier work, which others report */
    eg_budget_give(&device->own_budget, bytes);
}

uint64_t eg_cuda_room(const eg_lane *lane) { return eg_budget_free(&eg_cuda_device_of(lane)->own_budget); }

void eg_cuda_trim(eg_lane *lane)
{
    (void)cudaSetDevice(eg_cuda_device_of(lane)->number);
    (void)cudaDeviceSynchronize();
    (void)cudaMemPoolTrimTo(eg_cuda_device_of(lane)->pool, 0);
    (void)cudaGetLastError();
}

/* ---- Uploads ---- */

void eg_cuda_free_staging(eg_cuda_staging *staging)
{
    for (int i = 0; i < 2; i++) {
        if (staging->sent[i] != NULL)
            (void)cudaEventDestroy(staging->sent[i]);
        if (staging->half[i] != NULL)
            (void)cudaFreeHost(staging->half[i]);
    }
    *staging = (eg_cuda_staging){0};
}

/* CUDA has one error for both memories, but what to do about this one is different. */
static eegpu_status pin(uint64_t bytes, unsigned char **half)
{
    char text[24];
    cudaError_t error = cudaMallocHost((void **)half, bytes);
    if (error != cudaErrorMemoryAllocation)
        return eg_cuda_check(error, "allocating pinned memory of the host for uploads");
    (void)cudaGetLastError();
    return eg_fail(EEGPU_OUT_OF_MEMORY,
                   "no pinned memory of the host for uploads to the GPU: %s (%" PRIu64 " bytes) were asked for; see ulimit -l, the "
                   "limit of the container and the host's free memory, or try --device cpu",
                   eg_bytes_text(bytes, text), bytes);
}

static eegpu_status make_halves(eg_cuda_staging *staging, uint64_t bytes)
{
    eegpu_status status = EEGPU_OK;
    for (int i = 0; i < 2; i++) {
        EG_TRY(pin(bytes, &staging->half[i]));
        EG_TRY(eg_cuda_check(cudaEventCreateWithFlags(&staging->sent[i], cudaEventDisableTiming), "making an event"));
    }
    staging->half_bytes = bytes;
done:
    if (status != EEGPU_OK)
        eg_cuda_free_staging(staging);
    return status;
}

/* Halves as large as the upload asks for, up to the most; they stay for the next one. Smaller ones do when the host is short of
 * pinned memory. */
static eegpu_status prepare_staging(eg_cuda_lane *lane, uint64_t bytes)
{
    eegpu_status status = EEGPU_OK;
    eg_cuda_staging *staging = &lane->staging;
    uint64_t wanted = LEAST_STAGING;
    bool is_limited = false;
    while (wanted < bytes && wanted < EG_STAGING_BYTES)
        wanted *= 2;
    if (wanted <= staging->half_bytes || (staging->is_limited && staging->half_bytes >= EG_LEAST_HALF_BYTES))
        return EEGPU_OK;
    EG_TRY(eg_cuda_check(cudaStreamSynchronize(lane->stream), "waiting for the GPU"));
    eg_cuda_free_staging(staging);
    status = make_halves(staging, wanted);
    for (; status == EEGPU_OUT_OF_MEMORY && wanted > EG_LEAST_HALF_BYTES; is_limited = true)
        status = make_halves(staging, wanted /= 2);
    staging->is_limited = is_limited && status == EEGPU_OK;
done:
    return status;
}

static eegpu_status send_piece(eg_cuda_lane *lane, const eg_cuda_upload *upload, uint64_t first, uint64_t bytes, int half)
{
    eegpu_status status;
    eg_cuda_staging *staging = &lane->staging;
    unsigned char *piece = staging->half[half], *target = upload->target;
    EG_TRY(eg_cuda_check(cudaEventSynchronize(staging->sent[half]), "waiting for an upload"));
    EG_TRY(upload->fill(upload, first, bytes, piece, lane->base.threads));
    EG_TRY(eg_cuda_check(cudaMemcpyAsync(upload->narrow != NULL ? (void *)upload->narrow : target + first, piece, bytes,
                                         cudaMemcpyHostToDevice, lane->stream),
                         "uploading to the GPU"));
    EG_TRY(eg_cuda_check(cudaEventRecord(staging->sent[half], lane->stream), "marking an upload"));
    if (upload->narrow != NULL)
        EG_TRY(eg_cuda_check(
            eg_launch_widen(upload->narrow, bytes / sizeof(float), (double *)upload->target + first / sizeof(float), lane->stream),
            "widening amplitudes"));
done:
    return status;
}

eegpu_status eg_cuda_send(eg_lane *lane, const eg_cuda_upload *upload)
{
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    eegpu_status status;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(prepare_staging(own, upload->bytes));
    uint64_t most = own->staging.half_bytes;
    int half = 0;
    for (uint64_t first = 0; first < upload->bytes; first += most, half = 1 - half)
        EG_TRY(send_piece(own, upload, first, upload->bytes - first < most ? upload->bytes - first : most, half));
done:
    if (status != EEGPU_OK)
        (void)cudaStreamSynchronize(own->stream); /* a half may be on its way with no event to say so */
    return status;
}

typedef struct plain_copy {
    const unsigned char *from;
    unsigned char *to;
} plain_copy;

static eegpu_status copy_range(void *context, uint64_t first, uint64_t last, int worker)
{
    const plain_copy *copy = context;
    (void)worker;
    memcpy(copy->to + first, copy->from + first, last - first);
    return EEGPU_OK;
}

eegpu_status eg_cuda_fill_plain(const eg_cuda_upload *upload, uint64_t first, uint64_t bytes, unsigned char *piece, int threads)
{
    plain_copy copy = {(const unsigned char *)upload->source + first, piece};
    return eg_parallel_for(threads, bytes, COPY_GRAIN, copy_range, &copy);
}

eegpu_status eg_cuda_put(eg_lane *lane, const void *host, uint64_t bytes, const char *what, void *pointer_to_pointer)
{
    void *pointer = NULL;
    eegpu_status status;
    EG_TRY(eg_cuda_allocate(lane, bytes, 1, what, &pointer));
    eg_cuda_upload upload = {.bytes = bytes, .fill = eg_cuda_fill_plain, .source = host, .target = pointer};
    EG_TRY(eg_cuda_send(lane, &upload));
    memcpy(pointer_to_pointer, &pointer, sizeof pointer);
    pointer = NULL;
done:
    eg_cuda_release(lane, pointer);
    if (status != EEGPU_OK)
        (void)eg_fail_while(status, "uploading %s", what);
    return status;
}

eegpu_status eg_cuda_take(eg_lane *lane, eg_budget *budget, uint64_t bytes, const char *what, void *pointer_to_pointer)
{
    void *host, *pointer = NULL;
    memcpy(&host, pointer_to_pointer, sizeof host);
    eegpu_status status = eg_cuda_put(lane, host, bytes, what, &pointer);
    eg_release(budget, host);
    memcpy(pointer_to_pointer, &pointer, sizeof pointer);
    return status;
}

/* ---- Downloads ---- */

/* No way out between the two calls: the copy would still be under way when the caller frees `host`. */
eegpu_status eg_cuda_fetch(eg_lane *lane, const void *buffer, uint64_t bytes, void *host)
{
    eegpu_status status;
    cudaStream_t stream = eg_cuda_lane_of(lane)->stream;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_check(cudaMemcpyAsync(host, buffer, bytes, cudaMemcpyDeviceToHost, stream), "fetching from the GPU"));
    EG_TRY(eg_cuda_check(cudaStreamSynchronize(stream), "waiting for the GPU"));
done:
    return status;
}

eegpu_status eg_cuda_prepare_fetches(eg_lane *lane, uint64_t bytes, uint64_t *most)
{
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    eegpu_status status;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(prepare_staging(own, bytes));
    *most = own->staging.half_bytes;
done:
    return status;
}

eegpu_status eg_cuda_begin_fetch(eg_lane *lane, const void *buffer, uint64_t bytes, int half)
{
    eg_cuda_lane *own = eg_cuda_lane_of(lane);
    eegpu_status status;
    EG_TRY(eg_cuda_check(cudaMemcpyAsync(own->staging.half[half], buffer, bytes, cudaMemcpyDeviceToHost, own->stream),
                         "fetching from the GPU"));
    EG_TRY(eg_cuda_check(cudaEventRecord(own->staging.sent[half], own->stream), "marking a download"));
done:
    return status;
}

eegpu_status eg_cuda_end_fetch(eg_lane *lane, uint64_t bytes, int half, void *host)
{
    const eg_cuda_staging *staging = &eg_cuda_lane_of(lane)->staging;
    plain_copy copy = {staging->half[half], host};
    eegpu_status status;
    EG_TRY(eg_cuda_check(cudaEventSynchronize(staging->sent[half]), "waiting for a download"));
    EG_TRY(eg_parallel_for(lane->threads, bytes, COPY_GRAIN, copy_range, &copy));
done:
    return status;
}

eegpu_status eg_cuda_wait(eg_lane *lane)
{
    eegpu_status status;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_check(cudaStreamSynchronize(eg_cuda_lane_of(lane)->stream), "waiting for the GPU"));
done:
    return status;
}
