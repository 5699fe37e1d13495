/* What `eegpu law` found, as a table for people, one JSON object, or a page with pictures (html.h). Comes in: a study; goes out: text. */
#ifndef EG_REPORT_LAW_H
#define EG_REPORT_LAW_H

#include "report/report.h"
#include "scan/gallery.h"

typedef struct eg_law_report {
    eg_report report;      /* command, cuts, unit, ...; state NULL for a result that was read from a file */
    const char *source;    /* the function */
    const char *read_from; /* the file of the result, or NULL */
    const eg_study *study;
    const eg_gallery *gallery; /* for pictures; else NULL */
} eg_law_report;

EG_MUST eg_law_write_table(const eg_law_report *report, FILE *stream);
EG_MUST eg_law_write_json(const eg_law_report *report, FILE *stream);

/* S / (L_A log 2): the effective range of any function; NAN where there is no boundary. */
double eg_effective_range(const eegpu_record *record);

/* Theorem 2's bound |R_r| log 2 for the side A, in nats; NAN where the range is not known. */
double eg_range_bound(const eg_range *range);

/* The cut whose range is largest and has a counter-example; -1: none. */
int64_t eg_widest_cut(const eg_study *study);

#endif
