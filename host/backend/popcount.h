/* Exact integer Gram matrices of packed 0/1 matrices: AND, popcount, add, with the widest instructions that the CPU has, chosen
 * at run time. Comes in: rows of words and weights of columns; goes out: 64-bit integers. Called by cpu.c; the layout of panels
 * is also that of bit_planes.h. Knows nothing of cuts, and looks for no overflow. */
#ifndef EG_BACKEND_POPCOUNT_H
#define EG_BACKEND_POPCOUNT_H

#include "base/memory.h"

/* Rows are packed in panels of 16, word by word: word w of row i of a panel is panel[16 * w + i]. */
enum { EG_PANEL_ROWS = 16, EG_TILE_ROWS = 8 };

typedef struct eg_popcount_kernel {
    const char *name;
    bool (*is_supported)(void);

    /* counts[16 * i + j] = sum over w of popcount(left[16 * w + i] & right[16 * w + j]), i < 8, j < 16. */
    void (*count)(uint64_t words, const uint64_t *left, const uint64_t *right, uint64_t *counts);
} eg_popcount_kernel;

/* All rows of the table, fastest first, also those that this CPU cannot run. */
const eg_popcount_kernel *eg_popcount_kernels(size_t *count);

/* The fastest one that this CPU can run, and its name. */
const eg_popcount_kernel *eg_popcount_best(void);
const char *eg_popcount_kernel_name(void);

/* The lower triangle of K_ij = sum over c of weight_c U_ic U_jc into gram (rows x rows, column-major; the rest is left as it is).
 * Row i of U is ceil(columns / 64) words of `bits`, lowest column first; bits past the last column do not count. `weight` NULL:
 * all 1. The caller sees to it that every K < 2^63. The work grows with the number of set bits of weight / gcd(weights) in all. */
EG_MUST eg_gram_bits(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                     uint64_t *gram, int threads);

/* The same with a kernel of the table, for comparisons. */
EG_MUST eg_gram_bits_with(const eg_popcount_kernel *kernel, eg_budget *budget, uint64_t rows, uint64_t columns,
                          const uint64_t *bits, const uint64_t *weight, uint64_t *gram, int threads);

#endif
