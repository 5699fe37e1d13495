/* The frame, ticks, series and legend of a plot. Called by pictures.c. */
#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In pixels: the frame, and what stands around it. */
enum { LEFT = 68, RIGHT = 18, TOP = 14, FRAME_WIDTH = 474, FRAME_HEIGHT = 290, BELOW = 52, LEGEND_ROW = 22, MOST_TICKS = 32 };

/* ---- Series ---- */

eg_series *eg_plot_series(eg_plot *plot, eg_mark mark, eg_stroke stroke, int ink, const char *label, ...)
{
    eg_series *series = &plot->series[plot->count < EG_PLOT_SERIES ? plot->count++ : EG_PLOT_SERIES - 1];
    va_list arguments;
    free(series->points);
    *series = (eg_series){.mark = mark, .stroke = stroke, .ink = ink};
    va_start(arguments, label);
    vsnprintf(series->label, sizeof series->label, label, arguments);
    va_end(arguments);
    return series;
}

void eg_plot_point(eg_plot *plot, eg_series *series, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    if (series->count == series->capacity) {
        size_t capacity = series->capacity > 0 ? 2 * series->capacity : 64;
        double *points = realloc(series->points, capacity * 2 * sizeof *points);
        if (points == NULL) {
            plot->failed = true;
            return;
        }
        series->points = points;
        series->capacity = capacity;
    }
    series->points[2 * series->count] = x;
    series->points[2 * series->count + 1] = y;
    series->count++;
}

void eg_plot_free(eg_plot *plot)
{
    for (int i = 0; i < plot->count; i++)
        free(plot->series[i].points);
    plot->count = 0;
}

/* ---- Axes ---- */

/* 1, 2 or 5 times a power of ten, not below `rough`. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough))), lead = rough / power;
    return power * (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10);
}

static double step_of(const eg_axis *axis)
{
    double step = round_step((axis->most - axis->least) / 6);
    return axis->whole && step < 1 ? 1 : step;
}

static void round_axis(eg_axis *axis)
{
    if (axis->logarithmic) {
        axis->most = fmax(axis->most, 10 * axis->least);
        return;
    }
    if (!(axis->most - axis->least > 1e-300))
        axis->most = axis->least + 1;
    if (axis->whole) { /* the numbers end where they end: a little room beyond */
        axis->most += 0.03 * (axis->most - axis->least);
        return;
    }
    double step = step_of(axis);
    axis->least = step * floor(axis->least / step + 1e-9);
    axis->most = step * ceil(axis->most / step - 1e-9);
}

/* The ticks of an axis; of a logarithmic one the powers of ten, every second or third one if they are many. */
static int make_ticks(const eg_axis *axis, double *ticks)
{
    int count = 0;
    if (axis->logarithmic) {
        int first = (int)ceil(log10(axis->least) - 1e-9), last = (int)floor(log10(axis->most) + 1e-9);
        for (int power = first; power <= last && count < MOST_TICKS; power += 1 + (last - first) / 8)
            ticks[count++] = pow(10, power);
        return count;
    }
    double step = step_of(axis);
    for (double i = ceil(axis->least / step - 1e-9); i * step <= axis->most + 1e-9 * step && count < MOST_TICKS; i++)
        ticks[count++] = i * step;
    return count;
}

/* "0.25", "10000", or "10" with a power in raised digits. */
static void tick_text(const eg_axis *axis, double value, char *text, size_t size)
{
    static const char *const raised[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                         "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    if (axis->logarithmic && (value > 9.9e4 || value < 0.99e-3)) {
        int power = (int)lround(log10(value)), digits = abs(power);
        snprintf(text, size, "10%s%s%s", power < 0 ? "\u207b" : "", digits > 9 ? raised[digits / 10 % 10] : "",
                 raised[digits % 10]);
        return;
    }
    double step = axis->logarithmic ? value : step_of(axis);
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (decimals > 5)
        snprintf(text, size, "%.3g", value);
    else
        snprintf(text, size, "%s%.*f", value < 0 ? "\u2212" : "", decimals, fabs(value));
}

/* Where a value lies between the ends of an axis, 0 to 1. */
static double place(const eg_axis *axis, double value)
{
    if (axis->logarithmic)
        return value > 0 ? log(value / axis->least) / log(axis->most / axis->least) : -1e3;
    return (value - axis->least) / (axis->most - axis->least);
}

static double x_of(const eg_plot *plot, double value) { return LEFT + FRAME_WIDTH * place(&plot->x, value); }

static double y_of(const eg_plot *plot, double value) { return TOP + FRAME_HEIGHT * (1 - place(&plot->y, value)); }

static void write_axes(const eg_plot *plot, const eg_svg *svg)
{
    double ticks[MOST_TICKS];
    char text[64];
    int count = make_ticks(&plot->x, ticks);
    for (int i = 0; i < count; i++) {
        double x = x_of(plot, ticks[i]);
        eg_svg_line(svg, x, TOP, x, TOP + FRAME_HEIGHT, "rule");
        tick_text(&plot->x, ticks[i], text, sizeof text);
        eg_svg_text(svg, x, TOP + FRAME_HEIGHT + 20, EG_AT_MIDDLE, NULL, text);
    }
    count = make_ticks(&plot->y, ticks);
    for (int i = 0; i < count; i++) {
        double y = y_of(plot, ticks[i]);
        eg_svg_line(svg, LEFT, y, LEFT + FRAME_WIDTH, y, "rule");
        tick_text(&plot->y, ticks[i], text, sizeof text);
        eg_svg_text(svg, LEFT - 8, y + 5, EG_AT_END, NULL, text);
    }
    eg_svg_rectangle(svg, LEFT, TOP, FRAME_WIDTH, FRAME_HEIGHT, "frame");
    eg_svg_text(svg, LEFT + FRAME_WIDTH / 2.0, TOP + FRAME_HEIGHT + 43, EG_AT_MIDDLE, "strong", plot->x.label);
    fprintf(svg->stream, "<g transform=\"translate(17 %d) rotate(-90)\">", TOP + FRAME_HEIGHT / 2);
    eg_svg_text(svg, 0, 0, EG_AT_MIDDLE, "strong", plot->y.label);
    fputs("</g>\n", svg->stream);
}

/* ---- Drawing ---- */

/* Far outside, as near as numbers of a picture should be. */
static double within(double value) { return fmin(fmax(value, -2000), 4000); }

static void write_stroke(const eg_plot *plot, const eg_series *series, const eg_svg *svg)
{
    fprintf(svg->stream, "<g class=\"ink%d\" clip-path=\"url(#%s-frame)\"><path class=\"%s\" d=\"", series->ink, svg->name,
            eg_stroke_class(series->stroke));
    for (size_t i = 0; i < series->count; i++)
        fprintf(svg->stream, "%s%.1f %.1f", i == 0 ? "M" : "L", within(x_of(plot, series->points[2 * i])),
                within(y_of(plot, series->points[2 * i + 1])));
    fputs("\"/></g>\n", svg->stream);
}

/* A mark that would cover another one of its series is left out: so a picture has a bounded size. */
static void write_marks(const eg_plot *plot, const eg_series *series, const eg_svg *svg)
{
    enum { CELLS_X = FRAME_WIDTH + 3, CELLS_Y = FRAME_HEIGHT + 3 };
    static const double slack = 0.002;
    bool taken[CELLS_Y][CELLS_X];
    memset(taken, 0, sizeof taken);
    fprintf(svg->stream, "<g class=\"ink%d\"><path class=\"%s\" d=\"", series->ink, eg_mark_class(series->mark));
    for (size_t i = 0; i < series->count; i++) {
        double x = place(&plot->x, series->points[2 * i]), y = place(&plot->y, series->points[2 * i + 1]);
        if (x < -slack || x > 1 + slack || y < -slack || y > 1 + slack)
            continue;
        bool *cell = &taken[(int)(y * FRAME_HEIGHT + 1.5)][(int)(x * FRAME_WIDTH + 1.5)];
        if (!*cell)
            eg_svg_mark(svg, series->mark, LEFT + FRAME_WIDTH * x, TOP + FRAME_HEIGHT * (1 - y));
        *cell = true;
    }
    fputs("\"/></g>\n", svg->stream);
}

static void write_legend(const eg_plot *plot, const eg_svg *svg)
{
    int y = TOP + FRAME_HEIGHT + BELOW + LEGEND_ROW / 2;
    for (int i = 0; i < plot->count; i++) {
        const eg_series *series = &plot->series[i];
        if (*series->label == '\0')
            continue;
        fprintf(svg->stream, "<g class=\"ink%d\">", series->ink);
        if (series->stroke != EG_NO_STROKE)
            eg_svg_line(svg, LEFT, y, LEFT + 44, y, eg_stroke_class(series->stroke));
        if (series->mark != EG_NO_MARK) {
            fprintf(svg->stream, "<path class=\"%s\" d=\"", eg_mark_class(series->mark));
            eg_svg_mark(svg, series->mark, LEFT + 22, y);
            fputs("\"/>", svg->stream);
        }
        fputs("</g>\n", svg->stream);
        eg_svg_text(svg, LEFT + 54, y + 5, EG_AT_START, NULL, series->label);
        y += LEGEND_ROW;
    }
}

eegpu_status eg_plot_write(eg_plot *plot, const eg_svg *svg)
{
    int rows = 0;
    if (plot->failed)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "drawing %s: no room for its points", svg->name);
    for (int i = 0; i < plot->count; i++)
        rows += *plot->series[i].label != '\0';
    round_axis(&plot->x);
    round_axis(&plot->y);
    eg_svg_begin(svg, LEFT + FRAME_WIDTH + RIGHT, TOP + FRAME_HEIGHT + BELOW + rows * LEGEND_ROW + 6, plot->title,
                 plot->description);
    fprintf(svg->stream, "<clipPath id=\"%s-frame\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n", svg->name,
            LEFT, TOP, FRAME_WIDTH, FRAME_HEIGHT);
    write_axes(plot, svg);
    for (int i = 0; i < plot->count; i++)
        if (plot->series[i].stroke != EG_NO_STROKE && plot->series[i].count > 1)
            write_stroke(plot, &plot->series[i], svg);
    for (int i = 0; i < plot->count; i++)
        if (plot->series[i].mark != EG_NO_MARK)
            write_marks(plot, &plot->series[i], svg);
    write_legend(plot, svg);
    eg_svg_end(svg);
    return EEGPU_OK;
}
