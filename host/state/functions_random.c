/* Built-in functions that draw random numbers: product and logistic (one draw a pixel, product states), random (one draw an
 * amplitude) and randomset (labels). In comes a seed and a range of images, out go their amplitudes or labels: the same on
 * any number of threads. Called through the rows at the end; random.h makes the numbers. */
#include <string.h>

#include "base/bits.h"
#include "state/functions.h"
#include "state/random.h"

/* ---- product, logistic ------------------------------------------------------------------------------------------- */

/* f(s) = prod_i factor[i][s_i] */
typedef struct pixel_factors {
    double factor[EG_MAX_DENSE_PIXELS][2];
} pixel_factors;

static eegpu_status prepare_product(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(call->budget, 1, sizeof(pixel_factors), "the factors of the pixels", &call->prepared));
    pixel_factors *factors = call->prepared;
    for (int i = 0; i < call->pixels; i++) {
        uint64_t bits[2];
        eg_random_bits(call->value[0].natural, EG_RANDOM_ANGLES, (uint64_t)i, 0, bits);
        eg_series_sine_cosine(eg_random_unit(bits[0]), &factors->factor[i][1], &factors->factor[i][0]);
    }
    *form = EG_FORM_REAL;
done:
    return status;
}

static eegpu_status prepare_logistic(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(call->budget, 1, sizeof(pixel_factors), "the factors of the pixels", &call->prepared));
    pixel_factors *factors = call->prepared;
    for (int i = 0; i < call->pixels; i++) {
        double normal[2];
        eg_random_normal_pair(call->value[0].natural, EG_RANDOM_FIELDS, (uint64_t)i / 2, normal);
        factors->factor[i][0] = 1;
        factors->factor[i][1] = exp(normal[i % 2]);
    }
    *form = EG_FORM_REAL;
done:
    return status;
}

/* Multiplied in the order of the pixels: the upper pixels once for 512 images, then every pixel doubles what is there. */
static eegpu_status fill_product(const eg_function_call *call, uint64_t first, uint64_t count, double *amplitudes)
{
    const pixel_factors *factors = call->prepared;
    int low = call->pixels < 9 ? call->pixels : 9;
    for (uint64_t group = 0; group < count; group += EG_WIDE_IMAGES) {
        double *f = amplitudes + group;
        f[0] = 1;
        for (int i = 0; i < call->pixels - low; i++)
            f[0] *= factors->factor[i][(first + group) >> (call->pixels - 1 - i) & 1];
        for (int i = call->pixels - low, filled = 1; i < call->pixels; i++, filled *= 2)
            for (int image = filled - 1; image >= 0; image--) {
                f[2 * image + 1] = f[image] * factors->factor[i][1];
                f[2 * image] = f[image] * factors->factor[i][0];
            }
    }
    return EEGPU_OK;
}

/* ---- random ------------------------------------------------------------------------------------------------------ */

enum { RANDOM_KIND, RANDOM_SEED };

static eegpu_status prepare_random(eg_function_call *call, eg_function_form *form)
{
    *form = call->value[RANDOM_KIND].choice == 1 ? EG_FORM_COMPLEX : EG_FORM_REAL;
    return EEGPU_OK;
}

/* Number d of the doubles is number d of the stream, whether they are amplitudes or parts of amplitudes. */
static eegpu_status fill_random(const eg_function_call *call, uint64_t first, uint64_t count, double *amplitudes)
{
    uint64_t parts = call->value[RANDOM_KIND].choice == 1 ? 2 : 1;
    for (uint64_t d = 0; d < parts * count; d += 2)
        eg_random_normal_pair(call->value[RANDOM_SEED].natural, EG_RANDOM_AMPLITUDES, (parts * first + d) / 2, amplitudes + d);
    return EEGPU_OK;
}

static uint64_t seed_of_random(const eg_function_call *call) { return call->value[RANDOM_SEED].natural; }

/* ---- randomset --------------------------------------------------------------------------------------------------- */

enum { SET_DENSITY, SET_COUNT, SET_SEED };

/* Labels are drawn with probability chance / 2^64, or 1 if `always`. For a given number K of ones the draw aims a little
 * low, and complete_randomset() lights the missing images: what is drawn and what is lit treats all images alike, so every
 * set of K images is equally likely. `inverted`: more than half are lit, so it is the dark ones that are drawn. */
typedef struct label_draw {
    uint64_t chance;
    bool always, inverted;
} label_draw;

static eegpu_status prepare_randomset(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status = EEGPU_OK;
    uint64_t wanted = (uint64_t)call->value[SET_COUNT].integer;
    double density = call->value[SET_DENSITY].real;
    (void)form;
    if (call->given[SET_COUNT] && call->given[SET_DENSITY])
        return eg_fail(EEGPU_USAGE, "function randomset: give either 'density' or 'count', not both");
    if (call->given[SET_COUNT] && wanted > call->size)
        return eg_fail(EEGPU_USAGE, "key 'count' of randomset is %llu, but %d x %d pixels have only %llu images",
                       (unsigned long long)wanted, call->height, call->width, (unsigned long long)call->size);
    EG_TRY(eg_allocate_zero(call->budget, 1, sizeof(label_draw), "the label probability", &call->prepared));
    label_draw *draw = call->prepared;
    if (call->given[SET_COUNT]) {
        draw->inverted = wanted > call->size / 2;
        double scarce = (double)(draw->inverted ? call->size - wanted : wanted), aim = scarce - 4 * sqrt(scarce);
        density = aim > 0 ? aim / (double)call->size : 0;
    }
    draw->always = density >= 1;
    draw->chance = draw->always ? 0 : (uint64_t)(density * 0x1p64);
done:
    return status;
}

/* 64 labels at once: every image compares its own random binary fraction with the chance, digit by digit until none is
 * undecided. */
static uint64_t draw_labels(uint64_t seed, uint64_t word, uint64_t chance)
{
    uint64_t labels = 0, undecided = ~UINT64_C(0), digits[2];
    int last = chance == 0 ? -1 : 63 - eg_lowest_bit(chance);
    for (int digit = 0; digit <= last && undecided != 0; digit++) {
        if (digit % 2 == 0)
            eg_random_bits(seed, EG_RANDOM_LABELS, word, (uint32_t)digit / 2, digits);
        uint64_t random = digits[digit % 2];
        bool one = chance >> (63 - digit) & 1;
        if (one)
            labels |= undecided & ~random;
        undecided &= one ? random : ~random;
    }
    return labels;
}

static eegpu_status fill_randomset(const eg_function_call *call, uint64_t first_word, uint64_t count, uint64_t *words)
{
    const label_draw *draw = call->prepared;
    for (uint64_t w = 0; w < count; w++)
        words[w] = draw->always ? ~UINT64_C(0) : draw_labels(call->value[SET_SEED].natural, first_word + w, draw->chance);
    return EEGPU_OK;
}

/* Light (or, should too many be lit, darken) images at random until exactly K are lit. */
static eegpu_status complete_randomset(const eg_function_call *call, uint64_t *bits)
{
    const label_draw *draw = call->prepared;
    uint64_t words = eg_ceil_div(call->size, 64), wanted = (uint64_t)call->value[SET_COUNT].integer, lit = 0;
    if (!call->given[SET_COUNT])
        return EEGPU_OK;
    if (call->size < 64)
        bits[0] &= eg_low_mask((int)call->size);
    if (draw->inverted)
        wanted = call->size - wanted;
    for (uint64_t w = 0; w < words; w++)
        lit += (uint64_t)eg_popcount(bits[w]);
    for (uint64_t trial = 0; lit != wanted; trial++) {
        uint64_t random[2];
        eg_random_bits(call->value[SET_SEED].natural, EG_RANDOM_CHOSEN, trial, 0, random);
        uint64_t image = random[0] & (call->size - 1);
        if (eg_bit(bits, image) != (lit > wanted))
            continue;
        bits[image / 64] ^= UINT64_C(1) << (image % 64);
        lit += lit > wanted ? UINT64_C(-1) : 1;
    }
    for (uint64_t w = 0; w < words && draw->inverted; w++)
        bits[w] = ~bits[w];
    return EEGPU_OK;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define SEED                                                                                           \
    {                                                                                                  \
        "seed", EG_UNSIGNED, "0", NULL, 0, 0, "the same seed gives the same function on every machine" \
    }

const eg_function eg_function_product = {
    .name = "product",
    .help = "product over pixels of cos t_i (dark) or sin t_i (lit), random angles: no entanglement",
    .parameters = {SEED},
    .prepare = prepare_product,
    .fill = fill_product,
};

const eg_function eg_function_logistic = {
    .name = "logistic",
    .help = "exp(sum a_i x_i), the exponential of a linear classifier, a_i standard normal: no entanglement",
    .parameters = {SEED},
    .prepare = prepare_logistic,
    .fill = fill_product,
};

const eg_function eg_function_random = {
    .name = "random",
    .help = "independent standard normal amplitudes",
    .parameters = {{"kind", EG_CHOICE, "real", "real|complex", 0, 0, "numbers of the amplitudes"}, SEED},
    .prepare = prepare_random,
    .fill = fill_random,
    .seed_of_stream = seed_of_random,
};

const eg_function eg_function_randomset = {
    .name = "randomset",
    .help = "1 on a random set of images",
    .parameters = {{"density", EG_REAL, "0.5", NULL, 0, 1, "probability that an image is in the set"},
                   {"count", EG_INTEGER, "", NULL, 1, 0x1p40, "exact number of images in the set, instead of density"},
                   SEED},
    .prepare = prepare_randomset,
    .fill_bits = fill_randomset,
    .complete = complete_randomset,
};
