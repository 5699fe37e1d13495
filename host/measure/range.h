/* The range r of a 0/1 function at a cut (paper, section IV), exactly. Comes in: a state and the mask of A; goes out: for which r
 * the two assumptions hold, the boundary classes, the blocks, and two images that show why a smaller r will not do. Called by
 * scan/. No entropies.
 *
 * The reading used. R_r of A: the pixels of A within distance r of B (steps between nearest neighbours), so that R_1 is the
 * boundary. Assumption 1 at r: two images of A that are equal on R_r and whose rows of M are both non-zero have the same row.
 * Assumption 2 at r: the same for the columns of M, with the pixels of B within distance r of A. If both hold, a non-zero row is
 * the class of its image on R_r and a non-zero column that of its image, M is a matrix between the classes, repeated, and falls
 * into independent blocks of classes (eq. 28); then S <= |R_r| log 2 (Theorem 2). Once R_r is the whole side an assumption holds
 * trivially, and says nothing. */
#ifndef EG_MEASURE_RANGE_H
#define EG_MEASURE_RANGE_H

#include "state/state.h"

/* What Assumption 1 (rows, side A) or 2 (columns, side B) comes to. */
typedef struct eg_range_side {
    int r;            /* smallest for which it holds */
    int depth;        /* the largest distance of a pixel of this side from the other */
    int pixels;       /* |R_r| */
    bool trivial;     /* R_r is the whole side, and that is more than the boundary */
    uint64_t classes; /* restrictions to R_r of images with a non-zero line */
    uint64_t lines;   /* different non-zero lines */

    /* Why not r - 1 (NULL for r = 1): `one` and `two` are images of this side, equal on R_(r-1), `other` of the other side, with
     * f(one, other) = 1 and f(two, other) = 0, and both lines non-zero. Masks of the lattice, pixel i is bit i%64 of word i/64. */
    uint64_t *one, *two, *other;
} eg_range_side;

typedef struct eg_range {
    bool known;            /* false: not a 0/1 function; all else is then zero */
    int r;                 /* the larger of the two */
    eg_range_side side[2]; /* A and B */
    uint64_t blocks;       /* independent blocks of M */
    uint64_t *example;     /* owner of the images */
} eg_range;

/* Is this a function of values 0 and 1? */
bool eg_range_is_defined(const eegpu_state *state);

/* `record`: of the same cut, from a scan with reductions: it knows the blocks; NULL: they are counted here. `progress` (may be
 * NULL) is asked within a cut whether to stop, and told of no work. For bits two passes over the 2^N for each side. Free with
 * eg_range_free(). */
EG_MUST eg_range_of_cut(const eegpu_state *state, const uint64_t *mask, const eegpu_record *record, eg_progress *progress,
                        eg_range *range);

/* Bytes that this takes at most, for bits of that many pixels: more or less all distinct columns of either side. */
double eg_range_bytes(int pixels, int pixels_of_a, bool has_record);

void eg_range_free(eg_range *range);

/* distance[i] of every pixel from the nearest one of the other side of the cut. Neither side may be empty. Returns nothing else. */
void eg_range_distances(int height, int width, const uint64_t *mask, int *distance);

#endif
