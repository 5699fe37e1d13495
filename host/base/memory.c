/* Memory within a budget. Comes in: how many bytes for what. Goes out: an aligned buffer, counted until it is released. A
 * header of one cache line in front of each buffer remembers its size. Called by every stage that holds big arrays. */
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 4 << 20 };

typedef struct header {
    _Alignas(LINE) uint64_t bytes; /* header included */
} header;

void eg_budget_init(eg_budget *budget, uint64_t limit)
{
    budget->limit = limit > 0 ? limit : eg_memory_available() / 5 * 4;
    atomic_init(&budget->used, 0);
    atomic_init(&budget->peak, 0);
}

uint64_t eg_budget_free(const eg_budget *budget)
{
    uint64_t used = atomic_load(&budget->used);
    if (budget->limit == 0)
        return UINT64_MAX;
    return used < budget->limit ? budget->limit - used : 0;
}

/* False when `bytes` more would pass the limit; *used is then what others hold. */
static bool budget_take(eg_budget *budget, uint64_t bytes, uint64_t *used)
{
    *used = atomic_load(&budget->used);
    do {
        if (budget->limit != 0 && (*used > budget->limit || bytes > budget->limit - *used))
            return false;
    } while (!atomic_compare_exchange_weak(&budget->used, used, *used + bytes));
    uint64_t now = *used + bytes, peak = atomic_load(&budget->peak);
    while (peak < now && !atomic_compare_exchange_weak(&budget->peak, &peak, now))
        ;
    return true;
}

static eegpu_status over_limit(const eg_budget *budget, uint64_t bytes, uint64_t used, const char *what)
{
    char need[24], held[24], limit[24];
    return eg_fail(EEGPU_OUT_OF_MEMORY,
                   "no room for %s: it needs %s (%" PRIu64 " bytes), and %s of the limit of %s are in use; allow more memory "
                   "(--memory), or try a smaller lattice, smaller regions (--max-size) or fewer threads",
                   what, eg_bytes_text(bytes, need), bytes, eg_bytes_text(used, held), eg_bytes_text(budget->limit, limit));
}

static eegpu_status system_refused(uint64_t bytes, const char *what)
{
    char need[24];
    return eg_fail(EEGPU_OUT_OF_MEMORY,
                   "no room for %s: it needs %s (%" PRIu64 " bytes), and the system has none left; close other programs, or try "
                   "a smaller lattice, smaller regions (--max-size) or fewer threads",
                   what, eg_bytes_text(bytes, need), bytes);
}

eegpu_status eg_allocate(eg_budget *budget, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer)
{
    uint64_t bytes, used;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - 2 * (uint64_t)HUGE_PAGE)
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "no room for %s: %" PRIu64 " items of %" PRIu64 " bytes are more than can be addressed; "
                       "try a smaller lattice or smaller regions (--max-size)",
                       what, count, size);
    uint64_t total = sizeof(header) + (bytes + LINE - 1) / LINE * LINE;
    if (budget != NULL && !budget_take(budget, total, &used))
        return over_limit(budget, total, used, what);
    void *block = NULL;
    if (posix_memalign(&block, total >= HUGE_FROM ? HUGE_PAGE : LINE, total) != 0) {
        if (budget != NULL)
            atomic_fetch_sub(&budget->used, total);
        return system_refused(total, what);
    }
    if (total >= HUGE_FROM)
        (void)madvise(block, total / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* a wish; nothing depends on it */
    ((header *)block)->bytes = total;
    void *pointer = (header *)block + 1;
    memcpy(pointer_to_pointer, &pointer, sizeof pointer);
    return EEGPU_OK;
}

eegpu_status eg_allocate_zero(eg_budget *budget, uint64_t count, uint64_t size, const char *what, void *pointer_to_pointer)
{
    eegpu_status status = eg_allocate(budget, count, size, what, pointer_to_pointer);
    if (status == EEGPU_OK) {
        void *pointer;
        memcpy(&pointer, pointer_to_pointer, sizeof pointer);
        memset(pointer, 0, count * size);
    }
    return status;
}

void eg_release(eg_budget *budget, void *pointer)
{
    if (pointer == NULL)
        return;
    header *block = (header *)pointer - 1;
    if (budget != NULL)
        atomic_fetch_sub(&budget->used, block->bytes);
    free(block);
}

eegpu_status eg_budget_take(eg_budget *budget, uint64_t bytes, const char *what)
{
    uint64_t used;
    return budget == NULL || budget_take(budget, bytes, &used) ? EEGPU_OK : over_limit(budget, bytes, used, what);
}

void eg_budget_give(eg_budget *budget, uint64_t bytes)
{
    if (budget != NULL)
        atomic_fetch_sub(&budget->used, bytes);
}

const char *eg_bytes_text(uint64_t bytes, char *text)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    if (unit == 0)
        snprintf(text, 24, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    else
        snprintf(text, 24, "%.1f %s", value, units[unit]);
    return text;
}
