/* Timing of cases and of anything else. See timing.h. */
#include "backend/timing.h"

#include <stdlib.h>

#include "base/progress.h"

enum { LEAST_RUNS = 10, MOST_RUNS = 1000 };

/* Ten runs of what is over at once say little: they go on for a while. */
static const double enough_seconds = 1, least_seconds = 0.05;

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static eegpu_status time_one(eegpu_status (*ready)(void *), eegpu_status (*run)(void *), void *context, double *seconds)
{
    eegpu_status status = ready != NULL ? ready(context) : EEGPU_OK;
    if (status != EEGPU_OK)
        return status;
    double start = eg_seconds();
    status = run(context);
    *seconds = eg_seconds() - start;
    return status;
}

eegpu_status eg_time_runs(eegpu_status (*ready)(void *), eegpu_status (*run)(void *), void *context, eg_timing *timing)
{
    double seconds[MOST_RUNS], sum = 0;
    int runs = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(time_one(ready, run, context, &seconds[0]));
    while (runs < MOST_RUNS && sum < enough_seconds && (runs < LEAST_RUNS || sum < least_seconds)) {
        EG_TRY(time_one(ready, run, context, &seconds[runs]));
        sum += seconds[runs++];
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, rising);
    *timing = (eg_timing){seconds[0], (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2, runs};
done:
    return status;
}

static eegpu_status ready_instance(void *context) { return eg_case_ready(context); }
static eegpu_status run_instance(void *context) { return eg_case_run(context); }

eegpu_status eg_time_case(eg_instance *instance, eg_timing *timing)
{
    return eg_time_runs(ready_instance, run_instance, instance, timing);
}

double eg_case_speed(const eg_case *row, int size, double seconds)
{
    eg_case_cost cost = row->cost(row, size);
    return (row->rate == EG_RATE_BYTES ? cost.bytes : cost.operations) / seconds * 1e-9;
}

const char *eg_case_speed_unit(const eg_case *row)
{
    static const char *const units[] = {"GB/s", "GFLOP/s", "GOP/s"};
    return units[row->rate];
}
