/* Convolutional networks: where each layer's numbers are, how they are drawn, and the walk of a batch of images through the
 * layers. Comes in: a shape, a seed, ranges of images; goes out: a network, or f of the images. Called by functions_cnn.c and by
 * scan/cnn_sweep.c. The arithmetic is in cnn_kernels.c, reading in cnn_weights.c. */
#include "state/cnn.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "state/random.h"

const char *eg_cnn_activation_name(eg_cnn_activation activation) { return activation == EG_CNN_TANH ? "tanh" : "relu"; }
const char *eg_cnn_init_name(eg_cnn_init init) { return init == EG_CNN_XAVIER ? "xavier" : "he"; }

/* ---- Layout ------------------------------------------------------------------------------------------------------ */

/* Numbers of a layer (of its packed form if `padded`). All sizes are small: 256 * 256 * 15^2 numbers a layer at most. */
static uint64_t layer_numbers(const eg_cnn_shape *shape, const eg_cnn_layer *layer, bool padded)
{
    uint64_t outputs = (uint64_t)shape->channels;
    if (padded)
        outputs = eg_ceil_div(outputs, EG_CNN_GROUP) * EG_CNN_GROUP;
    return outputs * ((uint64_t)(layer->inputs * shape->kernel * shape->kernel) + 1);
}

/* Sizes and numbers of the layers; false: the lattice is too small for the poolings. */
static bool lay_out(eg_cnn *network)
{
    const eg_cnn_shape *shape = &network->shape;
    int height = shape->height, width = shape->width, number = 0;
    bool fits = true;
    for (int l = 0; l < shape->layers; l++) {
        eg_cnn_layer *layer = &network->layer[l];
        *layer = (eg_cnn_layer){.number = number,
                                .inputs = l == 0 ? 1 : shape->channels,
                                .height = height,
                                .width = width,
                                .pooled = l >= shape->layers - shape->pools};
        number += layer->pooled ? 3 : 2;
        if (layer->pooled) {
            height /= 2;
            width /= 2;
        }
        fits = fits && height > 0 && width > 0;
    }
    network->height = height;
    network->width = width;
    return fits;
}

static uint64_t classifier_inputs(const eg_cnn *network)
{
    return (uint64_t)network->shape.channels * (uint64_t)network->height * (uint64_t)network->width;
}

static uint64_t count_numbers(const eg_cnn *network, bool padded)
{
    uint64_t count = padded ? 0 : classifier_inputs(network) + 1;
    for (int l = 0; l < network->shape.layers; l++)
        count += layer_numbers(&network->shape, &network->layer[l], padded);
    return count;
}

uint64_t eg_cnn_parameters(const eg_cnn_shape *shape)
{
    eg_cnn network = {.shape = *shape};
    return lay_out(&network) ? count_numbers(&network, false) : 0;
}

/* Taps of a kernel on one side of the lattice, all its places together; those outside are left out. */
static double taps_on_side(int side, int kernel)
{
    int half = kernel / 2, sum = 0;
    for (int i = 0; i < side; i++)
        sum += (i + half < side ? i + half : side - 1) - (i > half ? i - half : 0) + 1;
    return sum;
}

/* Products of an image when every layer has so many channels out. */
static double products(const eg_cnn *network, double outputs)
{
    const eg_cnn_shape *shape = &network->shape;
    double sum = (double)classifier_inputs(network);
    for (int l = 0; l < shape->layers; l++) {
        const eg_cnn_layer *layer = &network->layer[l];
        sum += outputs * layer->inputs * taps_on_side(layer->height, shape->kernel) * taps_on_side(layer->width, shape->kernel);
    }
    return sum;
}

double eg_cnn_products(const eg_cnn_shape *shape)
{
    eg_cnn network = {.shape = *shape};
    (void)lay_out(&network);
    return products(&network, shape->channels);
}

double eg_cnn_operations(const eg_cnn_shape *shape)
{
    const double of_activation = shape->activation == EG_CNN_TANH ? 20 : 1;
    eg_cnn network = {.shape = *shape};
    (void)lay_out(&network);
    double sum = products(&network, (double)eg_ceil_div((uint64_t)shape->channels, EG_CNN_GROUP) * EG_CNN_GROUP);
    for (int l = 0; l < shape->layers; l++)
        sum += shape->channels * of_activation * network.layer[l].height * network.layer[l].width;
    return sum;
}

uint64_t eg_cnn_images_at_a_time(const eg_cnn_shape *shape)
{
    const double operations_in_a_piece = 5e8;
    uint64_t images = 2048;
    while (images > EG_CNN_BATCH && (double)images * eg_cnn_operations(shape) > operations_in_a_piece)
        images /= 2;
    return images;
}

static uint64_t packed_place(const eg_cnn *network) { return eg_ceil_div(network->parameters, EG_CNN_GROUP) * EG_CNN_GROUP; }

/* The places of all arrays in network->numbers: the parameters in PyTorch's order, then the packed ones. */
static void place_numbers(eg_cnn *network)
{
    const eg_cnn_shape *shape = &network->shape;
    double *at = network->numbers, *packed = at + packed_place(network);
    uint64_t padded_channels = eg_ceil_div((uint64_t)shape->channels, EG_CNN_GROUP) * EG_CNN_GROUP;
    for (int l = 0; l < shape->layers; l++) {
        eg_cnn_layer *layer = &network->layer[l];
        layer->weight = at;
        at += layer_numbers(shape, layer, false);
        layer->bias = at - shape->channels;
        layer->packed_weight = packed;
        packed += layer_numbers(shape, layer, true);
        layer->packed_bias = packed - padded_channels;
    }
    network->classifier_weight = at;
    network->classifier_bias = at + classifier_inputs(network);
}

eegpu_status eg_cnn_create(const eg_cnn_shape *shape, eg_budget *budget, eg_cnn **network)
{
    eegpu_status status;
    eg_cnn plan = {.shape = *shape};
    if (shape->pools > shape->layers)
        return eg_fail(EEGPU_USAGE,
                       "function cnn: pools=%d, but layers=%d; a pooling follows a convolution, so take at most as many",
                       shape->pools, shape->layers);
    if (shape->kernel % 2 == 0)
        return eg_fail(EEGPU_USAGE, "key 'kernel' of cnn is %d; it must be odd, so that the size of the image is kept",
                       shape->kernel);
    if (!lay_out(&plan))
        return eg_fail(EEGPU_USAGE,
                       "function cnn: each of pools=%d halves both sides, and %d x %d pixels are too small for that; take fewer "
                       "poolings or a lattice with sides of at least %d",
                       shape->pools, shape->height, shape->width, 1 << shape->pools);
    plan.parameters = count_numbers(&plan, false);
    plan.room = eg_ceil_div((uint64_t)shape->channels, EG_CNN_GROUP) * EG_CNN_GROUP * (uint64_t)(shape->height * shape->width) *
                EG_CNN_BATCH;
    plan.total = packed_place(&plan) + count_numbers(&plan, true);
    EG_TRY(eg_allocate_zero(budget, 1, sizeof(eg_cnn) + plan.total * sizeof(double), "the weights of the network", network));
    memcpy(*network, &plan, sizeof plan);
    place_numbers(*network);
done:
    return status;
}

/* The numbers of the layers in the order in which the inner loops take them. */
static void pack(eg_cnn *network)
{
    const eg_cnn_shape *shape = &network->shape;
    for (int l = 0; l < shape->layers; l++) {
        const eg_cnn_layer *layer = &network->layer[l];
        uint64_t taps = (uint64_t)(layer->inputs * shape->kernel * shape->kernel);
        for (uint64_t out = 0; out < (uint64_t)shape->channels; out++) {
            uint64_t group = out / EG_CNN_GROUP, place = out % EG_CNN_GROUP;
            for (uint64_t tap = 0; tap < taps; tap++)
                layer->packed_weight[(group * taps + tap) * EG_CNN_GROUP + place] = layer->weight[out * taps + tap];
            layer->packed_bias[out] = layer->bias[out];
        }
    }
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

/* Normal numbers; those of a layer do not depend on how many the others have. */
static void draw(double *weight, uint64_t count, uint64_t seed, uint64_t layer, double deviation)
{
    double normal[2];
    for (uint64_t k = 0; k < count; k++) {
        if (k % 2 == 0)
            eg_random_normal_pair(seed, EG_RANDOM_WEIGHTS, layer << 32 | k / 2, normal);
        weight[k] = deviation * normal[k % 2];
    }
}

static double deviation_of(eg_cnn_init init, uint64_t fan_in, uint64_t fan_out)
{
    return sqrt(2.0 / (double)(init == EG_CNN_HE ? fan_in : fan_in + fan_out));
}

void eg_cnn_draw(eg_cnn *network, eg_cnn_init init, uint64_t seed)
{
    const eg_cnn_shape *shape = &network->shape;
    uint64_t taps = (uint64_t)(shape->kernel * shape->kernel), channels = (uint64_t)shape->channels;
    memset(network->numbers, 0, network->parameters * sizeof(double));
    for (int l = 0; l < shape->layers; l++) {
        uint64_t inputs = (uint64_t)network->layer[l].inputs;
        draw(network->layer[l].weight, channels * inputs * taps, seed, (uint64_t)l,
             deviation_of(init, inputs * taps, channels * taps));
    }
    uint64_t inputs = classifier_inputs(network);
    draw(network->classifier_weight, inputs, seed, (uint64_t)shape->layers, deviation_of(init, inputs, 1));
    pack(network);
}

void eg_cnn_set(eg_cnn *network, const double *parameters)
{
    memcpy(network->numbers, parameters, network->parameters * sizeof(double));
    pack(network);
}

/* ---- Evaluation -------------------------------------------------------------------------------------------------- */

/* Pixel i of image s is bit pixels - 1 - i of s. */
static void write_pixels(int pixels, uint64_t first, double *batch)
{
    for (int i = 0; i < pixels; i++)
        for (uint64_t j = 0; j < EG_CNN_BATCH; j++)
            *batch++ = (double)((first + j) >> (pixels - 1 - i) & 1);
}

/* A batch through all layers; `now` and `next` take turns. */
static void forward(const eg_cnn_kernel *kernel, const eg_cnn *network, uint64_t first, double *now, double *next, double *values)
{
    const eg_cnn_shape *shape = &network->shape;
    write_pixels(shape->height * shape->width, first, now);
    for (int l = 0; l < shape->layers; l++) {
        const eg_cnn_layer *layer = &network->layer[l];
        uint64_t count = (uint64_t)shape->channels * (uint64_t)(layer->height * layer->width) * EG_CNN_BATCH;
        kernel->convolve(layer, shape->channels, shape->kernel, now, next);
        kernel->activate(shape->activation, count, next);
        if (layer->pooled) {
            kernel->pool(shape->channels, layer->height, layer->width, next, now);
        } else {
            double *swap = now;
            now = next;
            next = swap;
        }
    }
    kernel->classify(classifier_inputs(network), network->classifier_weight, *network->classifier_bias, now, values);
}

eegpu_status eg_cnn_evaluate_with(const eg_cnn_kernel *kernel, const eg_cnn *network, uint64_t first, uint64_t count,
                                  eg_budget *budget, double *amplitudes)
{
    eegpu_status status;
    double *rooms = NULL, values[EG_CNN_BATCH] __attribute__((aligned(64)));
    EG_TRY(eg_allocate(budget, 2 * network->room, sizeof(double), "a batch of images in the network", &rooms));
    for (uint64_t done_images = 0; done_images < count; done_images += EG_CNN_BATCH) {
        uint64_t left = count - done_images, images = left < EG_CNN_BATCH ? left : EG_CNN_BATCH;
        forward(kernel, network, first + done_images, rooms, rooms + network->room, values);
        memcpy(amplitudes + done_images, values, images * sizeof(double));
    }
done:
    eg_release(budget, rooms);
    return status;
}

eegpu_status eg_cnn_evaluate(const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget, double *amplitudes)
{
    return eg_cnn_evaluate_with(eg_cnn_best_kernel(), network, first, count, budget, amplitudes);
}
