/* How long something takes, measured often enough to be believed. Comes in: what is to be timed, as a function; goes out: the least and
 * the median of its times. Used by the bench programs. */
#ifndef EG_BACKEND_TIMING_H
#define EG_BACKEND_TIMING_H

#include "backend/cases.h"

typedef struct eg_timing {
    double least, median; /* seconds */
    int runs;
} eg_timing;

/* Once to warm up, then at least ten times, or for a second. `ready` comes before every run and is not timed; NULL: none. */
EG_MUST eg_time_runs(eegpu_status (*ready)(void *context), eegpu_status (*run)(void *context), void *context, eg_timing *timing);

/* A case of the table. */
EG_MUST eg_time_case(eg_instance *instance, eg_timing *timing);

/* What a run of a case with this least time achieves: 10^9 bytes or operations a second; 0 where none are counted. */
double eg_case_speed(const eg_case *row, int size, double seconds);
const char *eg_case_speed_unit(const eg_case *row); /* "GB/s", "GFLOP/s", "GOP/s" */

#endif
