/* How long something takes, measured often enough to be believed. Comes in: what is to be timed, as a function, and how much effort
 * it is worth; goes out: least, median and upper quartile of its times. Used by `eegpu bench`. */
#ifndef EG_BACKEND_TIMING_H
#define EG_BACKEND_TIMING_H

#include "backend/cases.h"

typedef struct eg_timing {
    double least, median, upper; /* seconds; upper: three quarters of the runs took no longer */
    int runs;
} eg_timing;

typedef struct eg_effort {
    int runs;       /* at least so many, ... */
    double seconds; /* ... or until they took so long in all */
    double least;   /* seconds that runs which are over at once go on for */
    double patient; /* a first run that took longer counts, and is not repeated to warm up */
} eg_effort;

extern const eg_effort eg_effort_full, eg_effort_quick;

/* Once to warm up, then as often as the effort says. `ready` comes before every run and is not timed; NULL: none. */
EG_MUST eg_time_runs(const eg_effort *effort, eegpu_status (*ready)(void *context), eegpu_status (*run)(void *context),
                     void *context, eg_timing *timing);

/* What a run of a case with this time achieves: 10^9 bytes or operations a second; 0 where none are counted. */
double eg_case_speed(const eg_case *row, int size, double seconds);
const char *eg_case_rate_unit(eg_case_rate rate); /* "GB/s", "GFLOP/s", "GOP/s" */

#endif
