/* Memory within a budget. Large buffers are counted against the --memory limit, aligned to 64 bytes and, when big, asked to
 * be in huge pages. A budget belongs to a state and is shared by the scans of it; all calls are thread-safe. */
#ifndef EG_BASE_MEMORY_H
#define EG_BASE_MEMORY_H

#include <stdatomic.h>

#include "base/status.h"

typedef struct eg_budget {
    uint64_t limit; /* bytes; 0: unlimited */
    _Atomic uint64_t used, peak;
} eg_budget;

/* `limit` 0: 80 % of the memory that the system calls available (and of the control group's limit, if smaller). */
void eg_budget_init(eg_budget *budget, uint64_t limit);

/* Numbers to ask room for when a rows x columns matrix goes to LAPACK: OpenBLAS 0.3.21 reads up to a column past its end (its issue
 * 4013). What it reads there is not used, but it must be there. */
static inline uint64_t eg_matrix_room(uint64_t rows, uint64_t columns) { return rows * (columns + 4) + 64; }

/* Bytes that may still be taken. */
uint64_t eg_budget_free(const eg_budget *budget);

/* Room for count * size bytes, not cleared. `what` names it in the message ("the Gram matrix of a 12 | 12 pixel cut").
 * `budget` may be NULL. *pointer must be NULL before. Errors: EEGPU_OUT_OF_MEMORY with need, use, limit and advice. */
EG_MUST eg_allocate(eg_budget *budget, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer);

/* The same, cleared to zero bytes. */
EG_MUST eg_allocate_zero(eg_budget *budget, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer);

/* Give back what eg_allocate gave; NULL is fine. */
void eg_release(eg_budget *budget, void *pointer);

/* Count bytes that are had in another way (a mapping); errors as eg_allocate. Give them back when they are gone. */
EG_MUST eg_budget_take(eg_budget *budget, uint64_t bytes, const char *what);
void eg_budget_give(eg_budget *budget, uint64_t bytes);

/* Physical memory that could be used now, in bytes. */
uint64_t eg_memory_available(void);

/* "1.5 GiB" into `text` (24 bytes); returns `text`. */
const char *eg_bytes_text(uint64_t bytes, char *text);

#endif
