/* Built-in 0/1 functions of the image's index as a whole number: primes and multiple. In comes a range of words of 64 images,
 * out go their labels. Called through the rows at the end. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "state/functions.h"

static inline void set_bit(uint64_t *words, uint64_t i) { words[i / 64] |= UINT64_C(1) << (i % 64); }
static inline void clear_bit(uint64_t *words, uint64_t i) { words[i / 64] &= ~(UINT64_C(1) << (i % 64)); }

/* ---- primes ------------------------------------------------------------------------------------------------------ */

/* The odd primes up to the square root of the largest index. */
typedef struct prime_list {
    uint64_t count;
    uint32_t prime[];
} prime_list;

static eegpu_status prepare_primes(eg_function_call *call, eg_function_form *form)
{
    enum { LARGEST_ROOT = 1 << (EG_MAX_DENSE_PIXELS / 2) };
    eegpu_status status = EEGPU_OK;
    uint64_t *composite = NULL, root = UINT64_C(1) << (call->pixels + 1) / 2;
    (void)form;
    if (call->pixels < 2)
        return eg_fail(EEGPU_USAGE, "function primes: the indices 0 and 1 of a single pixel are not prime; take at least 2 pixels");
    EG_TRY(eg_allocate_zero(call->budget, LARGEST_ROOT / 64 + 1, sizeof *composite, "a sieve", &composite));
    EG_TRY(eg_allocate_zero(call->budget, 1, sizeof(prime_list) + root / 2 * sizeof(uint32_t) + 4, "the small primes",
                            &call->prepared));
    prime_list *list = call->prepared;
    for (uint64_t p = 3; p <= root; p += 2) {
        if (eg_bit(composite, p))
            continue;
        list->prime[list->count++] = (uint32_t)p;
        for (uint64_t multiple = p * p; multiple <= root; multiple += 2 * p)
            set_bit(composite, multiple);
    }
done:
    eg_release(call->budget, composite);
    return status;
}

/* The sieve of Eratosthenes, in segments that fit a cache. */
static void sieve_segment(const prime_list *list, uint64_t first, uint64_t count, uint64_t *words)
{
    memset(words, 0xAA, count / 8); /* odd numbers */
    for (uint64_t k = 0; k < list->count; k++) {
        uint64_t p = list->prime[k], odd_multiple = p * p;
        if (odd_multiple >= first + count)
            break;
        if (odd_multiple < first)
            odd_multiple = p * (eg_ceil_div(first, p) | 1);
        for (uint64_t place = odd_multiple - first; place < count; place += 2 * p)
            clear_bit(words, place);
    }
    if (first == 0)
        words[0] = (words[0] & ~UINT64_C(2)) | UINT64_C(4); /* 1 is not prime, 2 is */
}

static eegpu_status fill_primes(const eg_function_call *call, uint64_t first_word, uint64_t count, uint64_t *words)
{
    enum { SEGMENT = 1 << 13 }; /* words: 64 KiB */
    for (uint64_t done = 0; done < count; done += SEGMENT)
        sieve_segment(call->prepared, 64 * (first_word + done), 64 * (count - done < SEGMENT ? count - done : SEGMENT),
                      words + done);
    return EEGPU_OK;
}

/* ---- multiple ---------------------------------------------------------------------------------------------------- */

static eegpu_status fill_multiple(const eg_function_call *call, uint64_t first_word, uint64_t count, uint64_t *words)
{
    uint64_t q = (uint64_t)call->value[0].integer, first = 64 * first_word;
    memset(words, 0, count * sizeof *words);
    for (uint64_t place = eg_ceil_div(first, q) * q - first; place < 64 * count; place += q)
        set_bit(words, place);
    return EEGPU_OK;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

const eg_function eg_function_primes = {
    .name = "primes",
    .help = "the index of the image is a prime number",
    .prepare = prepare_primes,
    .fill_bits = fill_primes,
};

const eg_function eg_function_multiple = {
    .name = "multiple",
    .help = "the index of the image is divisible by q",
    .example = "multiple:q=7",
    .parameters = {{"q", EG_INTEGER, NULL, NULL, 1, 0x1p40, "divisor"}},
    .fill_bits = fill_multiple,
};
