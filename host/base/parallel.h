/* Loops over threads. Plain POSIX threads, so that the thread sanitizer sees every synchronisation. */
#ifndef EG_BASE_PARALLEL_H
#define EG_BASE_PARALLEL_H

#include "base/status.h"

/* Processors that this process may use (affinity and control group respected), at least 1. */
int eg_processor_count(void);

/* Work on the half-open range [first, last) of items. `worker` is 0 .. threads-1. */
typedef eegpu_status (*eg_range_function)(void *context, uint64_t first, uint64_t last, int worker);

/* Cut [0, count) into pieces of `grain` and hand them to `threads` threads, first come first served. The first failure
 * stops the rest and is returned with its message. With one thread, or one piece, it runs in the caller. */
EG_MUST eg_parallel_for(int threads, uint64_t count, uint64_t grain, eg_range_function function, void *context);

#endif
