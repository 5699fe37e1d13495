/* What range.c asks of the two sides of a cut, answered in two ways for two kinds of states: range_bits.c and range_images.c. */
#ifndef EG_MEASURE_RANGE_SIDES_H
#define EG_MEASURE_RANGE_SIDES_H

#include "backend/columns.h"
#include "measure/range.h"
#include "reduce/sparse.h"

typedef struct eg_range_sides {
    const eegpu_state *state;
    const uint64_t *mask;
    const int *distance;   /* of every pixel from the other side */
    eg_progress *progress; /* may be NULL */
    uint64_t distinct[2];  /* different non-zero lines; known when both sides were searched */
    uint64_t blocks;       /* likewise */
    bool has_record;       /* a scan has counted both of them */

    /* The smallest r of side `which` and its classes; `depth` is given. If r > 1 the example, into the room that is given. */
    eegpu_status (*search)(struct eg_range_sides *sides, int which, eg_range_side *side);

    /* Bits: the whole function as one column. */
    eg_columns whole;
    uint64_t weight_of_one;

    /* Image sets: lines are the sub-images that occur. */
    uint32_t *class_of_line[2]; /* lines with equal content have one class */
    eg_sparse_matrix sparse;
    uint64_t *line_start[2]; /* places of line l: line_place[line_start[l]] .. ascending */
    uint32_t *line_place[2];
} eg_range_sides;

EG_MUST eg_range_sides_of_bits(eg_range_sides *sides);
EG_MUST eg_range_sides_of_images(eg_range_sides *sides);
void eg_range_sides_free(eg_range_sides *sides);

/* The pixels of side `which` within distance r, as a mask of the lattice. Returns how many. */
int eg_range_near_pixels(const eg_range_sides *sides, int which, int r, uint64_t *near);

#endif
