/* Which law do the entropies of the cuts follow: area, volume, logarithmic, or can these cuts not tell? Comes in: cuts and their
 * records; goes out: averages over cuts of one shape, fits of the models of a table, a verdict with its reason. Called by `eegpu
 * law`. All in nats. It computes no entropies. */
#ifndef EG_MEASURE_LAW_H
#define EG_MEASURE_LAW_H

#include "cut/cut.h"
#include "measure/fit.h"

/* What S may be fitted against. On a chain (a lattice of height or width 1) LOGARITHM is -sum_{i<j} q_i q_j log d(i, j) over the
 * ends of A (q = +1 and -1 in turn) and their mirror images at the open ends (the opposite q), d = (2N/pi) |sin(pi distance / 2N)|:
 * for one end after l pixels it is log((2N/pi) sin(pi l/N)), and a critical chain of central charge c has S = c/6 of it (Calabrese
 * and Cardy, 2004; for several ends, of free fermions). On other lattices it is log min(N_A, N_B). END is the sum of 1/d^2 over the
 * same pairs without the mixed ones (an end and the image of another): what distant ends lose fast, as in a chain with a gap. */
typedef enum eg_regressor { EG_BOUNDARY, EG_BONDS, EG_VOLUME, EG_LOGARITHM, EG_END, EG_REGRESSORS } eg_regressor;

/* The names in the JSON: "area", "volume", "log", "undecided"; EG_LAW_MIXED is no verdict. */
typedef enum eg_law_kind { EG_LAW_AREA, EG_LAW_VOLUME, EG_LAW_LOG, EG_LAW_UNDECIDED, EG_LAW_MIXED } eg_law_kind;

const char *eg_law_kind_name(eg_law_kind kind);
const char *eg_regressor_name(eg_regressor regressor); /* "boundary", ... */

/* A model: S = intercept + sum slope_j regressor_j. A new one is one row in law.c. */
typedef struct eg_law_model {
    const char *name;
    eg_law_kind kind;
    int terms;
    eg_regressor regressor[2]; /* the first is what the model says; the second is left out where it does not vary */
    bool only_chains;
} eg_law_model;

enum { EG_LAW_MODELS = 7 };
extern const eg_law_model eg_law_models[EG_LAW_MODELS];

/* Cuts whose smaller sides are one shape (moved, turned or mirrored), with the same boundary and bonds. A cut and its complement
 * are one cut: of two equal sides the one with the smaller boundary counts, then the more compact one. */
typedef struct eg_law_group {
    size_t first, cuts;              /* the number of one of them; how many */
    int volume;                      /* min(N_A, N_B) */
    int boundary, bonds;             /* of the smaller side */
    double regressor[EG_REGRESSORS]; /* averages */
    double s, spread;                /* average, standard deviation (0 for one cut) */
    double least, most;
} eg_law_group;

typedef struct eg_law {
    size_t count; /* groups, by volume, then boundary */
    eg_law_group *groups;
    bool is_chain, is_prefix;   /* prefix: every cut has one end */
    eg_fit fits[EG_LAW_MODELS]; /* over groups, each counting once; slopes in the order of the terms that are not left out */
    int terms[EG_LAW_MODELS];   /* how many are left */
    eg_law_kind verdict;
    int best;           /* number of the model behind the verdict, or of the best one; -1: none could be fitted */
    double margin;      /* AICc of the best model of another law minus that of the best; NAN: there is none */
    double correlation; /* of boundary and volume over the groups; NAN: one does not vary */
    char reason[512];   /* one sentence */
    char advice[512];   /* the cuts that would tell; "" when decided */
} eg_law;

/* A verdict needs this many groups, and:
 * - for a law that names a regressor: this many values of it, this R^2, this lead in AICc over every other law and residuals at
 * most this part of theirs (the lead alone grows with the number of points, however little the fits differ), and a slope of two
 * standard errors. Of a model of another law that contains the best one (on chains logarithm and bonds contain the bonds) it is
 * asked instead that its other term adds no more than EG_LAW_MOST_GROWTH of the mean of S, at two standard errors. No area law is
 * named where the fit of boundary and volume together leads by that much and its volume adds more than that;
 * - for S = c: that a growth of S with the volume over these cuts by more than this part of its mean is ruled out by two standard
 * errors.
 *
 * Or the constant or the bonds alone describe S up to a residual of EG_LAW_FLAT of its mean, over volumes that differ by a factor
 * of 4 or more: then there is no room for another law. Or S is the same for all cuts, or the rank of all is bounded by that of the
 * smallest regions.
 *
 * But for these last two, which hold for any number of images, no area or logarithmic law is read from entropies that come to
 * EG_LAW_FULL of log K, K images and no more being those on which the function is not 0, where the regions alone would allow more:
 * it is the number of images that ends their growth. */
enum { EG_LAW_LEAST_GROUPS = 6, EG_LAW_LEAST_VALUES = 3 };
#define EG_LAW_LEAST_R_SQUARED 0.8
#define EG_LAW_LEAST_MARGIN 6.0
#define EG_LAW_MOST_RESIDUAL 0.8
#define EG_LAW_MOST_GROWTH 0.25
#define EG_LAW_FLAT 0.03
#define EG_LAW_FULL 0.9

/* S of a group by a fitted model. */
double eg_law_value(const eg_law *law, int model, const eg_law_group *group);

/* The boundary L of the side of a cut that counts (above). */
int eg_law_boundary(const struct eegpu_cuts *cuts, size_t cut);

/* records: one a cut; images: on how many the function is not 0, so that S <= log of it, or 0 where this is not known. Free with
 * eg_law_free(). EEGPU_USAGE: no cuts. */
EG_MUST eg_law_of_records(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, uint64_t images, eg_law *law);
void eg_law_free(eg_law *law);

#endif
