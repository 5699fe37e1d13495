/* What `eegpu law` found, as a table for people, one JSON object, or a page with pictures (html.h). Comes in: a study; goes out:
 * text. */
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

/* ---- law_text.c ---- */

enum { EG_FORMULA_SIZE = 128, EG_HEADING_SIZE = 96, EG_TABLE_MOST = 40 };

/* "S = c + a L_A": of the terms that were fitted. Into `text` (EG_FORMULA_SIZE bytes); returns it. */
const char *eg_law_formula(const eg_law *law, int model, char *text);

/* What a regressor is on this lattice; NULL: its name says it. */
const char *eg_law_regressor_note(const eg_law *law, eg_regressor regressor);

/* Does the model speak of this lattice? */
bool eg_law_model_is_shown(const eg_law *law, int model);

/* The largest bound on the rounding of the entropies, in nats. */
double eg_law_rounding(const eg_study *study);

/* 0 for what is no more than its error or 1e-12, for people to read; JSON has the numbers as they are. */
double eg_zero_below(double value, double error);

/* S / (L_A log 2): the effective range of any function; NAN where there is no boundary. */
double eg_effective_range(const eegpu_record *record);

/* The least and the largest of all cuts, 0 where S is; INFINITY and 0 where no cut has a boundary. */
void eg_effective_ranges(const eg_study *study, double *least, double *most);

/* The largest of the Schmidt ranks of an order of the pixels, at least 1. */
uint64_t eg_largest_rank(const uint64_t *rank, int count);

/* |R_r| of the side where it is smaller, and Theorem 2's bound |R_r| log 2 with it, in nats; NAN where the range is not known. */
int eg_range_pixels(const eg_range *range);
double eg_range_bound(const eg_range *range);

/* The largest r of both sides; returns in how many cuts an assumption holds only because R_r is the whole side. */
size_t eg_range_summary(const eg_study *study, int largest[2]);

/* The cut whose range is largest and has a counter-example; -1: none. */
int64_t eg_widest_cut(const eg_study *study);

/* The name and the parameters of a source without folders and without the file of labels, cut off where it is long. Into `text`
 * (EG_HEADING_SIZE bytes); returns it. */
const char *eg_source_heading(const char *source, char *text);

#endif
