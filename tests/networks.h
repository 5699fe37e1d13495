/* A convolutional network evaluated from its definition, one image and one output pixel at a time, from the parameters in
 * PyTorch's order. It knows nothing of how the library lays them out. */
#ifndef EG_TESTS_NETWORKS_H
#define EG_TESTS_NETWORKS_H

#include <math.h>
#include <string.h>

#include "state/cnn.h"

enum { PLAIN_ROOM = 16 * 64 };

static inline double plain_activation(const eg_cnn_shape *shape, double x)
{
    return shape->activation == EG_CNN_TANH ? tanh(x) : x > 0 ? x : 0;
}

/* in: channels x height x width, out: shape->channels x height x width; returns the parameters that come after. */
static inline const double *plain_layer(const eg_cnn_shape *shape, int inputs, int height, int width, const double *in, double *out,
                                        const double *parameters)
{
    int kernel = shape->kernel, half = kernel / 2;
    const double *bias = parameters + shape->channels * inputs * kernel * kernel;
    for (int o = 0; o < shape->channels; o++)
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++) {
                double sum = bias[o];
                for (int c = 0; c < inputs; c++)
                    for (int y = 0; y < kernel; y++)
                        for (int x = 0; x < kernel; x++) {
                            int row = i + y - half, column = j + x - half;
                            if (row >= 0 && row < height && column >= 0 && column < width)
                                sum += parameters[((o * inputs + c) * kernel + y) * kernel + x] *
                                       in[(c * height + row) * width + column];
                        }
                out[(o * height + i) * width + j] = plain_activation(shape, sum);
            }
    return bias + shape->channels;
}

static inline void plain_pool(int channels, int height, int width, const double *in, double *out)
{
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < height / 2; i++)
            for (int j = 0; j < width / 2; j++) {
                const double *at = in + (c * height + 2 * i) * width + 2 * j;
                out[(c * (height / 2) + i) * (width / 2) + j] = fmax(fmax(at[0], at[1]), fmax(at[width], at[width + 1]));
            }
}

static inline double plain_network(const eg_cnn_shape *shape, const double *parameters, uint64_t image)
{
    double now[PLAIN_ROOM], next[PLAIN_ROOM], sum;
    int height = shape->height, width = shape->width, pixels = height * width, inputs = 1;
    for (int i = 0; i < pixels; i++)
        now[i] = (double)(image >> (pixels - 1 - i) & 1);
    for (int l = 0; l < shape->layers; l++, inputs = shape->channels) {
        parameters = plain_layer(shape, inputs, height, width, now, next, parameters);
        if (l < shape->layers - shape->pools) {
            memcpy(now, next, sizeof now);
            continue;
        }
        plain_pool(shape->channels, height, width, next, now);
        height /= 2;
        width /= 2;
    }
    int features = shape->channels * height * width;
    sum = parameters[features];
    for (int k = 0; k < features; k++)
        sum += parameters[k] * now[k];
    return sum;
}

static inline uint64_t plain_parameters(const eg_cnn_shape *shape)
{
    int taps = shape->kernel * shape->kernel, height = shape->height >> shape->pools, width = shape->width >> shape->pools;
    return (uint64_t)(shape->channels * (taps + 1) + (shape->layers - 1) * shape->channels * (shape->channels * taps + 1) +
                      shape->channels * height * width + 1);
}

#endif
