/* Plain permutations of few pixels, and their groups by trying all products: what symmetries are compared with in the suites. */
#ifndef EG_TESTS_PERMUTATION_H
#define EG_TESTS_PERMUTATION_H

#include <string.h>

#include "cut/symmetry.h"

typedef struct permutation {
    int image[16];
    bool exchanges_colours;
} permutation;

static inline permutation permutation_of(const eg_symmetry *symmetry, int height, int width)
{
    permutation result;
    memset(&result, 0, sizeof result);
    eg_symmetry_pixels(symmetry, height, width, result.image);
    result.exchanges_colours = symmetry->exchanges_colours;
    return result;
}

static inline int find_permutation(const permutation *list, int count, const permutation *wanted)
{
    int k = 0;
    while (k < count && memcmp(&list[k], wanted, sizeof *wanted) != 0)
        k++;
    return k;
}

/* All products of the first one (the identity) with the `generators`. */
static inline int close_group(permutation *list, const permutation *generators, int generator_count, int pixels)
{
    int count = 1;
    for (int k = 0; k < count; k++)
        for (int g = 0; g < generator_count; g++) {
            permutation product;
            memset(&product, 0, sizeof product);
            for (int i = 0; i < pixels; i++)
                product.image[i] = generators[g].image[list[k].image[i]];
            product.exchanges_colours = list[k].exchanges_colours != generators[g].exchanges_colours;
            if (find_permutation(list, count, &product) == count)
                list[count++] = product;
        }
    return count;
}

#endif
