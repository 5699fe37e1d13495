/* Random numbers by counter: number `index` of stream `stream` under `seed` is a pure function of the three, so that any
 * thread or device makes any part of a sequence. Philox4x32-10 (Salmon et al., SC 2011) gives the bits. Logarithm, sine and
 * cosine are own series made of + - * / and sqrt, which IEEE 754 rounds in one way only: without contraction to fused
 * multiply-add the bits are the same on every machine. Accuracy about 1e-15. Used by functions_random.c. */
#ifndef EG_STATE_RANDOM_H
#define EG_STATE_RANDOM_H

#include <Random123/philox.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef EG_HOST_DEVICE
#define EG_HOST_DEVICE static inline
#endif

/* What a number is for; never renumber, or seeds give other states. */
typedef enum eg_random_stream {
    EG_RANDOM_AMPLITUDES,
    EG_RANDOM_LABELS,
    EG_RANDOM_CHOSEN,
    EG_RANDOM_ANGLES,
    EG_RANDOM_FIELDS,
    EG_RANDOM_WEIGHTS
} eg_random_stream;

/* 128 random bits. `part` tells apart several blocks for the same index. */
EG_HOST_DEVICE void eg_random_bits(uint64_t seed, eg_random_stream stream, uint64_t index, uint32_t part, uint64_t bits[2])
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, part}};
    counter = philox4x32(counter, key);
    bits[0] = counter.v[0] | (uint64_t)counter.v[1] << 32;
    bits[1] = counter.v[2] | (uint64_t)counter.v[3] << 32;
}

/* The upper 53 bits as a number in [0, 1). */
EG_HOST_DEVICE double eg_random_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

/* log x of a normal x > 0: x = m 2^e with m in [sqrt(1/2), sqrt 2), log m = 2 artanh z, z = (m-1)/(m+1), |z| < 0.172. */
EG_HOST_DEVICE double eg_series_log(double x)
{
    const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45; /* e * ln2_high is exact */
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    int exponent = (int)(word >> 52) - 1022;
    word = (word & 0x000fffffffffffff) | 0x3fe0000000000000;
    double mantissa;
    memcpy(&mantissa, &word, sizeof mantissa);
    if (mantissa < 0x1.6a09e667f3bcdp-1) {
        mantissa *= 2;
        exponent--;
    }
    static const double series[11] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                      1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double z = (mantissa - 1) / (mantissa + 1), square = z * z, sum = 0;
    for (int k = 0; k < 11; k++)
        sum = (sum + series[k]) * square;
    return exponent * ln2_high + (exponent * ln2_low + (2 * z + 2 * z * sum));
}

/* Sine and cosine of 2 pi turn, 0 <= turn < 1: the Taylor series within pi/4 of a multiple of pi/2. */
EG_HOST_DEVICE void eg_series_sine_cosine(double turn, double *sine, double *cosine)
{
    int quarter = (int)(4 * turn + 0.5);
    double x = (4 * turn - quarter) * 0x1.921fb54442d18p+0, square = x * x; /* pi/2 */
    /* 1/17! down to 1/3!, 1/16! down to 1/2! */
    static const double sine_series[8] = {1 / 355687428096000.0, -1 / 1307674368000.0, 1 / 6227020800.0, -1 / 39916800.0,
                                          1 / 362880.0,          -1 / 5040.0,          1 / 120.0,        -1 / 6.0};
    static const double cosine_series[8] = {1 / 20922789888000.0, -1 / 87178291200.0, 1 / 479001600.0, -1 / 3628800.0,
                                            1 / 40320.0,          -1 / 720.0,         1 / 24.0,        -1 / 2.0};
    double s = 0, c = 0;
    for (int k = 0; k < 8; k++) {
        s = (s + sine_series[k]) * square;
        c = (c + cosine_series[k]) * square;
    }
    s = x + x * s;
    c = 1 + c;
    *sine = quarter & 1 ? c : s;
    *cosine = quarter & 1 ? s : c;
    if (quarter & 2)
        *sine = -*sine;
    if ((quarter + 1) & 2)
        *cosine = -*cosine;
}

/* Two independent standard normal numbers, numbers 2 pair and 2 pair + 1 of the stream (Box and Muller, 1958). */
EG_HOST_DEVICE void eg_random_normal_pair(uint64_t seed, eg_random_stream stream, uint64_t pair, double normal[2])
{
    uint64_t bits[2];
    double sine, cosine;
    eg_random_bits(seed, stream, pair, 0, bits);
    double radius = sqrt(-2 * eg_series_log(eg_random_unit(bits[0]) + 0x1p-53)); /* the logarithm's argument is in (0, 1] */
    eg_series_sine_cosine(eg_random_unit(bits[1]), &sine, &cosine);
    normal[0] = radius * cosine;
    normal[1] = radius * sine;
}

#endif
