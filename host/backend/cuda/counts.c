/* Exact integer Gram matrices of packed 0/1 matrices on the GPU. Comes in: packed bits and weights of the host; goes out: 64-bit
 * integers in a buffer of the device, the same whichever way they were counted. The host packs bit planes (bit_planes.h); each
 * plane is counted by a kernel on its words, or its bits become numbers of a narrow type and cuBLAS multiplies them, piece by
 * piece, so that no sum leaves the range in which the type is exact. Called through the table of plugin.c. */
#include "backend/cuda/counts.h"

#include <stdlib.h>
#include <string.h>

#include "backend/bit_planes.h"
#include "backend/cuda/cuda.h"
#include "base/bits.h"

_Static_assert((int)EG_PANEL_ROWS == (int)EG_KERNEL_PANEL_ROWS, "host and kernels pack alike");

/* Of a product: the types and the factors 1 and 0 of cuBLAS, and how many words of a row may be summed at once. */
typedef struct method {
    const char *name;
    uint64_t number_bytes; /* 0: there is no product */
    uint64_t most_words, most_rows;
    cudaDataType number, product;
    cublasComputeType_t compute;
    const void *one, *zero;
} method;

static const int32_t integer_one = 1, integer_zero = 0;
static const float float_one = 1, float_zero = 0;

static const method methods[] = {
    [EG_CUDA_POPCOUNT] = {.name = "popcount"},
    [EG_CUDA_INT8] = {"int8", 1, EG_MOST_INT8_WORDS, EG_MOST_INT8_ROWS, CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I, &integer_one,
                      &integer_zero},
    [EG_CUDA_HALF] = {"half", 2, EG_MOST_HALF_WORDS, INT32_MAX, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F, &float_one,
                      &float_zero},
};
enum { METHODS = sizeof methods / sizeof *methods };

/* From which sizes on a way is taken; the first row that is reached counts. */
static const struct {
    uint64_t rows, columns;
    eg_cuda_way way;
} choices[] = {{EG_PRODUCT_FROM, EG_PRODUCT_FROM, EG_CUDA_INT8}, {0, 0, EG_CUDA_POPCOUNT}};

typedef struct counting {
    eg_lane *lane;
    cudaStream_t stream;
    const method *how;
    eg_bit_planes planes; /* on the host */
    uint64_t *packed, *counts;
    uint64_t stride; /* rows, and those that fill the last panel: cuBLAS wants multiples of 16 */
    uint64_t words;  /* expanded at once; 0: no product */
    void *numbers, *products;
} counting;

/* ---- Room for a product ---- */

/* Half of what is free at most; if that is too little for words in a useful number, the way is given up. */
static uint64_t words_that_fit(const counting *job)
{
    enum { LEAST_WORDS = 16 };
    uint64_t products = job->stride * job->stride * 4, word = job->stride * 64 * job->how->number_bytes, longest = 0;
    uint64_t room = eg_cuda_room(job->lane) / 2;
    for (int b = 0; b < job->planes.count; b++)
        if (job->planes.plane[b].words > longest)
            longest = job->planes.plane[b].words;
    uint64_t wanted = longest < job->how->most_words ? longest : job->how->most_words;
    uint64_t words = room > products ? (room - products) / word : 0;
    return words >= wanted ? wanted : words >= LEAST_WORDS ? words : 0;
}

/* Too little memory is no failure: there is the other way. */
static eegpu_status prepare_product(counting *job)
{
    eegpu_status status = EEGPU_OK;
    if (job->how->number_bytes == 0 || job->stride > job->how->most_rows || (job->words = words_that_fit(job)) == 0)
        return EEGPU_OK;
    EG_TRY(eg_cuda_allocate(job->lane, job->stride * job->stride, 4, "the products of bits", &job->products));
    EG_TRY(eg_cuda_allocate(job->lane, job->stride * job->words, 64 * job->how->number_bytes, "bits as numbers", &job->numbers));
done:
    if (status != EEGPU_OK)
        job->words = 0;
    return status == EEGPU_OUT_OF_MEMORY ? EEGPU_OK : status;
}

/* ---- Counting ---- */

static cublasStatus_t multiply(const counting *job, int columns)
{
    const method *how = job->how;
    int n = (int)job->stride;
    return cublasGemmEx(eg_cuda_lane_of(job->lane)->blas, CUBLAS_OP_T, CUBLAS_OP_N, n, n, columns, how->one, job->numbers,
                        how->number, columns, job->numbers, how->number, columns, how->zero, job->products, how->product, n,
                        how->compute, CUBLAS_GEMM_DEFAULT);
}

/* Words first .. first + words - 1 of the packed rows as numbers, their product added to the counts. *refused: nothing was
 * added. */
static eegpu_status add_product(const counting *job, uint64_t first, uint64_t words, uint64_t factor, bool *refused)
{
    uint64_t panel_words = job->planes.panel_words, rows = job->planes.rows;
    bool is_half = job->how->number == CUDA_R_16F;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_cuda_check(
        is_half ? eg_launch_expand_halves(job->stride, panel_words, first, words, job->packed, job->numbers, job->stream)
                : eg_launch_expand_bytes(job->stride, panel_words, first, words, job->packed, job->numbers, job->stream),
        "expanding packed bits"));
    cublasStatus_t answer = multiply(job, (int)(64 * words));
    *refused =
        answer == CUBLAS_STATUS_NOT_SUPPORTED || answer == CUBLAS_STATUS_ARCH_MISMATCH || answer == CUBLAS_STATUS_ALLOC_FAILED;
    if (*refused)
        return EEGPU_OK;
    EG_TRY(eg_cublas_check(answer, "multiplying a 0/1 matrix by its transpose (cublasGemmEx)"));
    EG_TRY(eg_cuda_check(is_half ? eg_launch_add_floats(rows, job->products, job->stride, factor, job->counts, job->stream)
                                 : eg_launch_add_integers(rows, job->products, job->stride, factor, job->counts, job->stream),
                         "adding up an integer Gram matrix"));
done:
    return status;
}

/* After a refusal the kernel counts the words that are left, and everything that follows. */
static eegpu_status count_plane(counting *job, const eg_bit_plane *plane)
{
    uint64_t factor = job->planes.factor << plane->shift, done_words = 0;
    bool refused = false;
    eegpu_status status = EEGPU_OK;
    while (job->words > 0 && done_words < plane->words) {
        uint64_t words = plane->words - done_words < job->words ? plane->words - done_words : job->words;
        EG_TRY(add_product(job, plane->first + done_words, words, factor, &refused));
        if (refused)
            job->words = 0;
        else
            done_words += words;
    }
    if (done_words < plane->words)
        status = eg_cuda_check(eg_launch_count_pairs(job->planes.rows, job->planes.panel_words, plane->first + done_words,
                                                     plane->words - done_words, job->packed, factor, job->counts, job->stream),
                               "counting pairs of bits");
done:
    return status;
}

eegpu_status eg_cuda_gram_bits_by(eg_lane *lane, eg_cuda_way way, uint64_t rows, uint64_t columns, const uint64_t *bits,
                                  const uint64_t *weight, uint64_t *counts, eg_cuda_way *used)
{
    counting job = {.lane = lane,
                    .stream = eg_cuda_lane_of(lane)->stream,
                    .how = &methods[way],
                    .counts = counts,
                    .stride = eg_ceil_div(rows, EG_PANEL_ROWS) * EG_PANEL_ROWS};
    eegpu_status status = EEGPU_OK;
    if (rows == 0)
        return EEGPU_OK;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_bit_planes_pack(lane->device->state ? lane->device->state->budget : NULL, rows, columns, bits, weight, lane->threads,
                              &job.planes));
    EG_TRY(eg_cuda_check(cudaMemsetAsync(counts, 0, rows * rows * sizeof *counts, job.stream), "clearing an integer Gram matrix"));
    if (job.planes.count > 0)
        EG_TRY(eg_cuda_put(lane, job.planes.packed, eg_bit_planes_words(&job.planes) * sizeof *job.packed,
                           "the packed rows of a 0/1 matrix", &job.packed));
    eg_bit_planes_free(&job.planes); /* the packed rows alone; what they are is still known */
    if (job.planes.count > 0)
        EG_TRY(prepare_product(&job));
    for (int b = 0; b < job.planes.count; b++)
        EG_TRY(count_plane(&job, &job.planes.plane[b]));
    if (used != NULL)
        *used = job.words > 0 ? way : EG_CUDA_POPCOUNT;
done:
    eg_bit_planes_free(&job.planes);
    eg_cuda_release(lane, job.packed);
    eg_cuda_release(lane, job.numbers);
    eg_cuda_release(lane, job.products);
    return status;
}

static eegpu_status choose(uint64_t rows, uint64_t columns, eg_cuda_way *chosen)
{
    const char *forced = getenv(EG_CUDA_COUNTS_VARIABLE);
    for (int w = 0; forced != NULL && w < METHODS; w++)
        if (strcmp(forced, methods[w].name) == 0) {
            *chosen = (eg_cuda_way)w;
            return EEGPU_OK;
        }
    if (forced != NULL && *forced != 0)
        return eg_fail(EEGPU_USAGE, EG_CUDA_COUNTS_VARIABLE "='%s' is none of popcount, int8, half", forced);
    size_t row = 0;
    while (rows < choices[row].rows || columns < choices[row].columns)
        row++;
    *chosen = choices[row].way;
    return EEGPU_OK;
}

eegpu_status eg_cuda_gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                               uint64_t *counts)
{
    eg_cuda_way chosen = EG_CUDA_POPCOUNT;
    eegpu_status status = choose(rows, columns, &chosen);
    return status == EEGPU_OK ? eg_cuda_gram_bits_by(lane, chosen, rows, columns, bits, weight, counts, NULL) : status;
}

/* ---- Weights ---- */

eegpu_status eg_cuda_weigh(eg_lane *lane, uint64_t n, const uint64_t *weight, uint64_t *counts, eg_count_sums *sums)
{
    uint64_t *device_weight = NULL, *device_sums = NULL, words[EG_WEIGH_WORDS];
    bool all_ones = true;
    eegpu_status status = EEGPU_OK;
    *sums = (eg_count_sums){0};
    if (n == 0)
        return EEGPU_OK;
    for (uint64_t i = 0; i < n && all_ones; i++)
        all_ones = weight[i] == 1;
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_put(lane, weight, n * sizeof *weight, "the row weights of a cut", &device_weight));
    EG_TRY(eg_cuda_allocate(lane, EG_WEIGH_WORDS, sizeof *device_sums, "the sums over an integer Gram matrix", &device_sums));
    EG_TRY(eg_cuda_check(eg_launch_weigh(n, all_ones, device_weight, counts, device_sums, eg_cuda_lane_of(lane)->stream),
                         "weighing an integer Gram matrix"));
    EG_TRY(eg_cuda_fetch(lane, device_sums, sizeof words, words));
    sums->trace = (unsigned __int128)words[1] << 64 | words[0];
    sums->square = (unsigned __int128)words[3] << 64 | words[2];
    sums->total = (unsigned __int128)words[5] << 64 | words[4];
done:
    eg_cuda_release(lane, device_weight);
    eg_cuda_release(lane, device_sums);
    return status;
}
