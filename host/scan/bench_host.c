/* What only the CPU does, as cases of the bench: reading files, packing, finding equal rows; and its limits: copying memory,
 * counting bits in the nearest cache, reading a file that was just written. See bench.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/popcount.h"
#include "backend/vector_set.h"
#include "base/file.h"
#include "base/parallel.h"
#include "scan/bench.h"
#include "state/npy.h"
#include "state/pack.h"
#include "state/random.h"

enum { SIZES = 6, FIRST_ORDER = -1000, PIECE = 1 << 20, COUNT_WORDS = 64, COUNT_TIMES = 512, FOLDER_SIZE = 256 };

typedef struct host_job {
    int size, threads;
    uint64_t numbers; /* 2^size */
    unsigned char *in, *out;
    char folder[FOLDER_SIZE], path[FOLDER_SIZE + 16];
    int file;
} host_job;

typedef struct host_case {
    const char *name;
    eg_bench_limit against;
    int sizes[SIZES];  /* pixels; 0 ends */
    double bytes;      /* that move for each of 2^size */
    double operations; /* of integers, in all */
    eegpu_status (*prepare)(host_job *job);
    eegpu_status (*run)(void *job);
} host_case;

/* ---- Memory ---- */

/* Words of random bits that differ everywhere; room for as many bytes to go out. */
static eegpu_status make_bytes(host_job *job, uint64_t in, uint64_t out)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(NULL, in, 1, "the input of a case", &job->in));
    EG_TRY(eg_allocate_zero(NULL, out, 1, "the output of a case", &job->out));
    for (uint64_t i = 0; i < in / 16; i++)
        eg_random_bits(3, EG_RANDOM_AMPLITUDES, i, 0, (uint64_t *)job->in + 2 * i);
done:
    return status;
}

static eegpu_status prepare_copy(host_job *job) { return make_bytes(job, 8 * job->numbers, 8 * job->numbers); }

static eegpu_status copy_pieces(void *context, uint64_t first, uint64_t last, int worker)
{
    const host_job *job = context;
    (void)worker;
    memcpy(job->out + first * PIECE, job->in + first * PIECE, (last - first) * PIECE);
    return EEGPU_OK;
}

static eegpu_status run_copy(void *context)
{
    host_job *job = context;
    return eg_parallel_for(job->threads, 8 * job->numbers / PIECE, 1, copy_pieces, job);
}

/* ---- Counting: panels that stay in the nearest cache ---- */

static eegpu_status prepare_count(host_job *job) { return make_bytes(job, sizeof(uint64_t) * COUNT_WORDS * EG_PANEL_ROWS, 64); }

static eegpu_status count_panels(void *context, uint64_t first, uint64_t last, int worker)
{
    const host_job *job = context;
    const uint64_t *panel = (const uint64_t *)job->in;
    uint64_t counts[EG_TILE_ROWS * EG_PANEL_ROWS];
    (void)worker;
    for (uint64_t i = first * COUNT_TIMES; i < last * COUNT_TIMES; i++)
        eg_popcount_best()->count(COUNT_WORDS, panel, panel, counts);
    return EEGPU_OK;
}

static eegpu_status run_count(void *context)
{
    host_job *job = context;
    return eg_parallel_for(job->threads, (uint64_t)job->size * (uint64_t)job->threads, 1, count_panels, job);
}

/* And and add of every bit of every pair of rows. */
static double counted(const host_job *job)
{
    return 2. * 64 * COUNT_WORDS * EG_TILE_ROWS * EG_PANEL_ROWS * COUNT_TIMES * (double)job->size * job->threads;
}

/* ---- Packing ---- */

static eegpu_status prepare_pack(host_job *job)
{
    eegpu_status status = make_bytes(job, job->numbers, job->numbers / 8);
    for (uint64_t i = 0; i < job->numbers && status == EEGPU_OK; i++)
        job->in[i] &= 1;
    return status;
}

static eegpu_status pack_pieces(void *context, uint64_t first, uint64_t last, int worker)
{
    const host_job *job = context;
    (void)worker;
    eg_pack_bytes(job->in + first * PIECE, (last - first) * PIECE, (uint64_t *)(job->out + first * PIECE / 8));
    return EEGPU_OK;
}

static eegpu_status run_pack(void *context)
{
    host_job *job = context;
    return eg_parallel_for(job->threads, job->numbers / PIECE, 1, pack_pieces, job);
}

/* ---- Equal rows: as many rows as columns, all different; what the search of a cut does, on one thread ---- */

static eegpu_status prepare_rows(host_job *job) { return make_bytes(job, job->numbers / 8, 64); }

static eegpu_status run_rows(void *context)
{
    host_job *job = context;
    uint64_t rows = UINT64_C(1) << job->size / 2, words = rows / 64;
    eg_vector_set set = {0};
    uint32_t class;
    eegpu_status status = eg_vector_set_begin(NULL, words, &set);
    for (uint64_t i = 0; i < rows && status == EEGPU_OK; i++)
        status = eg_vector_set_add(&set, (const uint64_t *)job->in + i * words, 1, &class);
    eg_vector_set_free(&set);
    return status;
}

/* ---- Files, in $TMPDIR; they have just been written, so that what a system keeps of them in memory counts ---- */

static eegpu_status make_file(host_job *job, const char *descr, uint64_t bytes)
{
    const char *folder = getenv("TMPDIR");
    uint64_t shape[] = {job->numbers};
    eegpu_status status = EEGPU_OK;
    FILE *stream = NULL;
    snprintf(job->folder, sizeof job->folder, "%s/eegpu-bench-XXXXXX", folder != NULL && *folder != '\0' ? folder : "/tmp");
    if (mkdtemp(job->folder) == NULL) {
        status = eg_fail(EEGPU_IO, "making the folder '%s' for a file to read: %s; name another in TMPDIR", job->folder,
                         strerror(errno));
        *job->folder = '\0';
        return status;
    }
    snprintf(job->path, sizeof job->path, "%s/f.npy", job->folder);
    if ((stream = fopen(job->path, "we")) == NULL)
        return eg_fail(EEGPU_IO, "writing '%s' to read it: %s", job->path, strerror(errno));
    EG_TRY(eg_npy_write_header(stream, descr, 1, shape));
    if (fwrite(job->in, 1, bytes, stream) != bytes || fflush(stream) != 0)
        status =
            eg_fail(EEGPU_IO, "writing '%s' to read it, %llu bytes: %s", job->path, (unsigned long long)bytes, strerror(errno));
done:
    fclose(stream);
    job->file = status == EEGPU_OK ? open(job->path, O_RDONLY | O_CLOEXEC) : -1;
    return status;
}

static eegpu_status prepare_doubles(host_job *job)
{
    eegpu_status status = make_bytes(job, 8 * job->numbers, (uint64_t)job->threads * PIECE);
    double *numbers = (double *)job->in;
    for (uint64_t i = 0; i < job->numbers && status == EEGPU_OK; i++)
        numbers[i] = 1 + 0x1p-10 * (double)(i & 1023);
    return status == EEGPU_OK ? make_file(job, "<f8", 8 * job->numbers) : status;
}

static eegpu_status prepare_bytes(host_job *job)
{
    eegpu_status status = prepare_pack(job);
    return status == EEGPU_OK ? make_file(job, "|u1", job->numbers) : status;
}

static eegpu_status read_pieces(void *context, uint64_t first, uint64_t last, int worker)
{
    const host_job *job = context;
    for (uint64_t i = first; i < last; i++)
        if (pread(job->file, job->out + (uint64_t)worker * PIECE, PIECE, (off_t)(i * PIECE)) < 0)
            return eg_fail(EEGPU_IO, "reading '%s': %s", job->path, strerror(errno));
    return EEGPU_OK;
}

static eegpu_status run_file(void *context)
{
    host_job *job = context;
    return eg_parallel_for(job->threads, 8 * job->numbers / PIECE, 1, read_pieces, job);
}

static eegpu_status run_open(void *context)
{
    host_job *job = context;
    eegpu_open_options options = {.height = 1, .width = job->size, .threads = job->threads};
    eegpu_state *state = NULL;
    eegpu_status status = eegpu_state_open(job->path, &options, &state);
    eegpu_state_close(state);
    return status;
}

/* ---- The table ---- */

#define LIMIT_OF_COPYING "memory copy"
#define LIMIT_OF_COUNTING "count bits in cache"
#define LIMIT_OF_READING "read a file"

static const host_case cases[] = {
    {LIMIT_OF_COPYING, EG_LIMIT_COPY, {20, 22, 24, 26}, 16, 0, prepare_copy, run_copy},
    {LIMIT_OF_COUNTING, EG_LIMIT_INTEGERS, {10}, 0, 1, prepare_count, run_count},
    {LIMIT_OF_READING, EG_LIMIT_FILE, {20, 22, 24, 26}, 8, 0, prepare_doubles, run_file},
    {"read npy", EG_LIMIT_FILE, {20, 22, 24, 26}, 8, 0, prepare_doubles, run_open},
    {"read npy of bytes", EG_LIMIT_FILE, {22, 24, 26, 28}, 1, 0, prepare_bytes, run_open},
    {"pack", EG_LIMIT_COPY, {22, 24, 26, 28}, 1 + 0.125, 0, prepare_pack, run_pack},
    {"row hash", EG_LIMIT_COPY, {20, 24, 26, 28}, 2 * 0.125, 0, prepare_rows, run_rows},
};

const char *eg_bench_host_limit(eg_bench_limit limit)
{
    static const char *const names[] = {LIMIT_OF_COPYING, NULL, LIMIT_OF_COUNTING, LIMIT_OF_READING, NULL};
    return names[limit];
}

static void clean_up(host_job *job)
{
    if (job->file >= 0)
        close(job->file);
    if (*job->path != '\0')
        (void)unlink(job->path);
    if (*job->folder != '\0')
        (void)rmdir(job->folder);
    eg_release(NULL, job->in);
    eg_release(NULL, job->out);
}

static eegpu_status time_host(eg_bench_work *work, const host_case *which, int order, int size)
{
    host_job job = {.size = size, .threads = work->bench->threads, .numbers = UINT64_C(1) << size, .file = -1};
    bool is_bytes = which->bytes > 0;
    eg_bench_row row = {.size = size, .order = order, .against = which->against, .counts = "pixels"};
    eegpu_status status = EEGPU_OK;
    snprintf(row.name, sizeof row.name, "%s", which->name);
    snprintf(row.counts, sizeof row.counts, "%s", is_bytes ? "pixels" : "times");
    row.unit = eg_case_rate_unit(is_bytes ? EG_RATE_BYTES : EG_RATE_INTEGERS);
    row.bytes = which->bytes * (double)job.numbers;
    EG_TRY(which->prepare(&job));
    EG_TRY(eg_bench_time(work, &row, NULL, which->run, &job));
    eg_bench_row *added = &work->bench->rows[work->bench->count - 1];
    added->rate = (is_bytes ? row.bytes : counted(&job)) / added->timing.least * 1e-9;
done:
    clean_up(&job);
    return status;
}

/* With a filter, a limit is measured where a wanted case is held against it. */
static bool is_needed(const eg_bench_work *work, const host_case *which)
{
    const char *limit = eg_bench_host_limit(which->against);
    const eg_case *row;
    if (eg_bench_wanted(work, which->name))
        return true;
    if (strcmp(limit, which->name) != 0)
        return false;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].against == which->against && eg_bench_wanted(work, cases[i].name))
            return true;
    for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
        if (eg_bench_wanted(work, row->name) && ((which->against == EG_LIMIT_COPY && row->rate == EG_RATE_BYTES) ||
                                                 (which->against == EG_LIMIT_INTEGERS && row->rate == EG_RATE_INTEGERS)))
            return true;
    return false;
}

eegpu_status eg_bench_host_cases(eg_bench_work *work)
{
    eegpu_status status = EEGPU_OK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = 0; k < SIZES && cases[i].sizes[k] > 0; k++) {
            int size = cases[i].sizes[k];
            double bytes = cases[i].bytes * (double)(UINT64_C(1) << size);
            if (!is_needed(work, &cases[i]) || !eg_bench_fits(work, "rows", 1, 0, bytes))
                continue;
            work->foreseen++;
            if (!work->is_counting)
                EG_TRY(eg_bench_excuse(work, time_host(work, &cases[i], FIRST_ORDER + (int)i, size), cases[i].name, size));
        }
done:
    return status;
}
