/* The function on the GPU. Comes in: a state of the host; goes out: panels of the matrices of its cuts. A function that takes at
 * most a third of the device's budget is sent there once, and panels are permutations of it. Of a larger one each panel's
 * amplitudes are collected on the host: the panel's columns fix some bits of the index, and what is left is a small function of the
 * other bits, which is sent and then permuted. Called through the table in plugin.c. */
#include <math.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "base/bits.h"
#include "base/parallel.h"
#include "state/state.h"

enum { MOST_CHUNK_BITS = 9, WORD_BITS = 6, CHUNK_GRAIN = 64 };

_Static_assert(16 << MOST_CHUNK_BITS <= EG_LEAST_HALF_BYTES, "a chunk of complex numbers fits a piece of an upload");

/* How the numbers of a state are kept on the host and sent. */
typedef struct form {
    const void *source;
    uint64_t number_bits;    /* of one amplitude: 1, 32, 64 or 128 */
    uint64_t numbers, bytes; /* of the whole function, as sent */
    uint64_t device_bytes;
    bool is_narrow; /* floats, which become doubles on the device */
} form;

static form form_of(const eegpu_state *state, uint64_t numbers)
{
    uint64_t parts = state->is_complex ? 2 : 1;
    form result = {.numbers = numbers};
    if (state->kind == EG_BITS) {
        result.source = state->bits;
        result.number_bits = 1;
        result.bytes = result.device_bytes = eg_ceil_div(numbers, 64) * sizeof(uint64_t);
    } else {
        result.is_narrow = state->singles != NULL;
        result.source = result.is_narrow ? (const void *)state->singles : state->amplitudes;
        result.number_bits = 8 * parts * (result.is_narrow ? sizeof(float) : sizeof(double));
        result.bytes = numbers * result.number_bits / 8;
        result.device_bytes = numbers * parts * sizeof(double);
    }
    return result;
}

/* Send it into new memory of the device; floats by way of a piece that is widened there. */
static eegpu_status send_numbers(eg_lane *lane, const form *what, eg_cuda_upload *upload, const char *name,
                                 void *pointer_to_pointer)
{
    eegpu_status status;
    void *target = NULL;
    EG_TRY(eg_cuda_allocate(lane, what->device_bytes, 1, name, &target));
    if (what->is_narrow)
        EG_TRY(eg_cuda_allocate(lane, what->bytes < EG_STAGING_BYTES ? what->bytes : EG_STAGING_BYTES, 1,
                                "a piece in single precision", &upload->narrow));
    upload->bytes = what->bytes;
    upload->target = target;
    EG_TRY(eg_cuda_send(lane, upload));
    memcpy(pointer_to_pointer, &target, sizeof target);
    target = NULL;
done:
    eg_cuda_release(lane, upload->narrow);
    eg_cuda_release(lane, target);
    return status;
}

/* ---- The whole function ---- */

/* Numbers that a formula gives are made where they are needed. */
static eegpu_status make_random(eg_lane *lane, const eegpu_state *state, const form *whole, double **amplitudes)
{
    eegpu_status status;
    EG_TRY(eg_cuda_allocate(lane, whole->device_bytes, 1, "the function", amplitudes));
    EG_TRY(eg_cuda_check(
        eg_launch_random(state->born_seed, 0, whole->device_bytes / sizeof(double), *amplitudes, eg_cuda_lane_of(lane)->stream),
        "making random amplitudes"));
done:
    return status;
}

static eegpu_status load_whole(eg_cuda_device *device, const eegpu_state *state)
{
    eegpu_status status;
    eg_lane *lane = &device->loader->base;
    form whole = form_of(state, state->size);
    eg_cuda_upload upload = {.fill = eg_cuda_fill_plain, .source = whole.source};
    if (whole.device_bytes > device->own_budget.limit / 3)
        return EEGPU_OK;
    if (state->kind == EG_BITS)
        EG_TRY(send_numbers(lane, &whole, &upload, "the function", &device->bits));
    else if (state->is_born)
        EG_TRY(make_random(lane, state, &whole, &device->amplitudes));
    else
        EG_TRY(send_numbers(lane, &whole, &upload, "the function", &device->amplitudes));
    EG_TRY(eg_cuda_wait(lane));
done:
    return status;
}

eegpu_status eg_cuda_load(eg_device *device, const eegpu_state *state, int threads)
{
    eegpu_status status = EEGPU_OK;
    eg_cuda_device *own = (eg_cuda_device *)device;
    eg_cuda_unload(device);
    own->loader->base.threads = threads < EG_MOST_LOADING_THREADS ? threads : EG_MOST_LOADING_THREADS;
    if (state->kind != EG_IMAGES)
        status = load_whole(own, state);
    if (status == EEGPU_OUT_OF_MEMORY) { /* others have taken it since the device was opened: then panel by panel */
        eg_cuda_unload(device);
        eg_cuda_trim(&own->loader->base);
        status = EEGPU_OK;
    }
    if (status == EEGPU_OK) {
        device->is_held = own->amplitudes != NULL || own->bits != NULL || state->kind == EG_IMAGES;
        device->state = state;
        return EEGPU_OK;
    }
    eg_cuda_unload(device);
    return eg_fail_while(status, "loading the function");
}

void eg_cuda_unload(eg_device *device)
{
    eg_cuda_device *own = (eg_cuda_device *)device;
    device->state = NULL;
    if (own->loader == NULL)
        return;
    eg_cuda_release(&own->loader->base, own->amplitudes);
    eg_cuda_release(&own->loader->base, own->bits);
    own->amplitudes = NULL;
    own->bits = NULL;
}

/* ---- A part of it, from the host ---- */

/* The numbers base | deposit(c, open_bits) of the function, c = 0, 1, ..., in chunks of 2^chunk_bits. */
typedef struct part {
    form form; /* of the part */
    uint64_t base, open_bits;
    int chunk_bits, run_bits; /* a chunk is made of runs of 2^run_bits neighbours */
    uint64_t offset[1 << MOST_CHUNK_BITS];
} part;

typedef struct collection {
    const part *part;
    uint64_t first; /* chunk */
    unsigned char *piece;
} collection;

static void plan_part(const eegpu_state *state, uint64_t base, uint64_t open_bits, part *result)
{
    int bits = eg_popcount(open_bits);
    result->form = form_of(state, UINT64_C(1) << bits);
    result->base = base;
    result->open_bits = open_bits;
    result->chunk_bits = bits < MOST_CHUNK_BITS ? bits : MOST_CHUNK_BITS;
    for (uint64_t c = 0; c < UINT64_C(1) << result->chunk_bits; c++)
        result->offset[c] = eg_deposit(c, open_bits);
    result->run_bits = ~open_bits == 0 ? 64 : eg_lowest_bit(~open_bits);
    result->run_bits = result->run_bits < result->chunk_bits ? result->run_bits : result->chunk_bits;
}

static void copy_numbers(const part *chosen, uint64_t start, unsigned char *to)
{
    const unsigned char *from = chosen->form.source;
    uint64_t bytes = chosen->form.number_bits / 8, run = UINT64_C(1) << chosen->run_bits;
    for (uint64_t c = 0; c < UINT64_C(1) << chosen->chunk_bits; c += run)
        memcpy(to + c * bytes, from + (start | chosen->offset[c]) * bytes, run * bytes);
}

static void copy_bits(const part *chosen, uint64_t start, unsigned char *to)
{
    const uint64_t *from = chosen->form.source;
    uint64_t count = UINT64_C(1) << chosen->chunk_bits;
    for (uint64_t w = 0; w < eg_ceil_div(count, 64); w++) {
        uint64_t word = 0;
        if (chosen->run_bits >= WORD_BITS)
            word = from[(start | chosen->offset[64 * w]) / 64];
        else
            for (uint64_t c = 64 * w; c < count && c < 64 * (w + 1); c++)
                word |= (uint64_t)eg_bit(from, start | chosen->offset[c]) << c % 64;
        memcpy(to + w * sizeof word, &word, sizeof word);
    }
}

static eegpu_status collect_chunks(void *context, uint64_t first, uint64_t last, int worker)
{
    const collection *job = context;
    const part *chosen = job->part;
    uint64_t bits = chosen->form.number_bits << chosen->chunk_bits, bytes = bits < 64 ? 8 : bits / 8;
    (void)worker;
    for (uint64_t chunk = first; chunk < last; chunk++) {
        uint64_t start = chosen->base | eg_deposit((job->first + chunk) << chosen->chunk_bits, chosen->open_bits);
        unsigned char *to = job->piece + chunk * bytes;
        if (chosen->form.number_bits == 1)
            copy_bits(chosen, start, to);
        else
            copy_numbers(chosen, start, to);
    }
    return EEGPU_OK;
}

/* A piece is all of the part, or a power of two of chunks. */
static eegpu_status collect(const eg_cuda_upload *upload, uint64_t first, uint64_t bytes, unsigned char *piece, int threads)
{
    const part *chosen = upload->source;
    uint64_t bits = chosen->form.number_bits << chosen->chunk_bits;
    collection job = {chosen, first * 8 / bits, piece};
    return eg_parallel_for(threads, bits < 64 ? 1 : bytes * 8 / bits, CHUNK_GRAIN, collect_chunks, &job);
}

/* ---- Panels ---- */

static eg_index_map map_of(const eg_matrix_layout *layout, uint64_t first, uint64_t count)
{
    int column_bits = eg_lowest_bit(count);
    eg_index_map map = {.bits = layout->row_bits + column_bits};
    for (int t = 0; t < map.bits; t++)
        map.bit[t] = t < layout->row_bits ? layout->row_bit[t] : layout->column_bit[t - layout->row_bits];
    for (int j = column_bits; j < layout->column_bits; j++)
        map.base |= (first >> j & 1) << layout->column_bit[j];
    return map;
}

static eegpu_status permute(eg_lane *lane, const eegpu_state *state, const void *source, const eg_index_map *map, double *panel)
{
    const double factor[2] = {ldexp(1, state->exponent / 2), ldexp(1, state->exponent - state->exponent / 2)};
    cudaStream_t stream = eg_cuda_lane_of(lane)->stream;
    cudaError_t error = state->kind == EG_BITS ? eg_launch_permute_bits(source, map, panel, stream)
                                               : eg_launch_permute(state->is_complex, source, map, factor, panel, stream);
    return eg_cuda_check(error, "gathering a panel");
}

static eegpu_status permute_part(eg_lane *lane, const eegpu_state *state, const eg_index_map *map, double *panel)
{
    eegpu_status status;
    part *chosen = NULL;
    void *compact = NULL;
    uint64_t open_bits = 0;
    eg_index_map renumbered = {.bits = map->bits};
    for (int t = 0; t < map->bits; t++)
        open_bits |= UINT64_C(1) << map->bit[t];
    for (int t = 0; t < map->bits; t++)
        renumbered.bit[t] = eg_popcount(open_bits & eg_low_mask(map->bit[t]));
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof *chosen, "the plan of a panel", &chosen));
    plan_part(state, map->base, open_bits, chosen);
    eg_cuda_upload upload = {.fill = collect, .source = chosen};
    EG_TRY(send_numbers(lane, &chosen->form, &upload, "the amplitudes of a panel", &compact));
    EG_TRY(permute(lane, state, compact, &renumbered, panel));
done:
    eg_cuda_release(lane, compact);
    eg_release(NULL, chosen);
    return status;
}

eegpu_status eg_cuda_gather(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel)
{
    const eg_cuda_device *device = eg_cuda_device_of(lane);
    const eegpu_state *state = device->base.state;
    const void *source = NULL;
    eg_index_map map = map_of(layout, first, count);
    eegpu_status status;
    if (state == NULL || state->kind == EG_IMAGES)
        return eg_fail(EEGPU_USAGE, "gathering a panel: no function of 2^N numbers is loaded on %s", device->base.name);
    EG_TRY(eg_cuda_enter(lane->device));
    source = state->kind == EG_BITS ? (const void *)device->bits : device->amplitudes;
    if (source != NULL)
        status = permute(lane, state, source, &map, panel);
    else
        status = permute_part(lane, state, &map, panel);
done:
    return status;
}
