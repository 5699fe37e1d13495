/* The plan: which cuts are computed, from what, in which order, how many bytes that takes and what it costs. Made from shapes,
 * options, budget, threads and what the device is like (eg_capacity), before any amplitude is touched: only the function's
 * symmetries are known. Called by scan/; does not open devices, and holds no amplitude.
 *
 * A region's reduced density matrix is the partial trace of that of any region around it, and the distinct columns of a 0/1
 * function likewise follow from those of a larger region. So the smaller sides of all cuts form a forest: only its roots are made
 * from the function itself, everything else from its parent. */
#ifndef EG_PLAN_PLAN_H
#define EG_PLAN_PLAN_H

#include "base/status.h"
#include "cut/cut.h"

/* A density matrix with parallel rows is merged when that makes it half as long, or when it has no more rows than this. */
enum { EG_MERGE_ALWAYS = 1024 };

/* The search for parallel rows holds a panel of at most this many bytes, or one column. */
enum { EG_SEARCH_PANEL_BYTES = 1 << 20 };

/* Columns that take more than this part of the function's own bits are given up before descendants' are made. */
enum { EG_KEPT_PART = 4 };

typedef enum eg_route { EG_ROUTE_GRAM, EG_ROUTE_SVD } eg_route;

/* "gram" or "svd". */
const char *eg_route_name(eg_route route);

/* How the matrix of a cut is represented. */
typedef enum eg_representation {
    EG_AS_DENSITY, /* rho of the smaller side, or for SVD the matrix itself */
    EG_AS_COLUMNS, /* distinct columns of a 0/1 function */
    EG_AS_SPARSE   /* an image set: rows and columns numbered from the images */
} eg_representation;

/* What the planner needs to know of a function. */
typedef struct eg_shape {
    int pixels;
    bool is_complex, is_sparse, is_bits;
    bool is_held;    /* by the device; else a panel's numbers are copied there before they are put in order */
    uint64_t images; /* distinct images of a sparse function */
} eg_shape;

/* Memory that matrices may take, and what of it is in use before. Density matrices live on the device, distinct columns and image
 * sets on the host; on the CPU both are the same. */
typedef struct eg_room {
    const char *device; /* its name; NULL: the host, within --memory */
    uint64_t limit, used;
} eg_room;

/* What the planner needs to know of a device. */
typedef struct eg_capacity {
    uint64_t panel_amplitudes; /* in a gathered panel */
    double wide_from_flops;    /* smallest cost of a matrix that fills the device alone */
    double svd_copies;         /* of a matrix beside itself while its singular values are found */
    double solver_squares;     /* room for matrices of the same size that its eigenvalue solver wants */
    bool collects;             /* small matrices are made one after another and solved together, many at once */
} eg_capacity;

typedef struct eg_task {
    size_t cut;
    eg_route route;
    eg_representation representation;
    uint64_t region;       /* dense functions: the pixels of the smaller side (of two equal ones, A) */
    int64_t parent;        /* number of the task whose region contains this one and from which it is made; -1: from the function */
    size_t subtree;        /* this task and all that descend from it; they follow it in the list */
    uint64_t small, large; /* sides of M; for sparse functions upper bounds */
    uint64_t panel;        /* columns of M gathered at a time */
    uint64_t kept;         /* bytes alive while descendants are made */
    uint64_t bytes;        /* peak of this task and its descendants */
    double flops;          /* foreseen, of this task alone */
    bool wide; /* solved alone, with all threads; else side by side with others, or on a device that collects with them */
} eg_task;

/* A tree is a root and its descendants: tasks first .. first + tasks[first].subtree - 1. */
typedef struct eg_tree {
    size_t first;
    double flops;
} eg_tree;

typedef struct eg_plan {
    eg_task *tasks; /* tree by tree, wide trees first, then by falling cost; within a tree parents before children */
    size_t count;
    eg_tree *trees;
    size_t tree_count;
    size_t
        wide_count; /* the first trees are walked with the whole device, matrix by matrix; of the others a lane does a whole tree */
    int threads;
    uint64_t peak_bytes;   /* state and all that may run together */
    double flops, seconds; /* seconds: a rough guess from the flops */
} eg_plan;

/* `same_as` (one number a cut; may be NULL): cuts with a number >= 0 are not planned, they have the spectrum of that cut. */
EG_MUST eg_plan_make(const eg_shape *shape, const eg_capacity *capacity, const struct eegpu_cuts *cuts, const int64_t *same_as,
                     const eegpu_scan_options *options, const eg_room *host, const eg_room *device, int threads, eg_plan *plan);
void eg_plan_free(eg_plan *plan);

/* Parents for tasks that have a region, in a list ordered by falling size of the region (forest.c). */
EG_MUST eg_forest_find_parents(eg_task *tasks, size_t count);

/* Put the tasks into trees (forest.c): fills trees, subtree numbers and the order described above; parents are renumbered. */
EG_MUST eg_forest_order(eg_plan *plan);

#endif
