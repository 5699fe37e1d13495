/* Bytes into packed bits: image s of a 0/1 function is bit s%64 of word s/64. */
#ifndef EG_STATE_PACK_H
#define EG_STATE_PACK_H

#include <byteswap.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes as a word whose lowest byte is the first one, on any machine. */
static inline uint64_t eg_load_little(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? bswap_64(word) : word;
}

/* `count` bytes that are 0 or 1, one an image, into words; spare bits of the last word are 0. Returns how many there are before
 * one that is neither. Eight at a time: the multiplication brings bit 8k to bit 56+k, and no two sums meet. */
static inline uint64_t eg_pack_bytes(const unsigned char *bytes, uint64_t count, uint64_t *words)
{
    for (uint64_t first = 0; first < count; first += 64) {
        const unsigned char *from = bytes + first;
        uint64_t word = 0, k = 0, most = count - first < 64 ? count - first : 64;
        for (; k + 8 <= most; k += 8) {
            uint64_t eight = eg_load_little(from + k);
            if ((eight & UINT64_C(0xFEFEFEFEFEFEFEFE)) != 0)
                break;
            word |= eight * UINT64_C(0x0102040810204080) >> 56 << k;
        }
        for (; k < most && from[k] <= 1; k++)
            word |= (uint64_t)from[k] << k;
        words[first / 64] = word;
        if (k < most)
            return first + k;
    }
    return count;
}

#endif
