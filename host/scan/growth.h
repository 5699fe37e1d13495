/* How the time and the memory of a scan grow with the pixels and with the number of cuts. Comes in: a device and how far to go;
 * goes out: series of points with a fitted exponent each, beside the expected one. Called by `eegpu bench --growth`. */
#ifndef EG_SCAN_GROWTH_H
#define EG_SCAN_GROWTH_H

#include "backend/backend.h"

enum { EG_GROWTH_SERIES = 3, EG_GROWTH_POINTS = 12 };

typedef struct eg_growth_point {
    double x; /* pixels, or cuts */
    double cuts, seconds, bytes;
} eg_growth_point;

/* log2 of time or memory = constant + exponent x; of cuts, x is their log2. */
typedef struct eg_growth_fit {
    double exponent, error; /* NAN: too few points */
    double expected;
    size_t points; /* the last ones, that were fitted */
    double constant;
} eg_growth_fit;

typedef struct eg_growth_series {
    const char *name, *why; /* what is measured; why the exponents are expected */
    bool of_cuts;           /* x counts cuts, else pixels */
    size_t count;
    eg_growth_point points[EG_GROWTH_POINTS];
    eg_growth_fit time, memory;
} eg_growth_series;

typedef struct eg_growth {
    char device[32];
    int threads;
    eg_growth_series series[EG_GROWTH_SERIES];
} eg_growth;

typedef struct eg_growth_options {
    bool quick;
    int64_t largest; /* rows of the largest matrix; 0: 4096, which is 24 pixels */
    int threads;
    eegpu_progress progress;
    void *progress_user;
} eg_growth_options;

EG_MUST eg_growth_measure(eg_device *device, const eg_growth_options *options, eg_growth *growth);

#endif
