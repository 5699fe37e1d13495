/* How the entropy of convolutional networks grows with their channels D and layers n_c (paper, section V: S/L ~ n_c log D, so
 * that D ~ D_0^(1/n_c) channels do with n_c layers what D_0 do with one). Comes in: S of networks; goes out: means over seeds,
 * fits of the paper's law and of others, and the D that give one S at different n_c. Called by scan/cnn_sweep.c. In nats. */
#ifndef EG_MEASURE_CNN_SCALING_H
#define EG_MEASURE_CNN_SCALING_H

#include "measure/fit.h"

enum { EG_CNN_MOST_VALUES = 16, EG_CNN_MOST_CELLS = EG_CNN_MOST_VALUES * EG_CNN_MOST_VALUES };

/* One network, drawn independently of the others (no two have a seed in common: standard errors count on it): means over the cuts
 * of S, of S/L_A, and of S as a share of Page's value. */
typedef struct eg_cnn_point {
    int layers, channels;
    uint64_t seed, parameters;
    bool zero; /* f = 0 on every image: no entropy, left out of everything but the count */
    double s, density, page_share;
    double error, seconds; /* largest bound on the rounding error of an S */
} eg_cnn_point;

/* The networks of one n_c and D; spreads are standard deviations over seeds, NAN for fewer than two networks. */
typedef struct eg_cnn_cell {
    int layers, channels;
    uint64_t parameters, first_seed, last_seed;
    size_t count, zeros; /* networks with an entropy, and without */
    double s, s_spread, density, density_spread, page_share;
} eg_cnn_cell;

typedef enum eg_cnn_model {
    EG_CNN_PAPER,    /* a + b n_c log D */
    EG_CNN_CHANNELS, /* a + b log D */
    EG_CNN_DEPTH,    /* a + b n_c */
    EG_CNN_PLANE,    /* a + b log D + c n_c */
    EG_CNN_LINES,    /* a + b log D with a and b for each n_c */
    EG_CNN_CONSTANT, /* a: saturated, or no dependence */
    EG_CNN_MODELS
} eg_cnn_model;

/* "n_c log D", and "a + b n_c log D" */
const char *eg_cnn_model_name(eg_cnn_model model);
const char *eg_cnn_model_formula(eg_cnn_model model);

/* A fit of S/L over all networks. LINES: fits of each n_c are in `lines`, and here is what they are together. */
typedef struct eg_cnn_fit {
    bool solved;
    int parameters;
    double intercept, slope[2], slope_error[2], residual, r_squared, aicc;
} eg_cnn_fit;

/* D_0 at the smallest n_c, and the D at another n_c that gives the same S/L. */
typedef enum eg_cnn_answer { EG_CNN_HOLDS, EG_CNN_FAILS, EG_CNN_UNTOLD } eg_cnn_answer;

typedef struct eg_cnn_match {
    int layers_0, channels_0, layers;
    double expected;    /* D_0^(layers_0 / layers) */
    double found;       /* by interpolation in log D; 0 and INFINITY: below and above the D of the sweep; NAN: not known */
    double least, most; /* the same within two standard errors of both sides */
    eg_cnn_answer answer;
    const char *reason; /* why it cannot be told; static; "" otherwise */
} eg_cnn_match;

typedef struct eg_cnn_scaling {
    size_t cell_count, line_count, match_count;
    eg_cnn_cell cells[EG_CNN_MOST_CELLS]; /* by n_c, then D */
    int line_layers[EG_CNN_MOST_VALUES];
    eg_fit lines[EG_CNN_MOST_VALUES];
    eg_cnn_fit fits[EG_CNN_MODELS];
    int best;      /* model with the least AICc; -1: none could be fitted */
    int second;    /* its rival, the next of those that do not contain it; -1: there is none, as for the constant */
    double margin; /* AICc of the rival minus that of the best; NAN: there is no rival */
    bool decided;  /* margin of at least EG_CNN_LEAST_MARGIN; or no rival, and no larger model that could be fitted is better */
    eg_cnn_match matches[EG_CNN_MOST_CELLS];
    size_t answers[EG_CNN_UNTOLD + 1]; /* how many matches of each answer */
    double largest_page_share;         /* over cells; NAN: no cell has an entropy */
} eg_cnn_scaling;

#define EG_CNN_LEAST_MARGIN 6.0
#define EG_CNN_SATURATED 0.95 /* share of Page's value from which a cell counts as saturated */

/* At most EG_CNN_MOST_VALUES values of n_c, and of D. */
EG_MUST eg_cnn_scaling_of(const eg_cnn_point *points, size_t count, eg_cnn_scaling *scaling);

#endif
