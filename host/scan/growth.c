/* The measurement of growth. See growth.h. */
#include "scan/growth.h"

#include <math.h>
#include <string.h>

#include "backend/timing.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "measure/fit.h"
#include "scan/scan.h"
#include "state/random.h"

enum { SIZES = 8, CUT_PIXELS = 16, LEAST_FITTED = 3 };

typedef struct growth_case {
    const char *name, *source, *family, *why;
    int max_size; /* of cuts; all series of cuts have cuts of this size alone */
    bool of_cuts;
    int sizes[SIZES]; /* pixels, or cuts; 0 ends */
    double from;      /* the fit starts here: below, fixed costs hide the law */
    double expected_time, expected_bytes;
} growth_case;

static const growth_case cases[EG_GROWTH_SERIES] = {
    {"random real, prefix",
     "random:seed=7",
     "prefix",
     "the middle cut takes 2^(N/2) x 2^(N/2) x 2^(N/2) steps, the amplitudes 2^N numbers",
     0,
     false,
     {16, 18, 20, 22, 24, 26},
     18,
     1.5,
     1},
    {"connected (0/1), contiguous",
     "connected",
     "contiguous",
     "every cut is a pass over bits that equal columns have shrunk; the function itself is 2^N bits",
     0,
     false,
     {12, 16, 20, 24, 28},
     16,
     1,
     1},
    {"random real 4x4, cuts of 8 pixels",
     "random:seed=7",
     "all",
     "cuts of one shape cost the same each; memory is used again",
     8,
     true,
     {16, 64, 256, 1024, 4096},
     64,
     1,
     0},
};

typedef struct growth_job {
    const eg_growth_options *options;
    eg_device *device;
    int threads;
    eegpu_state *state;
    eegpu_cuts *cuts;
    uint64_t peak;
    eg_progress *progress;
} growth_job;

static bool go_on(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    return eg_progress_add(((growth_job *)user)->progress, 0) == EEGPU_OK;
}

static eegpu_status run_scan(void *context)
{
    growth_job *job = context;
    eegpu_scan_options options = eegpu_scan_options_default();
    eegpu_result *result = NULL;
    options.threads = job->threads;
    options.progress = go_on;
    options.progress_user = job;
    eegpu_status status = eg_scan_on(job->state, job->cuts, &options, job->device, &result);
    if (status == EEGPU_OK)
        job->peak = result->peak_bytes;
    eegpu_result_free(result);
    return status;
}

/* `count` cuts of `size` pixels out of all, drawn without order, so that neighbours in the list share nothing by habit. */
static eegpu_status draw_cuts(struct eegpu_cuts *cuts, int size, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < cuts->count; i++)
        if (eg_cut_size(cuts, i) == size)
            memmove(cuts->masks + kept++ * cuts->words, eg_cut_mask(cuts, i), cuts->words * sizeof *cuts->masks);
    if (kept < count)
        return eg_fail(EEGPU_USAGE, "there are %zu cuts of %d pixels, not %zu", kept, size, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits[2];
        eg_random_bits(11, EG_RANDOM_AMPLITUDES, i, 0, bits);
        size_t other = i + (size_t)(bits[0] % (kept - i));
        for (size_t w = 0; w < cuts->words; w++) {
            uint64_t word = cuts->masks[i * cuts->words + w];
            cuts->masks[i * cuts->words + w] = cuts->masks[other * cuts->words + w];
            cuts->masks[other * cuts->words + w] = word;
        }
    }
    cuts->count = count;
    return EEGPU_OK;
}

static eegpu_status measure_point(growth_job *job, const growth_case *which, int size, eg_growth_point *point)
{
    int pixels = which->of_cuts ? CUT_PIXELS : size;
    eegpu_open_options options = {.height = pixels % 4 == 0 ? 4 : 2, .threads = job->threads};
    eg_timing timing;
    eegpu_status status = EEGPU_OK;
    options.width = pixels / options.height;
    EG_TRY(eegpu_state_open(which->source, &options, &job->state));
    EG_TRY(eegpu_cuts_create(options.height, options.width, which->family, 0, &job->cuts));
    if (which->of_cuts)
        EG_TRY(draw_cuts(job->cuts, which->max_size, (size_t)size));
    EG_TRY(eg_time_runs(&eg_effort_quick, NULL, run_scan, job, &timing));
    *point = (eg_growth_point){size, (double)job->cuts->count, timing.least, (double)job->peak};
done:
    eegpu_cuts_free(job->cuts);
    eegpu_state_close(job->state);
    job->cuts = NULL;
    job->state = NULL;
    return status;
}

static eegpu_status fit(const eg_growth_series *series, const growth_case *which, bool of_time, eg_growth_fit *out)
{
    double x[EG_GROWTH_POINTS], y[EG_GROWTH_POINTS];
    eg_fit line = {0};
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        const eg_growth_point *point = &series->points[i];
        if (point->x < which->from && series->count - i > LEAST_FITTED)
            continue;
        x[count] = which->of_cuts ? log2(point->x) : point->x;
        y[count++] = log2(of_time ? point->seconds : point->bytes);
    }
    eegpu_status status = eg_fit_least_squares(count, 1, x, y, 1e-9, &line);
    *out = (eg_growth_fit){.exponent = line.solved ? line.slope[0] : NAN,
                           .error = line.solved ? line.slope_error[0] : NAN,
                           .expected = of_time ? which->expected_time : which->expected_bytes,
                           .points = count,
                           .constant = line.intercept};
    return status;
}

/* Seconds, or anything that grows like them. */
static double weight_of(const growth_case *which, int size)
{
    return which->of_cuts ? size * 1e-3 : exp2(which->expected_time * (size - 22));
}

static int most_of(const eg_growth_options *options, const growth_case *which)
{
    double rows = options->largest > 0 ? (double)options->largest : 4096;
    return which->of_cuts ? (options->quick ? 256 : 4096) : options->quick ? 20 : (int)(2 * log2(rows) + 1e-9);
}

static eegpu_status measure_series(growth_job *job, const growth_case *which, eg_growth_series *series)
{
    eegpu_status status = EEGPU_OK;
    *series = (eg_growth_series){.name = which->name, .why = which->why, .of_cuts = which->of_cuts};
    for (int k = 0; k < SIZES && which->sizes[k] > 0 && which->sizes[k] <= most_of(job->options, which); k++) {
        EG_TRY(measure_point(job, which, which->sizes[k], &series->points[series->count++]));
        EG_TRY(eg_progress_add(job->progress, weight_of(which, which->sizes[k])));
    }
    EG_TRY(fit(series, which, true, &series->time));
    EG_TRY(fit(series, which, false, &series->memory));
done:
    return status;
}

eegpu_status eg_growth_measure(eg_device *device, const eg_growth_options *options, eg_growth *growth)
{
    eg_progress progress;
    double total = 0;
    growth_job job = {.options = options, .device = device, .progress = &progress};
    eegpu_status status = EEGPU_OK;
    job.threads = growth->threads = options->threads > 0 ? options->threads : eg_processor_count();
    memcpy(growth->device, device->name, sizeof growth->device);
    for (int i = 0; i < EG_GROWTH_SERIES; i++)
        for (int k = 0; k < SIZES && cases[i].sizes[k] > 0 && cases[i].sizes[k] <= most_of(options, &cases[i]); k++)
            total += weight_of(&cases[i], cases[i].sizes[k]);
    eg_progress_begin(&progress, options->progress, options->progress_user, "timing scans", total);
    for (int i = 0; i < EG_GROWTH_SERIES; i++)
        EG_TRY(measure_series(&job, &cases[i], &growth->series[i]));
done:
    eg_progress_end(&progress);
    return status;
}
