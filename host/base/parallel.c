/* Loops over threads. Comes in: a function of a range of items. Goes out: its first failure, with the message. Called by
 * every stage with independent pieces of work. Pieces are handed out in order and none is dropped once handed out, so the
 * failure reported is that of the lowest failing piece, whatever the number of threads. */
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"

typedef struct job {
    eg_range_function function;
    void *context;
    uint64_t count, grain, pieces;
    _Atomic uint64_t next;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the three below */
    eegpu_status status;
    uint64_t failed_piece;
    char message[EG_MESSAGE_SIZE];
} job;

typedef struct worker {
    job *job;
    int number;
    pthread_t thread;
} worker;

static void record_failure(job *work, eegpu_status status, uint64_t piece)
{
    pthread_mutex_lock(&work->lock);
    if (work->status == EEGPU_OK || piece < work->failed_piece) {
        work->status = status;
        work->failed_piece = piece;
        eg_error_save(work->message);
    }
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->stop, true);
}

static void *run_pieces(void *argument)
{
    worker *self = argument;
    job *work = self->job;
    while (!atomic_load(&work->stop)) {
        uint64_t piece = atomic_fetch_add(&work->next, 1);
        if (piece >= work->pieces)
            break;
        uint64_t first = piece * work->grain;
        uint64_t last = work->count - first > work->grain ? first + work->grain : work->count;
        eegpu_status status = work->function(work->context, first, last, self->number);
        if (status != EEGPU_OK)
            record_failure(work, status, piece);
    }
    return NULL;
}

/* Threads that cannot be had are done without: the caller alone would finish the work. */
static void run_workers(job *work, int threads)
{
    worker self = {.job = work, .number = 0}, *others = threads > 1 ? calloc((size_t)threads - 1, sizeof *others) : NULL;
    int started = 0;
    for (; others != NULL && started < threads - 1; started++) {
        others[started] = (worker){.job = work, .number = started + 1};
        if (pthread_create(&others[started].thread, NULL, run_pieces, &others[started]) != 0)
            break;
    }
    run_pieces(&self);
    for (int i = 0; i < started; i++)
        pthread_join(others[i].thread, NULL);
    free(others);
}

eegpu_status eg_parallel_for(int threads, uint64_t count, uint64_t grain, eg_range_function function, void *context)
{
    if (count == 0)
        return EEGPU_OK;
    job work = {.function = function, .context = context, .count = count, .grain = grain > 0 ? grain : 1};
    work.pieces = eg_ceil_div(count, work.grain);
    pthread_mutex_init(&work.lock, NULL);
    run_workers(&work, threads > 0 && work.pieces < (uint64_t)threads ? (int)work.pieces : threads);
    pthread_mutex_destroy(&work.lock);
    if (work.status != EEGPU_OK)
        eg_error_restore(work.message);
    return work.status;
}
