/* Built-in Boolean functions that ask how many pixels are lit or compare pixels in pairs: parity, majority, threshold, ghz,
 * w, dicke; palindrome, innerproduct, disjoint. In come the planes of 512 images, out go their labels or signs. Called
 * through the rows at the end. */
#include "base/bits.h"
#include "state/functions.h"

/* ---- The number k of lit pixels ---------------------------------------------------------------------------------- */

/* The entry k of the table `accepted` of 2^bits labels, k being the number whose binary digits are the planes `count`. */
static void select_label(const eg_wide *count, int bits, uint64_t accepted, eg_wide *result)
{
    if (accepted == 0 || accepted == eg_low_mask(1 << bits)) {
        *result = (eg_wide){0} - (accepted & 1);
        return;
    }
    int half = 1 << (bits - 1);
    uint64_t low = accepted & eg_low_mask(half), high = accepted >> half;
    if (low == high) {
        select_label(count, bits - 1, low, result);
        return;
    }
    eg_wide if_low, if_high, digit = count[bits - 1];
    select_label(count, bits - 1, low, &if_low);
    select_label(count, bits - 1, high, &if_high);
    *result = (digit & if_high) | (~digit & if_low);
}

static void slice_symmetric(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    enum { DIGITS = 6 }; /* k <= 40 < 2^6 */
    eg_wide count[DIGITS] = {{0}};
    for (int i = 0; i < call->pixels; i++) {
        eg_wide carry = plane[i];
        for (int digit = 0; digit < DIGITS && (i + 1) >> digit; digit++) {
            eg_wide both = count[digit] & carry;
            count[digit] ^= carry;
            carry = both;
        }
    }
    select_label(count, DIGITS, call->accepted, result);
}

enum { PARITY_SET, PARITY_SIGN };

static eegpu_status prepare_parity(eg_function_call *call, eg_function_form *form)
{
    bool sign = call->value[0].choice == PARITY_SIGN;
    *form = sign ? EG_FORM_SIGNS : EG_FORM_BITS;
    call->accepted = sign ? 0xAAAAAAAAAAAAAAAA : 0x5555555555555555;
    return EEGPU_OK;
}

static eegpu_status prepare_majority(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    call->accepted = ~eg_low_mask(call->pixels / 2 + 1);
    return EEGPU_OK;
}

/* Key k of threshold and dicke. */
static eegpu_status check_number_lit(const eg_function_call *call, const char *name)
{
    if (call->value[0].integer <= call->pixels)
        return EEGPU_OK;
    return eg_fail(EEGPU_USAGE, "key 'k' of %s is %lld, but the lattice of %d x %d has only %d pixels; k must be 0 .. %d", name,
                   (long long)call->value[0].integer, call->height, call->width, call->pixels, call->pixels);
}

static eegpu_status prepare_threshold(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    call->accepted = ~eg_low_mask((int)call->value[0].integer);
    return check_number_lit(call, "threshold");
}

static eegpu_status prepare_dicke(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    call->accepted = UINT64_C(1) << call->value[0].integer;
    return check_number_lit(call, "dicke");
}

static eegpu_status prepare_ghz(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    call->accepted = UINT64_C(1) | UINT64_C(1) << call->pixels;
    return EEGPU_OK;
}

static eegpu_status prepare_w(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    call->accepted = UINT64_C(1) << 1;
    return EEGPU_OK;
}

/* ---- Pairs of pixels --------------------------------------------------------------------------------------------- */

static void slice_palindrome(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    eg_wide differs = {0};
    for (int i = 0; i < call->pixels / 2; i++)
        differs |= plane[i] ^ plane[call->pixels - 1 - i];
    *result = ~differs;
}

enum { INNER_SIGN, INNER_SET };

static eegpu_status prepare_innerproduct(eg_function_call *call, eg_function_form *form)
{
    *form = call->value[0].choice == INNER_SIGN ? EG_FORM_SIGNS : EG_FORM_BITS;
    if (*form == EG_FORM_BITS && call->pixels < 2)
        return eg_fail(EEGPU_USAGE, "function innerproduct:kind=set is 0 everywhere on a single pixel; take at least 2 pixels");
    return EEGPU_OK;
}

static void slice_innerproduct(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    int half = call->pixels / 2;
    eg_wide odd = {0};
    for (int i = 0; i < half; i++)
        odd ^= plane[i] & plane[half + i];
    *result = odd;
}

static void slice_disjoint(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    int half = call->pixels / 2;
    eg_wide common = {0};
    for (int i = 0; i < half; i++)
        common |= plane[i] & plane[half + i];
    *result = ~common;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

const eg_function eg_function_parity = {
    .name = "parity",
    .help = "an even number of lit pixels (set), or (-1)^(number of lit pixels) (sign)",
    .parameters = {{"kind", EG_CHOICE, "set", "set|sign", 0, 0, "0/1 function or +-1 function"}},
    .prepare = prepare_parity,
    .slice = slice_symmetric,
};

const eg_function eg_function_majority = {
    .name = "majority",
    .help = "more than half of the pixels are lit",
    .prepare = prepare_majority,
    .slice = slice_symmetric,
};

const eg_function eg_function_threshold = {
    .name = "threshold",
    .help = "at least k pixels are lit",
    .example = "threshold:k=5",
    .parameters = {{"k", EG_INTEGER, NULL, NULL, 0, EG_MAX_DENSE_PIXELS, "least number of lit pixels"}},
    .prepare = prepare_threshold,
    .slice = slice_symmetric,
};

const eg_function eg_function_ghz = {
    .name = "ghz",
    .help = "all pixels lit or all dark",
    .prepare = prepare_ghz,
    .slice = slice_symmetric,
};

const eg_function eg_function_w = {
    .name = "w",
    .help = "exactly one pixel is lit",
    .prepare = prepare_w,
    .slice = slice_symmetric,
};

const eg_function eg_function_dicke = {
    .name = "dicke",
    .help = "exactly k pixels are lit",
    .example = "dicke:k=3",
    .parameters = {{"k", EG_INTEGER, NULL, NULL, 0, EG_MAX_DENSE_PIXELS, "number of lit pixels"}},
    .prepare = prepare_dicke,
    .slice = slice_symmetric,
};

const eg_function eg_function_palindrome = {
    .name = "palindrome",
    .help = "pixel i equals pixel N-1-i",
    .slice = slice_palindrome,
};

const eg_function eg_function_innerproduct = {
    .name = "innerproduct",
    .help = "inner product x.y of the first N/2 pixels with the next N/2: (-1)^(x.y) (sign), or x.y is odd (set)",
    .parameters = {{"kind", EG_CHOICE, "sign", "sign|set", 0, 0, "+-1 function or 0/1 function"}},
    .prepare = prepare_innerproduct,
    .slice = slice_innerproduct,
};

const eg_function eg_function_disjoint = {
    .name = "disjoint",
    .help = "no pixel of the first N/2 is lit together with its partner in the next N/2",
    .slice = slice_disjoint,
};
