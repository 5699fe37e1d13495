/* The CPU back end, the plain reference: threads, BLAS and LAPACK. Comes in and goes out: what backend.h says of each operation.
 * Buffers are memory of the host; a lane is a number of threads. It knows nothing of cuts. Called through the table by the
 * stages from reduce/ on; the solvers are in lapack.c, panels in gather.c, partial traces in partial_trace.c. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

#include "backend/blas.h"
#include "backend/gather.h"
#include "backend/lapack.h"
#include "backend/popcount.h"

/* ---- Devices and lanes ---- */

/* Amplitudes in a gathered panel: 32 MiB (64 for complex ones) keeps the permutation at full speed and costs little memory.
 * Threaded BLAS pays from about n = 256 on (measured). */
static const eg_capacity capacity = {.panel_amplitudes = UINT64_C(1) << 22, .wide_from_flops = 5e7};

static eegpu_status open_device(int number, eg_device **device)
{
    *device = NULL; /* there is one: `number` is 0 */
    eg_device *new = calloc(1, sizeof *new);
    if (new == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "opening the CPU: no memory");
    *new = (eg_device){.backend = &eg_backend_cpu, .name = "cpu", .capacity = capacity, .least_piece = 256};
    *device = new;
    return EEGPU_OK;
}

static void close_device(eg_device *device) { free(device); }

static eegpu_status load(eg_device *device, const eegpu_state *state, int threads)
{
    device->state = state;
    device->is_held = true;
    device->budget = state->budget;
    return EEGPU_OK;
}

static eegpu_status open_lane(eg_device *device, int threads, eg_lane **lane)
{
    *lane = malloc(sizeof **lane);
    if (*lane == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "opening a line of work on the CPU: no memory");
    **lane = (eg_lane){device, threads};
    return EEGPU_OK;
}

static void close_lane(eg_lane *lane) { free(lane); }

static eegpu_status wait_for(eg_lane *lane) { return EEGPU_OK; }

/* ---- Buffers ---- */

static eegpu_status allocate(eg_lane *lane, uint64_t count, uint64_t size, const char *what, void *pointer)
{
    return eg_allocate(lane->device->budget, count, size, what, pointer);
}

static void release(eg_lane *lane, void *buffer) { eg_release(lane->device->budget, buffer); }

/* Buffers of the host are those of the device. */
static eegpu_status take(eg_lane *lane, eg_budget *budget, uint64_t bytes, const char *what, void *pointer) { return EEGPU_OK; }

static eegpu_status fetch(eg_lane *lane, const void *buffer, uint64_t bytes, void *host)
{
    memcpy(host, buffer, bytes);
    return EEGPU_OK;
}

/* ---- The matrix of a cut ---- */

static eegpu_status gather(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel)
{
    return eg_gather_columns(lane->device->state, layout, first, count, panel, lane->threads);
}

static eegpu_status derive_columns(eg_lane *lane, const eg_columns *parent, uint64_t pixels, eg_budget *budget, eg_columns *child)
{
    return eg_columns_derive(parent, pixels, budget, NULL, child);
}

/* ---- Gram matrices ---- */

static eegpu_status gram(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *matrix)
{
    const eg_blas *blas = NULL;
    eegpu_status status = eg_blas_load(&blas);
    if (status != EEGPU_OK)
        return status;
    const double one = 1;
    eg_blas_set_threads(lane->threads);
    eg_blas_enter(blas);
    (is_complex ? blas->zherk : blas->dsyrk)("L", "N", &n, &k, &one, panel, &n, &keep, matrix, &n, 1, 1);
    eg_blas_leave(blas);
    return EEGPU_OK;
}

static eegpu_status gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *counts)
{
    return eg_gram_bits(lane->device->budget, rows, columns, bits, weight, counts, lane->threads);
}

typedef struct weighing {
    uint64_t n;
    const uint64_t *weight;
    uint64_t *counts;
    bool is_plain; /* all weights are 1 */
    eg_count_sums *sums;
    pthread_mutex_t lock;
} weighing;

/* Sums of integers are the same in any order. Twice what is below the diagonal counts: at most the number of ones squared, below
 * 2^81. */
static eegpu_status weigh_columns(void *context, uint64_t first, uint64_t last, int worker)
{
    weighing *w = context;
    eg_count_sums sums = {0};
    (void)worker;
    for (uint64_t j = first; j < last; j++) {
        uint64_t *column = w->counts + j * w->n, own = w->weight[j];
        unsigned __int128 square = 0, total = 0, diagonal = (unsigned __int128)column[j] * own;
        double entry = (double)column[j] * (double)own;
        memcpy(&column[j], &entry, sizeof entry);
        for (uint64_t i = j + 1; i < w->n; i++) {
            uint64_t k = column[i];
            unsigned __int128 weighted = (unsigned __int128)k * w->weight[i];
            square += weighted * k;
            total += weighted;
            entry = w->is_plain ? (double)k : (double)k * sqrt((double)((unsigned __int128)w->weight[i] * own));
            memcpy(&column[i], &entry, sizeof entry);
        }
        sums.trace += diagonal;
        sums.square += diagonal * diagonal + 2 * square * own;
        sums.total += diagonal * own + 2 * total * own;
    }
    pthread_mutex_lock(&w->lock);
    w->sums->trace += sums.trace;
    w->sums->square += sums.square;
    w->sums->total += sums.total;
    pthread_mutex_unlock(&w->lock);
    return EEGPU_OK;
}

static eegpu_status weigh(eg_lane *lane, uint64_t n, const uint64_t *weight, uint64_t *counts, eg_count_sums *sums)
{
    enum { GRAIN = 32 };
    weighing w = {.n = n, .weight = weight, .counts = counts, .is_plain = true, .sums = sums, .lock = PTHREAD_MUTEX_INITIALIZER};
    *sums = (eg_count_sums){0};
    for (uint64_t i = 0; i < n; i++)
        w.is_plain = w.is_plain && weight[i] == 1;
    return eg_parallel_for(lane->threads, n, GRAIN, weigh_columns, &w);
}

static eegpu_status partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                  double *child)
{
    return eg_partial_trace(lane->device->budget, is_complex, parent_bits, kept_bits, parent, child, lane->threads);
}

static eegpu_status merge(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                          const double *weight, double *merged)
{
    uint64_t unit = is_complex ? 2 : 1;
    for (uint64_t j = 0; j < count; j++) {
        for (uint64_t i = j; i < count; i++) {
            double factor = sqrt(weight[i] * weight[j]);
            bool is_below = row[i] >= row[j]; /* only the lower triangle is there */
            const double *from = matrix + unit * (is_below ? row[j] * n + row[i] : row[i] * n + row[j]);
            double *to = merged + unit * (j * count + i);
            to[0] = from[0] * factor;
            if (is_complex)
                to[1] = (is_below ? from[1] : -from[1]) * factor;
        }
    }
    return EEGPU_OK;
}

static eegpu_status invariants(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, double *trace, double *square)
{
    uint64_t unit = is_complex ? 2 : 1;
    *trace = *square = 0;
    for (uint64_t j = 0; j < n; j++) {
        const double *column = matrix + unit * n * j;
        double diagonal = column[unit * j], below = 0;
        for (uint64_t i = unit * (j + 1); i < unit * n; i++)
            below += column[i] * column[i];
        *trace += diagonal;
        *square += diagonal * diagonal + 2 * below;
    }
    return EEGPU_OK;
}

/* ---- Functions ---- */

typedef struct evaluation {
    const eg_cnn *network;
    uint64_t first;
    eg_budget *budget;
    eg_progress *progress;
    double *amplitudes;
} evaluation;

/* Items are images. */
static eegpu_status evaluate_images(void *context, uint64_t first, uint64_t last, int worker)
{
    eegpu_status status;
    evaluation *job = context;
    (void)worker;
    EG_TRY(eg_cnn_evaluate(job->network, job->first + first, last - first, job->budget, job->amplitudes + first));
    EG_TRY(eg_progress_add(job->progress, (double)(last - first)));
done:
    return status;
}

static eegpu_status evaluate_network(eg_lane *lane, const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget,
                                     eg_progress *progress, double *amplitudes)
{
    evaluation job = {network, first, budget, progress, amplitudes};
    return eg_parallel_for(lane->threads, count, eg_cnn_images_at_a_time(&network->shape), evaluate_images, &job);
}

const eg_backend eg_backend_cpu = {
    .name = "cpu",
    .open = open_device,
    .close = close_device,
    .load = load,
    .open_lane = open_lane,
    .close_lane = close_lane,
    .wait = wait_for,
    .allocate = allocate,
    .release = release,
    .take = take,
    .fetch = fetch,
    .gather = gather,
    .derive_columns = derive_columns,
    .gram = gram,
    .gram_bits = gram_bits,
    .weigh = weigh,
    .partial_trace = partial_trace,
    .merge = merge,
    .invariants = invariants,
    .eigenvalues = eg_eigenvalues,
    .singular_values = eg_singular_values,
    .evaluate_network = evaluate_network,
};
