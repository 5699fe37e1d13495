/* The built-in function cnn: a convolutional network with one real output, with random weights or those of a file. In comes a
 * range of images, out go their amplitudes, the same on any number of threads. Called through the row at the end; what the
 * network is stands in cnn.h. */
#include "state/cnn.h"
#include "state/functions.h"

enum { CNN_CHANNELS, CNN_LAYERS, CNN_POOLS, CNN_KERNEL, CNN_ACTIVATION, CNN_INIT, CNN_SEED, CNN_WEIGHTS };

static eegpu_status prepare_cnn(eg_function_call *call, eg_function_form *form)
{
    eegpu_status status;
    eg_cnn *network = NULL;
    eg_cnn_shape shape = {.height = call->height,
                          .width = call->width,
                          .channels = (int)call->value[CNN_CHANNELS].integer,
                          .layers = (int)call->value[CNN_LAYERS].integer,
                          .pools = (int)call->value[CNN_POOLS].integer,
                          .kernel = (int)call->value[CNN_KERNEL].integer,
                          .activation = (eg_cnn_activation)call->value[CNN_ACTIVATION].choice};
    if (call->given[CNN_WEIGHTS] && (call->given[CNN_INIT] || call->given[CNN_SEED]))
        return eg_fail(EEGPU_USAGE, "function cnn: with 'weights' nothing is drawn; leave 'init' and 'seed' out");
    EG_TRY(eg_cnn_create(&shape, call->budget, &network));
    call->prepared = network;
    if (call->given[CNN_WEIGHTS])
        EG_TRY(eg_cnn_load(network, call->value[CNN_WEIGHTS].text, call->budget));
    else
        eg_cnn_draw(network, (eg_cnn_init)call->value[CNN_INIT].choice, call->value[CNN_SEED].natural);
    call->images_at_a_time = eg_cnn_images_at_a_time(&shape);
    *form = EG_FORM_REAL;
done:
    return status;
}

static eegpu_status fill_cnn(const eg_function_call *call, uint64_t first, uint64_t count, double *amplitudes)
{
    return eg_cnn_evaluate(call->prepared, first, count, call->budget, amplitudes);
}

static const eg_cnn *network_of(const eg_function_call *call) { return call->prepared; }

const eg_function eg_function_cnn = {
    .name = "cnn",
    .help = "convolutional network with one real output; pixels enter as 0 and 1",
    .parameters = {{"channels", EG_INTEGER, "4", NULL, 1, EG_CNN_MAX_CHANNELS, "channels D of every convolution"},
                   {"layers", EG_INTEGER, "1", NULL, 1, EG_CNN_MAX_LAYERS,
                    "convolutions n_c, 'same' zero padding, bias, activation after each"},
                   {"pools", EG_INTEGER, "0", NULL, 0, EG_CNN_MAX_LAYERS,
                    "2x2 max-poolings, one after each of the last convolutions"},
                   {"kernel", EG_INTEGER, "3", NULL, 1, EG_CNN_MAX_KERNEL, "side of the kernels, odd"},
                   {"activation", EG_CHOICE, "relu", "relu|tanh", 0, 0, "function between the layers"},
                   {"init", EG_CHOICE, "he", "he|xavier", 0, 0,
                    "normal weights of variance 2/fan_in or 2/(fan_in + fan_out), biases 0"},
                   {"seed", EG_UNSIGNED, "0", NULL, 0, 0, "the same seed gives the same weights on every machine"},
                   {"weights", EG_TEXT, "", NULL, 0, 0,
                    ".npz with PyTorch's names, features.N.weight, ..., classifier.bias (docs/networks.md), instead of init"}},
    .prepare = prepare_cnn,
    .fill = fill_cnn,
    .network = network_of,
};
