/* A convolutional network on 0/1 images (paper, section V). Comes in as a shape and numbers, drawn from a seed or read from a
 * file; goes out as its values on ranges of images, the same bits for any thread, batch and instruction set. Called by
 * functions_cnn.c and by the sweep of `eegpu cnn`.
 *
 * Pixels enter as one channel of 0 (dark) and 1 (lit). `layers` convolutions kernel x kernel to `channels` channels, stride 1,
 * zero padding that keeps the size, bias; the activation after each. After each of the last `pools` of them (and its
 * activation) a 2x2 max-pooling, stride 2, which drops an odd last row or column. Then one fully connected layer with bias to
 * one real number: the amplitude f(s).
 *
 * Names and layouts are PyTorch's for features = Sequential(Conv2d, activation, [MaxPool2d,] Conv2d, ...), classifier =
 * Linear: features.N.weight (out, in, kernel, kernel) and features.N.bias (out,), N the place in the sequence: 0, 2, 4, ...,
 * one more after each pooling; classifier.weight (1, channels * h * w), channel by channel, row by row; classifier.bias (1,). */
#ifndef EG_STATE_CNN_H
#define EG_STATE_CNN_H

#include "base/memory.h"

enum { EG_CNN_MAX_CHANNELS = 256, EG_CNN_MAX_LAYERS = 16, EG_CNN_MAX_KERNEL = 15 };

typedef enum eg_cnn_activation { EG_CNN_RELU, EG_CNN_TANH } eg_cnn_activation;
typedef enum eg_cnn_init { EG_CNN_HE, EG_CNN_XAVIER } eg_cnn_init;

/* As the keys of the function cnn have them. */
const char *eg_cnn_activation_name(eg_cnn_activation activation);
const char *eg_cnn_init_name(eg_cnn_init init);

typedef struct eg_cnn_shape {
    int height, width, channels, layers, pools, kernel;
    eg_cnn_activation activation;
} eg_cnn_shape;

typedef struct eg_cnn_layer {
    int number;                /* N of features.N */
    int inputs, height, width; /* channels that come in; size of what comes in and of what goes out before pooling */
    bool pooled;               /* a pooling follows */
    double *weight, *bias;     /* as in PyTorch: (channels, inputs, kernel, kernel), (channels,) */
    double *packed_weight;     /* (groups, inputs, kernel, kernel, EG_CNN_GROUP): output channels in groups */
    double *packed_bias;       /* (groups, EG_CNN_GROUP) */
} eg_cnn_layer;

typedef struct eg_cnn {
    eg_cnn_shape shape;
    eg_cnn_layer layer[EG_CNN_MAX_LAYERS];
    int height, width; /* of what the classifier sees */
    double *classifier_weight, *classifier_bias;
    uint64_t parameters; /* how many numbers */
    uint64_t total;      /* and the packed ones */
    uint64_t room;       /* doubles of the largest layer of a batch */
    double numbers[];    /* the parameters, layer by layer, then the packed ones, from a multiple of EG_CNN_GROUP on */
} eg_cnn;

/* A network with all numbers 0, to be released by eg_release(). EEGPU_USAGE: the lattice is too small for the poolings. */
EG_MUST eg_cnn_create(const eg_cnn_shape *shape, eg_budget *budget, eg_cnn **network);

/* Number of parameters of a shape. */
uint64_t eg_cnn_parameters(const eg_cnn_shape *shape);

/* Products of a weight and a number for an image, each with an addition. */
double eg_cnn_products(const eg_cnn_shape *shape);

/* What an image costs in such pairs: groups of channels count as full, and activations as what they take. */
double eg_cnn_operations(const eg_cnn_shape *shape);

/* How many images take about 0.1 s on one thread, so that a wish to stop is soon seen: a multiple of EG_CNN_BATCH, and one of
 * 512 or a divisor of it. */
uint64_t eg_cnn_images_at_a_time(const eg_cnn_shape *shape);

/* Weights normal with mean 0 and variance 2/fan_in (He) or 2/(fan_in + fan_out) (Xavier), fan_in = in * kernel^2 and fan_out =
 * out * kernel^2 (classifier: its inputs, and 1); biases 0. The same for a seed on every machine. */
void eg_cnn_draw(eg_cnn *network, eg_cnn_init init, uint64_t seed);

/* The parameters themselves, `network->parameters` of them in PyTorch's order: weight, bias, weight, bias, ... */
void eg_cnn_set(eg_cnn *network, const double *parameters);

/* Weights of a .npz of float32 or float64 (numpy.savez of a state_dict). EEGPU_BAD_INPUT names every array that is missing, of
 * another shape or type, not finite, or not of this network. */
EG_MUST eg_cnn_load(eg_cnn *network, const char *path, eg_budget *budget);

/* f of images first .. first + count - 1. Each sum begins with the bias and goes through input channels, rows, columns in
 * turn, taps outside the lattice left out. */
EG_MUST eg_cnn_evaluate(const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget, double *amplitudes);

/* ---- The inner loops, one set an instruction set (cnn_kernels.c) ---- */

enum { EG_CNN_GROUP = 4, EG_CNN_BATCH = 16 }; /* output channels and images that are worked on together */

/* Values of a batch: number j of image j at [(channel * pixels + pixel) * EG_CNN_BATCH + j]; 64-byte aligned. */
typedef struct eg_cnn_kernel {
    const char *name;
    bool (*is_supported)(void);
    void (*convolve)(const eg_cnn_layer *layer, int channels, int kernel, const double *in, double *out);
    void (*activate)(eg_cnn_activation activation, uint64_t count, double *values); /* count: a multiple of the batch */
    void (*pool)(int channels, int height, int width, const double *in, double *out);
    void (*classify)(uint64_t inputs, const double *weight, double bias, const double *in, double *out);
} eg_cnn_kernel;

/* All of them, those that this machine cannot run included; the last is plain C. */
const eg_cnn_kernel *eg_cnn_kernels(size_t *count);
const eg_cnn_kernel *eg_cnn_best_kernel(void);

/* eg_cnn_evaluate() with one of them, for tests. */
EG_MUST eg_cnn_evaluate_with(const eg_cnn_kernel *kernel, const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget,
                             double *amplitudes);

#endif
