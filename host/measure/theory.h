/* Statements of the paper checked on a function's own numbers. Comes in: records of the cuts and of helper cuts, ranges; goes out:
 * one row a statement, with the cut that comes nearest to breaking it. Called by scan/study.c. It computes no entropies.
 *
 * The wording is ours, not the paper's. Property 3 is checked as subadditivity. Properties 1 and 2, subadditivity and Theorem 2 at
 * the smallest r that holds are mathematics: a broken one would be a fault of eegpu. Theorem 3 is about networks: the numbers of
 * the given one are shown beside the scaling, which has no constant that could be broken; `eegpu cnn` measures it over many. */
#ifndef EG_MEASURE_THEORY_H
#define EG_MEASURE_THEORY_H

#include "cut/cut.h"
#include "measure/range.h"

typedef enum eg_check_outcome { EG_CHECK_HOLDS, EG_CHECK_BROKEN, EG_CHECK_NOT_APPLICABLE } eg_check_outcome;

const char *eg_check_outcome_name(eg_check_outcome outcome); /* "holds", "broken", "not applicable" */

typedef struct eg_theory_check {
    const char *name, *statement; /* static storage */
    eg_check_outcome outcome;
    size_t checked;      /* cuts */
    double value, bound; /* value <= bound is what holds, of the cut that comes nearest to breaking it; NAN: none */
    double tolerance;    /* rounding, added to the bound */
    int64_t cut;         /* that cut; -1: none */
    char detail[256];
} eg_theory_check;

enum { EG_THEORY_CHECKS = 6 };

typedef struct eg_theory {
    bool known;
    eg_theory_check checks[EG_THEORY_CHECKS];
    size_t broken;
} eg_theory;

/* The helper cuts: for each cut its complement, then for each the first and the second half of A's pixels (of one pixel: A itself,
 * twice), then every pixel alone. The caller frees them. */
EG_MUST eg_theory_cuts(const struct eegpu_cuts *cuts, struct eegpu_cuts **helpers);

/* The convolutional network that the function is; 0 channels: it is none, or not known. */
typedef struct eg_theory_network {
    int channels, layers;
} eg_theory_network;

/* records and ranges of the `count` cuts; records of the helper cuts. `ranges` NULL: not known. */
void eg_theory_check_all(const struct eegpu_cuts *cuts, const eegpu_record *records, const eegpu_record *helpers,
                         const eg_range *ranges, eg_theory_network network, eg_theory *theory);

#endif
