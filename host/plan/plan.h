/* The plan: for every cut what is to be done, how many bytes it takes at its peak and what it costs. Made from shapes, options and
 * budget alone, before any amplitude is touched. Called by scan/. */
#ifndef EG_PLAN_PLAN_H
#define EG_PLAN_PLAN_H

#include "base/status.h"
#include "cut/cut.h"

typedef enum eg_route { EG_ROUTE_GRAM, EG_ROUTE_SVD } eg_route;

/* What the planner needs to know of a function. */
typedef struct eg_shape {
    int pixels;
    bool is_complex;
    bool is_sparse;    /* image set */
    uint64_t images;   /* distinct images of a sparse function */
    uint64_t resident; /* bytes the state holds */
} eg_shape;

typedef struct eg_task {
    size_t cut;
    eg_route route;
    uint64_t small, large; /* sides of M; for sparse functions upper bounds */
    uint64_t panel;        /* columns of M (of the large side) gathered at a time */
    uint64_t bytes;        /* peak of this task's own buffers, one thread */
    double flops;          /* foreseen */
    bool wide;             /* run alone with threaded BLAS; else side by side with others, one thread each */
} eg_task;

typedef struct eg_plan {
    eg_task *tasks; /* in the order of execution: wide ones first, then by falling cost; ties by cut number */
    size_t count, wide_count;
    int threads;
    uint64_t peak_bytes;   /* state and all tasks that may run together */
    double flops, seconds; /* seconds: a rough guess from the flops */
} eg_plan;

EG_MUST eg_plan_make(const eg_shape *shape, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, uint64_t budget,
                     int threads, eg_plan *plan);
void eg_plan_free(eg_plan *plan);

#endif
