/* Timing of cases and of anything else. See timing.h. */
#include "backend/timing.h"

#include <stdlib.h>

#include "base/progress.h"

enum { MOST_RUNS = 1000 };

const eg_effort eg_effort_full = {.runs = 10, .seconds = 1, .least = 0.05, .patient = 2};
const eg_effort eg_effort_quick = {.runs = 5, .seconds = 0.1, .least = 0.01, .patient = 0.25};

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

eegpu_status eg_time_runs(const eg_effort *effort, eegpu_status (*ready)(void *), eegpu_status (*run)(void *), void *context,
                          eg_timing *timing)
{
    double seconds[MOST_RUNS], sum = 0;
    int runs = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(time_one(ready, run, context, &seconds[0]));
    if (seconds[0] > effort->patient)
        sum = seconds[runs++];
    while (runs < MOST_RUNS && sum < effort->seconds && (runs < effort->runs || sum < effort->least)) {
        EG_TRY(time_one(ready, run, context, &seconds[runs]));
        sum += seconds[runs++];
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, rising);
    *timing = (eg_timing){.least = seconds[0],
                          .median = (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2,
                          .upper = seconds[(3 * runs - 1) / 4],
                          .runs = runs};
done:
    return status;
}

double eg_case_speed(const eg_case *row, int size, double seconds)
{
    eg_case_cost cost = row->cost(row, size);
    return (row->rate == EG_RATE_BYTES ? cost.bytes : cost.operations) / seconds * 1e-9;
}

const char *eg_case_rate_unit(eg_case_rate rate)
{
    static const char *const units[] = {"GB/s", "GFLOP/s", "GOP/s"};
    return units[rate];
}
