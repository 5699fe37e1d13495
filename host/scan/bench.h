/* Every operation timed, and whole scans, beside what the machine can do at most, which is measured in the same run. Comes in: open
 * devices and how much effort it is worth; goes out: rows of times, rates and limits. The cases are those of backend/cases.h, of
 * bench_host.c (what only the CPU does) and of bench_scans.c. Called by `eegpu bench`; prints nothing. */
#ifndef EG_SCAN_BENCH_H
#define EG_SCAN_BENCH_H

#include "backend/timing.h"
#include "base/progress.h"

enum { EG_BENCH_NAME = 40, EG_BENCH_DEVICES = 9, EG_BENCH_NOTE = 400 };

/* What a rate is measured against. */
typedef enum eg_bench_limit { EG_LIMIT_COPY, EG_LIMIT_MULTIPLY, EG_LIMIT_INTEGERS, EG_LIMIT_FILE, EG_LIMIT_NONE } eg_bench_limit;

typedef struct eg_bench_row {
    char name[EG_BENCH_NAME];
    char counts[8]; /* what the size counts: "pixels", "rows", "bits" */
    int size, device;
    int order; /* of the case in its table */
    eg_timing timing;
    eg_bench_limit against;
    double rate;      /* 0: none is counted */
    const char *unit; /* of it; static storage */
    double limit;     /* in the same unit; 0: none */
    double bytes;     /* that a run moves, for the choice of the limit; 0: unknown */
} eg_bench_row;

typedef struct eg_bench_device {
    char name[32];
    eg_device_facts facts;
} eg_bench_device;

typedef struct eg_bench_options {
    bool quick;
    int64_t largest;    /* rows of the largest matrix; functions have up to 2 log2 of it pixels; 0: not given */
    const char *filter; /* part of the names of the cases to time; NULL: all */
    int threads;        /* 0: all */
    eegpu_progress progress;
    void *progress_user;
} eg_bench_options;

typedef struct eg_bench {
    bool quick;
    int threads, device_count;
    char blas[256], blas_kernels[64]; /* where it was measured; "": not known */
    eg_bench_device devices[EG_BENCH_DEVICES];
    size_t count, capacity;
    eg_bench_row *rows; /* by case, size, device */
    size_t note_count, note_capacity;
    char (*notes)[EG_BENCH_NOTE]; /* what was left out, and why */
} eg_bench;

/* A failure of one case, such as too little memory, is a note, and the others go on. Free what comes out with eg_bench_free(), also
 * after a failure. EEGPU_USAGE: no case has the filter in its name. */
EG_MUST eg_bench_run(eg_device *const *devices, int count, const eg_bench_options *options, eg_bench *bench);
void eg_bench_free(eg_bench *bench);

/* Room for one more, at its end. */
EG_MUST eg_bench_add(eg_bench *bench, const eg_bench_row *row);

/* Percent of the limit; 0: there is none. */
double eg_bench_percent(const eg_bench_row *row);

/* ---- For the files of the bench ---- */

typedef struct eg_bench_work {
    const eg_bench_options *options;
    eg_bench *bench;
    eg_device *device;
    int number; /* of the device */
    bool is_cpu;
    const eg_effort *effort;
    eg_progress progress;
    bool is_counting; /* nothing is run, `foreseen` grows */
    double foreseen;
} eg_bench_work;

/* Is the case asked for: by its name, its size in pixels, bits or rows, and the operations and bytes of a run? */
bool eg_bench_wanted(const eg_bench_work *work, const char *name);
bool eg_bench_fits(const eg_bench_work *work, const char *counts, int size, double operations, double bytes);

/* Time it into a row, unless this is the counting pass. `row` has all but its times. */
EG_MUST eg_bench_time(eg_bench_work *work, eg_bench_row *row, eegpu_status (*ready)(void *), eegpu_status (*run)(void *),
                      void *context);

/* A failure becomes a note; an interruption stays one. */
EG_MUST eg_bench_excuse(eg_bench_work *work, eegpu_status status, const char *name, int size);

EG_MUST eg_bench_host_cases(eg_bench_work *work);  /* bench_host.c */
EG_MUST eg_bench_whole_scans(eg_bench_work *work); /* bench_scans.c */

/* Name of the row of bench_host.c that measures the CPU's limit of a kind; NULL: it is not measured there. */
const char *eg_bench_host_limit(eg_bench_limit limit);

#endif
