/* The kernels of distinct vectors, split.cu, hash.cu, distinct.cu and collect.cu, against plain loops; every comparison is
 * exact. The same source runs on the emulated device and, as test_gpu_kernels_vectors, on a GPU; without either it is Skipped.
 * How pieces are merged is tested with the back end. */
#include "device_arrays.h"
#include "kernels.h"

enum { GUARD = 5, WORD_BITS = 6, MOST_BITS = 24 };

static const uint64_t untouched = UINT64_C(0xdeadbeefdeadbeef);

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed ^ *seed >> 31;
}

/* The array's bytes to `host`; the array is freed. */
static void from_device(void *host, void *device, size_t bytes)
{
    MUST(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost));
    MUST(cudaFree(device));
}

/* ---- split.cu ---- */

static uint64_t deposit(uint64_t value, int count, const int *bit)
{
    uint64_t result = 0;
    for (int j = 0; j < count; j++)
        result |= (value >> j & 1) << bit[j];
    return result;
}

static void check_split(uint64_t count, int p, int s, const int *child_bit)
{
    uint64_t words = count << (p - WORD_BITS), seed = words + (uint64_t)s, kept = 0, wrong = 0;
    uint64_t *parents = malloc(words * sizeof *parents), *children = malloc((words + GUARD) * sizeof *children);
    int other_bit[MOST_BITS], others = 0;
    for (int j = 0; j < s; j++)
        kept |= UINT64_C(1) << child_bit[j];
    for (int bit = 0; bit < p; bit++)
        if (!(kept >> bit & 1))
            other_bit[others++] = bit;
    for (uint64_t w = 0; w < words; w++)
        parents[w] = next_random(&seed);
    for (uint64_t w = 0; w < words + GUARD; w++)
        children[w] = untouched;
    uint64_t *from = on_device(parents, words * sizeof *parents), *to = on_device(children, (words + GUARD) * sizeof *children);
    MUST(eg_launch_split(count, p, from, s, child_bit, to, NULL));
    from_device(parents, from, words * sizeof *parents);
    from_device(children, to, (words + GUARD) * sizeof *children);
    for (uint64_t child = 0; child < count << (p - s); child++) {
        uint64_t base = child >> (p - s) << p | deposit(child & ((UINT64_C(1) << (p - s)) - 1), others, other_bit);
        for (uint64_t r = 0; r < UINT64_C(1) << s; r++) {
            uint64_t source = base | deposit(r, s, child_bit), target = child << s | r;
            wrong += (parents[source / 64] >> source % 64 & 1) != (children[target / 64] >> target % 64 & 1);
        }
    }
    for (uint64_t g = 0; g < GUARD; g++)
        wrong += children[words + g] != untouched;
    CHECK_EQUAL(wrong, 0);
    free(parents);
    free(children);
}

/* Bits first, first + step, ... modulo p; `step` has no divisor in common with p. */
static void check_split_steps(uint64_t count, int p, int s, int first, int step)
{
    int child_bit[MOST_BITS];
    for (int j = 0; j < s; j++)
        child_bit[j] = (first + j * step) % p;
    check_split(count, p, s, child_bit);
}

static void test_split_whole_words(void)
{
    static const int child_bit[] = {0, 1, 2, 3, 4, 5, 8, 12, 9, 14};
    for (int s = 6; s <= 10; s++)
        for (uint64_t count = 1; count <= 20; count += 19)
            check_split(count, 15, s, child_bit);
    check_split_steps(1, 19, 8, 0, 1);
    check_split_steps(3, 19, 19, 0, 1);
}

static void test_split_words_exchanged(void)
{
    check_split_steps(1, 6, 6, 0, 1);
    check_split_steps(7, 6, 6, 5, 5);
    check_split_steps(1, 12, 6, 6, 1);
    check_split_steps(1, 13, 7, 12, 12);
    check_split_steps(1, 20, 10, 10, 1);
    check_split_steps(1, 20, 14, 6, 1);
    check_split_steps(3, 19, 7, 3, 7);
}

static void test_split_at_random(void)
{
    uint64_t seed = 5;
    for (int round = 0; round < 60; round++) {
        int p = 6 + round % 12, s = 6 + (int)(next_random(&seed) % (uint64_t)(p - 5)), bit[MOST_BITS];
        uint64_t most = (UINT64_C(1) << 18) >> p;
        for (int j = 0; j < p; j++)
            bit[j] = j;
        for (int j = p - 1; j > 0; j--) {
            int at = (int)(next_random(&seed) % (uint64_t)(j + 1)), moved = bit[at];
            bit[at] = bit[j];
            bit[j] = moved;
        }
        check_split(1 + next_random(&seed) % (most < 300 ? most : 300), p, s, bit);
    }
}

/* ---- hash.cu ---- */

static void get_hashes(uint64_t count, uint64_t words, uint64_t *vectors, uint64_t mask, uint64_t *hash)
{
    uint64_t *from = on_device(vectors, count * words * sizeof *vectors), *to = on_device(hash, count * sizeof *hash);
    MUST(eg_launch_hash(count, words, from, mask, to, NULL));
    from_device(vectors, from, count * words * sizeof *vectors);
    from_device(hash, to, count * sizeof *hash);
}

/* Vector 0 is zero; the others have one bit, two by two at the same place of different words; the last one is vector 1 again. */
static void check_hash(uint64_t words, uint64_t mask, bool is_unique)
{
    uint64_t count = 40, *vectors = calloc(count * words, sizeof *vectors), hash[40], single = 0, wrong = 0;
    for (uint64_t i = 1; i + 1 < count; i++)
        vectors[i * words + (i * 7919 - 7919) % words] = UINT64_C(1) << (i - 1) / 2;
    vectors[(count - 1) * words] = 1;
    get_hashes(count, words, vectors, mask, hash);
    for (uint64_t i = 0; i < count; i++) {
        wrong += (hash[i] == 0) != (i == 0) || (hash[i] & ~mask) != 0;
        for (uint64_t j = 1; is_unique && j < i; j++)
            wrong += (hash[i] == hash[j]) != (memcmp(vectors + i * words, vectors + j * words, words * sizeof *vectors) == 0);
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(hash[count - 1], hash[1]);
    get_hashes(1, words, vectors + 5 * words, mask, &single);
    CHECK_EQUAL(single, hash[5]);
    free(vectors);
}

static void test_hash(void)
{
    static const uint64_t lengths[] = {1, 2, 3, 16, 31, 32, 33, 64, 4095, 4096, 4097, 8200};
    for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++) {
        check_hash(lengths[n], UINT64_MAX, true);
        check_hash(lengths[n], UINT64_C(6) << 40, false);
    }
}

/* ---- distinct.cu, collect.cu ---- */

typedef struct vectors {
    uint64_t count, words, kinds, slots, leaders; /* kind 0 is the zero vector */
    int shift;
    uint64_t *bits, *weight, *hash, *sum;
    uint32_t *kind, *slot, *leader;
} vectors;

/* Vectors of one kind are equal; those of different kinds differ in the last word only, or almost everywhere. */
static vectors make_vectors(uint64_t count, uint64_t words, uint64_t kinds, bool is_alike, int shift)
{
    vectors set = {.count = count, .words = words, .kinds = kinds, .slots = 2, .shift = shift};
    uint64_t seed = count * words + kinds;
    while (set.slots < 2 * count)
        set.slots *= 2;
    set.bits = calloc(count * words, sizeof *set.bits);
    set.weight = calloc(count, sizeof *set.weight);
    set.hash = calloc(count, sizeof *set.hash);
    set.sum = calloc(count, sizeof *set.sum);
    set.kind = calloc(count, sizeof *set.kind);
    set.leader = calloc(count, sizeof *set.leader);
    set.slot = malloc(set.slots * sizeof *set.slot);
    memset(set.slot, 0xff, set.slots * sizeof *set.slot);
    for (uint64_t i = 0; i < count; i++) {
        set.weight[i] = next_random(&seed) >> 1;
        set.kind[i] = (uint32_t)(next_random(&seed) % kinds);
        for (uint64_t w = 0; w < words && set.kind[i] != 0; w++)
            set.bits[i * words + w] = w + 1 == words ? set.kind[i] : is_alike ? UINT64_MAX : (w + 1) * (set.kind[i] + w);
    }
    return set;
}

static void free_vectors(vectors *set)
{
    void *all[] = {set->bits, set->weight, set->hash, set->sum, set->kind, set->leader, set->slot};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void check_leaders(const vectors *set)
{
    uint32_t *first = malloc(set->kinds * sizeof *first);
    uint64_t *sum = calloc(set->count, sizeof *sum), wrong = 0;
    memset(first, 0xff, set->kinds * sizeof *first);
    for (uint64_t i = 0; i < set->count; i++) {
        uint32_t kind = set->kind[i];
        if (kind != 0 && first[kind] == EG_NO_VECTOR)
            first[kind] = (uint32_t)i;
        if (kind != 0)
            sum[first[kind]] += set->weight[i >> set->shift];
        wrong += set->leader[i] != first[kind];
    }
    CHECK_EQUAL(wrong, 0);
    CHECK(memcmp(sum, set->sum, set->count * sizeof *sum) == 0);
    free(first);
    free(sum);
}

/* What is collected, from the leaders and sums that are on the device. */
static void check_collected(const vectors *set, const uint64_t *bits, const uint32_t *leader, const uint64_t *sum)
{
    uint64_t blocks = (set->count + EG_LEADER_BLOCK - 1) / EG_LEADER_BLOCK, leaders = 0, next = 0, wrong = 0, words = set->words;
    uint32_t *start = calloc(blocks, sizeof *start), *found = on_device(start, blocks * sizeof *start);
    MUST(eg_launch_count_leaders(set->count, leader, found, NULL));
    from_device(start, found, blocks * sizeof *start);
    for (uint64_t b = 0; b < blocks; b++) {
        uint32_t here = start[b];
        start[b] = (uint32_t)leaders;
        leaders += here;
    }
    uint64_t *vector = calloc(leaders * words + GUARD, sizeof *vector), *weight = calloc(leaders + GUARD, sizeof *weight);
    uint64_t *to_vectors = on_device(vector, (leaders * words + GUARD) * sizeof *vector);
    uint64_t *to_sums = on_device(weight, (leaders + GUARD) * sizeof *weight);
    uint32_t *to_start = on_device(start, blocks * sizeof *start);
    MUST(eg_launch_collect(set->count, words, bits, leader, sum, to_start, to_vectors, to_sums, NULL));
    from_device(vector, to_vectors, (leaders * words + GUARD) * sizeof *vector);
    from_device(weight, to_sums, (leaders + GUARD) * sizeof *weight);
    from_device(start, to_start, blocks * sizeof *start);
    for (uint64_t i = 0; i < set->count; i++)
        if (set->leader[i] == i && next < leaders) {
            wrong += memcmp(vector + next * words, set->bits + i * words, words * sizeof *vector) != 0;
            wrong += weight[next++] != set->sum[i];
        }
    for (uint64_t g = 0; g < GUARD; g++)
        wrong += vector[leaders * words + g] != 0 || weight[leaders + g] != 0;
    CHECK_EQUAL(next, leaders);
    CHECK_EQUAL(wrong, 0);
    free(start);
    free(vector);
    free(weight);
}

static void check_distinct(uint64_t count, uint64_t words, uint64_t kinds, bool is_alike, int shift, uint64_t mask)
{
    vectors set = make_vectors(count, words, kinds, is_alike, shift);
    get_hashes(count, words, set.bits, mask, set.hash);
    uint64_t *bits = on_device(set.bits, count * words * sizeof *bits), *hash = on_device(set.hash, count * sizeof *hash);
    uint64_t *weight = on_device(set.weight, count * sizeof *weight), *sum = on_device(set.sum, count * sizeof *sum);
    uint32_t *slot = on_device(set.slot, set.slots * sizeof *slot), *leader = on_device(set.leader, count * sizeof *leader);
    MUST(eg_launch_insert(count, words, bits, hash, set.slots - 1, slot, NULL));
    MUST(eg_launch_find(count, words, bits, hash, set.slots - 1, slot, weight, shift, leader, sum, NULL));
    MUST(cudaMemcpy(set.leader, leader, count * sizeof *leader, cudaMemcpyDeviceToHost));
    MUST(cudaMemcpy(set.sum, sum, count * sizeof *sum, cudaMemcpyDeviceToHost));
    check_leaders(&set);
    check_collected(&set, bits, leader, sum);
    from_device(set.bits, bits, count * words * sizeof *bits);
    from_device(set.hash, hash, count * sizeof *hash);
    from_device(set.weight, weight, count * sizeof *weight);
    from_device(set.sum, sum, count * sizeof *sum);
    from_device(set.slot, slot, set.slots * sizeof *slot);
    from_device(set.leader, leader, count * sizeof *leader);
    free_vectors(&set);
}

static void test_distinct(void)
{
    static const uint64_t counts[] = {1, 31, 33, 256, 1023, 1024, 1025, 3000}, lengths[] = {1, 2, 3, 8, 33};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++)
            check_distinct(counts[c], lengths[n], (c + n) % 2 ? 50 : 5000, n % 2 == 0, (int)(c % 4), UINT64_MAX);
}

static void test_masses_of_equal(void)
{
    check_distinct(5000, 1, 2, true, 0, UINT64_MAX);
    check_distinct(3000, 4, 3, true, 6, UINT64_MAX);
    check_distinct(300, 1, 1, true, 0, UINT64_MAX);
}

static void test_collisions(void)
{
    static const uint64_t masks[] = {1, 3, UINT64_C(1) << 40, UINT64_C(0x8000000000000001)};
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        check_distinct(150, 1, 100, true, 1, masks[m]);
        check_distinct(120, 5, 40, m % 2 == 0, 0, masks[m]);
        check_distinct(40, 40, 20, true, 0, masks[m]);
        check_distinct(12, 2050, 6, true, 0, masks[m]);
    }
}

static void test_long_vectors(void)
{
    check_distinct(20, 2047, 8, true, 0, UINT64_MAX);
    check_distinct(20, 2048, 8, true, 1, UINT64_MAX);
    check_distinct(7, 9000, 4, true, 0, UINT64_MAX);
    check_distinct(7, 9000, 4, false, 0, UINT64_MAX);
}

EG_DEVICE_SUITE("kernels: distinct vectors", {"vectors are cut, whole words", test_split_whole_words},
                {"vectors are cut, bits leave their words", test_split_words_exchanged},
                {"vectors are cut at random", test_split_at_random},
                {"hashes: of the bits alone, zero for zero, inside the mask", test_hash},
                {"distinct vectors: leaders, sums, collected", test_distinct},
                {"distinct vectors: masses of equal ones", test_masses_of_equal},
                {"distinct vectors: collisions everywhere", test_collisions}, {"distinct vectors: long ones", test_long_vectors})
