/* The set of distinct bit vectors of vector_set.h. Comes in: vectors with weights; goes out: each of them once, with the sum of
 * its weights. Open addressing with at most half of the slots in use; growth doubles everything. Called by columns.c,
 * cuda/columns.c and reduce/bit_matrix.c; does not sort. */
#include "backend/vector_set.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint32_t empty_slot = UINT32_MAX;

eegpu_status eg_vector_set_begin(eg_budget *budget, uint64_t words, eg_vector_set *set)
{
    *set = (eg_vector_set){.words = words, .budget = budget};
    return EEGPU_OK;
}

static eegpu_status enlarge(eg_budget *budget, uint64_t used, uint64_t capacity, uint64_t size, void *pointer)
{
    void **buffer = pointer, *larger = NULL;
    eegpu_status status = eg_allocate(budget, capacity, size, "the distinct rows and columns of a cut", &larger);
    if (status != EEGPU_OK)
        return status;
    if (used > 0)
        memcpy(larger, *buffer, used * size);
    eg_release(budget, *buffer);
    *buffer = larger;
    return EEGPU_OK;
}

static void place(eg_vector_set *set, uint32_t number)
{
    uint64_t at = set->hashes[number] & set->slot_mask;
    while (set->slots[at] != empty_slot)
        at = (at + 1) & set->slot_mask;
    set->slots[at] = number;
}

static eegpu_status grow(eg_vector_set *set)
{
    uint64_t capacity = set->capacity ? 2 * set->capacity : eg_vector_set_first_capacity(set->words), slots = 2 * capacity;
    eegpu_status status = EEGPU_OK;
    if (capacity >= empty_slot)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a cut with more than 2^31 distinct columns");
    EG_TRY(enlarge(set->budget, set->count, capacity, set->words * sizeof(uint64_t), &set->vectors));
    EG_TRY(enlarge(set->budget, set->count, capacity, sizeof(uint64_t), &set->weights));
    EG_TRY(enlarge(set->budget, set->count, capacity, sizeof(uint64_t), &set->hashes));
    eg_release(set->budget, set->slots);
    set->slots = NULL;
    EG_TRY(eg_allocate(set->budget, slots, sizeof *set->slots, "the table of distinct columns of a cut", &set->slots));
    memset(set->slots, 0xff, slots * sizeof *set->slots);
    set->slot_mask = slots - 1;
    set->capacity = capacity;
    for (uint64_t number = 0; number < set->count; number++)
        place(set, (uint32_t)number);
done:
    return status;
}

static bool is_zero(const uint64_t *vector, uint64_t words)
{
    for (uint64_t w = 0; w < words; w++)
        if (vector[w] != 0)
            return false;
    return true;
}

eegpu_status eg_vector_set_add(eg_vector_set *set, const uint64_t *vector, uint64_t weight, uint32_t *class)
{
    uint64_t bytes = set->words * sizeof *vector;
    *class = EG_ZERO_VECTOR;
    if (is_zero(vector, set->words))
        return EEGPU_OK;
    if (set->count == set->capacity) {
        eegpu_status status = grow(set);
        if (status != EEGPU_OK)
            return status;
    }
    uint64_t hash = XXH3_64bits(vector, bytes), at = hash & set->slot_mask;
    for (; set->slots[at] != empty_slot; at = (at + 1) & set->slot_mask) {
        uint32_t number = set->slots[at];
        if (set->hashes[number] == hash && memcmp(set->vectors + number * set->words, vector, bytes) == 0) {
            set->weights[number] += weight;
            *class = number;
            return EEGPU_OK;
        }
    }
    *class = (uint32_t)set->count++;
    set->slots[at] = *class;
    set->hashes[*class] = hash;
    set->weights[*class] = weight;
    memcpy(set->vectors + *class * set->words, vector, bytes);
    return EEGPU_OK;
}

void eg_vector_set_seal(eg_vector_set *set)
{
    eg_release(set->budget, set->slots);
    eg_release(set->budget, set->hashes);
    set->slots = NULL;
    set->hashes = NULL;
}

void eg_vector_set_free(eg_vector_set *set)
{
    eg_vector_set_seal(set);
    eg_release(set->budget, set->vectors);
    eg_release(set->budget, set->weights);
    *set = (eg_vector_set){.budget = set->budget};
}
