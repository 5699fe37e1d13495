/* A set of distinct bit vectors of one length, each with a weight. Comes in: vectors one by one; goes out: the distinct ones, by
 * first occurrence. Equal vectors are found by hash, compared in full, and their weights added; zero vectors are left out.
 * Called by columns.c, cuda/columns.c and reduce/bit_matrix.c; knows nothing of cuts, and serves one thread. */
#ifndef EG_BACKEND_VECTOR_SET_H
#define EG_BACKEND_VECTOR_SET_H

#include "base/memory.h"

#define EG_ZERO_VECTOR UINT32_MAX /* the class of vectors that are zero */

typedef struct eg_vector_set {
    uint64_t words; /* 64-bit words a vector */
    uint64_t count, capacity;
    uint64_t *vectors; /* count * words */
    uint64_t *weights; /* count */
    uint64_t *hashes;  /* count */
    uint32_t *slots;   /* numbers of vectors, open addressing */
    uint64_t slot_mask;
    eg_budget *budget;
} eg_vector_set;

/* Vectors that a set has room for at first. Of long ones there may be two only: those over all but one of thirty pixels are 64 MiB
 * each. */
static inline uint64_t eg_vector_set_first_capacity(uint64_t words)
{
    enum { LONG_WORDS = 1 << 13 };
    return words < LONG_WORDS ? 64 : 4;
}

EG_MUST eg_vector_set_begin(eg_budget *budget, uint64_t words, eg_vector_set *set);

/* Add one vector; *class becomes its number, by first occurrence, or EG_ZERO_VECTOR. */
EG_MUST eg_vector_set_add(eg_vector_set *set, const uint64_t *vector, uint64_t weight, uint32_t *class);

/* Give the hash table back when nothing more is added. */
void eg_vector_set_seal(eg_vector_set *set);

void eg_vector_set_free(eg_vector_set *set);

#endif
