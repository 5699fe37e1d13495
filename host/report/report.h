/* Writing: one field list (fields.c) serves the table, CSV and JSON. Comes in: a finished scan. Goes out: text or arrays on a
 * stream. Unit conversion (nats to bits) happens here and nowhere else. */
#ifndef EG_REPORT_REPORT_H
#define EG_REPORT_REPORT_H

#include <stdio.h>

#include "base/progress.h"
#include "cut/cut.h"
#include "plan/plan.h"
#include "state/state.h"

typedef struct eg_report {
    const char *command; /* the command line, for the JSON */
    const eegpu_state *state;
    const struct eegpu_cuts *cuts;
    const eegpu_result *result;
    const eegpu_scan_options *options;      /* Renyi orders */
    double log_base;                        /* 1 for nats, log 2 for bits: entropies are divided by it */
    const char *unit;                       /* "nat" or "bit" */
    double seconds;                         /* wall clock of the scan */
    double opening_seconds;                 /* and of the function before */
    const struct eg_statistics *statistics; /* where the time went; NULL: nobody asked */
    int columns;                            /* width that a table may take; 0: 100 */
    bool unicode;                           /* a table may use block characters; else ASCII */
} eg_report;

typedef struct eg_writer {
    const char *name; /* table, csv, json */
    const char *help;
    eegpu_status (*write)(const eg_report *report, FILE *stream);
    eegpu_status (*write_plan)(const eg_report *report, const eg_plan *plan, FILE *stream); /* --dry-run; no result is needed */
} eg_writer;

const eg_writer *eg_writers(size_t *count);

/* p_0000, p_0001, ... (float64) and regions (bool, cuts x H x W) as an .npz. */
EG_MUST eg_write_spectra(const eg_report *report, FILE *stream);

/* The Schmidt vectors of every cut as an .npz: a_0000 (rank), fa_0000 (rank x rows), fb_0000 (rank x columns), ..., of image sets
 * also images_a_0000, images_b_0000 (sub-images as 0/1 bytes), and regions. One cut is held at a time. `progress` counts cuts; may
 * be NULL. */
EG_MUST eg_write_vectors(const eg_report *report, int threads, eg_progress *progress, FILE *stream);

#endif
