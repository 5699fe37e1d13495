/* Cuts of a lattice into A and B: families, region files, boundary. Comes in: a lattice and the name of a family. Goes out: an
 * array of masks. Pixel i is bit i%64 of word i/64 of a mask. Canonical names: a rectangle names itself; of the two sides of
 * a straight cut the one with pixel 0; for `all` and `connected` the smaller side, of two equal ones that with pixel 0. A
 * region file is taken line by line, in its order, as it stands. */
#ifndef EG_CUT_CUT_H
#define EG_CUT_CUT_H

#include "base/status.h"

struct eegpu_cuts {
    int height, width, pixels;
    size_t words; /* 64-bit words a mask */
    size_t count, capacity;
    uint64_t *masks;  /* count * words */
    char family[256]; /* as asked for; "pixels" for a cut given by its pixels */
};

/* A row of the table of families. A new family is one row and one function. */
typedef struct eg_cut_family {
    const char *name;
    const char *help;
    eegpu_status (*generate)(struct eegpu_cuts *cuts, int max_size);
} eg_cut_family;

const eg_cut_family *eg_cut_families(size_t *count);

static inline const uint64_t *eg_cut_mask(const struct eegpu_cuts *cuts, size_t cut) { return cuts->masks + cut * cuts->words; }

/* Number of pixels in A. */
int eg_cut_size(const struct eegpu_cuts *cuts, size_t cut);

/* boundary: pixels of A with a nearest neighbour (4 directions, open lattice) in B. bonds: nearest-neighbour pairs cut. */
void eg_cut_geometry(const struct eegpu_cuts *cuts, size_t cut, int *boundary, int *bonds);

/* A region that is there twice: two of its numbers, *first < *second; both are 0 when there is none. */
EG_MUST eg_cuts_find_repeated(const struct eegpu_cuts *cuts, size_t *first, size_t *second);

/* Is a region of `size` pixels within --max-size? 0: no limit. */
static inline bool eg_cut_allowed(const struct eegpu_cuts *cuts, int size, int max_size)
{
    return max_size == 0 || size <= max_size || cuts->pixels - size <= max_size;
}

/* Room for `count` masks in all; lists beyond 4 GiB are refused (EEGPU_USAGE). */
EG_MUST eg_cuts_reserve(struct eegpu_cuts *cuts, size_t count);

/* Append a mask (words of it). */
EG_MUST eg_cuts_append(struct eegpu_cuts *cuts, const uint64_t *mask);

/* The same; where *cuts is NULL the mask is the first one of a new list, which is the caller's, also after a failure. */
EG_MUST eg_cuts_add(int height, int width, const uint64_t *mask, struct eegpu_cuts **cuts);

/* Regions from a text file (pixel numbers, # comments, one region a line) or .npy masks of shape (n,H,W), bool or integer 0/1. */
EG_MUST eg_cuts_read_file(struct eegpu_cuts *cuts, const char *path, int max_size);

#endif
