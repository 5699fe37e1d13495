/* The distinct columns of a cut on the GPU. Comes in: a parent's vectors, on the host or loaded on the device; goes out: a child
 * with its vectors and weights on the host, the set that eg_columns_derive() (backend/columns.h) makes, in an order of its own. The
 * parent is split, its pieces are hashed, equal ones found and the distinct ones collected by kernels; what does not fit at once
 * goes piece by piece, and the host merges. Regions of fewer than 6 pixels are left to the host. Called through the table of
 * plugin.c. */
#include <string.h>

#include "backend/cuda/cuda.h"
#include "base/bits.h"

enum { WORD_BITS = 6, MOST_BUFFERS = 12, MOST_TRIES = 8 };

typedef struct derivation {
    eg_lane *lane;
    cudaStream_t stream;
    const eg_columns *parent;
    const uint64_t *resident; /* the parent's vectors on the device, or NULL */
    eg_budget *budget;        /* of the host */
    int size;                 /* of the child */
    uint64_t kept, words;     /* index bits that stay; words of a child vector */
    uint64_t parents, fixed;  /* a piece: this many parent vectors; of one, those with the same values of the index bits `fixed` */
    void *buffers[MOST_BUFFERS]; /* of the device, for one piece */
    int buffer_count;
    bool is_short; /* of memory of the device */
} derivation;

/* What a piece has given, on the host. */
typedef struct distinct {
    uint64_t count, *vectors, *weights;
} distinct;

/* ---- Buffers of a piece ---- */

static eegpu_status make(derivation *job, uint64_t count, uint64_t size, void *pointer_to_pointer)
{
    void *buffer = NULL;
    eegpu_status status = eg_cuda_allocate(job->lane, count, size, "the columns of a cut", &buffer);
    job->is_short = job->is_short || status == EEGPU_OUT_OF_MEMORY;
    if (status == EEGPU_OK)
        job->buffers[job->buffer_count++] = buffer;
    memcpy(pointer_to_pointer, &buffer, sizeof buffer);
    return status;
}

/* What the upload lacks is memory of the host: smaller pieces would not help. */
static eegpu_status put(derivation *job, const void *host, uint64_t bytes, void *pointer_to_pointer)
{
    void *buffer = NULL;
    eegpu_status status;
    EG_TRY(make(job, bytes, 1, &buffer));
    eg_cuda_upload upload = {.bytes = bytes, .fill = eg_cuda_fill_plain, .source = host, .target = buffer};
    EG_TRY(eg_cuda_send(job->lane, &upload));
    memcpy(pointer_to_pointer, &buffer, sizeof buffer);
done:
    return status;
}

static void drop(derivation *job)
{
    while (job->buffer_count > 0)
        eg_cuda_release(job->lane, job->buffers[--job->buffer_count]);
}

/* ---- The vectors of a piece ---- */

/* Part of one parent vector, brought together on the host: runs of words with the index bits `values` of `fixed`. */
static eegpu_status put_part(derivation *job, const uint64_t *vector, uint64_t values, int part_bits, const uint64_t **source)
{
    int run_bits = eg_lowest_bit(job->fixed);
    uint64_t run_words = UINT64_C(1) << (run_bits - WORD_BITS), part_words = UINT64_C(1) << (part_bits - WORD_BITS);
    uint64_t above = eg_low_mask(job->parent->size) & ~eg_low_mask(run_bits) & ~job->fixed, *part = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(job->budget, part_words, sizeof *part, "a piece of the columns of a cut", &part));
    for (uint64_t run = 0; run < part_words / run_words; run++)
        memcpy(part + run * run_words, vector + ((eg_deposit(run, above) | values) >> WORD_BITS), run_words * sizeof *part);
    EG_TRY(put(job, part, part_words * sizeof *part, source));
done:
    eg_release(job->budget, part);
    return status;
}

/* `count` vectors of 2^part_bits bits on the device. Where the index bits `fixed` are the highest ones, a part is in one piece
 * already. */
static eegpu_status find_source(derivation *job, uint64_t first, uint64_t count, uint64_t values, int part_bits,
                                const uint64_t **source)
{
    const eg_vector_set *set = &job->parent->set;
    uint64_t offset = first * set->words + (values >> WORD_BITS);
    if (job->fixed != 0 && eg_lowest_bit(job->fixed) != part_bits)
        return put_part(job, set->vectors + first * set->words, values, part_bits, source);
    if (job->resident != NULL) {
        *source = job->resident + offset;
        return EEGPU_OK;
    }
    return put(job, set->vectors + offset, count << (part_bits - WORD_BITS) << 3, source);
}

static eegpu_status split(derivation *job, const uint64_t *source, uint64_t count, int part_bits, uint64_t *children)
{
    int child_bit[EG_MAX_DENSE_PIXELS], next = 0;
    for (uint64_t rest = job->kept; rest; rest &= rest - 1) {
        int bit = eg_lowest_bit(rest);
        child_bit[next++] = bit - eg_popcount(job->fixed & eg_low_mask(bit));
    }
    return eg_cuda_check(eg_launch_split(count, part_bits, source, job->size, child_bit, children, job->stream),
                         "splitting the columns of a region");
}

/* ---- Distinct ones ---- */

/* The lowest of equal vectors leads them; `sum` has their weights. */
static eegpu_status find_leaders(derivation *job, uint64_t count, const uint64_t *children, const uint64_t *weight, int shift,
                                 uint32_t *leader, uint64_t *sum)
{
    static const char doing[] = "finding equal columns of a cut";
    uint64_t slot_count = 64, *hash = NULL;
    uint32_t *slots = NULL;
    eegpu_status status = EEGPU_OK;
    while (slot_count < 2 * count)
        slot_count *= 2;
    EG_TRY(make(job, count, sizeof *hash, &hash));
    EG_TRY(make(job, slot_count, sizeof *slots, &slots));
    EG_TRY(eg_cuda_check(cudaMemsetAsync(slots, 0xff, slot_count * sizeof *slots, job->stream), doing));
    EG_TRY(eg_cuda_check(cudaMemsetAsync(sum, 0, count * sizeof *sum, job->stream), doing));
    EG_TRY(eg_cuda_check(eg_launch_hash(count, job->words, children, UINT64_MAX, hash, job->stream), doing));
    EG_TRY(eg_cuda_check(eg_launch_insert(count, job->words, children, hash, slot_count - 1, slots, job->stream), doing));
    EG_TRY(eg_cuda_check(
        eg_launch_find(count, job->words, children, hash, slot_count - 1, slots, weight, shift, leader, sum, job->stream), doing));
done:
    return status;
}

/* Where the leaders of each block go, on the device; *total of them. */
static eegpu_status place_leaders(derivation *job, uint64_t count, const uint32_t *leader, uint32_t **start, uint64_t *total)
{
    uint64_t blocks = eg_ceil_div(count, EG_LEADER_BLOCK);
    uint32_t *found = NULL, *places = NULL;
    eegpu_status status = EEGPU_OK;
    *total = 0;
    EG_TRY(make(job, blocks, sizeof *found, &found));
    EG_TRY(eg_allocate(job->budget, blocks, sizeof *places, "the places of the columns of a cut", &places));
    EG_TRY(eg_cuda_check(eg_launch_count_leaders(count, leader, found, job->stream), "counting the columns of a cut"));
    EG_TRY(eg_cuda_fetch(job->lane, found, blocks * sizeof *places, places));
    for (uint64_t b = 0; b < blocks; b++) {
        uint32_t here = places[b];
        places[b] = (uint32_t)*total;
        *total += here;
    }
    EG_TRY(put(job, places, blocks * sizeof *places, start));
done:
    eg_release(job->budget, places);
    return status;
}

static eegpu_status fetch_leaders(derivation *job, uint64_t count, const uint64_t *children, const uint32_t *leader,
                                  const uint64_t *sum, distinct *found)
{
    uint64_t *vectors = NULL, *weights = NULL;
    uint32_t *start = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(place_leaders(job, count, leader, &start, &found->count));
    if (found->count == 0)
        return EEGPU_OK;
    EG_TRY(make(job, found->count * job->words, sizeof *vectors, &vectors));
    EG_TRY(make(job, found->count, sizeof *weights, &weights));
    EG_TRY(eg_allocate(job->budget, found->count * job->words, sizeof *vectors, "the distinct columns of a cut", &found->vectors));
    EG_TRY(eg_allocate(job->budget, found->count, sizeof *weights, "the distinct columns of a cut", &found->weights));
    EG_TRY(eg_cuda_check(eg_launch_collect(count, job->words, children, leader, sum, start, vectors, weights, job->stream),
                         "collecting the columns of a cut"));
    EG_TRY(eg_cuda_fetch(job->lane, vectors, found->count * job->words * sizeof *vectors, found->vectors));
    EG_TRY(eg_cuda_fetch(job->lane, weights, found->count * sizeof *weights, found->weights));
done:
    return status;
}

static eegpu_status derive_piece(derivation *job, uint64_t first, uint64_t count, uint64_t values, distinct *found)
{
    int part_bits = job->parent->size - eg_popcount(job->fixed), shift = part_bits - job->size;
    uint64_t children_count = count << shift, *children = NULL, *weight = NULL, *sum = NULL;
    const uint64_t *source = NULL;
    uint32_t *leader = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(find_source(job, first, count, values, part_bits, &source));
    EG_TRY(put(job, job->parent->set.weights + first, count * sizeof *weight, &weight));
    EG_TRY(make(job, children_count * job->words, sizeof *children, &children));
    EG_TRY(make(job, children_count, sizeof *leader, &leader));
    EG_TRY(make(job, children_count, sizeof *sum, &sum));
    EG_TRY(split(job, source, count, part_bits, children));
    EG_TRY(find_leaders(job, children_count, children, weight, shift, leader, sum));
    EG_TRY(fetch_leaders(job, children_count, children, leader, sum, found));
done:
    drop(job);
    return status;
}

/* ---- All pieces ---- */

/* Whole parents if one fits into `room` bytes with all that belongs to its children; else parts of one, by its highest index
 * bits. */
static void plan_pieces(derivation *job, uint64_t room)
{
    uint64_t per_parent = UINT64_C(1) << (job->parent->size - job->size), most = room / (24 * job->words + 48);
    uint64_t left = eg_low_mask(job->parent->size) & ~eg_low_mask(WORD_BITS) & ~job->kept;
    most = most < EG_MOST_CHILDREN ? most : EG_MOST_CHILDREN;
    job->fixed = 0;
    job->parents = most / per_parent;
    if (job->parents > job->parent->set.count)
        job->parents = job->parent->set.count;
    if (job->parents > 0)
        return;
    job->parents = 1;
    for (; per_parent > most && left != 0; per_parent /= 2) {
        uint64_t highest = UINT64_C(1) << (63 - __builtin_clzll(left));
        job->fixed |= highest;
        left &= ~highest;
    }
}

/* The only piece becomes the child; of several, each is merged into it. */
static eegpu_status take_piece(derivation *job, bool is_only, distinct *found, eg_vector_set *set)
{
    eegpu_status status = EEGPU_OK;
    uint32_t class = 0;
    if (is_only) {
        set->vectors = found->vectors;
        set->weights = found->weights;
        set->count = set->capacity = found->count;
        return EEGPU_OK;
    }
    for (uint64_t k = 0; k < found->count; k++)
        EG_TRY(eg_vector_set_add(set, found->vectors + k * job->words, found->weights[k], &class));
done:
    eg_release(job->budget, found->vectors);
    eg_release(job->budget, found->weights);
    return status;
}

static eegpu_status derive_pieces(derivation *job, eg_vector_set *set)
{
    uint64_t parents = job->parent->set.count, parts = UINT64_C(1) << eg_popcount(job->fixed);
    eegpu_status status = eg_vector_set_begin(job->budget, job->words, set);
    for (uint64_t first = 0; first < parents && status == EEGPU_OK; first += job->parents) {
        uint64_t count = parents - first < job->parents ? parents - first : job->parents;
        for (uint64_t part = 0; part < parts && status == EEGPU_OK; part++) {
            distinct found = {0};
            status = derive_piece(job, first, count, eg_deposit(part, job->fixed), &found);
            if (status == EEGPU_OK)
                status = take_piece(job, count == parents && parts == 1, &found, set);
            else {
                eg_release(job->budget, found.vectors);
                eg_release(job->budget, found.weights);
            }
        }
    }
    return status;
}

/* The columns of at least 6 pixels. When the device turns out to be short of memory, again with smaller pieces. */
static eegpu_status derive(eg_lane *lane, const eg_columns *parent, uint64_t kept, eg_budget *budget, eg_columns *child)
{
    eg_cuda_device *device = eg_cuda_device_of(lane);
    const eegpu_state *state = lane->device->state;
    derivation job = {.lane = lane, .stream = eg_cuda_lane_of(lane)->stream, .parent = parent, .budget = budget, .kept = kept};
    uint64_t room = eg_cuda_room(lane) / 4 * 3;
    eegpu_status status = EEGPU_OK;
    job.size = child->size = eg_popcount(kept);
    job.words = UINT64_C(1) << (job.size - WORD_BITS);
    if (state != NULL && device->bits != NULL && parent->set.vectors == state->bits)
        job.resident = device->bits;
    for (int bit = 0, next = 0; bit < parent->size; bit++)
        if (kept >> bit & 1)
            child->pixel_of_bit[next++] = parent->pixel_of_bit[bit];
    for (int tries = 0; tries < MOST_TRIES; tries++, room /= 2) {
        job.is_short = false;
        plan_pieces(&job, room);
        status = derive_pieces(&job, &child->set);
        if (status == EEGPU_OK || !job.is_short)
            break;
        eg_vector_set_free(&child->set);
        eg_cuda_trim(lane);
    }
    if (status == EEGPU_OK)
        eg_vector_set_seal(&child->set);
    else
        eg_columns_free(child);
    return status;
}

eegpu_status eg_cuda_derive_columns(eg_lane *lane, const eg_columns *parent, uint64_t pixels, eg_budget *budget, eg_columns *child)
{
    eg_columns six = {.set.budget = budget};
    uint64_t kept = eg_columns_index_bits(parent, pixels);
    *child = (eg_columns){.set.budget = budget};
    if (parent->size <= WORD_BITS || parent->set.count == 0)
        return eg_columns_derive(parent, pixels, budget, NULL, child);
    eegpu_status status = eg_cuda_enter(lane->device);
    if (status != EEGPU_OK)
        return status;
    if (eg_popcount(kept) >= WORD_BITS)
        return derive(lane, parent, kept, budget, child);
    for (int bit = 0; eg_popcount(kept) < WORD_BITS; bit++)
        kept |= UINT64_C(1) << bit;
    status = derive(lane, parent, kept, budget, &six);
    if (status == EEGPU_OK)
        status = eg_columns_derive(&six, pixels, budget, NULL, child);
    eg_columns_free(&six);
    return status;
}
