/* A packed 0/1 matrix with weighted columns as bit planes: of plane b only the columns whose weight / gcd has bit b are kept,
 * squeezed together, so that sum_c weight_c U_ic U_jc = gcd * sum over planes b of 2^b popcount(U_i & U_j). Comes in: rows of words
 * on the host; goes out: panels of 16 rows, word by word, ready for AND and popcount on any device. Called by gram_bits.c and the
 * GPU's counts.c. */
#ifndef EG_BACKEND_BIT_PLANES_H
#define EG_BACKEND_BIT_PLANES_H

#include "backend/popcount.h"

enum { EG_MOST_PLANES = 64 };

/* The columns whose weight / gcd has bit `shift`; `words` of them packed, from word `first` of each row on. */
typedef struct eg_bit_plane {
    int shift;
    uint64_t first, words;
} eg_bit_plane;

typedef struct eg_bit_planes {
    uint64_t rows, factor; /* factor: the gcd of the weights, 0 when all of them are 0 */
    uint64_t panel_words;  /* of all planes, for one row */
    int count;
    eg_bit_plane plane[EG_MOST_PLANES];
    uint64_t *packed; /* word w of row i of panel p: packed[(p * panel_words + w) * EG_PANEL_ROWS + i]; rows past the last are 0 */
    eg_budget *budget;
} eg_bit_planes;

/* Row i is ceil(columns / 64) words of `bits`, lowest column first; bits past the last column do not count. `weight` NULL: all
 * 1. */
EG_MUST eg_bit_planes_pack(eg_budget *budget, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                           int threads, eg_bit_planes *planes);

/* Words in `packed`. */
uint64_t eg_bit_planes_words(const eg_bit_planes *planes);

void eg_bit_planes_free(eg_bit_planes *planes);

#endif
