/* The counting table. Comes in: calls of operations; goes out: the same calls, and their time, bytes and flops in the statistics of
 * the device. Seconds of a stage are those of its thread less those of stages that it called. Not part of any back end. */
#include "backend/statistics.h"

#include <math.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const eg_backend *original; /* of the one watched device */
static _Thread_local double within;

static const char *const names[EG_STAGES] = {
#define NAME(name, words) words,
    EG_STAGE_LIST(NAME)
#undef NAME
};

const char *eg_stage_name(eg_stage stage) { return names[stage]; }

static void add(eg_statistics *statistics, eg_stage stage, eg_stage_count count)
{
    pthread_mutex_lock(&lock);
    statistics->stage[stage].seconds += count.seconds;
    statistics->stage[stage].bytes += count.bytes;
    statistics->stage[stage].flops += count.flops;
    statistics->stage[stage].calls += count.calls;
    pthread_mutex_unlock(&lock);
}

eg_stage_mark eg_stage_begin(const eg_device *device)
{
    eg_stage_mark mark = {0};
    if (device->statistics == NULL)
        return mark;
    mark = (eg_stage_mark){eg_seconds(), within};
    within = 0;
    return mark;
}

static void end_stage(const eg_device *device, eg_stage stage, eg_stage_mark mark, double bytes, double flops)
{
    if (device->statistics == NULL)
        return;
    double seconds = eg_seconds() - mark.start;
    add(device->statistics, stage, (eg_stage_count){seconds - within, bytes, flops, 1});
    within = mark.within + seconds;
}

void eg_stage_end(const eg_device *device, eg_stage stage, eg_stage_mark mark) { end_stage(device, stage, mark, 0, 0); }

void eg_statistics_add_lanes(const eg_device *device, int lanes, double wall, double busy)
{
    if (device->statistics == NULL || lanes < 1)
        return;
    double idle = lanes * wall - busy;
    add(device->statistics, EG_STAGE_WAIT, (eg_stage_count){.seconds = idle > 0 ? idle : 0});
    pthread_mutex_lock(&lock);
    device->statistics->threads += (lanes - 1) * wall;
    pthread_mutex_unlock(&lock);
}

/* ---- The operations ---- */

/* The call, its end, and what it was worth. */
#define COUNTED(stage, call, bytes, flops)                         \
    eg_stage_mark mark = eg_stage_begin(lane->device);             \
    eegpu_status status = original->call;                          \
    if (status == EEGPU_OK)                                        \
        status = original->wait(lane);                             \
    end_stage(lane->device, EG_STAGE_##stage, mark, bytes, flops); \
    return status

static double number_bytes(bool is_complex) { return is_complex ? 16 : 8; }
static double flops_of(bool is_complex, double real) { return is_complex ? 4 * real : real; }

static eegpu_status allocate(eg_lane *lane, uint64_t count, uint64_t size, const char *what, void *pointer)
{
    COUNTED(BUFFERS, allocate(lane, count, size, what, pointer), 0, 0);
}

static void release(eg_lane *lane, void *buffer)
{
    eg_stage_mark mark = eg_stage_begin(lane->device);
    original->release(lane, buffer);
    eg_stage_end(lane->device, EG_STAGE_BUFFERS, mark);
}

static eegpu_status take(eg_lane *lane, eg_budget *budget, uint64_t bytes, const char *what, void *pointer)
{
    COUNTED(BUFFERS, take(lane, budget, bytes, what, pointer), (double)bytes, 0);
}

static eegpu_status fetch(eg_lane *lane, const void *buffer, uint64_t bytes, void *host)
{
    COUNTED(BUFFERS, fetch(lane, buffer, bytes, host), (double)bytes, 0);
}

static eegpu_status gather(eg_lane *lane, const eg_matrix_layout *layout, uint64_t first, uint64_t count, double *panel)
{
    const eegpu_state *state = lane->device->state;
    double numbers = ldexp((double)count, layout->row_bits), to = number_bytes(state->is_complex);
    COUNTED(GATHER, gather(lane, layout, first, count, panel), numbers * (to + (state->kind == EG_BITS ? 0.125 : to)), 0);
}

static eegpu_status derive_columns(eg_lane *lane, const eg_columns *parent, uint64_t pixels, eg_budget *budget, eg_columns *child)
{
    double bytes = 2. * (double)parent->set.count * (double)parent->set.words * 8;
    COUNTED(COLUMNS, derive_columns(lane, parent, pixels, budget, child), bytes, 0);
}

static eegpu_status gram(eg_lane *lane, bool is_complex, int n, int k, const double *panel, double keep, double *matrix)
{
    double size = n, bytes = number_bytes(is_complex) * size * (k + size);
    COUNTED(GRAM, gram(lane, is_complex, n, k, panel, keep, matrix), bytes, flops_of(is_complex, size * (size + 1) * k));
}

static eegpu_status gram_bits(eg_lane *lane, uint64_t rows, uint64_t columns, const uint64_t *bits, const uint64_t *weight,
                              uint64_t *counts)
{
    double n = (double)rows, k = (double)columns;
    COUNTED(GRAM_BITS, gram_bits(lane, rows, columns, bits, weight, counts), n * k / 8 + 4 * n * n, n * (n + 1) * k);
}

static eegpu_status weigh(eg_lane *lane, uint64_t n, const uint64_t *weight, uint64_t *counts, eg_count_sums *sums)
{
    COUNTED(WEIGH, weigh(lane, n, weight, counts, sums), 8. * (double)n * (double)n, 0);
}

static eegpu_status partial_trace(eg_lane *lane, bool is_complex, int parent_bits, uint64_t kept_bits, const double *parent,
                                  double *child)
{
    double n = ldexp(1, parent_bits), m = ldexp(1, __builtin_popcountll(kept_bits));
    COUNTED(TRACE, partial_trace(lane, is_complex, parent_bits, kept_bits, parent, child), number_bytes(is_complex) * n * m / 2,
            flops_of(is_complex, n * m / 2) / (is_complex ? 2 : 1));
}

static eegpu_status merge(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                          const double *weight, double *merged)
{
    double entries = (double)count * (double)count / 2;
    COUNTED(MERGE, merge(lane, is_complex, n, matrix, count, row, weight, merged), 2 * number_bytes(is_complex) * entries, 0);
}

static eegpu_status invariants(eg_lane *lane, bool is_complex, uint64_t n, const double *matrix, double *trace, double *square)
{
    double entries = (double)n * (double)n / 2;
    COUNTED(INVARIANTS, invariants(lane, is_complex, n, matrix, trace, square), number_bytes(is_complex) * entries,
            flops_of(is_complex, 2 * entries) / (is_complex ? 2 : 1));
}

static eegpu_status eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    double flops = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        double n = problems[i].n;
        flops += flops_of(problems[i].is_complex, 4. / 3 * n * n * n);
        bytes += number_bytes(problems[i].is_complex) * n * n / 2;
    }
    COUNTED(EIGENVALUES, eigenvalues(lane, problems, count, failed), bytes, flops);
}

static eegpu_status singular_values(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    double small = m < n ? m : n, large = m < n ? n : m, flops = 4 * small * small * large - 4. / 3 * small * small * small;
    COUNTED(SINGULAR, singular_values(lane, is_complex, m, n, matrix, values), number_bytes(is_complex) * small * large,
            flops_of(is_complex, flops));
}

static eegpu_status load(eg_device *device, const eegpu_state *state, int threads)
{
    eg_stage_mark mark = eg_stage_begin(device);
    eegpu_status status = original->load(device, state, threads);
    eg_stage_end(device, EG_STAGE_LOAD, mark);
    return status;
}

void eg_statistics_watch(eg_device *device, eg_statistics *statistics)
{
    static eg_backend counting;
    *statistics = (eg_statistics){0};
    original = device->backend;
    counting = *original;
    counting.load = load;
    counting.allocate = allocate;
    counting.release = release;
    counting.take = take;
    counting.fetch = fetch;
    counting.gather = gather;
    counting.derive_columns = derive_columns;
    counting.gram = gram;
    counting.gram_bits = gram_bits;
    counting.weigh = weigh;
    counting.partial_trace = partial_trace;
    counting.merge = merge;
    counting.invariants = invariants;
    counting.eigenvalues = eigenvalues;
    counting.singular_values = singular_values;
    device->backend = &counting;
    device->statistics = statistics;
}
