/* Which LAPACK driver solves for eigenvalues fastest on this machine, as measured once by `eegpu bench --tune`. Comes in: a small
 * text file in the user's cache folder, read once if it is there; goes out: the driver and its BLAS threads for a size. Without a
 * file, or with EEGPU_TUNING=off, a built-in rule decides. Called by lapack.c, by the measurement and by `eegpu info`. */
#ifndef EG_BACKEND_TUNING_H
#define EG_BACKEND_TUNING_H

#include "base/status.h"

enum { EG_TUNING_ROWS = 64, EG_TUNING_PATH = 4096, EG_TUNING_SMALLEST = 128 };

typedef struct eg_driver {
    bool two_stage;   /* reduction by way of a band: dsyevd_2stage, zheevd_2stage; else dsytrd, zhetrd and tridiagonal.c */
    bool all_threads; /* the BLAS may use the threads of the lane; else one */
} eg_driver;

/* What was measured for a kind, a size and a number of threads: 1 stands for many problems side by side, a thread each. */
typedef struct eg_tuning_row {
    bool is_complex;
    int n, threads;
    eg_driver driver;
    double seconds, seconds_of_rule; /* of the fastest, and of the one that the built-in rule takes */
} eg_tuning_row;

/* The driver for a problem of size n where `threads` may work on it. */
eg_driver eg_tuning_driver(bool is_complex, int n, int threads);

/* The built-in rule: two stages from n = 2048 (complex: 1024) on where there is one thread. */
eg_driver eg_tuning_rule(bool is_complex, int n, int threads);

typedef struct eg_tuning {
    bool in_use;
    size_t count; /* rows */
    eg_tuning_row rows[EG_TUNING_ROWS];
    char path[EG_TUNING_PATH];
    char remark[256]; /* in use or not, and why */
} eg_tuning;

/* The table of this machine, read by the first call. Static storage. */
const eg_tuning *eg_tuning_read(void);

/* Where the table goes, into `path` (EG_TUNING_PATH bytes); the folder is made. */
EG_MUST eg_tuning_prepare(char *path);

/* Put a table in its place, for the next process. */
EG_MUST eg_tuning_write(const eg_tuning_row *rows, size_t count, const char *path);

#endif
