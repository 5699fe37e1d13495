/* What the pictures of a study need beyond its numbers: spectra of a few cuts, the entropies of all prefix cuts, and a matrix of a
 * cut after its exact reductions, made small enough to draw. Comes in: a state, cuts and their study; goes out: a gallery. Called
 * by `eegpu law` when pictures are asked for. It draws nothing. */
#ifndef EG_SCAN_GALLERY_H
#define EG_SCAN_GALLERY_H

#include "scan/study.h"

enum { EG_SHOWN_CUTS = 3, EG_RASTER_SIDE = 128 };

/* A cut that stands for others, and why this one. */
typedef struct eg_shown_cut {
    size_t cut;                  /* number within the cuts of the study */
    const char *why;             /* static storage */
    const eegpu_record *spectra; /* of the same cut, with its spectrum; NULL: the function is not at hand */
} eg_shown_cut;

typedef struct eg_prefix_point {
    int length, boundary; /* the first `length` pixels; their boundary */
    double s;             /* in nats */
} eg_prefix_point;

/* The reduced matrix of a cut, rows and columns grouped by its independent blocks, or boxes of it. */
typedef struct eg_raster {
    size_t cut;
    uint64_t rows, columns, blocks; /* of the reduced matrix; rows 0: there is none to draw */
    int height, width;              /* boxes drawn, at most EG_RASTER_SIDE each way */
    double *part;                   /* height * width: the part of a box's entries that is not zero */
} eg_raster;

typedef struct eg_gallery {
    int shown_count;
    eg_shown_cut shown[EG_SHOWN_CUTS];
    size_t prefix_count; /* 0 or at least 2; ascending */
    eg_prefix_point *prefix;
    eg_raster raster;
    eegpu_cuts *cuts; /* of the spectra; with `result` the owner of what `shown` points to */
    eegpu_result *result;
} eg_gallery;

/* `state` NULL: the entropies were read from a file; then there are no spectra and no raster, and prefixes only as far as they are
 * among the cuts. Otherwise two small scans. Free with eg_gallery_free(), also after a failure. */
EG_MUST eg_gallery_make(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                        const eg_study *study, eg_gallery *gallery);
void eg_gallery_free(eg_gallery *gallery);

#endif
