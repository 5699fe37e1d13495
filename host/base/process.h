/* Loops over child processes, for code of others, which may crash, hang or end its process. A child works through blocks of
 * items and writes to its desk, a piece of memory that it shares with the parent; the parent takes what is finished. Nothing
 * else that a child does is seen: its standard output is standard error, its input is empty, no other file is open. The parent
 * trusts nothing on a desk, except that the result is what it is. */
#ifndef EG_BASE_PROCESS_H
#define EG_BASE_PROCESS_H

#include <stdatomic.h>

#include "base/memory.h"
#include "base/progress.h"

typedef struct eg_desk {
    uint64_t first, count; /* the block to work on */
    unsigned char *result; /* of the block */
    /* What the child is at, for the message should it crash; and how many items it has finished, for the progress. */
    _Atomic int phase, note;
    _Atomic uint64_t at, batch, done;
    /* For process.c. */
    atomic_bool finished;
    eegpu_status status;
    char message[EG_MESSAGE_SIZE];
} eg_desk;

typedef struct eg_process_job {
    int processes;
    uint64_t first, last, grain; /* items, and how many are a block */
    uint64_t result_size;        /* bytes of a block */
    /* In a child, for each block. `context` is a copy that lasts as long as the child. */
    eegpu_status (*work)(void *context, eg_desk *desk);
    /* In a child, before it ends; may be NULL. */
    void (*leave)(void *context, eg_desk *desk);
    /* In the parent, for each block, in any order; may be NULL. The result lies on the desk. */
    void (*take)(void *context, uint64_t first, uint64_t count, const unsigned char *result);
    void *context;
    eg_budget *budget;
    eg_progress *progress; /* may be NULL; counts items */

    /* Out, after a failure: is it a crash, and how and at what; the note of that child. */
    bool crashed;
    char how[160]; /* "was ended by SIGSEGV (...)" */
    int phase, note;
    uint64_t at, batch;
} eg_process_job;

/* All blocks. Of several failures, that of the lowest block is returned, whatever the number of processes. EEGPU_BAD_INPUT for a
 * crash; EEGPU_INTERRUPTED when the progress callback asked to stop, even if children hang. No child is left behind. */
EG_MUST eg_run_processes(eg_process_job *job);

#endif
