/* Which LAPACK driver finds eigenvalues without vectors fastest, by size, kind and threads. Comes in: how large; goes out: rows for
 * the table of backend/tuning.h with all times. dsyevr is no candidate: for values alone it makes the same reduction and then calls
 * the same dsterf. Called by `eegpu bench --tune`. */
#ifndef EG_SCAN_TUNE_H
#define EG_SCAN_TUNE_H

#include "backend/timing.h"
#include "backend/tuning.h"

/* Two drivers, with one BLAS thread and with all. */
enum { EG_DRIVERS = 4 };

typedef struct eg_tune_row {
    eg_tuning_row choice;
    double seconds[EG_DRIVERS]; /* 2 * all_threads + two_stage; 0: not measured */
} eg_tune_row;

typedef struct eg_tune {
    size_t count;
    eg_tune_row rows[EG_TUNING_ROWS];
} eg_tune;

typedef struct eg_tune_options {
    int largest; /* n; complex matrices up to half of it */
    const eg_effort *effort;
    eegpu_progress progress;
    void *progress_user;
} eg_tune_options;

EG_MUST eg_tune_measure(const eg_tune_options *options, eg_tune *tune);

#endif
