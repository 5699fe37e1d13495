/* The frame of the bench: which cases at which sizes, rows, limits, order. See bench.h. */
#include "scan/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"

/* How large a case may be, so that a run of the whole takes half a minute, or some minutes, on two cores. */
typedef struct bench_room {
    int64_t rows;
    double operations, bytes;
} bench_room;

static const bench_room quick_room = {2048, 1.5e9, 0.6e9};
static const bench_room cpu_room = {4096, 2e11, 3e9}, gpu_room = {8192, 2e13, 4e10};
static const int64_t most_rows_of_cpu = 8192;

static bench_room room_of(const eg_bench_work *work)
{
    bench_room room = work->options->quick ? quick_room : work->is_cpu ? cpu_room : gpu_room;
    int64_t largest = work->options->largest;
    if (largest == 0)
        return room;
    if (largest > room.rows || !work->options->quick)
        room.operations = room.bytes = INFINITY;
    room.rows = work->is_cpu && largest > most_rows_of_cpu ? most_rows_of_cpu : largest;
    return room;
}

bool eg_bench_wanted(const eg_bench_work *work, const char *name)
{
    return work->options->filter == NULL || strstr(name, work->options->filter) != NULL;
}

/* Pixels are those of the two sides of the largest matrix, bits those of one. */
bool eg_bench_fits(const eg_bench_work *work, const char *counts, int size, double operations, double bytes)
{
    bench_room room = room_of(work);
    double bits = log2((double)room.rows) + 1e-9;
    bool fits = strcmp(counts, "rows") == 0 ? size <= room.rows : size <= (strcmp(counts, "pixels") == 0 ? 2 * bits : bits);
    return fits && operations <= room.operations && bytes <= room.bytes;
}

/* ---- Rows and notes ---- */

static eegpu_status enlarge(size_t count, size_t *capacity, size_t size, void *pointer_to_pointer)
{
    void *buffer, *larger;
    if (count < *capacity)
        return EEGPU_OK;
    size_t next = *capacity > 0 ? 2 * *capacity : 64;
    memcpy(&buffer, pointer_to_pointer, sizeof buffer);
    larger = realloc(buffer, next * size);
    if (larger == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for the list of timings");
    memcpy(pointer_to_pointer, &larger, sizeof larger);
    *capacity = next;
    return EEGPU_OK;
}

eegpu_status eg_bench_add(eg_bench *bench, const eg_bench_row *row)
{
    eegpu_status status = enlarge(bench->count, &bench->capacity, sizeof *bench->rows, &bench->rows);
    if (status == EEGPU_OK)
        bench->rows[bench->count++] = *row;
    return status;
}

eegpu_status eg_bench_excuse(eg_bench_work *work, eegpu_status status, const char *name, int size)
{
    eg_bench *bench = work->bench;
    if (status == EEGPU_OK || status == EEGPU_INTERRUPTED)
        return status;
    status = enlarge(bench->note_count, &bench->note_capacity, sizeof *bench->notes, &bench->notes);
    if (status == EEGPU_OK)
        snprintf(bench->notes[bench->note_count++], EG_BENCH_NOTE, "left out: %s, %d on %s: %s", name, size, work->device->name,
                 eegpu_error_message());
    return status;
}

double eg_bench_percent(const eg_bench_row *row) { return row->limit > 0 ? 100 * row->rate / row->limit : 0; }

void eg_bench_free(eg_bench *bench)
{
    free(bench->rows);
    free(bench->notes);
    *bench = (eg_bench){0};
}

/* ---- Timing ---- */

typedef struct timed_call {
    eg_bench_work *work;
    eegpu_status (*ready)(void *), (*run)(void *);
    void *context;
} timed_call;

/* Between runs somebody may ask to stop. */
static eegpu_status ready_call(void *context)
{
    timed_call *call = context;
    eegpu_status status = eg_progress_add(&call->work->progress, 0);
    return status == EEGPU_OK && call->ready != NULL ? call->ready(call->context) : status;
}

static eegpu_status run_call(void *context)
{
    timed_call *call = context;
    return call->run(call->context);
}

eegpu_status eg_bench_time(eg_bench_work *work, eg_bench_row *row, eegpu_status (*ready)(void *), eegpu_status (*run)(void *),
                           void *context)
{
    timed_call call = {work, ready, run, context};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_time_runs(work->effort, ready_call, run_call, &call, &row->timing));
    row->device = work->number;
    EG_TRY(eg_bench_add(work->bench, row));
    EG_TRY(eg_progress_add(&work->progress, 1));
done:
    return status;
}

/* ---- The case table ---- */

static eegpu_status ready_case(void *instance) { return eg_case_ready(instance); }
static eegpu_status run_case(void *instance) { return eg_case_run(instance); }

static eegpu_status time_case(eg_bench_work *work, const eg_case *row, int order, int size, eg_case_place *place)
{
    static const eg_bench_limit limits[] = {EG_LIMIT_COPY, EG_LIMIT_MULTIPLY, EG_LIMIT_INTEGERS};
    eg_instance *instance = NULL;
    eg_bench_row one = {.size = size, .order = order, .against = limits[row->rate], .unit = eg_case_rate_unit(row->rate)};
    eegpu_status status = EEGPU_OK;
    snprintf(one.name, sizeof one.name, "%s", row->name);
    snprintf(one.counts, sizeof one.counts, "%s", row->unit);
    EG_TRY(eg_case_open(row, size, place, &instance));
    EG_TRY(eg_bench_time(work, &one, ready_case, run_case, instance));
    eg_bench_row *added = &work->bench->rows[work->bench->count - 1];
    added->rate = eg_case_speed(row, size, added->timing.least);
    added->bytes = row->cost(row, size).bytes;
done:
    eg_case_close(instance);
    return status;
}

static bool measures_a_limit(const char *name)
{
    return strcmp(name, EG_CASE_OF_COPYING) == 0 || strcmp(name, EG_CASE_OF_MULTIPLYING) == 0;
}

/* With a filter, a limit is measured where a wanted case is held against it. */
static bool limit_is_wanted(const eg_bench_work *work, const char *name)
{
    eg_case_rate kind = strcmp(name, EG_CASE_OF_COPYING) == 0 ? EG_RATE_BYTES : EG_RATE_FLOPS;
    const eg_case *row;
    for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
        if (row->rate == kind && row->large[0] > 0 && eg_bench_wanted(work, row->name))
            return true;
    return false;
}

static eegpu_status time_cases(eg_bench_work *work)
{
    eg_case_place place = {0};
    const eg_case *row = NULL;
    eegpu_status status = EEGPU_OK;
    if (!work->is_counting)
        EG_TRY(eg_case_place_open(work->device, work->bench->threads, &place));
    for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
        for (int k = 0; k < EG_CASE_LARGE_SIZES && row->large[k] > 0; k++) {
            eg_case_cost cost = row->cost(row, row->large[k]);
            double operations = row->rate == EG_RATE_INTEGERS ? cost.operations / 16 : cost.operations;
            if (!eg_bench_fits(work, row->unit, row->large[k], operations, cost.bytes) ||
                !(eg_bench_wanted(work, row->name) || (measures_a_limit(row->name) && limit_is_wanted(work, row->name))))
                continue;
            work->foreseen++;
            if (!work->is_counting)
                EG_TRY(eg_bench_excuse(work, time_case(work, row, (int)i, row->large[k], &place), row->name, row->large[k]));
        }
done:
    eg_case_place_close(&place);
    return status;
}

static eegpu_status time_all(eg_bench_work *work)
{
    eegpu_status status = EEGPU_OK;
    if (work->is_cpu)
        EG_TRY(eg_bench_host_cases(work));
    EG_TRY(time_cases(work));
    EG_TRY(eg_bench_whole_scans(work));
done:
    return status;
}

/* ---- Limits ---- */

/* Is a copy of so many bytes a measure for `row`? The nearest is, because small things stay in a cache; and so is a larger one. */
static bool is_near(const eg_bench *bench, const eg_bench_row *row, const eg_bench_row *copy)
{
    double distance = log(row->bytes / copy->bytes);
    for (size_t i = 0; i < bench->count && distance > 0; i++)
        if (bench->rows[i].device == copy->device && strcmp(bench->rows[i].name, copy->name) == 0 &&
            fabs(log(row->bytes / bench->rows[i].bytes)) < distance - 1e-9)
            return false;
    return true;
}

/* The row that measures the limit of `row`: the best rate of all, of copying and reading of those that are near or larger. */
static const eg_bench_row *limit_of(const eg_bench *bench, const eg_bench_row *row, bool is_cpu)
{
    static const char *const of_devices[] = {EG_CASE_OF_COPYING, EG_CASE_OF_MULTIPLYING, "integer gram", NULL, NULL};
    const char *host = is_cpu ? eg_bench_host_limit(row->against) : NULL, *name = host != NULL ? host : of_devices[row->against];
    const eg_bench_row *best = NULL;
    bool by_bytes = row->against == EG_LIMIT_COPY || row->against == EG_LIMIT_FILE;
    for (size_t i = 0; i < bench->count && name != NULL && row->rate > 0; i++) {
        const eg_bench_row *one = &bench->rows[i];
        if (one->device != row->device || strcmp(one->name, name) != 0)
            continue;
        if ((best == NULL || one->rate > best->rate) && (!by_bytes || is_near(bench, row, one)))
            best = one;
    }
    return best;
}

static int by_case(const void *left, const void *right)
{
    const eg_bench_row *a = left, *b = right;
    return a->order != b->order ? (a->order > b->order) - (a->order < b->order)
           : a->size != b->size ? (a->size > b->size) - (a->size < b->size)
                                : (a->device > b->device) - (a->device < b->device);
}

/* Limits into the rows; then rows that were timed for their sake alone go. */
static void finish(const eg_bench_work *work, eg_device *const *devices)
{
    eg_bench *bench = work->bench;
    size_t kept = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const eg_bench_row *limit = limit_of(bench, &bench->rows[i], devices[bench->rows[i].device]->backend == &eg_backend_cpu);
        bench->rows[i].limit = limit != NULL ? limit->rate : 0;
    }
    for (size_t i = 0; i < bench->count; i++)
        if (eg_bench_wanted(work, bench->rows[i].name))
            bench->rows[kept++] = bench->rows[i];
    bench->count = kept;
    qsort(bench->rows, kept, sizeof *bench->rows, by_case);
}

eegpu_status eg_bench_run(eg_device *const *devices, int count, const eg_bench_options *options, eg_bench *bench)
{
    eg_bench_work work = {.options = options, .bench = bench, .effort = options->quick ? &eg_effort_quick : &eg_effort_full};
    eegpu_status status = EEGPU_OK;
    *bench = (eg_bench){.quick = options->quick, .device_count = count};
    bench->threads = options->threads > 0 ? options->threads : eg_processor_count();
    eegpu_blas_info blas;
    if (eegpu_blas_describe(&blas) == EEGPU_OK) {
        snprintf(bench->blas, sizeof bench->blas, "%s", blas.config);
        snprintf(bench->blas_kernels, sizeof bench->blas_kernels, "%s", blas.kernels);
    }
    for (int pass = 0; pass < 2 && status == EEGPU_OK; pass++) {
        work.is_counting = pass == 0;
        if (!work.is_counting)
            eg_progress_begin(&work.progress, options->progress, options->progress_user, "timing", work.foreseen);
        for (int d = 0; d < count && status == EEGPU_OK; d++) {
            work.device = devices[d];
            work.number = d;
            work.is_cpu = devices[d]->backend == &eg_backend_cpu;
            memcpy(bench->devices[d].name, devices[d]->name, sizeof bench->devices[d].name);
            bench->devices[d].facts = devices[d]->facts;
            status = time_all(&work);
        }
        if (work.foreseen == 0 && status == EEGPU_OK)
            return eg_fail(EEGPU_USAGE, "no case of this size has '%s' in its name; eegpu bench --quick shows the names",
                           options->filter);
    }
    if (!work.is_counting)
        eg_progress_end(&work.progress);
    if (status == EEGPU_OK)
        finish(&work, devices);
    return status;
}
