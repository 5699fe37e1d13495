/* The same cuts by independent routes and on several devices, and the device operations beside the CPU's. Comes in: a state, cuts
 * and open devices; goes out: what every route found, which routes a cut could not take and why, and where two of them differ by
 * more than their errors. Called by `eegpu verify` and by tests. */
#ifndef EG_SCAN_VERIFY_H
#define EG_SCAN_VERIFY_H

#include "backend/cases.h"
#include "scan/scan.h"

typedef struct eg_verify_route {
    const char *name, *meaning;  /* for people */
    const char *method, *reduce; /* as the options of `eegpu scan` */
    eegpu_method number;
    bool no_reduce;
} eg_verify_route;

enum { EG_VERIFY_ROUTES = 3 };
extern const eg_verify_route eg_verify_routes[EG_VERIFY_ROUTES];

/* One operation of the case table at one of its small sizes, beside the CPU with one thread. */
typedef struct eg_verify_operation {
    const eg_case *row;
    int size;
    size_t device;
    double difference, bound;
    bool agrees;
    char *reason; /* not NULL: it was not run to its end; when `agrees` for lack of memory, else it failed */
} eg_verify_operation;

/* One cut by one route. */
typedef struct eg_verify_entry {
    char *reason;        /* not NULL: there is no record, and why */
    bool failed;         /* it was taken, and a check of its own found a fault */
    bool no_memory;      /* it was not taken, and this is why */
    eegpu_record record; /* `device` and `spectrum` are NULL */
} eg_verify_entry;

/* What differs most, in parts of what it may differ by. */
typedef struct eg_verify_outcome {
    bool agrees;        /* it was compared, and does */
    bool failed;        /* one of the routes; then it does not agree */
    size_t taken;       /* routes that have a record */
    char quantity[16];  /* "s_vn", "renyi 2", "rank"; empty: nothing could be compared */
    size_t left, right; /* columns */
    double left_value, left_error, right_value, right_error;
} eg_verify_outcome;

typedef struct eg_verification {
    size_t device_count, cut_count, operation_count;
    size_t column_count; /* column number: device * EG_VERIFY_ROUTES + route */
    char (*devices)[32]; /* their names */
    eg_verify_operation *operations;
    eg_verify_entry *entries;    /* entry of a cut and column: cut * column_count + column */
    eg_verify_outcome *outcomes; /* of each cut */
    size_t disagreements;
    size_t agreeing, not_compared; /* cuts; the others differ or failed */
    char message[EG_MESSAGE_SIZE]; /* the first disagreement, or why no cut was compared, in a line; else empty */
} eg_verification;

/* All of it; a disagreement is no failure of the call, nor is a spectrum that fails its check: that is one. `options`: threads,
 * orders and progress count. Free in any case. Memory: about 600 bytes a cut and route. */
EG_MUST eg_verify(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                  eg_device *const *devices, size_t device_count, eg_verification *verification);
void eg_verification_free(eg_verification *verification);

double eg_verify_difference(const eg_verify_outcome *outcome);
double eg_verify_bound(const eg_verify_outcome *outcome);
double eg_verify_share(const eg_verify_outcome *outcome); /* the difference in parts of its bound; more than 1: they differ */

/* No cut could be compared, and nothing else was found wrong: that is no agreement. */
bool eg_verify_is_empty(const eg_verification *verification);

enum { EG_VERIFY_TEXT_SIZE = 64 };
const char *eg_verify_column_text(const eg_verification *verification, size_t column, char *text); /* "svd on cpu" */
const char *eg_verify_size_text(const eg_verify_operation *operation, char *text);                 /* "1 row", "4 pixels" */

#endif
