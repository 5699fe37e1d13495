/* The built-in functions, with parameters that are good on every lattice of 4 pixels and more, and what the suites about exact
 * structure share: regions of all sizes, tables of index bits, smaller numbers of cases under sanitizers. */
#ifndef EG_TESTS_SOURCES_H
#define EG_TESTS_SOURCES_H

#include "scanning.h"

#ifndef __has_feature /* clang's word for __SANITIZE_ADDRESS__ */
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

typedef enum source_form { LABELS, SIGNS, REALS, COMPLEXES } source_form;

typedef struct builtin {
    const char *text;
    source_form form;
    bool needs_even; /* an even number of pixels */
} builtin;

static const builtin builtins[] = {
    {"connected", LABELS, false},
    {"connected:neighbours=8", LABELS, false},
    {"loops", LABELS, false},
    {"loops:rule=pixel", LABELS, false},
    {"palindrome", LABELS, false},
    {"parity", LABELS, false},
    {"majority", LABELS, false},
    {"threshold:k=3", LABELS, false},
    {"ghz", LABELS, false},
    {"w", LABELS, false},
    {"dicke:k=2", LABELS, false},
    {"innerproduct:kind=set", LABELS, false},
    {"disjoint", LABELS, false},
    {"primes", LABELS, false},
    {"multiple:q=3", LABELS, false},
    {"multiple:q=7", LABELS, false},
    {"dyck", LABELS, true},
    {"hardsquare", LABELS, false},
    {"runs", LABELS, false},
    {"randomset", LABELS, false},
    {"randomset:density=0.1,seed=5", LABELS, false},
    {"randomset:density=0.97,seed=6", LABELS, false},
    {"parity:kind=sign", SIGNS, false},
    {"innerproduct", SIGNS, false},
    {"graph", SIGNS, false},
    {"product", REALS, false},
    {"logistic", REALS, false},
    {"ising:beta=0.4", REALS, false},
    {"random", REALS, false},
    {"random:kind=complex", COMPLEXES, false},
};

static inline bool is_defined(const builtin *source, int pixels) { return !source->needs_even || pixels % 2 == 0; }

/* A region of `size` pixels. */
static inline uint64_t random_region(int pixels, int size, uint64_t *seed)
{
    uint64_t mask = 0;
    while (eg_popcount(mask) < size)
        mask |= UINT64_C(1) << random_word(seed) % (uint64_t)pixels;
    return mask;
}

/* Contiguous cuts and at least `count` random regions, of each size from 1 to N-1 equally many. */
static inline eegpu_cuts *regions_of_all_sizes(int height, int width, int count, uint64_t seed)
{
    int pixels = height * width, each = (count + pixels - 2) / (pixels - 1);
    eegpu_cuts *cuts = family_cuts(height, width, "contiguous");
    for (int size = 1; size < pixels; size++)
        for (int k = 0; k < each; k++)
            add_mask(cuts, random_region(pixels, size, &seed));
    return cuts;
}

/* table[x]: the binary digits of x at the places bit[0], bit[1], ...; the caller frees. */
static inline uint64_t *spread_table(const int *bit, int count)
{
    uint64_t *table = calloc(UINT64_C(1) << count, sizeof *table);
    for (int j = 0; j < count; j++)
        for (uint64_t x = 0; x < UINT64_C(1) << j; x++)
            table[x | UINT64_C(1) << j] = table[x] | UINT64_C(1) << bit[j];
    return table;
}

#endif
