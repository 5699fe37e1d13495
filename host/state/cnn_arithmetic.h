/* What processors and GPUs have in common of a network's arithmetic, so that both give the same bits: which taps of a kernel fall
 * on the lattice, in which order, and tanh. Made of operations that IEEE 754 rounds in one way only: to be compiled without
 * contraction to fused multiply-add. Used by cnn_kernels.c, which does the same in vectors, and by kernels/network.cu. */
#ifndef EG_STATE_CNN_ARITHMETIC_H
#define EG_STATE_CNN_ARITHMETIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef EG_HOST_DEVICE
#define EG_HOST_DEVICE static inline
#endif

/* The taps of a kernel that fall on the lattice when its centre is on one pixel. */
typedef struct eg_cnn_window {
    int first_pixel, rows, columns;
    int first_tap; /* of kernel * kernel */
} eg_cnn_window;

EG_HOST_DEVICE eg_cnn_window eg_cnn_window_of(int height, int width, int kernel, int pixel)
{
    int half = kernel / 2, row = pixel / width, column = pixel % width;
    int top = row > half ? row - half : 0, left = column > half ? column - half : 0;
    int bottom = row + half < height ? row + half : height - 1, right = column + half < width ? column + half : width - 1;
    eg_cnn_window window;
    window.first_pixel = top * width + left;
    window.rows = bottom - top + 1;
    window.columns = right - left + 1;
    window.first_tap = (top - row + half) * kernel + left - column + half;
    return window;
}

/* tanh x = E / (E + 2), E = exp(2|x|) - 1 = 2^n P + (2^n - 1), P = exp(r) - 1 by its series, 2|x| = n log 2 + r, |r| <= log(2)/2.
 * Not the C library's, whose last digits differ from one to the next. From EG_CNN_TANH_ONE on it is 1. */
enum { EG_CNN_TANH_TERMS = 12 };
#define EG_CNN_TANH_ONE 20.0
#define EG_CNN_TANH_SERIES                                                                                                  \
    {                                                                                                                       \
        1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0, 1 / 362880.0, 1 / 40320.0, 1 / 5040.0, 1 / 720.0, \
            1 / 120.0, 1 / 24.0, 1 / 6.0, 1 / 2.0                                                                           \
    }
#define EG_CNN_LOG2_HIGH 0x1.62e42fefa38p-1 /* n times it is exact */
#define EG_CNN_LOG2_LOW 0x1.ef35793c7673p-45
#define EG_CNN_INVERSE_LOG2 0x1.71547652b82fep+0
#define EG_CNN_ROUND_TO_WHOLE 0x1.8p52 /* added: n is in the low bits */

/* Accuracy about 1e-15; NaN stays NaN. */
EG_HOST_DEVICE double eg_cnn_tanh(double value)
{
    static const double series[EG_CNN_TANH_TERMS] = EG_CNN_TANH_SERIES;
    double x = fabs(value), power;
    uint64_t word;
    x = 2 * (x > EG_CNN_TANH_ONE ? EG_CNN_TANH_ONE : x);
    double whole = x * EG_CNN_INVERSE_LOG2 + EG_CNN_ROUND_TO_WHOLE;
    memcpy(&word, &whole, sizeof word);
    word = (word + 1023) << 52;
    memcpy(&power, &word, sizeof power);
    double n = whole - EG_CNN_ROUND_TO_WHOLE, r = (x - n * EG_CNN_LOG2_HIGH) - n * EG_CNN_LOG2_LOW, sum = series[0];
    for (int k = 1; k < EG_CNN_TANH_TERMS; k++)
        sum = sum * r + series[k];
    double minus_one = power * (r + r * r * sum) + (power - 1);
    return copysign(minus_one / (minus_one + 2), value);
}

#endif
