/* Sweeps over convolutional networks: every D, n_c and seed is evaluated on all images and scanned. Comes in: lists and cuts; goes
 * out: one point a network, and how they scale. Called by `eegpu cnn`. */
#ifndef EG_SCAN_CNN_SWEEP_H
#define EG_SCAN_CNN_SWEEP_H

#include "backend/backend.h"
#include "cut/cut.h"
#include "measure/cnn_scaling.h"
#include "state/cnn.h"

typedef struct eg_cnn_sweep_options {
    int channel_count, layer_count, seeds; /* seeds: networks of each D and n_c */
    int channels[EG_CNN_MOST_VALUES], layers[EG_CNN_MOST_VALUES];
    int pools, kernel;
    eg_cnn_activation activation;
    eg_cnn_init init;
    eg_device *device; /* where networks are evaluated and scanned */
    int threads;       /* 0: all */
    uint64_t memory;   /* bytes; 0: 80 % of what is free */
    eegpu_progress progress;
    void *progress_user;
} eg_cnn_sweep_options;

typedef struct eg_cnn_sweep {
    size_t count;
    eg_cnn_point *points; /* by n_c, D, in the order of the lists; the seed of a network is its number in this array, so that no
                             two have weights in common */
    eg_cnn_scaling scaling;
    double foreseen, seconds;
} eg_cnn_sweep;

/* The name of the device to open for the sweep: what was asked for; for `auto` the CPU where a GPU would not pay, else "auto". */
const char *eg_cnn_sweep_device(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, const char *asked);

/* How long the sweep will take, in seconds: images are put through some of the shapes for about 0.3 s and timed, entropies are
 * guessed from the sizes of the cuts. Before that it says what is wrong with shapes and lattice, or that 2^N amplitudes do not fit
 * into the memory (EEGPU_OUT_OF_MEMORY). */
EG_MUST eg_cnn_sweep_foresee(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, double *seconds);

/* On success *sweep is freed with eg_cnn_sweep_free(). Memory: 2^N * 8 bytes and what a scan takes. */
EG_MUST eg_cnn_sweep_run(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, double foreseen, eg_cnn_sweep *sweep);
void eg_cnn_sweep_free(eg_cnn_sweep *sweep);

/* "cnn:channels=2,layers=1,..." of a point, for `eegpu scan`. */
enum { EG_CNN_SOURCE_SIZE = 160 };
const char *eg_cnn_sweep_source(const eg_cnn_sweep_options *options, const eg_cnn_point *point, char *text);

#endif
