/* Whole scans as cases of the bench: what a user waits for. See bench.h. */
#include "scan/bench.h"
#include "scan/scan.h"

enum { FIRST_ORDER = 2000, SIZES = 8 };

typedef struct scan_case {
    const char *name, *source, *family;
    int quick, usual, cpu_most; /* pixels: most with --quick; on the CPU; on the CPU with --largest */
    int pixels[SIZES];          /* 0 ends */
} scan_case;

static const scan_case scans[] = {
    {"scan random prefix", "random:seed=7", "prefix", 20, 22, 26, {16, 18, 20, 22, 24, 26, 28, 30}},
    {"scan random contiguous", "random:seed=7", "contiguous", 16, 20, 24, {16, 20, 24, 28}},
    {"scan complex prefix", "random:kind=complex,seed=7", "prefix", 18, 22, 24, {16, 18, 20, 22, 24, 26, 28}},
    {"scan randomset prefix", "randomset:seed=7", "prefix", 20, 24, 26, {16, 18, 20, 22, 24, 26, 28, 30}},
    {"scan connected contiguous", "connected", "contiguous", 20, 24, 28, {16, 20, 24, 28}},
    {"scan connected all", "connected", "all", 12, 16, 16, {12, 16}},
};

typedef struct scan_job {
    eg_bench_work *work;
    eegpu_state *state;
    eegpu_cuts *cuts;
} scan_job;

/* A scan has its own idea of how far it is; here it only may ask to stop. */
static bool go_on(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    return eg_progress_add(&((scan_job *)user)->work->progress, 0) == EEGPU_OK;
}

static eegpu_status run_scan(void *context)
{
    scan_job *job = context;
    eegpu_scan_options options = eegpu_scan_options_default();
    eegpu_result *result = NULL;
    options.threads = job->work->bench->threads;
    options.progress = go_on;
    options.progress_user = job;
    eegpu_status status = eg_scan_on(job->state, job->cuts, &options, job->work->device, &result);
    eegpu_result_free(result);
    return status;
}

static eegpu_status time_scan(eg_bench_work *work, const scan_case *which, int order, int pixels)
{
    eegpu_open_options options = {.height = pixels % 4 == 0 ? 4 : 2, .threads = work->bench->threads};
    eg_bench_row row = {.counts = "pixels", .size = pixels, .order = order, .against = EG_LIMIT_NONE, .unit = ""};
    scan_job job = {.work = work};
    eegpu_status status = EEGPU_OK;
    options.width = pixels / options.height;
    snprintf(row.name, sizeof row.name, "%s", which->name);
    EG_TRY(eegpu_state_open(which->source, &options, &job.state));
    EG_TRY(eegpu_cuts_create(options.height, options.width, which->family, 0, &job.cuts));
    EG_TRY(eg_bench_time(work, &row, NULL, run_scan, &job));
done:
    eegpu_cuts_free(job.cuts);
    eegpu_state_close(job.state);
    return status;
}

eegpu_status eg_bench_whole_scans(eg_bench_work *work)
{
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++)
        for (int k = 0; k < SIZES && scans[i].pixels[k] > 0; k++) {
            int pixels = scans[i].pixels[k];
            int most = work->options->quick         ? scans[i].quick
                       : !work->is_cpu              ? pixels
                       : work->options->largest > 0 ? scans[i].cpu_most
                                                    : scans[i].usual;
            if (pixels > most || !eg_bench_wanted(work, scans[i].name) || !eg_bench_fits(work, "pixels", pixels, 0, 0))
                continue;
            work->foreseen++;
            if (!work->is_counting)
                EG_TRY(eg_bench_excuse(work, time_scan(work, &scans[i], FIRST_ORDER + (int)i, pixels), scans[i].name, pixels));
        }
done:
    return status;
}
