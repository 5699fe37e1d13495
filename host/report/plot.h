/* Plots: series of points on two axes, with ticks at round numbers and a legend. Comes in: numbers; goes out: SVG. Called by the
 * pictures of a report. What lies outside of the axes is not drawn. */
#ifndef EG_REPORT_PLOT_H
#define EG_REPORT_PLOT_H

#include "report/svg.h"

typedef struct eg_axis {
    const char *label;
    double least, most; /* made round when the plot is drawn */
    bool logarithmic;   /* then least > 0 */
    bool whole;         /* ticks at whole numbers only */
} eg_axis;

typedef struct eg_series {
    char label[128]; /* "": not in the legend */
    eg_mark mark;
    eg_stroke stroke;
    int ink; /* 1 to EG_INKS */
    size_t count, capacity;
    double *points; /* x, y of each */
} eg_series;

enum { EG_PLOT_SERIES = 8 };

typedef struct eg_plot {
    const char *title, *description;
    eg_axis x, y;
    int count;
    eg_series series[EG_PLOT_SERIES];
    bool failed; /* there was no room for a point */
} eg_plot;

/* A new series, to be filled with eg_plot_point(); at most EG_PLOT_SERIES. */
eg_series *eg_plot_series(eg_plot *plot, eg_mark mark, eg_stroke stroke, int ink, const char *label, ...) EG_FORMAT(5, 6);
void eg_plot_point(eg_plot *plot, eg_series *series, double x, double y);

/* EEGPU_OUT_OF_MEMORY: points are missing. Then or later, eg_plot_free(). */
EG_MUST eg_plot_write(eg_plot *plot, const eg_svg *svg);
void eg_plot_free(eg_plot *plot);

#endif
