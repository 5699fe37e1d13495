/* What the files of the CUDA back end share: its device and lane, memory, checked calls. Compiled into the plug-in alone; nothing
 * of it is seen elsewhere. device.c opens and closes, memory.c has buffers, load.c the function, and matrices.c, counts.c,
 * columns.c, eigenvalues.c, singular.c, networks.c the operations of backend.h. */
#ifndef EG_BACKEND_CUDA_CUDA_H
#define EG_BACKEND_CUDA_CUDA_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusolverDn.h>
#include <pthread.h>

#include "backend/backend.h"
#include "backend/cuda/limits.h"
#include "kernels.h"

_Static_assert((int)EG_MOST_INDEX_BITS >= EG_MAX_DENSE_PIXELS, "the kernels take every dense function");
_Static_assert(EG_NO_VECTOR == EG_ZERO_VECTOR, "host and kernels say alike that a vector is zero");

/* Pinned host memory in two halves, so that one is filled while the other is on its way. Each lane has its own: the halves are free
 * again when work of that lane is done. */
typedef struct eg_cuda_staging {
    unsigned char *half[2];
    uint64_t half_bytes; /* a power of two up to EG_STAGING_BYTES; 0 before the first upload */
    bool is_limited;     /* the host did not give larger halves */
    cudaEvent_t sent[2]; /* when a half may be written again */
} eg_cuda_staging;

enum { EG_CHAIN_BITS = 10, EG_BUFFER_CHAINS = 1 << EG_CHAIN_BITS };

/* What is allocated, so that a release knows how many bytes go back to the budget (memory.c). */
typedef struct eg_cuda_buffers {
    pthread_mutex_t lock;
    struct eg_cuda_buffer *chain[EG_BUFFER_CHAINS];
} eg_cuda_buffers;

/* Lanes that help another one to solve (eigenvalues.c), opened when first wanted and kept until the device is closed: starting
 * cuBLAS and cuSOLVER is slow. All callers share them, so their number is bounded. */
typedef struct eg_cuda_helpers {
    pthread_mutex_t lock;
    eg_lane *idle[EG_MOST_HELPERS];
    int idle_count, count; /* count: idle and lent ones */
} eg_cuda_helpers;

typedef struct eg_cuda_device {
    eg_device base; /* first, so that a pointer to one is a pointer to the other */
    int number;
    eg_budget own_budget;
    cudaMemPool_t pool;
    eg_cuda_buffers buffers;
    eg_cuda_helpers helpers;
    struct eg_cuda_lane *loader; /* the lane that uploads and holds the function */
    double *amplitudes;          /* the whole loaded function; NULL: it is gathered from the host, panel by panel */
    uint64_t *bits;
} eg_cuda_device;

typedef struct eg_cuda_lane {
    eg_lane base;
    cudaStream_t stream;
    cublasHandle_t blas;
    cusolverDnHandle_t solver;
    cusolverDnParams_t parameters;
    eg_cuda_staging staging;
} eg_cuda_lane;

extern const eg_backend eg_cuda_backend; /* plugin.c */

static inline eg_cuda_device *eg_cuda_device_of(const eg_lane *lane) { return (eg_cuda_device *)lane->device; }
static inline eg_cuda_lane *eg_cuda_lane_of(eg_lane *lane) { return (eg_cuda_lane *)lane; }

/* ---- Devices and lanes (device.c), the table's entries ---- */

EG_MUST eg_cuda_open(int number, eg_device **device);
void eg_cuda_close(eg_device *device);
EG_MUST eg_cuda_open_lane(eg_device *device, int threads, eg_lane **lane);
void eg_cuda_close_lane(eg_lane *lane);

/* A helper; NULL when all are lent or none can be opened. It is given back when what it was asked for is done. */
eg_lane *eg_cuda_borrow_lane(eg_device *device);
void eg_cuda_give_lane_back(eg_lane *lane);

/* ---- Checked calls (device.c): `doing` says in words what was being done; the message names the error and what to try. An
 * allocation failure is EEGPU_OUT_OF_MEMORY, a lost or missing device EEGPU_NO_DEVICE, anything else EEGPU_NUMERICS. ---- */

EG_MUST eg_cuda_check(cudaError_t error, const char *doing);
EG_MUST eg_cublas_check(cublasStatus_t status, const char *doing);
EG_MUST eg_cusolver_check(cusolverStatus_t status, const char *doing);

/* The calling thread works with this device from now on: at the head of every operation. */
EG_MUST eg_cuda_enter(const eg_device *device);

/* ---- Buffers (memory.c), the table's entries. Stream-ordered: allocate and release may be called while earlier work of the lane
 * is still under way. ---- */

EG_MUST eg_cuda_allocate(eg_lane *lane, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer);
void eg_cuda_release(eg_lane *lane, void *buffer);
EG_MUST eg_cuda_take(eg_lane *lane, eg_budget *budget, uint64_t bytes, const char *what, void *pointer_to_pointer);
EG_MUST eg_cuda_fetch(eg_lane *lane, const void *buffer, uint64_t bytes, void *host);
EG_MUST eg_cuda_wait(eg_lane *lane);

/* A device copy of host memory, which may be used again at once. */
EG_MUST eg_cuda_put(eg_lane *lane, const void *host, uint64_t bytes, const char *what, void *pointer_to_pointer);

/* An upload in pieces: `fill` writes bytes first .. first + bytes - 1 of it to `piece`, with up to `threads` threads. */
typedef struct eg_cuda_upload {
    uint64_t bytes;
    eegpu_status (*fill)(const struct eg_cuda_upload *upload, uint64_t first, uint64_t bytes, unsigned char *piece, int threads);
    const void *source; /* for `fill` */
    void *target;
    float *narrow; /* room for a piece on the device: the upload is floats and becomes doubles there; else NULL */
} eg_cuda_upload;

/* A fill that copies: `source` is the memory that is sent. */
EG_MUST eg_cuda_fill_plain(const eg_cuda_upload *upload, uint64_t first, uint64_t bytes, unsigned char *piece, int threads);

EG_MUST eg_cuda_send(eg_lane *lane, const eg_cuda_upload *upload);

/* Downloads by way of the two pinned halves of the lane, so that the device works on while the host takes a half away. First *most:
 * how many bytes a half has room for, where downloads of `bytes` are wished. What is begun may be ended later, after more work was
 * put into the lane; after a failure the lane must be waited for. */
EG_MUST eg_cuda_prepare_fetches(eg_lane *lane, uint64_t bytes, uint64_t *most);
EG_MUST eg_cuda_begin_fetch(eg_lane *lane, const void *buffer, uint64_t bytes, int half);
EG_MUST eg_cuda_end_fetch(eg_lane *lane, uint64_t bytes, int half, void *host);
void eg_cuda_free_staging(eg_cuda_staging *staging);

/* Bytes of device memory that can still be had, and giving back to the driver what the pool keeps, before cuBLAS or cuSOLVER is to
 * allocate by itself or after an allocation has failed. It waits for the work of all lanes, for what they free is there only
 * then. */
uint64_t eg_cuda_room(const eg_lane *lane);
void eg_cuda_trim(eg_lane *lane);

/* ---- The function (load.c) ---- */

EG_MUST eg_cuda_load(eg_device *device, const eegpu_state *state, int threads);
void eg_cuda_unload(eg_device *device);
EG_MUST eg_cuda_gather(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel);

/* ---- Operations (matrices.c, counts.c, columns.c, eigenvalues.c, singular.c, networks.c) ---- */

EG_MUST eg_cuda_gram(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *gram);
EG_MUST eg_cuda_partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                              double *child);
EG_MUST eg_cuda_merge(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                      const double *weight, double *merged);
EG_MUST eg_cuda_invariants(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, double *trace, double *square);
EG_MUST eg_cuda_gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                          uint64_t *counts);
EG_MUST eg_cuda_weigh(eg_lane *lane, uint64_t n, const uint64_t *weight, uint64_t *counts, eg_count_sums *sums);
EG_MUST eg_cuda_derive_columns(eg_lane *lane, const eg_columns *parent, uint64_t pixels, eg_budget *budget, eg_columns *child);
EG_MUST eg_cuda_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed);
EG_MUST eg_cuda_singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values);
EG_MUST eg_cuda_evaluate_network(eg_lane *lane, const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget,
                                 eg_progress *progress, double *amplitudes);

#endif
