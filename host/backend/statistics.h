/* Where the time of a scan goes. Comes in: a device, whose table of operations is replaced by one that keeps count and calls the
 * original; stages of the host are marked by those who do them. Goes out: seconds, bytes and flops of every stage. On a GPU every
 * operation then waits for its end, so that its time is its own. Used by `scan --stats`; costs nothing where it is not asked
 * for. */
#ifndef EG_BACKEND_STATISTICS_H
#define EG_BACKEND_STATISTICS_H

#include "backend/backend.h"

#define EG_STAGE_LIST(X)                             \
    X(SYMMETRIES, "symmetries of the function")      \
    X(PLAN, "plan")                                  \
    X(LOAD, "function to the device")                \
    X(LANES, "lines of work")                        \
    X(BUFFERS, "buffers and transfers")              \
    X(GATHER, "permutation")                         \
    X(COLUMNS, "distinct columns")                   \
    X(GRAM, "Gram matrices")                         \
    X(GRAM_BITS, "integer Gram matrices")            \
    X(WEIGH, "multiplicities and exact sums")        \
    X(TRACE, "partial traces")                       \
    X(MERGE, "merging of equal rows")                \
    X(INVARIANTS, "trace and norm")                  \
    X(EIGENVALUES, "eigenvalues")                    \
    X(SINGULAR, "singular values")                   \
    X(REDUCE, "search for equal rows, blocks, rank") \
    X(RECORD, "entropies and records")               \
    X(WAIT, "threads that wait for others")

typedef enum eg_stage {
#define EG_STAGE_ENUM(name, words) EG_STAGE_##name,
    EG_STAGE_LIST(EG_STAGE_ENUM)
#undef EG_STAGE_ENUM
        EG_STAGES
} eg_stage;

typedef struct eg_stage_count {
    double seconds; /* of all threads in all; what a stage does by way of another counts there alone */
    double bytes, flops;
    uint64_t calls;
} eg_stage_count;

typedef struct eg_statistics {
    eg_stage_count stage[EG_STAGES];
    double wall;    /* seconds of the scan */
    double threads; /* seconds that threads had: the wall clock, and more where several lanes were at work */
} eg_statistics;

/* In words. Static storage. */
const char *eg_stage_name(eg_stage stage);

/* From now on the device keeps count; `statistics` is cleared and must outlive the device's use. One device at a time. */
void eg_statistics_watch(eg_device *device, eg_statistics *statistics);

/* A stage of the host, around what it does; nothing happens when nobody watches the device. */
typedef struct eg_stage_mark {
    double start, within; /* seconds of inner stages before */
} eg_stage_mark;
eg_stage_mark eg_stage_begin(const eg_device *device);
void eg_stage_end(const eg_device *device, eg_stage stage, eg_stage_mark mark);

/* A time in which several lanes were at work, which took `busy` seconds of them in all. */
void eg_statistics_add_lanes(const eg_device *device, int lanes, double wall, double busy);

#endif
