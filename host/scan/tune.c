/* The measurement of eigenvalue drivers. See tune.h. One thread means what it means in a scan: a problem on every thread at once,
 * which share memory and caches. */
#include "scan/tune.h"

#include <math.h>
#include <string.h>

#include "backend/blas.h"
#include "backend/lapack.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "state/random.h"

enum { LARGEST = 4096 };

/* Another driver than the built-in one must be so much faster. */
static const double worth_it = 0.97;

typedef struct tune_job {
    bool is_complex, two_stage;
    int n, copies;   /* solved at once, a thread each */
    uint64_t stride; /* doubles from one matrix to the next */
    double *original, *matrices, *values;
    eg_budget budget;
    eg_progress progress;
} tune_job;

static eegpu_status make_matrices(tune_job *job, int most)
{
    uint64_t n = (uint64_t)job->n, unit = job->is_complex ? 2 : 1;
    eegpu_status status = EEGPU_OK;
    job->stride = unit * eg_matrix_room(n, n);
    EG_TRY(eg_allocate(&job->budget, job->stride, sizeof(double), "the matrix to solve", &job->original));
    EG_TRY(eg_allocate(&job->budget, job->stride * (uint64_t)most, sizeof(double), "the matrices to solve", &job->matrices));
    EG_TRY(eg_allocate(&job->budget, n * (uint64_t)most, sizeof(double), "the eigenvalues", &job->values));
    for (uint64_t i = 0; i < job->stride; i++) {
        uint64_t bits[2];
        eg_random_bits(5, EG_RANDOM_AMPLITUDES, i, 0, bits);
        job->original[i] = 2 * eg_random_unit(bits[0]) - 1;
    }
    for (uint64_t i = 0; i < n && job->is_complex; i++)
        job->original[2 * i * (n + 1) + 1] = 0;
done:
    return status;
}

static eegpu_status ready_matrices(void *context)
{
    tune_job *job = context;
    for (int i = 0; i < job->copies; i++)
        memcpy(job->matrices + (uint64_t)i * job->stride, job->original, job->stride * sizeof(double));
    return eg_progress_add(&job->progress, 0);
}

static eegpu_status solve_copies(void *context, uint64_t first, uint64_t last, int worker)
{
    tune_job *job = context;
    eegpu_status status = EEGPU_OK;
    (void)worker;
    for (uint64_t i = first; i < last && status == EEGPU_OK; i++) {
        eg_eigen_problem problem = {.is_complex = job->is_complex,
                                    .n = job->n,
                                    .matrix = job->matrices + i * job->stride,
                                    .values = job->values + i * (uint64_t)job->n};
        status = eg_eigenvalues_by(&job->budget, job->two_stage, &problem);
    }
    return status;
}

static eegpu_status run_copies(void *context)
{
    tune_job *job = context;
    return eg_parallel_for(job->copies, (uint64_t)job->copies, 1, solve_copies, job);
}

/* What is done next to nothing is about n^3. */
static double work_of(int n) { return (double)n * n * n; }

static eegpu_status measure_row(const eg_tune_options *options, tune_job *job, int threads, eg_tune_row *row)
{
    eegpu_status status = EEGPU_OK;
    eg_driver rule = eg_tuning_rule(job->is_complex, job->n, threads);
    int best, of_rule = 2 * (threads > 1 && rule.all_threads) + rule.two_stage;
    *row = (eg_tune_row){.choice = {.is_complex = job->is_complex, .n = job->n, .threads = threads}};
    job->copies = threads == 1 ? eg_processor_count() : 1;
    for (int d = 0; d < (threads == 1 ? 2 : EG_DRIVERS); d++) {
        eg_timing timing = {0};
        job->two_stage = d & 1;
        eg_blas_set_threads(d & 2 ? threads : 1);
        EG_TRY(eg_time_runs(options->effort, ready_matrices, run_copies, job, &timing));
        row->seconds[d] = timing.least;
        EG_TRY(eg_progress_add(&job->progress, work_of(job->n) * (job->is_complex ? 4 : 1)));
    }
    best = of_rule;
    for (int d = 0; d < EG_DRIVERS; d++)
        if (row->seconds[d] > 0 && row->seconds[d] < (best == of_rule ? worth_it : 1) * row->seconds[best])
            best = d;
    row->choice.driver = (eg_driver){.two_stage = best & 1, .all_threads = threads == 1 || best & 2};
    row->choice.seconds = row->seconds[best];
    row->choice.seconds_of_rule = row->seconds[of_rule];
done:
    return status;
}

static eegpu_status measure_size(const eg_tune_options *options, tune_job *job, eg_tune *tune)
{
    int processors = eg_processor_count();
    eegpu_status status = EEGPU_OK;
    EG_TRY(make_matrices(job, processors));
    for (int all = 0; all <= (processors > 1); all++)
        EG_TRY(measure_row(options, job, all ? processors : 1, &tune->rows[tune->count++]));
done:
    eg_release(&job->budget, job->original);
    eg_release(&job->budget, job->matrices);
    eg_release(&job->budget, job->values);
    job->original = job->matrices = job->values = NULL;
    return status;
}

static double total_work(int largest, int processors)
{
    double work = 0;
    for (int n = EG_TUNING_SMALLEST; n <= largest; n *= 2)
        work += work_of(n) * (n <= largest / 2 ? 1 + 4 : 1) * (processors > 1 ? 6 : 2);
    return work;
}

eegpu_status eg_tune_measure(const eg_tune_options *options, eg_tune *tune)
{
    tune_job job = {0};
    int largest = options->largest < LARGEST ? options->largest : LARGEST;
    eegpu_status status = EEGPU_OK;
    tune->count = 0;
    eg_budget_init(&job.budget, 0);
    eg_progress_begin(&job.progress, options->progress, options->progress_user, "timing eigenvalues",
                      total_work(largest, eg_processor_count()));
    for (int is_complex = 0; is_complex < 2; is_complex++)
        for (int n = EG_TUNING_SMALLEST; n <= (is_complex ? largest / 2 : largest); n *= 2) {
            job.is_complex = is_complex;
            job.n = n;
            EG_TRY(measure_size(options, &job, tune));
        }
done:
    eg_progress_end(&job.progress);
    return status;
}
