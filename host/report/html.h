/* A study as one self-contained page: opens without a network, needs no script, light and dark, on screen and on paper. Comes in: a
 * study with its gallery; goes out: HTML. Called by `eegpu law --html`. */
#ifndef EG_REPORT_HTML_H
#define EG_REPORT_HTML_H

#include "report/law.h"

EG_MUST eg_law_write_html(const eg_law_report *report, FILE *stream);

/* ---- html_style.c ---- */

const char *eg_html_style(void);
const char *eg_html_dark_style(void);
const char *eg_html_print_style(void);

/* ---- html_tables.c ---- */

/* Of cuts so many are in the table; more would make a page that no browser likes. */
enum { EG_HTML_MOST_CUTS = 5000 };

void eg_html_fits(const eg_law_report *report, FILE *stream);
void eg_html_shapes(const eg_law_report *report, FILE *stream);
void eg_html_parameters(const eg_law_report *report, FILE *stream);
void eg_html_topology(const eg_law_report *report, FILE *stream);
void eg_html_theory(const eg_law_report *report, FILE *stream);
void eg_html_cuts(const eg_law_report *report, FILE *stream);

#endif
