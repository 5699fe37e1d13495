/* Growth and tuning as text, JSON and pictures. See bench.h. */
#include <math.h>

#include "base/memory.h"
#include "report/bench.h"
#include "report/encode.h"
#include "report/plot.h"

/* ---- Growth ---- */

static void write_fit(const char *what, const eg_growth_fit *fit, bool of_cuts, FILE *stream)
{
    fprintf(stream, of_cuts ? "  %-7s grows as cuts^x with x = %.2f" : "  %-7s grows as 2^(x pixels) with x = %.2f", what,
            fit->exponent);
    if (isfinite(fit->error))
        fprintf(stream, " +- %.2f", fit->error);
    fprintf(stream, ", expected %g, by the last %zu points\n", fit->expected, fit->points);
}

void eg_growth_write_table(const eg_growth *growth, FILE *stream)
{
    char time[24], bytes[24];
    fprintf(stream, "%s, %d %s\n", growth->device, growth->threads, growth->threads == 1 ? "thread" : "threads");
    for (int i = 0; i < EG_GROWTH_SERIES; i++) {
        const eg_growth_series *series = &growth->series[i];
        fprintf(stream, "\n%s: %s\n  %6s %6s %10s %12s\n", series->name, series->why, series->of_cuts ? "" : "pixels", "cuts",
                "time", "memory");
        for (size_t k = 0; k < series->count; k++) {
            const eg_growth_point *point = &series->points[k];
            fprintf(stream, "  %6.0f %6.0f %10s %12s\n", series->of_cuts ? 16. : point->x, point->cuts,
                    eg_time_text(point->seconds, time), eg_bytes_text((uint64_t)point->bytes, bytes));
        }
        write_fit("time", &series->time, series->of_cuts, stream);
        write_fit("memory", &series->memory, series->of_cuts, stream);
    }
}

static void write_fit_json(const char *name, const eg_growth_fit *fit, FILE *stream)
{
    fprintf(stream, ",\n \"%s\":{\"exponent\":", name);
    eg_json_number(stream, fit->exponent);
    fputs(",\"error\":", stream);
    eg_json_number(stream, fit->error);
    fprintf(stream, ",\"expected\":%g,\"points\":%zu}", fit->expected, fit->points);
}

void eg_growth_write_json(const eg_growth *growth, const char *command, FILE *stream)
{
    fputs("{\"eegpu\":", stream);
    eg_json_string(stream, eegpu_version());
    fputs(",\"command\":", stream);
    eg_json_string(stream, command);
    fputs(",\"kind\":\"growth\",\"device\":", stream);
    eg_json_string(stream, growth->device);
    fprintf(stream, ",\"threads\":%d,\"series\":[\n", growth->threads);
    for (int i = 0; i < EG_GROWTH_SERIES; i++) {
        const eg_growth_series *series = &growth->series[i];
        fputs("{\"name\":", stream);
        eg_json_string(stream, series->name);
        fprintf(stream, ",\"x\":\"%s\",\"points\":[", series->of_cuts ? "cuts" : "pixels");
        for (size_t k = 0; k < series->count; k++) {
            fprintf(stream, "%s{\"x\":%.0f,\"cuts\":%.0f,\"seconds\":", k > 0 ? "," : "", series->points[k].x,
                    series->points[k].cuts);
            eg_json_number(stream, series->points[k].seconds);
            fprintf(stream, ",\"bytes\":%.0f}", series->points[k].bytes);
        }
        fputs("]", stream);
        write_fit_json("time", &series->time, stream);
        write_fit_json("memory", &series->memory, stream);
        fprintf(stream, "}%s\n", i + 1 < EG_GROWTH_SERIES ? "," : "");
    }
    fputs("]}\n", stream);
}

/* Points, the fitted line, and one of the expected exponent through the last point. */
static void add_series(eg_plot *plot, const eg_growth_series *series, int ink, bool of_time)
{
    const eg_growth_fit *fit = of_time ? &series->time : &series->memory;
    double unit = of_time ? 1 : 1. / (1 << 20);
    eg_series *points = eg_plot_series(plot, ink == 1 ? EG_CIRCLE : EG_TRIANGLE, EG_NO_STROKE, ink, "%s", series->name);
    for (size_t k = 0; k < series->count; k++)
        eg_plot_point(plot, points, series->points[k].x, unit * (of_time ? series->points[k].seconds : series->points[k].bytes));
    if (series->count < 2 || !isfinite(fit->exponent))
        return;
    const eg_growth_point *first = &series->points[series->count - fit->points], *last = &series->points[series->count - 1];
    double from = series->of_cuts ? log2(first->x) : first->x, to = series->of_cuts ? log2(last->x) : last->x;
    eg_series *line = eg_plot_series(plot, EG_NO_MARK, EG_SOLID, ink, "fitted: exponent %.2f", fit->exponent);
    eg_plot_point(plot, line, first->x, unit * exp2(fit->constant + fit->exponent * from));
    eg_plot_point(plot, line, last->x, unit * exp2(fit->constant + fit->exponent * to));
    eg_series *expected = eg_plot_series(plot, EG_NO_MARK, EG_DASHED, ink, "expected: %g", fit->expected);
    double end = unit * (of_time ? last->seconds : last->bytes);
    eg_plot_point(plot, expected, first->x, end * exp2(fit->expected * (from - to)));
    eg_plot_point(plot, expected, last->x, end);
}

static void bounds(const eg_plot *plot, eg_axis *axis, int coordinate)
{
    axis->least = INFINITY;
    axis->most = -INFINITY;
    for (int i = 0; i < plot->count; i++)
        for (size_t k = 0; k < plot->series[i].count; k++) {
            axis->least = fmin(axis->least, plot->series[i].points[2 * k + (size_t)coordinate]);
            axis->most = fmax(axis->most, plot->series[i].points[2 * k + (size_t)coordinate]);
        }
}

static const struct growth_picture {
    const char *name, *title, *x, *y;
    bool of_cuts, of_time;
} pictures[] = {
    {"time", "Time of a scan against pixels", "pixels N", "seconds", false, true},
    {"memory", "Memory of a scan against pixels", "pixels N", "MiB", false, false},
    {"cuts", "Time of a scan against the number of cuts", "cuts", "seconds", true, true},
};
enum { PICTURES = sizeof pictures / sizeof *pictures, PICTURE_WIDTH = 560, PICTURE_HEIGHT = 520 };

static eegpu_status draw_picture(const eg_growth *growth, int number, FILE *stream)
{
    const struct growth_picture *picture = &pictures[number];
    const eg_svg svg = {.stream = stream, .name = picture->name};
    eg_plot plot = {.title = picture->title,
                    .description = picture->title,
                    .x = {.label = picture->x, .logarithmic = picture->of_cuts, .whole = !picture->of_cuts},
                    .y = {.label = picture->y, .logarithmic = true}};
    for (int i = 0; i < EG_GROWTH_SERIES; i++)
        if (growth->series[i].of_cuts == picture->of_cuts && growth->series[i].count > 0)
            add_series(&plot, &growth->series[i], 1 + i % EG_INKS, picture->of_time);
    bounds(&plot, &plot.x, 0);
    bounds(&plot, &plot.y, 1);
    eegpu_status status = isfinite(plot.x.least) ? eg_plot_write(&plot, &svg) : EEGPU_OK;
    eg_plot_free(&plot);
    return status;
}

/* The three pictures side by side in one. */
eegpu_status eg_growth_draw(const eg_growth *growth, const eg_svg *svg)
{
    eegpu_status status = EEGPU_OK;
    eg_svg_begin(
        svg, PICTURES * PICTURE_WIDTH, PICTURE_HEIGHT, "How the cost of a scan grows",
        "Time and memory of a scan against the number of pixels, and time against the number of cuts, with fitted and expected "
        "exponents");
    for (int i = 0; i < PICTURES; i++) {
        fprintf(svg->stream, "<g transform=\"translate(%d 0)\">\n", i * PICTURE_WIDTH);
        EG_TRY(draw_picture(growth, i, svg->stream));
        fputs("</g>\n", svg->stream);
    }
    eg_svg_end(svg);
done:
    return status;
}

eegpu_status eg_growth_write_html(const eg_growth *growth, FILE *stream)
{
    eegpu_status status = EEGPU_OK;
    eg_bench_open_page("eegpu bench: how the cost grows", stream);
    for (int i = 0; i < PICTURES; i++)
        EG_TRY(draw_picture(growth, i, stream));
    fputs("<h2>All points</h2>\n<pre>", stream);
    eg_growth_write_table(growth, stream);
    fputs("</pre>\n", stream);
    eg_bench_close_page(stream);
done:
    return status;
}

/* ---- Tuning ---- */

void eg_tune_write_table(const eg_tune *tune, FILE *stream)
{
    fprintf(stream, "%-8s %6s %8s  %10s %10s %10s %10s   %-22s %s\n", "kind", "n", "threads", "one stage", "two stages", "one, all",
            "two, all", "taken", "gain over the built-in rule");
    for (size_t i = 0; i < tune->count; i++) {
        const eg_tuning_row *row = &tune->rows[i].choice;
        char text[24], taken[32];
        fprintf(stream, "%-8s %6d %8d ", row->is_complex ? "complex" : "real", row->n, row->threads);
        for (int d = 0; d < EG_DRIVERS; d++)
            fprintf(stream, " %10s", tune->rows[i].seconds[d] > 0 ? eg_time_text(tune->rows[i].seconds[d], text) : "");
        snprintf(taken, sizeof taken, "%s%s", row->driver.two_stage ? "two stages" : "one stage",
                 row->threads > 1 ? row->driver.all_threads ? ", all threads" : ", one thread" : "");
        fprintf(stream, "   %-22s %.2f\n", taken, row->seconds_of_rule / row->seconds);
    }
    fputs(
        "\nOne stage: dsytrd, zhetrd and the own QL iteration; two stages: dsyevd_2stage, zheevd_2stage; all: with all threads of\n"
        "the BLAS, else with one. Where threads is 1 a matrix is solved on every processor at once.\n",
        stream);
}
