/* What the files of this folder share while a scan runs: the scan itself (eg_run) and the product of one cut (eg_product). Comes
 * in: what scan.c has been given, and its plan; goes out: records, through record.c. scan.c fills it, tree.c walks it, product.c
 * and record.c do the steps. Not seen outside of scan/. */
#ifndef EG_SCAN_RUN_H
#define EG_SCAN_RUN_H

#include <pthread.h>

#include "backend/statistics.h"
#include "scan/journal.h"
#include "scan/scan.h"
#include "spectrum/spectrum.h"

typedef struct eg_run {
    const eegpu_state *state;
    const struct eegpu_cuts *cuts;
    const eegpu_scan_options *options;
    eg_device *device;
    eg_lane *whole_lane; /* with all threads */
    eg_lane **lanes;     /* one a worker, for work side by side; never in use together with whole_lane */
    int workers;
    const eg_plan *plan;
    eg_budget *budget; /* of what products take most: density matrices the device's memory, distinct columns the host's */
    eegpu_result *result;
    bool *finished; /* of each cut: its record is there */
    eg_progress progress;
    eg_journal journal;
    uint64_t one;         /* the weight of the whole function as a column */
    eg_columns whole;     /* a 0/1 function as one column; borrows */
    pthread_mutex_t lock; /* of `room`, `running` and `busy` */
    pthread_cond_t changed;
    uint64_t room; /* bytes that no running tree has reserved */
    int running;
    bool side_by_side; /* trees are: what lacks memory can be done again alone */
    double busy;       /* seconds that lanes have worked in the present loop over them */
} eg_run;

/* What a task makes: what its descendants are made from, then its spectrum. */
typedef struct eg_product {
    eg_representation representation;
    eg_gram gram;
    eg_columns columns;
    eg_spectrum spectrum;
    double seconds; /* it took so far */
} eg_product;

/* ---- product.c ---- */

/* Make a task's product from its parent's, or from the function when that is NULL. */
EG_MUST eg_product_make(const eg_run *run, const eg_task *task, const eg_product *parent, eg_lane *lane, eg_product *product);

/* Are its columns so many that the next ones are as well made from the function? */
bool eg_product_is_bulky(const eg_run *run, const eg_product *product);

uint64_t eg_product_bytes(const eg_product *product);
void eg_product_free(eg_lane *lane, eg_product *product);

/* Reduce the matrix of the cut; density matrices then wait in the product's spectrum for eg_spectra_solve(). */
EG_MUST eg_product_reduce(eg_run *run, const eg_task *task, eg_lane *lane, eg_product *product);

/* ---- record.c ---- */

/* From a solved spectrum to the record: exact rank, entropies, journal, progress. */
EG_MUST eg_product_record(eg_run *run, const eg_task *task, int threads, eg_product *product);

/* ---- tree.c ---- */

/* All trees of the plan: wide ones one after another, the rest side by side. */
EG_MUST eg_run_trees(eg_run *run);

#endif
