/* Cases of integers: Gram matrices of packed bits, their weighing, distinct columns. All are compared bit by bit. See cases.h. */
#include <stdlib.h>
#include <string.h>

#include "backend/case_table.h"
#include "base/bits.h"

/* ---- integer gram: host[0] the bits, host[1] the weights of the columns ---- */

enum { ALL_ONES, WEIGHTED };

static uint64_t columns_of(int size) { return size < 256 ? 3 * (uint64_t)size + 5 : (uint64_t)size; }

/* Bits past the last column are random like the others: they must not count. */
static eegpu_status put_bits(eg_instance *instance)
{
    return eg_case_words(instance, 0, (uint64_t)instance->size * eg_ceil_div(columns_of(instance->size), 64));
}

/* host[1] = `count` weights of 1 to 1024, or all 1. */
static eegpu_status put_weights(eg_instance *instance, uint64_t count)
{
    eegpu_status status = eg_case_words(instance, 1, count);
    uint64_t *weight = instance->host[1];
    for (uint64_t i = 0; i < count && status == EEGPU_OK; i++)
        weight[i] = instance->row->variant == ALL_ONES ? 1 : 1 + (weight[i] & 1023);
    return status;
}

static eegpu_status prepare_gram(eg_instance *instance)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(put_bits(instance));
    if (instance->row->variant == WEIGHTED)
        EG_TRY(put_weights(instance, columns_of(instance->size)));
    EG_TRY(eg_case_room(instance, 0, (uint64_t)instance->size * (uint64_t)instance->size));
done:
    return status;
}

static eegpu_status run_gram(eg_instance *instance)
{
    return instance->backend->gram_bits(instance->lane, (uint64_t)instance->size, columns_of(instance->size), instance->host[0],
                                        instance->row->variant == WEIGHTED ? instance->host[1] : NULL, instance->device[0]);
}

static eegpu_status collect_gram(eg_instance *instance)
{
    instance->is_words = true;
    return eg_case_collect_triangle(instance, 0, false, (uint64_t)instance->size);
}

/* Weights of up to ten bits are about five Gram matrices; the plain one counts as what it is. */
static eg_case_cost cost_of_gram(const eg_case *row, int size)
{
    double n = size, columns = (double)columns_of(size);
    return (eg_case_cost){.bytes = n * columns / 8 + 4 * n * n, .operations = n * (n + 1) * columns};
}

/* ---- weigh: the matrix is made anew by gram_bits, whose bits are compared above ---- */

static eegpu_status prepare_weigh(eg_instance *instance)
{
    uint64_t n = (uint64_t)instance->size;
    eegpu_status status = EEGPU_OK;
    EG_TRY(put_bits(instance));
    EG_TRY(put_weights(instance, n));
    EG_TRY(eg_case_room(instance, 0, n * n));
done:
    return status;
}

static eegpu_status ready_weigh(eg_instance *instance)
{
    return instance->backend->gram_bits(instance->lane, (uint64_t)instance->size, columns_of(instance->size), instance->host[0],
                                        NULL, instance->device[0]);
}

static eegpu_status run_weigh(eg_instance *instance)
{
    return instance->backend->weigh(instance->lane, (uint64_t)instance->size, instance->host[1], instance->device[0],
                                    &instance->sums);
}

/* The matrix, then the sums, two words each. */
static eegpu_status collect_weigh(eg_instance *instance)
{
    uint64_t n = (uint64_t)instance->size;
    const unsigned __int128 sums[] = {instance->sums.trace, instance->sums.square, instance->sums.total};
    eegpu_status status = EEGPU_OK;
    instance->is_words = true;
    EG_TRY(eg_case_collect_room(instance, n * n + 6));
    uint64_t *words = instance->result;
    EG_TRY(instance->backend->fetch(instance->lane, instance->device[0], n * n * sizeof *words, words));
    for (uint64_t j = 1; j < n; j++)
        memset(words + n * j, 0, j * sizeof *words);
    for (uint64_t i = 0; i < 3; i++) {
        words[n * n + 2 * i] = (uint64_t)sums[i];
        words[n * n + 2 * i + 1] = (uint64_t)(sums[i] >> 64);
    }
done:
    return status;
}

static eg_case_cost cost_of_weigh(const eg_case *row, int size) { return (eg_case_cost){.bytes = 8.0 * size * (size + 1.0)}; }

/* ---- derive columns: every second pixel, of the whole FUNCTION or of the columns of three quarters of its pixels ---- */

enum { FUNCTION, COLUMNS };

static eegpu_status prepare_columns(eg_instance *instance)
{
    eg_columns whole = {0};
    eg_columns_of_state(instance->place->loaded, &instance->one, &whole);
    if (instance->row->variant == FUNCTION) {
        instance->parent = whole;
        return EEGPU_OK;
    }
    return eg_columns_derive(&whole, eg_low_mask((3 * instance->size + 3) / 4), instance->budget, NULL, &instance->parent);
}

static eegpu_status ready_columns(eg_instance *instance)
{
    eg_columns_free(&instance->child);
    instance->child = (eg_columns){0};
    return EEGPU_OK;
}

static eegpu_status run_columns(eg_instance *instance)
{
    int pixels = instance->row->variant == FUNCTION ? instance->size : (3 * instance->size + 3) / 4;
    return instance->backend->derive_columns(instance->lane, &instance->parent, UINT64_C(0x5555555555555555) & eg_low_mask(pixels),
                                             instance->budget, &instance->child);
}

/* Devices have their own order of bits and of vectors: here the lowest pixel is the lowest bit, and vectors rise as bytes. */
static void put_in_order(const eg_columns *child, uint64_t v, uint64_t *vector)
{
    uint64_t target[EG_MAX_DENSE_PIXELS];
    memset(vector, 0, child->set.words * sizeof *vector);
    for (int bit = 0; bit < child->size; bit++) {
        target[bit] = 1;
        for (int other = 0; other < child->size; other++)
            target[bit] <<= child->pixel_of_bit[other] < child->pixel_of_bit[bit];
    }
    for (uint64_t r = 0; r < UINT64_C(1) << child->size; r++) {
        uint64_t place = 0;
        for (uint64_t rest = r; rest; rest &= rest - 1)
            place |= target[eg_lowest_bit(rest)];
        vector[place / 64] |= (uint64_t)eg_bit(child->set.vectors + v * child->set.words, r) << place % 64;
    }
}

static int by_bytes(const void *left, const void *right, void *bytes) { return memcmp(left, right, *(const size_t *)bytes); }

/* Size, number and length of the vectors, then each with its weight. */
static eegpu_status collect_columns(eg_instance *instance)
{
    const eg_columns *child = &instance->child;
    uint64_t length = child->set.words + 1;
    size_t bytes = length * sizeof(uint64_t);
    eegpu_status status = eg_case_collect_room(instance, 3 + length * child->set.count);
    if (status != EEGPU_OK)
        return status;
    uint64_t *words = instance->result;
    instance->is_words = true;
    words[0] = (uint64_t)child->size;
    words[1] = child->set.count;
    words[2] = child->set.words;
    for (uint64_t v = 0; v < child->set.count; v++) {
        put_in_order(child, v, words + 3 + v * length);
        words[3 + v * length + child->set.words] = child->set.weights[v];
    }
    qsort_r(words + 3, child->set.count, bytes, by_bytes, &bytes);
    return EEGPU_OK;
}

/* The parent read and its parts written once. */
static eg_case_cost cost_of_columns(const eg_case *row, int size)
{
    return (eg_case_cost){.bytes = row->variant == FUNCTION ? 2 * (double)(UINT64_C(1) << size) / 8 : 0};
}

/* ---- The table ---- */

const eg_case eg_count_cases[] = {
    {"integer gram",
     "rows",
     NULL,
     false,
     ALL_ONES,
     EG_RATE_INTEGERS,
     {1, 15, 16, 33, 130},
     {512, 1024, 2048, 4096, 8192, 16384, 32768},
     prepare_gram,
     NULL,
     run_gram,
     collect_gram,
     NULL,
     cost_of_gram},
    {"integer gram weighted",
     "rows",
     NULL,
     false,
     WEIGHTED,
     EG_RATE_INTEGERS,
     {1, 16, 50},
     {1024, 4096, 16384},
     prepare_gram,
     NULL,
     run_gram,
     collect_gram,
     NULL,
     cost_of_gram},
    {"weigh",
     "rows",
     NULL,
     false,
     WEIGHTED,
     EG_RATE_BYTES,
     {1, 17, 70},
     {1024, 4096, 16384},
     prepare_weigh,
     ready_weigh,
     run_weigh,
     collect_weigh,
     NULL,
     cost_of_weigh},
    {"weigh ones",
     "rows",
     NULL,
     false,
     ALL_ONES,
     EG_RATE_BYTES,
     {1, 17, 70},
     {1024, 4096, 16384},
     prepare_weigh,
     ready_weigh,
     run_weigh,
     collect_weigh,
     NULL,
     cost_of_weigh},
    {"derive columns",
     "pixels",
     "randomset:seed=7",
     false,
     FUNCTION,
     EG_RATE_BYTES,
     {4, 7, 12, 14},
     {20, 24, 28, 30},
     prepare_columns,
     ready_columns,
     run_columns,
     collect_columns,
     NULL,
     cost_of_columns},
    {"derive columns merging",
     "pixels",
     "multiple:q=7",
     false,
     FUNCTION,
     EG_RATE_BYTES,
     {5, 9, 13, 16},
     {20, 24, 28, 30},
     prepare_columns,
     ready_columns,
     run_columns,
     collect_columns,
     NULL,
     cost_of_columns},
    {"derive columns again",
     "pixels",
     "randomset:seed=7",
     false,
     COLUMNS,
     EG_RATE_BYTES,
     {6, 9, 12, 15},
     {0},
     prepare_columns,
     ready_columns,
     run_columns,
     collect_columns,
     NULL,
     cost_of_columns},
    {"derive columns again merging",
     "pixels",
     "majority",
     false,
     COLUMNS,
     EG_RATE_BYTES,
     {6, 9, 12, 16},
     {0},
     prepare_columns,
     ready_columns,
     run_columns,
     collect_columns,
     NULL,
     cost_of_columns},
    {0},
};
