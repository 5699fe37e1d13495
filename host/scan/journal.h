/* The journal of a scan: finished cuts, one line each, so that a scan that was cut short goes on where it stopped. Comes in: a
 * path; goes out: which cuts are done. A line counts only when it is complete. The first line holds a key of function, cuts and
 * options; another scan's journal is refused. Called by scan.c and record.c. */
#ifndef EG_SCAN_JOURNAL_H
#define EG_SCAN_JOURNAL_H

#include <pthread.h>
#include <stdio.h>

#include "scan/scan.h"

typedef struct eg_journal {
    FILE *stream; /* NULL: no journal is kept */
    const char *path;
    pthread_mutex_t lock;
} eg_journal;

/* Opens or makes the file, reads what is there into `result` and marks those cuts in `finished` (count of them). */
EG_MUST eg_journal_open(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                        const eg_device *device, eegpu_result *result, bool *finished, eg_journal *journal);

/* Append one record; thread-safe; handed to the system when it returns. */
EG_MUST eg_journal_add(eg_journal *journal, int renyi_count, const eegpu_record *record);

void eg_journal_close(eg_journal *journal);

#endif
