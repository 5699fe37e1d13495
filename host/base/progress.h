/* Progress and interruption: long loops report the share of foreseen work; the callback may ask to stop. */
#ifndef EG_BASE_PROGRESS_H
#define EG_BASE_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/status.h"

typedef struct eg_progress {
    eegpu_progress callback; /* may be NULL */
    void *user;
    const char *stage;
    double total; /* foreseen work, any unit */
    double done;
    double last_report; /* seconds on the monotonic clock */
    atomic_bool stop;
    pthread_mutex_t lock;
} eg_progress;

void eg_progress_begin(eg_progress *progress, eegpu_progress callback, void *user, const char *stage, double total);
void eg_progress_end(eg_progress *progress);

/* Add `work`; thread-safe; calls back at most 20 times a second. EEGPU_INTERRUPTED when the callback asked to stop.
 * `progress` may be NULL. */
EG_MUST eg_progress_add(eg_progress *progress, double work);

/* Seconds on the monotonic clock. */
double eg_seconds(void);

#endif
