/* Progress and interruption. Comes in: work done, from any thread. Goes out: calls of the user's function, one at a time and
 * seldom, and its wish to stop. Called by long loops. */
#include "base/progress.h"

#include <time.h>

static const double seconds_between_reports = 0.05;

double eg_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void eg_progress_begin(eg_progress *progress, eegpu_progress callback, void *user, const char *stage, double total)
{
    progress->callback = callback;
    progress->user = user;
    progress->stage = stage;
    progress->total = total;
    progress->done = 0;
    progress->last_report = -1; /* the first piece of work is reported at once */
    atomic_init(&progress->stop, false);
    pthread_mutex_init(&progress->lock, NULL);
}

void eg_progress_end(eg_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    if (progress->callback != NULL && !atomic_load(&progress->stop))
        (void)progress->callback(progress->user, progress->stage, 1.0); /* too late to stop */
    pthread_mutex_unlock(&progress->lock);
    pthread_mutex_destroy(&progress->lock);
}

static void report(eg_progress *progress)
{
    double now = eg_seconds();
    if (atomic_load(&progress->stop) || now - progress->last_report < seconds_between_reports)
        return;
    double fraction = progress->total > 0 ? progress->done / progress->total : 0;
    fraction = fraction < 1 ? fraction : 1;
    if (!progress->callback(progress->user, progress->stage, fraction > 0 ? fraction : 0))
        atomic_store(&progress->stop, true);
    progress->last_report = eg_seconds();
}

eegpu_status eg_progress_add(eg_progress *progress, double work)
{
    if (progress == NULL)
        return EEGPU_OK;
    if (progress->callback != NULL) {
        pthread_mutex_lock(&progress->lock);
        progress->done += work;
        report(progress);
        pthread_mutex_unlock(&progress->lock);
    }
    if (atomic_load(&progress->stop))
        return eg_fail(EEGPU_INTERRUPTED, "%s: stopped on request", progress->stage);
    return EEGPU_OK;
}
