/* A sweep over networks from its lists to its points. The amplitudes of one network are held at a time. Comes in: lists and cuts;
 * goes out: points and their scaling. Called by `eegpu cnn`. */
#include "scan/cnn_sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "scan/scan.h"

static const double seconds_of_probing = 0.3;
static const char the_amplitudes[] = "the amplitudes of a network", the_stage[] = "sweeping networks";

typedef struct sweep_job {
    const struct eegpu_cuts *cuts;
    const eg_cnn_sweep_options *options;
    eg_budget budget;
    const eg_backend *backend;
    eg_lane *lane;
    int threads;
    uint64_t size;      /* 2^N */
    double *amplitudes; /* of the network under way */
    size_t done, count; /* networks */
} sweep_job;

const char *eg_cnn_sweep_source(const eg_cnn_sweep_options *options, const eg_cnn_point *point, char *text)
{
    snprintf(text, EG_CNN_SOURCE_SIZE, "cnn:channels=%d,layers=%d,pools=%d,kernel=%d,activation=%s,init=%s,seed=%llu",
             point->channels, point->layers, options->pools, options->kernel, eg_cnn_activation_name(options->activation),
             eg_cnn_init_name(options->init), (unsigned long long)point->seed);
    return text;
}

static eg_cnn_shape shape_of(const sweep_job *job, int channels, int layers)
{
    const eg_cnn_sweep_options *options = job->options;
    return (eg_cnn_shape){.height = job->cuts->height,
                          .width = job->cuts->width,
                          .channels = channels,
                          .layers = layers,
                          .pools = options->pools,
                          .kernel = options->kernel,
                          .activation = options->activation};
}

static eegpu_status begin(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, sweep_job *job)
{
    *job = (sweep_job){.cuts = cuts, .options = options};
    if (cuts->pixels > EG_MAX_DENSE_PIXELS)
        return eg_fail(EEGPU_USAGE,
                       "a sweep over networks on %d x %d pixels: networks are evaluated on all 2^N images, with N at most %d",
                       cuts->height, cuts->width, EG_MAX_DENSE_PIXELS);
    if (cuts->count == 0)
        return eg_fail(EEGPU_USAGE, "a sweep over networks on %d x %d pixels: there are no cuts", cuts->height, cuts->width);
    job->threads = options->threads > 0 ? options->threads : eg_processor_count();
    job->size = UINT64_C(1) << cuts->pixels;
    job->count = (size_t)options->channel_count * (size_t)options->layer_count * (size_t)options->seeds;
    eg_budget_init(&job->budget, options->memory);
    job->backend = options->device->backend;
    return job->backend->open_lane(options->device, job->threads, &job->lane);
}

static void end(sweep_job *job)
{
    if (job->lane != NULL)
        job->backend->close_lane(job->lane);
    eg_release(&job->budget, job->amplitudes);
}

const char *eg_cnn_sweep_device(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, const char *asked)
{
    sweep_job job = {.cuts = cuts, .options = options};
    double operations = 0;
    if (strcmp(asked, "auto") != 0)
        return asked;
    for (int l = 0; l < options->layer_count; l++)
        for (int c = 0; c < options->channel_count; c++) {
            eg_cnn_shape shape = shape_of(&job, options->channels[c], options->layers[l]);
            operations += options->seeds * eg_cnn_operations(&shape) * ldexp(1, cuts->pixels);
        }
    return eg_networks_pay(cuts->pixels, operations) ? asked : "cpu";
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* Gram matrix and eigenvalues of every cut, at a rate that a core, or a GPU, surely has. */
static double scan_seconds(const sweep_job *job)
{
    double flops_a_second = job->backend == &eg_backend_cpu ? 4e9 * job->threads : 5e11;
    double flops = 0;
    for (size_t i = 0; i < job->cuts->count; i++) {
        int n_a = eg_cut_size(job->cuts, i), n_b = job->cuts->pixels - n_a, small = n_a < n_b ? n_a : n_b;
        flops += ldexp(1, small + job->cuts->pixels) + 4 * ldexp(1, 3 * small);
    }
    return flops / flops_a_second;
}

/* What is left of the time for probes, and of the shapes; seconds an operation on one thread of the CPU or the whole of another
 * device, by the last probe. */
typedef struct probing {
    double left, rate;
    int shapes;
    uint64_t images; /* of a probe: a batch of the CPU, or what fills another device */
    eg_lane *lane;
    double values[];
} probing;

static eegpu_status begin_probing(sweep_job *job, probing **probes)
{
    eegpu_status status;
    const uint64_t fills_a_gpu = 1 << 15;
    uint64_t images = job->backend == &eg_backend_cpu ? EG_CNN_BATCH : job->size < fills_a_gpu ? job->size : fills_a_gpu;
    EG_TRY(eg_allocate_zero(NULL, 1, sizeof **probes + images * sizeof(double), "images that are timed", probes));
    (*probes)->left = seconds_of_probing;
    (*probes)->shapes = job->options->channel_count * job->options->layer_count;
    (*probes)->images = images;
    EG_TRY(job->backend->open_lane(job->options->device, 1, &(*probes)->lane));
done:
    return status;
}

static void end_probing(const sweep_job *job, probing *probes)
{
    if (probes != NULL && probes->lane != NULL)
        job->backend->close_lane(probes->lane);
    eg_release(NULL, probes);
}

/* A network of the same kind, small enough that a probe takes some 20 ms at most: of fewer convolutions, then of fewer channels. */
static eg_cnn_shape stand_in(const sweep_job *job, double images, eg_cnn_shape shape)
{
    double most_operations = job->backend == &eg_backend_cpu ? 3e8 : 1e11;
    int least = shape.pools > 2 ? shape.pools : 2;
    if (images * eg_cnn_operations(&shape) > most_operations && shape.layers > least)
        shape.layers = least;
    while (images * eg_cnn_operations(&shape) > most_operations && shape.channels > 1)
        shape.channels /= 2;
    return shape;
}

/* The rate of a shape: the least of several rounds, as other work on the machine can only make one slower. Weights are 0, which
 * takes no less time. */
static eegpu_status probe(sweep_job *job, const eg_cnn_shape *shape, probing *probes)
{
    enum { MOST_ROUNDS = 50 };
    eegpu_status status;
    eg_cnn *network = NULL;
    double least = INFINITY, start = eg_seconds(), end = start, share = probes->left / probes->shapes;
    eg_cnn_shape small = stand_in(job, (double)probes->images, *shape);
    EG_TRY(eg_cnn_create(&small, &job->budget, &network));
    for (int round = 0; round < MOST_ROUNDS && (round == 0 || end - start < share); round++) {
        double begin = eg_seconds();
        EG_TRY(job->backend->evaluate_network(probes->lane, network, 0, probes->images, &job->budget, NULL, probes->values));
        end = eg_seconds();
        least = fmin(least, end - begin);
    }
    probes->rate = least / ((double)probes->images * eg_cnn_operations(&small));
    probes->left -= end - start;
done:
    eg_release(&job->budget, network);
    return status;
}

/* The amplitudes of a network fit, and so does every network on the lattice. */
static eegpu_status check_first(sweep_job *job)
{
    eegpu_status status;
    const eg_cnn_sweep_options *options = job->options;
    eg_cnn *network = NULL;
    for (int l = 0; l < options->layer_count; l++) {
        eg_cnn_shape shape = shape_of(job, 1, options->layers[l]);
        EG_TRY(eg_cnn_create(&shape, &job->budget, &network));
        eg_release(&job->budget, network);
        network = NULL;
    }
    EG_TRY(eg_budget_take(&job->budget, job->size * sizeof(double), the_amplitudes));
    eg_budget_give(&job->budget, job->size * sizeof(double));
done:
    return status;
}

/* The last shapes of the lists, which are the largest as a rule, are timed first; once the time for that is over, the others are
 * taken to be as fast an operation. */
eegpu_status eg_cnn_sweep_foresee(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, double *seconds)
{
    eegpu_status status;
    sweep_job job = {0};
    probing *probes = NULL;
    *seconds = 0;
    EG_TRY(begin(cuts, options, &job));
    EG_TRY(check_first(&job));
    EG_TRY(begin_probing(&job, &probes));
    int workers = job.backend == &eg_backend_cpu ? job.threads : 1;
    for (int l = options->layer_count - 1; l >= 0; l--)
        for (int c = options->channel_count - 1; c >= 0; c--, probes->shapes--) {
            eg_cnn_shape shape = shape_of(&job, options->channels[c], options->layers[l]);
            if (probes->left > 0)
                EG_TRY(probe(&job, &shape, probes));
            double one = probes->rate * eg_cnn_operations(&shape) * (double)job.size / workers;
            *seconds += options->seeds * (one + scan_seconds(&job));
        }
done:
    end_probing(&job, probes);
    end(&job);
    return status;
}

/* ---- Networks ---------------------------------------------------------------------------------------------------- */

/* The share of the sweep: networks done, and a half of one for each of evaluation and scan. */
static bool report_part(sweep_job *job, double part)
{
    const eg_cnn_sweep_options *options = job->options;
    return options->progress == NULL ||
           options->progress(options->progress_user, the_stage, ((double)job->done + part) / (double)job->count);
}

static bool report_evaluation(void *user, const char *stage, double fraction)
{
    (void)stage;
    return report_part(user, fraction / 2);
}

static bool report_scan(void *user, const char *stage, double fraction)
{
    (void)stage;
    return report_part(user, (1 + fraction) / 2);
}

static eegpu_status evaluate(sweep_job *job, eg_cnn_point *point)
{
    eegpu_status status;
    eg_cnn *network = NULL;
    eg_cnn_shape shape = shape_of(job, point->channels, point->layers);
    eg_progress progress;
    EG_TRY(eg_cnn_create(&shape, &job->budget, &network));
    eg_cnn_draw(network, job->options->init, point->seed);
    point->parameters = network->parameters;
    eg_progress_begin(&progress, report_evaluation, job, the_stage, (double)job->size);
    status = job->backend->evaluate_network(job->lane, network, 0, job->size, &job->budget, &progress, job->amplitudes);
    eg_progress_end(&progress);
    EG_TRY(status); /* the amplitudes are there only now */
    point->zero = true;
    for (uint64_t s = 0; s < job->size && point->zero; s++)
        point->zero = job->amplitudes[s] == 0;
done:
    eg_release(&job->budget, network);
    return status;
}

/* Means over the cuts. */
static void take_records(const eegpu_result *result, eg_cnn_point *point)
{
    size_t count = eegpu_result_count(result);
    for (size_t i = 0; i < count; i++) {
        const eegpu_record *record = eegpu_result_record(result, i);
        point->s += record->s_vn / (double)count;
        point->density += record->s_vn / record->boundary / (double)count;
        point->page_share += record->s_vn / eegpu_page_entropy(record->n_a, record->n_b) / (double)count;
        point->error = fmax(point->error, record->error);
    }
}

static eegpu_status scan(sweep_job *job, eg_cnn_point *point)
{
    eegpu_status status;
    eegpu_state *state = NULL;
    eegpu_result *result = NULL;
    eegpu_open_options opening = {.height = job->cuts->height, .width = job->cuts->width, .threads = job->threads};
    eegpu_scan_options options = eegpu_scan_options_default();
    opening.memory = eg_budget_free(&job->budget);
    options.threads = job->threads;
    options.progress = report_scan;
    options.progress_user = job;
    EG_TRY(eegpu_state_from_amplitudes(job->amplitudes, false, &opening, &state));
    EG_TRY(eg_scan_on(state, job->cuts, &options, job->options->device, &result));
    take_records(result, point);
done:
    eegpu_result_free(result);
    eegpu_state_close(state);
    return status;
}

static eegpu_status run_network(sweep_job *job, eg_cnn_point *point)
{
    eegpu_status status;
    char source[EG_CNN_SOURCE_SIZE];
    double start = eg_seconds();
    EG_TRY(evaluate(job, point));
    if (!point->zero)
        EG_TRY(scan(job, point));
    point->seconds = eg_seconds() - start;
    job->done++;
    if (!report_part(job, 0))
        status = eg_fail(EEGPU_INTERRUPTED, "%s: stopped on request", the_stage);
done:
    if (status != EEGPU_OK && status != EEGPU_INTERRUPTED)
        return eg_fail_while(status, "%s, %s", the_stage, eg_cnn_sweep_source(job->options, point, source));
    return status;
}

eegpu_status eg_cnn_sweep_run(const struct eegpu_cuts *cuts, const eg_cnn_sweep_options *options, double foreseen,
                              eg_cnn_sweep *sweep)
{
    eegpu_status status;
    sweep_job job = {0};
    double start = eg_seconds();
    *sweep = (eg_cnn_sweep){.foreseen = foreseen};
    EG_TRY(begin(cuts, options, &job));
    EG_TRY(eg_allocate_zero(NULL, job.count, sizeof *sweep->points, "the entropies of the networks", &sweep->points));
    EG_TRY(eg_allocate(&job.budget, job.size, sizeof(double), the_amplitudes, &job.amplitudes));
    for (int l = 0; l < options->layer_count; l++)
        for (int c = 0; c < options->channel_count; c++)
            for (int k = 0; k < options->seeds; k++) {
                eg_cnn_point *point = &sweep->points[sweep->count];
                *point = (eg_cnn_point){.layers = options->layers[l], .channels = options->channels[c], .seed = sweep->count++};
                EG_TRY(run_network(&job, point));
            }
    EG_TRY(eg_cnn_scaling_of(sweep->points, sweep->count, &sweep->scaling));
    sweep->seconds = eg_seconds() - start;
done:
    end(&job);
    if (status != EEGPU_OK)
        eg_cnn_sweep_free(sweep);
    return status;
}

void eg_cnn_sweep_free(eg_cnn_sweep *sweep)
{
    eg_release(NULL, sweep->points);
    sweep->points = NULL;
    sweep->count = 0;
}
