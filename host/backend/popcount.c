/* The inner loops of the integer Gram: bits that two packed rows have in common, for 8 x 16 pairs of rows at a time. One function
 * an instruction set, one table. The lanes of a vector are 16 neighbouring rows, so that sums need no reduction across lanes.
 * Called by gram_bits.c through the table. */
#include "backend/popcount.h"

#include <string.h>

#include "base/bits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A byte counter takes the 8 bits of this many words without overflow. */
enum { BYTE_RUN = 31 };

static uint64_t shorter(uint64_t a, uint64_t b) { return a < b ? a : b; }

static bool always(void) { return true; }

/* Bits of each byte, as bytes. */
static inline uint64_t byte_counts(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 3, pairs = UINT64_MAX / 5, nibbles = UINT64_MAX / 17;
    word -= word >> 1 & ones;
    word = (word & pairs) + (word >> 2 & pairs);
    return (word + (word >> 4)) & nibbles;
}

/* Shifts and adds on whole words, which every compiler turns into vectors of some width. */
static void count_plain(uint64_t words, const uint64_t *left, const uint64_t *right, uint64_t *counts)
{
    const uint64_t bytes = UINT64_MAX / 257, sum_of_four = UINT64_MAX / 65535;
    memset(counts, 0, EG_TILE_ROWS * EG_PANEL_ROWS * sizeof *counts);
    for (uint64_t first = 0; first < words; first += BYTE_RUN) {
        uint64_t last = shorter(words, first + BYTE_RUN);
        for (uint64_t i = 0; i < EG_TILE_ROWS; i++) {
            uint64_t run[EG_PANEL_ROWS] = {0};
            for (uint64_t w = first; w < last; w++)
                for (uint64_t j = 0; j < EG_PANEL_ROWS; j++)
                    run[j] += byte_counts(left[EG_PANEL_ROWS * w + i] & right[EG_PANEL_ROWS * w + j]);
            for (uint64_t j = 0; j < EG_PANEL_ROWS; j++)
                counts[EG_PANEL_ROWS * i + j] += ((run[j] & bytes) + (run[j] >> 8 & bytes)) * sum_of_four >> 48;
        }
    }
}

#if defined(__x86_64__)

static bool has_popcnt(void) { return __builtin_cpu_supports("popcnt"); }
static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static bool has_vpopcntdq(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq"); }

__attribute__((target("popcnt"))) static void count_popcnt(uint64_t words, const uint64_t *left, const uint64_t *right,
                                                           uint64_t *counts)
{
    for (uint64_t i = 0; i < EG_TILE_ROWS; i++)
        for (uint64_t j = 0; j < EG_PANEL_ROWS; j += 4) {
            uint64_t sum[4] = {0};
            for (uint64_t at = 0; at < EG_PANEL_ROWS * words; at += EG_PANEL_ROWS) {
                uint64_t word = left[at + i];
                sum[0] += (uint64_t)__builtin_popcountll(word & right[at + j]);
                sum[1] += (uint64_t)__builtin_popcountll(word & right[at + j + 1]);
                sum[2] += (uint64_t)__builtin_popcountll(word & right[at + j + 2]);
                sum[3] += (uint64_t)__builtin_popcountll(word & right[at + j + 3]);
            }
            memcpy(counts + EG_PANEL_ROWS * i + j, sum, sizeof sum);
        }
}

/* Two rows of the left panel against four vectors of the right one; bits of a nibble by a table of 16 bytes. */
#define EACH_OF_4(WHAT) WHAT(0) WHAT(1) WHAT(2) WHAT(3)
#define BEGIN(v) __m256i upper##v = zero, lower##v = zero;
#define ADD_COMMON(sum, word, other)                                                          \
    common = _mm256_and_si256(word, other);                                                   \
    sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(table, _mm256_and_si256(common, nibble))); \
    sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(common, 4), nibble)));
#define STEP(v)                                                                                 \
    other = _mm256_loadu_si256((const __m256i *)(const void *)(right + EG_PANEL_ROWS * w) + v); \
    ADD_COMMON(upper##v, first_word, other)                                                     \
    ADD_COMMON(lower##v, second_word, other)
#define ADD_TO(to, sum) _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_loadu_si256(to), _mm256_sad_epu8(sum, zero)));
#define END(v) ADD_TO(to + v, upper##v) ADD_TO(to + EG_PANEL_ROWS / 4 + v, lower##v)

__attribute__((target("avx2"))) static void count_avx2(uint64_t words, const uint64_t *left, const uint64_t *right,
                                                       uint64_t *counts)
{
    const __m256i zero = _mm256_setzero_si256(), nibble = _mm256_set1_epi8(15),
                  table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    memset(counts, 0, EG_TILE_ROWS * EG_PANEL_ROWS * sizeof *counts);
    for (uint64_t first = 0; first < words; first += BYTE_RUN) {
        uint64_t last = shorter(words, first + BYTE_RUN);
        for (uint64_t i = 0; i < EG_TILE_ROWS; i += 2) {
            __m256i common, other, *to = (__m256i *)(void *)(counts + EG_PANEL_ROWS * i);
            EACH_OF_4(BEGIN)
            for (uint64_t w = first; w < last; w++) {
                __m256i first_word = _mm256_set1_epi64x((long long)left[EG_PANEL_ROWS * w + i]),
                        second_word = _mm256_set1_epi64x((long long)left[EG_PANEL_ROWS * w + i + 1]);
                EACH_OF_4(STEP)
            }
            EACH_OF_4(END)
        }
    }
}
#undef BEGIN
#undef STEP
#undef END

/* The whole tile in 16 registers. */
#define EACH_OF_8(WHAT) WHAT(0) WHAT(1) WHAT(2) WHAT(3) WHAT(4) WHAT(5) WHAT(6) WHAT(7)
#define BEGIN(i) __m512i low##i = _mm512_setzero_si512(), high##i = low##i;
#define STEP(i)                                                                                \
    word = _mm512_set1_epi64((long long)left[at + i]);                                         \
    low##i = _mm512_add_epi64(low##i, _mm512_popcnt_epi64(_mm512_and_si512(word, right_low))); \
    high##i = _mm512_add_epi64(high##i, _mm512_popcnt_epi64(_mm512_and_si512(word, right_high)));
#define END(i)                                               \
    _mm512_storeu_si512(counts + EG_PANEL_ROWS * i, low##i); \
    _mm512_storeu_si512(counts + EG_PANEL_ROWS * i + 8, high##i);

__attribute__((target("avx512f,avx512vpopcntdq"))) static void count_vpopcntdq(uint64_t words, const uint64_t *left,
                                                                               const uint64_t *right, uint64_t *counts)
{
    EACH_OF_8(BEGIN)
    for (uint64_t at = 0; at < EG_PANEL_ROWS * words; at += EG_PANEL_ROWS) {
        __m512i word, right_low = _mm512_loadu_si512(right + at), right_high = _mm512_loadu_si512(right + at + 8);
        EACH_OF_8(STEP)
    }
    EACH_OF_8(END)
}

#endif

static const eg_popcount_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512-vpopcntdq", has_vpopcntdq, count_vpopcntdq},
    {"avx2", has_avx2, count_avx2},
    {"popcnt", has_popcnt, count_popcnt},
#endif
    {"plain", always, count_plain},
};

const eg_popcount_kernel *eg_popcount_kernels(size_t *count)
{
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}

const eg_popcount_kernel *eg_popcount_best(void)
{
    const eg_popcount_kernel *kernel = kernels; /* the last one is always supported */
    while (!kernel->is_supported())
        kernel++;
    return kernel;
}

const char *eg_popcount_kernel_name(void) { return eg_popcount_best()->name; }
