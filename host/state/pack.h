/* Bytes into packed bits: image s of a 0/1 function is bit s%64 of word s/64. */
#ifndef EG_STATE_PACK_H
#define EG_STATE_PACK_H

#include <byteswap.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Eight bytes as a word whose lowest byte is the first one, on any machine. */
static inline uint64_t eg_load_little(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? bswap_64(word) : word;
}

/* 64 bytes as a word, if each is 0 or 1. */
static inline bool eg_pack_word(const unsigned char *bytes, uint64_t *word)
{
    uint64_t wrong = 0;
    *word = 0;
#if defined(__SSE2__)
    for (int k = 0; k < 64; k += 16) {
        __m128i sixteen = _mm_loadu_si128((const __m128i *)(const void *)(bytes + k));
        *word |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_slli_epi16(sixteen, 7)) << k; /* bit 0 of a byte becomes its sign */
        wrong |= (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(sixteen, _mm_set1_epi8(1))) |
                 (unsigned)_mm_movemask_epi8(sixteen); /* as signed numbers: above 1, or negative */
    }
#else
    for (int k = 0; k < 64; k += 8) { /* the multiplication brings bit 8k to bit 56+k, and no two sums meet */
        uint64_t eight = eg_load_little(bytes + k);
        *word |= (eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56 << k;
        wrong |= eight & UINT64_C(0xFEFEFEFEFEFEFEFE);
    }
#endif
    return wrong == 0;
}

/* `count` bytes that are 0 or 1, one an image, into words; spare bits of the last word are 0. Returns how many there are before
 * one that is neither. */
static inline uint64_t eg_pack_bytes(const unsigned char *bytes, uint64_t count, uint64_t *words)
{
    for (uint64_t first = 0; first < count; first += 64) {
        const unsigned char *from = bytes + first;
        uint64_t word = 0, k = 0, most = count - first < 64 ? count - first : 64;
        if (most < 64 || !eg_pack_word(from, &words[first / 64])) {
            for (; k < most && from[k] <= 1; k++)
                word |= (uint64_t)from[k] << k;
            words[first / 64] = word;
            if (k < most)
                return first + k;
        }
    }
    return count;
}

#endif
