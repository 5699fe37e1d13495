/* The kernels that make and move amplitudes, against one loop over all places: every number must be the same bit by bit, and
 * what lies beside the target must stay. The same source runs on the emulated device and, as test_gpu_kernels_amplitudes, on a
 * GPU; without either it is Skipped. It knows nothing of the back end. */
#include "base/bits.h"
#include "device_arrays.h"
#include "kernels.h"
#include "state/random.h"

/* ---- Permutations -------------------------------------------------------------------------------------------------- */

typedef enum element { REALS, PAIRS, BITS, ELEMENTS } element;

static const double plain[2] = {1, 1};
enum { MARGIN = 2 };

static uint64_t index_of(const eg_index_map *map, uint64_t place)
{
    uint64_t index = map->base;
    for (int t = 0; t < map->bits; t++)
        index |= (place >> t & 1) << map->bit[t];
    return index;
}

/* Bit i of the packed function, and what stands for number i of an array of reals. */
static bool bit_at(uint64_t i) { return (i * UINT64_C(0x9e3779b97f4a7c15) >> 60) % 3 == 0; }

/* The source of 2^index_bits elements from `shift` doubles behind the beginning of device memory on. */
static void *make_source(element kind, int index_bits, int shift)
{
    uint64_t count = UINT64_C(1) << index_bits, words = eg_ceil_div(count, 64);
    size_t bytes = (kind == BITS ? words : (count << (kind == PAIRS)) + (uint64_t)shift) * 8;
    double *number = calloc(1, bytes);
    uint64_t *word = (uint64_t *)number;
    if (kind == BITS)
        for (uint64_t i = 0; i < count; i++)
            word[i / 64] |= (uint64_t)bit_at(i) << i % 64;
    else
        for (uint64_t i = 0; i < count << (kind == PAIRS); i++)
            number[(uint64_t)shift + i] = (double)i + 0.25;
    void *source = on_device(number, bytes);
    free(number);
    return source;
}

static uint64_t count_wrong(element kind, const eg_index_map *map, const double factor[2], const double *panel)
{
    uint64_t wrong = 0;
    for (uint64_t place = 0; place < UINT64_C(1) << map->bits; place++) {
        uint64_t index = index_of(map, place);
        if (kind == BITS) {
            wrong += panel[place] != (bit_at(index) ? 1.0 : 0.0);
            continue;
        }
        uint64_t unit = kind == PAIRS ? 2 : 1;
        for (uint64_t part = 0; part < unit; part++)
            wrong += panel[unit * place + part] != ((double)(unit * index + part) + 0.25) * factor[0] * factor[1];
    }
    return wrong;
}

/* One map of an index of `index_bits` bits; source and panel begin `shift` doubles behind an address that cudaMalloc gave. */
static void check_map(element kind, const eg_index_map *map, int index_bits, const double factor[2], int shift)
{
    uint64_t numbers = UINT64_C(1) << (map->bits + (kind == PAIRS)), room = numbers + MARGIN + (uint64_t)shift;
    double *before = malloc(room * sizeof *before);
    for (uint64_t i = 0; i < room; i++)
        before[i] = -7;
    double *source = make_source(kind, index_bits, shift), *panel = on_device(before, room * sizeof *panel);
    if (kind == BITS)
        MUST(eg_launch_permute_bits((const uint64_t *)source, map, panel + shift, NULL));
    else
        MUST(eg_launch_permute(kind == PAIRS, source + shift, map, factor, panel + shift, NULL));
    double *result = off_device(panel, room * sizeof *panel);
    MUST(cudaFree(source));
    CHECK_EQUAL(count_wrong(kind, map, factor, result + shift), 0);
    for (int i = 0; i < MARGIN; i++)
        CHECK(result[numbers + (uint64_t)(shift + i)] == -7);
    for (int i = 0; i < shift; i++)
        CHECK(result[i] == -7);
    free(before);
    free(result);
}

/* Different bits of an index in any order, and a base of the others. */
static eg_index_map random_map(int bits, int index_bits)
{
    eg_index_map map = {.bits = bits};
    int order[EG_MOST_INDEX_BITS];
    for (int t = 0; t < index_bits; t++)
        order[t] = t;
    for (int t = 0; t < index_bits; t++) {
        int other = t + (int)draw((uint64_t)(index_bits - t)), kept = order[t];
        order[t] = order[other];
        order[other] = kept;
        if (t < bits)
            map.bit[t] = order[t];
        else
            map.base |= draw(2) << order[t];
    }
    return map;
}

static void test_random_maps(void)
{
    for (int bits = 0; bits <= 13; bits++)
        for (int repeat = 0; repeat < 9; repeat++)
            for (int kind = 0; kind < ELEMENTS; kind++) {
                int index_bits = bits + repeat % 3;
                eg_index_map map = random_map(bits, index_bits);
                check_map((element)kind, &map, index_bits, plain, 0);
            }
}

/* Every order of five bits. */
static void test_all_small_maps(void)
{
    int order[5];
    for (int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        uint32_t used = 0;
        for (int t = 0, rest = code; t < 5; t++, rest /= 5) {
            order[t] = rest % 5;
            used |= 1u << order[t];
        }
        if (used != 31)
            continue;
        eg_index_map map = {.bits = 5, .bit = {order[0], order[1], order[2], order[3], order[4]}};
        for (int kind = 0; kind < ELEMENTS; kind++)
            check_map((element)kind, &map, 5, plain, 0);
    }
}

/* The cuts of a chain: rows and columns of a matrix, each in order. And the order of all bits turned round. */
static void test_transpositions(void)
{
    for (int bits = 11; bits <= 13; bits += 2)
        for (int rotation = 0; rotation <= bits; rotation++)
            for (int kind = 0; kind < ELEMENTS; kind++) {
                eg_index_map map = {.bits = bits};
                for (int t = 0; t < bits; t++)
                    map.bit[t] = rotation == bits ? bits - 1 - t : (t + rotation) % bits;
                check_map((element)kind, &map, bits, plain, 0);
            }
}

static void test_many_blocks(void)
{
    for (int kind = 0; kind < ELEMENTS; kind++) {
        eg_index_map map = random_map(19 + (kind != PAIRS), 20);
        check_map((element)kind, &map, 20, plain, 0);
    }
}

static void test_factors_and_shifts(void)
{
    static const double factors[][2] = {{0x1p600, 0x1p-610}, {0x1p-1000, 0x1p-60}, {3, -1}};
    for (int k = 0; k < 3; k++)
        for (int kind = REALS; kind <= PAIRS; kind++) {
            eg_index_map map = random_map(12, 12);
            check_map((element)kind, &map, 12, factors[k], 0);
        }
    for (int bits = 1; bits <= 12; bits++)
        for (int low = 0; low < 2; low++) { /* with bit 0 at its place, reals move as pairs where they lie like pairs */
            eg_index_map map = random_map(bits, bits);
            for (int t = 0; low && t < bits; t++)
                if (map.bit[t] == 0) {
                    map.bit[t] = map.bit[0];
                    map.bit[0] = 0;
                }
            check_map(REALS, &map, bits, factors[2], 0);
            check_map(REALS, &map, bits, factors[2], 1);
            check_map(BITS, &map, bits, plain, 0);
            check_map(PAIRS, &map, bits, factors[2], 2);
        }
}

/* ---- Amplitudes made or widened ------------------------------------------------------------------------------------ */

static void test_widen(void)
{
    static const uint64_t counts[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 5000};
    static const float special[] = {0.0f, -0.0f, 0x1p-149f, -0x1.fffffep+127f, 0.1f, INFINITY, -INFINITY, 0x1.23456p-130f};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        uint64_t count = counts[k];
        float *number = malloc(count * sizeof *number);
        double *expected = malloc(count * sizeof *expected);
        for (uint64_t i = 0; i < count; i++) {
            number[i] = i % 3 ? (float)draw(1000000) / 977.0f : special[draw(8)];
            expected[i] = number[i];
        }
        void *source = on_device(number, count * sizeof *number);
        double *target = on_device(NULL, count * sizeof *target);
        MUST(eg_launch_widen(source, count, target, NULL));
        double *result = off_device(target, count * sizeof *target);
        CHECK(memcmp(result, expected, count * sizeof *result) == 0);
        MUST(cudaFree(source));
        free(result);
        free(expected);
        free(number);
    }
}

static void test_random(void)
{
    static const uint64_t firsts[] = {0, 2, 510, (UINT64_C(1) << 33) - 4, UINT64_C(1) << 39};
    static const uint64_t counts[] = {2, 512, 514, 40000}, seeds[] = {0, 1, UINT64_C(0xfedcba9876543210)};
    for (int f = 0; f < 5; f++)
        for (int c = 0; c < 4; c++)
            for (int s = 0; s < 3; s++) {
                uint64_t count = counts[c], wrong = 0;
                double *target = on_device(NULL, count * sizeof *target);
                MUST(eg_launch_random(seeds[s], firsts[f], count, target, NULL));
                double *result = off_device(target, count * sizeof *target);
                for (uint64_t pair = 0; pair < count / 2; pair++) {
                    double normal[2];
                    eg_random_normal_pair(seeds[s], EG_RANDOM_AMPLITUDES, firsts[f] / 2 + pair, normal);
                    wrong += memcmp(normal, result + 2 * pair, sizeof normal) != 0;
                }
                CHECK_EQUAL(wrong, 0);
                free(result);
            }
}

EG_DEVICE_SUITE("kernels: amplitudes", {"random maps with a base", test_random_maps},
                {"all orders of five bits", test_all_small_maps}, {"transpositions and reversals", test_transpositions},
                {"many blocks", test_many_blocks}, {"factors, shifted arrays, pairs", test_factors_and_shifts},
                {"widen", test_widen}, {"random", test_random})
