/* What the bench found, in words, JSON and pictures; and its JSON read back. Comes in: rows of scan/bench.h, growth.h, tune.h; goes
 * out: text. Called by `eegpu bench`. Write errors are left to eg_stream_check(). */
#ifndef EG_REPORT_BENCH_H
#define EG_REPORT_BENCH_H

#include <stdio.h>

#include "report/svg.h"
#include "scan/bench.h"
#include "scan/growth.h"
#include "scan/tune.h"

void eg_bench_write_table(const eg_bench *bench, FILE *stream);
void eg_bench_write_json(const eg_bench *bench, const char *command, FILE *stream);
EG_MUST eg_bench_read_json(const char *path, eg_bench *bench); /* EEGPU_BAD_INPUT with the reason */

/* A bar for every case at its largest size: percent of the limit. */
void eg_bench_draw(const eg_bench *bench, const eg_svg *svg);
void eg_bench_write_html(const eg_bench *bench, FILE *stream);

/* "1.23 ms" into `text` (24 bytes); returns `text`. */
const char *eg_time_text(double seconds, char *text);

/* ---- bench_compare.c: two benches ---- */

typedef enum eg_bench_change { EG_SAME, EG_SLOWER, EG_FASTER } eg_bench_change;

typedef struct eg_bench_comparison {
    const eg_bench_row *old, *new;
    double ratio; /* of the medians, new to old */
    double noise; /* what the repeats of both runs leave open: a ratio between 1 / (1 + noise) and 1 + noise says nothing */
    eg_bench_change change;
} eg_bench_comparison;

/* Is there a row of the same case, size and device in `old`, and what became of it? */
bool eg_bench_compare_row(const eg_bench *old, const eg_bench *bench, const eg_bench_row *row, eg_bench_comparison *comparison);

/* All cases, the slower ones first; returns how many are slower. */
EG_MUST eg_bench_write_comparison(const eg_bench *old, const eg_bench *bench, size_t *slower, FILE *stream);

/* ---- bench_growth.c ---- */

void eg_growth_write_table(const eg_growth *growth, FILE *stream);
void eg_growth_write_json(const eg_growth *growth, const char *command, FILE *stream);
EG_MUST eg_growth_draw(const eg_growth *growth, const eg_svg *svg);
EG_MUST eg_growth_write_html(const eg_growth *growth, FILE *stream);

void eg_tune_write_table(const eg_tune *tune, FILE *stream);

/* The beginning and the end of a page of pictures. */
void eg_bench_open_page(const char *title, FILE *stream);
void eg_bench_close_page(FILE *stream);

#endif
