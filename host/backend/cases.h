/* The device operations as one table of cases, for the tests, for `eegpu verify` and for measuring. Comes in: a row of the table, a
 * size, a device; goes out: a run of the operation that can be timed, and how far its result is from that of the same run on the
 * CPU, with the bound on what may lie between them: 0 where both must have the same bits. Input follows from the row and the size
 * alone. Nothing is printed here. */
#ifndef EG_BACKEND_CASES_H
#define EG_BACKEND_CASES_H

#include "backend/backend.h"

enum { EG_CASE_SMALL_SIZES = 6, EG_CASE_LARGE_SIZES = 10 };

/* What one run reads and writes at least, and the additions and multiplications that it stands for. */
typedef struct eg_case_cost {
    double bytes, operations;
} eg_case_cost;

/* Which of the two is a rate that a machine limits: GB/s, GFLOP/s, or 10^9 operations of integers a second. */
typedef enum eg_case_rate { EG_RATE_BYTES, EG_RATE_FLOPS, EG_RATE_INTEGERS } eg_case_rate;

typedef struct eg_instance eg_instance;

/* A row of the table. A new case is one row; cases_*.c have the functions. */
typedef struct eg_case {
    const char *name;
    const char *unit;   /* what a size counts: "pixels", "rows" */
    const char *source; /* the function that is loaded; NULL: none is needed */
    bool is_complex;
    int variant; /* for the functions below, which say what it means */
    eg_case_rate rate;
    int small[EG_CASE_SMALL_SIZES]; /* rising; 0 ends; for tests */
    int large[EG_CASE_LARGE_SIZES]; /* likewise, for measuring */
    eegpu_status (*prepare)(eg_instance *instance);
    eegpu_status (*ready)(eg_instance *instance); /* make again what a run destroys; NULL: nothing is destroyed */
    eegpu_status (*run)(eg_instance *instance);
    eegpu_status (*collect)(eg_instance *instance); /* the result to the host */
    double (*bound)(const eg_instance *on_cpu);     /* NULL: 0 */
    eg_case_cost (*cost)(const struct eg_case *row, int size);
} eg_case;

/* Rows by number from 0 on, NULL past the last; and by name, NULL when there is none. */
const eg_case *eg_case_number(size_t number);
const eg_case *eg_case_named(const char *name);

/* Where cases run: a lane of a device. From here on the function that the device has loaded is the place's business; after
 * the place is closed another must be loaded before one is used. */
typedef struct eg_case_place {
    eg_device *device;
    eg_lane *lane;
    int threads;
    eegpu_state *idle;   /* loaded while a case needs no function */
    eegpu_state *loaded; /* a case's function, kept for the next that wants the same; NULL: none */
} eg_case_place;

EG_MUST eg_case_place_open(eg_device *device, int threads, eg_case_place *place);
void eg_case_place_close(eg_case_place *place); /* also what a failed open has left */

/* A row at a size: its input is made and is on the device. One instance of a place at a time. */
EG_MUST eg_case_open(const eg_case *row, int size, eg_case_place *place, eg_instance **instance);
void eg_case_close(eg_instance *instance); /* NULL is fine */

/* ready() before every run(), which does the operation, waits for its end, and does nothing else. */
EG_MUST eg_case_ready(eg_instance *instance);
EG_MUST eg_case_run(eg_instance *instance);

/* The largest difference of two results that have been run; infinity where they have not even the same shape. They agree when
 * *difference <= *bound. */
EG_MUST eg_case_compare(eg_instance *instance, eg_instance *on_cpu, double *difference, double *bound);

/* Open, run and compare on both places. */
EG_MUST eg_case_check(const eg_case *row, int size, eg_case_place *place, eg_case_place *cpu, double *difference, double *bound);

/* The names of the rows that measure a device's limits: copying, and multiplying matrices. */
#define EG_CASE_OF_COPYING "copy"
#define EG_CASE_OF_MULTIPLYING "gram real"

#endif
