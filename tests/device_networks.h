/* Networks on one device beside the CPU: the same bits for shapes of every kind and any range of images, states and sweeps that are
 * evaluated there, a wish to stop. What test_emulated_networks and test_gpu_networks have in common: a suite names its device by
 * device_is_missing() (device_cases.h) and runs DEVICE_NETWORK_TESTS. */
#ifndef EG_TESTS_DEVICE_NETWORKS_H
#define EG_TESTS_DEVICE_NETWORKS_H

#include "device_cases.h"
#include "scan/cnn_sweep.h"

static eg_device *network_device;
static eg_lane *network_lane;

static inline bool open_network_device(void)
{
    return CHECK_OK(eg_device_open(device_name, &network_device)) &&
           CHECK_OK(network_device->backend->open_lane(network_device, 2, &network_lane));
}

static inline void close_network_device(void)
{
    if (network_lane != NULL)
        network_device->backend->close_lane(network_lane);
    eg_device_close(network_device);
    network_lane = NULL;
    network_device = NULL;
}

/* Numbers of every size and sign, biases too. */
static inline eg_cnn *made_network(const eg_cnn_shape *shape, double scale)
{
    eg_cnn *network = NULL;
    if (!CHECK_OK(eg_cnn_create(shape, NULL, &network)))
        return NULL;
    double *numbers = malloc(network->parameters * sizeof *numbers);
    for (uint64_t i = 0; i < network->parameters; i++)
        numbers[i] = scale * sin((double)i * (double)i + 1.0);
    eg_cnn_set(network, numbers);
    free(numbers);
    return network;
}

/* The same bits; of NaN it is enough to be one. */
static inline bool same_amplitudes(const double *here, const double *there, uint64_t count)
{
    bool same = true;
    for (uint64_t s = 0; s < count; s++)
        same = same && (memcmp(&here[s], &there[s], sizeof *here) == 0 || (isnan(here[s]) && isnan(there[s])));
    return same;
}

static inline void check_range(const eg_cnn *network, uint64_t first, uint64_t count, const char *what)
{
    double *here = malloc((count + 1) * sizeof *here), *there = malloc(count * sizeof *there);
    here[count] = 123; /* what is not asked for stays */
    CHECK_OK(eg_cnn_evaluate(network, first, count, NULL, there));
    if (CHECK_OK(network_device->backend->evaluate_network(network_lane, network, first, count, NULL, NULL, here)))
        EXPECT(same_amplitudes(here, there, count) && here[count] == 123, "%s: images %llu to %llu differ", what,
               (unsigned long long)first, (unsigned long long)(first + count - 1));
    free(here);
    free(there);
}

static const eg_cnn_shape network_shapes[] = {
    {1, 1, 1, 1, 0, 3, EG_CNN_TANH}, {1, 3, 6, 1, 0, 15, EG_CNN_RELU}, {2, 5, 8, 2, 1, 7, EG_CNN_TANH},
    {3, 3, 4, 2, 1, 5, EG_CNN_TANH}, {3, 4, 3, 3, 0, 3, EG_CNN_RELU},  {4, 3, 5, 3, 1, 3, EG_CNN_RELU},
    {4, 4, 2, 2, 2, 1, EG_CNN_RELU}, {5, 1, 9, 2, 0, 3, EG_CNN_TANH},  {2, 6, 1, 2, 0, 1, EG_CNN_RELU},
};

static inline void test_network_bits(void)
{
    const double scales[] = {0.5, 30, 1e160}; /* the second drives tanh to 1, the third beyond all doubles */
    if (open_network_device())
        for (size_t k = 0; k < COUNT(network_shapes); k++)
            for (size_t j = 0; j < COUNT(scales); j++) {
                char what[64];
                const eg_cnn_shape *shape = &network_shapes[k];
                int pixels = shape->height * shape->width;
                eg_cnn *network = made_network(shape, scales[j]);
                snprintf(what, sizeof what, "shape %zu, scale %g", k, scales[j]);
                check_range(network, 0, UINT64_C(1) << (pixels < 11 ? pixels : 11), what);
                if (pixels > 8) {
                    check_range(network, 37, 300, what); /* across pieces, from the middle of a batch */
                    check_range(network, (UINT64_C(1) << pixels) - 5, 5, what);
                }
                eg_release(NULL, network);
            }
    close_network_device();
}

/* Of 2^30 images the last: their numbers need more than the small ones' bits. */
static inline void test_network_large_lattice(void)
{
    const eg_cnn_shape shape = {5, 6, 3, 2, 1, 3, EG_CNN_TANH};
    eg_cnn *network = made_network(&shape, 0.5);
    if (open_network_device()) {
        check_range(network, (UINT64_C(1) << 30) - 200, 200, "5x6");
        check_range(network, UINT64_C(0x2badcafe), 100, "5x6");
    }
    close_network_device();
    eg_release(NULL, network);
}

static inline void test_network_states(void)
{
    const char *const sources[] = {"cnn:channels=5,layers=2,seed=3", "cnn:channels=3,layers=2,pools=1,activation=tanh,init=xavier"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *here = NULL, *there = NULL;
        eegpu_open_options options = {.height = 2, .width = 5, .threads = 2, .device = device_name};
        bool good = CHECK_OK(eegpu_state_open(sources[i], &options, &here));
        options.device = "cpu";
        good = CHECK_OK(eegpu_state_open(sources[i], &options, &there)) && good;
        if (good)
            CHECK(same_amplitudes(here->amplitudes, there->amplitudes, here->size) && here->norm == there->norm);
        eegpu_state_close(here);
        eegpu_state_close(there);
    }
}

static inline void sweep_on(const char *name, const eegpu_cuts *cuts, eg_cnn_sweep_options options, eg_cnn_sweep *sweep)
{
    double seconds = 0;
    CHECK_OK(eg_device_open(name, &options.device));
    CHECK_OK(eg_cnn_sweep_foresee(cuts, &options, &seconds));
    CHECK(seconds > 0);
    CHECK_OK(eg_cnn_sweep_run(cuts, &options, seconds, sweep));
    eg_device_close(options.device);
}

static inline void test_network_sweep(void)
{
    const eg_cnn_sweep_options options = {
        .channel_count = 2, .channels = {1, 3}, .layer_count = 2, .layers = {1, 2}, .seeds = 2, .kernel = 3, .threads = 2};
    eg_cnn_sweep here = {0}, there = {0};
    eegpu_cuts *cuts = NULL;
    CHECK_OK(eegpu_cuts_create(3, 3, "lines", 0, &cuts));
    sweep_on(device_name, cuts, options, &here);
    sweep_on("cpu", cuts, options, &there);
    CHECK(here.count == 8 && there.count == 8);
    for (size_t i = 0; i < here.count && i < there.count; i++) {
        CHECK(here.points[i].zero == there.points[i].zero);
        CHECK_NEAR(here.points[i].s, there.points[i].s, here.points[i].error + there.points[i].error);
    }
    eg_cnn_sweep_free(&here);
    eg_cnn_sweep_free(&there);
    eegpu_cuts_free(cuts);
}

static inline bool stop_networks(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return false;
}

static inline void test_network_stops(void)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = {.height = 2, .width = 5, .threads = 2, .device = device_name, .progress = stop_networks};
    CHECK_FAILS(eegpu_state_open("cnn:channels=2", &options, &state), EEGPU_INTERRUPTED, "stopped on request");
    CHECK(state == NULL);
}

#define DEVICE_NETWORK_TESTS                                                                             \
    {"the bits of the CPU", test_network_bits}, {"the last of 2^30 images", test_network_large_lattice}, \
        {"states", test_network_states}, {"a sweep", test_network_sweep},                                \
    {                                                                                                    \
        "a wish to stop", test_network_stops                                                             \
    }

#endif
