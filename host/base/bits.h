/* Small helpers on 64-bit words. */
#ifndef EG_BASE_BITS_H
#define EG_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline int eg_popcount(uint64_t word) { return __builtin_popcountll(word); }

/* Number of the lowest set bit; the word must not be 0. */
static inline int eg_lowest_bit(uint64_t word) { return __builtin_ctzll(word); }

/* The n lowest bits set, 0 <= n <= 64. */
static inline uint64_t eg_low_mask(int n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

/* The bits of `value`, lowest first, placed at the set bits of `mask`, lowest first (the PDEP instruction, portably). */
static inline uint64_t eg_deposit(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, value >>= 1)
        if (value & 1)
            result |= mask & -mask;
    return result;
}

static inline uint64_t eg_ceil_div(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

static inline bool eg_bit(const uint64_t *words, uint64_t i) { return words[i / 64] >> (i % 64) & 1; }

#endif
