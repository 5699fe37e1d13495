/* The lines (rows and columns) of the matrix of a cut, numbered by content, as range.c needs them; two kinds of states, two ways. */
#ifndef EG_MEASURE_RANGE_SIDES_H
#define EG_MEASURE_RANGE_SIDES_H

#include "backend/columns.h"
#include "measure/range.h"
#include "reduce/sparse.h"

typedef struct eg_range_sides {
    const eegpu_state *state;
    const uint64_t *mask;
    uint32_t *class_of_line[2]; /* lines with equal content have one class; EG_ZERO_VECTOR: zero */
    uint64_t distinct[2];       /* classes */
    uint64_t blocks;

    /* Do lines of side `which` that are equal on the pixels `near` and not zero have one class? If so, how many restrictions there
     * are; else two lines for which it is not so (line_one and line_two stay as they were if it holds). */
    eegpu_status (*test)(const struct eg_range_sides *sides, int which, const uint64_t *near, bool *holds, uint64_t *classes,
                         uint64_t *line_one, uint64_t *line_two);

    /* Two lines as images, and an image of the other side where they differ. */
    void (*show)(const struct eg_range_sides *sides, int which, uint64_t line_one, uint64_t line_two, eg_range_side *side);

    int line_bits[2];                         /* bits: a line's number has this many bits, bit i is pixel ... */
    int pixel_of_bit[2][EG_MAX_DENSE_PIXELS]; /* ... pixel_of_bit[i] */
    eg_sparse_matrix sparse;                  /* images */
    uint64_t *line_start[2];                  /* images: places of line l: line_place[line_start[l]] .. ascending */
    uint32_t *line_place[2];
} eg_range_sides;

EG_MUST eg_range_sides_of_bits(eg_range_sides *sides);
EG_MUST eg_range_sides_of_images(eg_range_sides *sides);
void eg_range_sides_free(eg_range_sides *sides);

#endif
