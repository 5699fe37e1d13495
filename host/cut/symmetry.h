/* Symmetries of a lattice and what they mean for cuts. Comes in: a lattice; goes out: the candidates that a function may have, the
 * group that some of them generate, and which cuts of a list are images of each other under it. Called by reduce/symmetry.c and
 * by scan/. Does not look at functions: state/symmetry.h does.
 *
 * A symmetry moves row r, column c to row +-r + row_shift, column +-c + column_shift, modulo the sides of the lattice, after
 * exchanging r and c if it transposes, and then may exchange the colours, dark and lit. */
#ifndef EG_CUT_SYMMETRY_H
#define EG_CUT_SYMMETRY_H

#include "cut/cut.h"
#include "state/state.h"

enum {
    EG_SYMMETRY_NAME = 64,
    EG_MAX_SYMMETRIES = 128, /* candidates: the 8 of a square and at most 47 shifts, each with and without the colours */
    EG_MAX_GENERATORS = 16,  /* each at least doubles the group */
    EG_SYMMETRY_CODES = 16 * EG_MAX_PIXELS
};

typedef struct eg_symmetry {
    char name[EG_SYMMETRY_NAME]; /* "mirror left-right", "shift by 2 rows", "half turn with colour exchange" */
    bool exchanges_colours, transposes, reverses_rows, reverses_columns;
    int row_shift, column_shift;
} eg_symmetry;

/* A group of symmetries and those of the candidates that it has; holds no other memory. */
typedef struct eg_symmetry_group {
    int height, width;
    int count;                                 /* candidates in the group, without the identity, each once ... */
    eg_symmetry candidates[EG_MAX_SYMMETRIES]; /* ... named, for reports */
    uint64_t order;                            /* elements in all, the identity included */
    uint64_t members[EG_SYMMETRY_CODES / 64];  /* one bit for each symmetry that the lattice could have */
    int generator_count;
    eg_symmetry generators[EG_MAX_GENERATORS];
} eg_symmetry_group;

/* The candidates of an open height x width lattice, the identity first: mirrors and the half turn; for squares transpositions and
 * quarter turns; shifts with wrap-around of the rows or columns by each divisor of their number; then all again with the colours
 * exchanged. `list` has room for EG_MAX_SYMMETRIES; returns how many. On small lattices some are the same by another name. */
int eg_symmetry_candidates(int height, int width, eg_symmetry *list);

/* Where each pixel goes: (g s)_{image_of_pixel[i]} = s_i; room for height * width numbers. */
void eg_symmetry_pixels(const eg_symmetry *symmetry, int height, int width, int *image_of_pixel);

/* The group of the identity alone. */
void eg_symmetry_group_begin(int height, int width, eg_symmetry_group *group);

bool eg_symmetry_group_has(const eg_symmetry_group *group, const eg_symmetry *symmetry);

/* Enlarge the group to the smallest one with `symmetry`; nothing happens if it has it. */
void eg_symmetry_group_add(eg_symmetry_group *group, const eg_symmetry *symmetry);

/* Fill group->candidates with those of `list` (count of them) that the group has. */
void eg_symmetry_group_name(eg_symmetry_group *group, const eg_symmetry *list, int count);

/* same_as[i] is the number of the first cut that is cut i, its complement (S(A) = S(B)), or an image of either under the group; -1
 * when cut i is itself that first one. turned[i] (may be NULL): it is its complement that corresponds to the first one's A. Memory:
 * 8 to 16 bytes a cut. On lists so long that the shifts would take long, only the mirrors and turns of the group are used. */
EG_MUST eg_cuts_orbits(const struct eegpu_cuts *cuts, const eg_symmetry_group *group, int64_t *same_as, bool *turned);

#endif
