/* Convolutional networks: against a plain evaluation written from the definition, the draw of weights, the same bits on any number
 * of threads and any instruction set. Files of weights are in test_weights.c, how entropies scale in test_cnn_scaling.c. */
#include "check.h"
#include "networks.h"
#include "state/cnn.h"
#include "state/state.h"

static eegpu_state *open_network(const char *source, int height, int width, int threads)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = {.height = height, .width = width, .threads = threads};
    if (!check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__)) {
        eegpu_state_close(state);
        return NULL;
    }
    return state;
}

static eegpu_status try_open(const char *source, int height, int width)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = {.height = height, .width = width, .threads = 1};
    eegpu_status status = eegpu_state_open(source, &options, &state);
    eegpu_state_close(state);
    return status;
}

static eg_cnn *create(const eg_cnn_shape *shape)
{
    eg_cnn *network = NULL;
    return CHECK_OK(eg_cnn_create(shape, NULL, &network)) ? network : NULL;
}

/* ---- The plain evaluation -------------------------------------------------------------------------------------------- */

static void test_plain(void)
{
    static const eg_cnn_shape shapes[] = {
        {3, 4, 1, 1, 0, 3, EG_CNN_RELU},  {3, 4, 3, 2, 0, 3, EG_CNN_TANH}, {4, 3, 5, 3, 1, 3, EG_CNN_RELU},
        {3, 3, 4, 2, 1, 5, EG_CNN_TANH},  {1, 8, 2, 2, 0, 3, EG_CNN_RELU}, {4, 4, 2, 2, 2, 1, EG_CNN_RELU},
        {1, 1, 2, 1, 0, 3, EG_CNN_TANH},  {2, 5, 8, 2, 1, 7, EG_CNN_TANH}, {4, 5, 9, 3, 2, 3, EG_CNN_TANH},
        {1, 3, 6, 1, 0, 15, EG_CNN_RELU},
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const eg_cnn_shape *shape = &shapes[k];
        eg_cnn *network = create(shape);
        int pixels = shape->height * shape->width;
        uint64_t size = UINT64_C(1) << pixels, step = pixels > 12 ? 4099 : 1;
        double *values = malloc(size * sizeof *values), *numbers = malloc(network->parameters * sizeof *numbers), worst = 0;
        CHECK_EQUAL(network->parameters, eg_cnn_parameters(shape));
        CHECK_EQUAL(network->parameters, plain_parameters(shape));
        for (uint64_t i = 0; i < network->parameters; i++)
            numbers[i] = sin((double)i * (double)i + 1.0 + (double)k) / 2; /* biases too */
        eg_cnn_set(network, numbers);
        CHECK_OK(eg_cnn_evaluate(network, 0, size, NULL, values));
        for (uint64_t s = 0; s < size; s += step)
            worst = fmax(worst, fabs(values[s] - plain_network(shape, numbers, s)));
        CHECK_NEAR(worst, 0, 1e-13);
        free(values);
        free(numbers);
        eg_release(NULL, network);
    }
}

/* Every instruction set of this machine, every way to cut the images into calls: the same bits. */
static void test_same_bits(void)
{
    for (eg_cnn_activation activation = EG_CNN_RELU; activation <= EG_CNN_TANH; activation++) {
        eg_cnn_shape shape = {3, 4, 6, 3, 1, 3, activation};
        eg_cnn *network = create(&shape);
        double reference[4096], values[4096];
        size_t count = 0;
        const eg_cnn_kernel *kernels = eg_cnn_kernels(&count);
        eg_cnn_draw(network, EG_CNN_XAVIER, 5);
        CHECK(strcmp(kernels[count - 1].name, "plain") == 0);
        CHECK_OK(eg_cnn_evaluate_with(&kernels[count - 1], network, 0, 4096, NULL, reference));
        for (size_t k = 0; k < count; k++) {
            if (!kernels[k].is_supported()) {
                printf("(%s is not supported here) ", kernels[k].name);
                continue;
            }
            memset(values, 0, sizeof values);
            CHECK_OK(eg_cnn_evaluate_with(&kernels[k], network, 0, 4096, NULL, values));
            CHECK(memcmp(values, reference, sizeof values) == 0);
        }
        for (uint64_t first = 0, part = 1; first < 4096; first += part, part = part % 37 + 1) {
            uint64_t images = part < 4096 - first ? part : 4096 - first;
            CHECK_OK(eg_cnn_evaluate(network, first, images, NULL, values + first));
        }
        CHECK(memcmp(values, reference, sizeof values) == 0);
        eg_release(NULL, network);
    }
}

static void test_threads(void)
{
    static const char *const sources[] = {"cnn:channels=3,layers=2,activation=relu,seed=3",
                                          "cnn:channels=2,layers=2,activation=tanh,pools=1"};
    for (size_t k = 0; k < 2; k++) {
        eegpu_state *one = open_network(sources[k], 4, 4, 1), *four = open_network(sources[k], 4, 4, 4);
        if (one != NULL && four != NULL) {
            CHECK_EQUAL(one->kind, EG_AMPLITUDES);
            CHECK(!one->is_complex);
            CHECK(memcmp(one->amplitudes, four->amplitudes, sizeof(double) << 16) == 0);
            CHECK(memcmp(&one->norm, &four->norm, sizeof(double)) == 0);
        }
        eegpu_state_close(one);
        eegpu_state_close(four);
    }
}

static void test_tanh(void)
{
    enum { COUNT = 16 * 4096 };
    static double values[COUNT] __attribute__((aligned(64))), inputs[COUNT];
    double worst = 0;
    for (int k = 0; k < COUNT; k++)
        inputs[k] = values[k] = (k % 2 ? -1 : 1) * pow(10, -20 + 23.0 * k / COUNT);
    inputs[0] = values[0] = 0;
    inputs[1] = values[1] = -0.0;
    inputs[2] = values[2] = INFINITY;
    inputs[3] = values[3] = -INFINITY;
    inputs[4] = values[4] = NAN;
    inputs[5] = values[5] = 5e-324;
    eg_cnn_best_kernel()->activate(EG_CNN_TANH, COUNT, values);
    CHECK(values[0] == 0 && !signbit(values[0]));
    CHECK(values[1] == 0 && signbit(values[1]));
    CHECK(values[2] == 1 && values[3] == -1);
    CHECK(isnan(values[4]));
    for (int k = 5; k < COUNT; k++)
        worst = fmax(worst, fabs(values[k] - tanh(inputs[k])) / fabs(tanh(inputs[k])));
    CHECK_NEAR(worst, 0, 1.2e-15);
}

static void test_not_a_number(void)
{
    double values[4 * EG_CNN_BATCH] __attribute__((aligned(64))), out[EG_CNN_BATCH] __attribute__((aligned(64)));
    size_t count = 0;
    const eg_cnn_kernel *kernels = eg_cnn_kernels(&count);
    for (size_t k = 0; k < count; k++)
        for (int place = 0; place < 4 && kernels[k].is_supported(); place++) {
            for (int i = 0; i < 4 * EG_CNN_BATCH; i++)
                values[i] = i / EG_CNN_BATCH == place ? NAN : i % 7 - 3;
            kernels[k].activate(EG_CNN_RELU, 4 * EG_CNN_BATCH, values);
            for (int i = 0; i < 4 * EG_CNN_BATCH; i++)
                CHECK(i / EG_CNN_BATCH == place ? isnan(values[i]) : values[i] == fmax(0, i % 7 - 3));
            kernels[k].pool(1, 2, 2, values, out);
            for (int i = 0; i < EG_CNN_BATCH; i++)
                CHECK(isnan(out[i]));
        }
}

/* ---- The draw ---------------------------------------------------------------------------------------------------------- */

static void check_moments(const double *numbers, uint64_t count, double variance)
{
    double mean = 0, squares = 0, fourth = 0, n = (double)count;
    for (uint64_t k = 0; k < count; k++) {
        mean += numbers[k] / n;
        squares += numbers[k] * numbers[k] / n;
        fourth += numbers[k] * numbers[k] * numbers[k] * numbers[k] / n;
    }
    CHECK_NEAR(mean, 0, 5 * sqrt(variance / n));
    CHECK_NEAR(squares, variance, 5 * variance * sqrt(2 / n));
    CHECK_NEAR(fourth, 3 * variance * variance,
               5 * variance * variance * sqrt(96 / n)); /* a normal number's, not a uniform one's */
}

static void test_draw(void)
{
    eg_cnn_shape shape = {8, 5, 64, 2, 0, 3, EG_CNN_RELU};
    eg_cnn *network = create(&shape);
    for (eg_cnn_init init = EG_CNN_HE; init <= EG_CNN_XAVIER; init++) {
        double numerator = 2;
        eg_cnn_draw(network, init, 7);
        check_moments(network->layer[0].weight, 64 * 9, numerator / (init == EG_CNN_HE ? 9 : 9 + 64 * 9));
        check_moments(network->layer[1].weight, 64 * 64 * 9, numerator / (init == EG_CNN_HE ? 64 * 9 : 2 * 64 * 9));
        check_moments(network->classifier_weight, 64 * 40, numerator / (init == EG_CNN_HE ? 64 * 40 : 64 * 40 + 1));
        for (int k = 0; k < 64; k++)
            CHECK(network->layer[0].bias[k] == 0 && network->layer[1].bias[k] == 0);
        CHECK(*network->classifier_bias == 0);
    }
    double first = network->layer[1].weight[0];
    eg_cnn_draw(network, EG_CNN_XAVIER, 8);
    CHECK(network->layer[1].weight[0] != first);
    CHECK(network->layer[1].weight[0] != network->layer[0].weight[0]);
    eg_cnn_draw(network, EG_CNN_XAVIER, 7);
    CHECK(network->layer[1].weight[0] == first);
    eg_release(NULL, network);
}

/* ---- What is refused --------------------------------------------------------------------------------------------------- */

static void test_refused(void)
{
    CHECK_FAILS(try_open("cnn:channels=0", 3, 3), EEGPU_USAGE, "channels");
    CHECK_FAILS(try_open("cnn:channels=257", 3, 3), EEGPU_USAGE, "channels");
    CHECK_FAILS(try_open("cnn:layers=17", 3, 3), EEGPU_USAGE, "layers");
    CHECK_FAILS(try_open("cnn:kernel=4", 3, 3), EEGPU_USAGE, "odd");
    CHECK_FAILS(try_open("cnn:pools=2", 4, 4), EEGPU_USAGE, "layers=1");
    CHECK_FAILS(try_open("cnn:layers=2,pools=2", 3, 4), EEGPU_USAGE, "too small");
    CHECK_FAILS(try_open("cnn:layers=1,pools=1", 1, 8), EEGPU_USAGE, "sides of at least 2");
    CHECK_FAILS(try_open("cnn:activation=gelu", 3, 3), EEGPU_USAGE, "relu|tanh");
    CHECK_FAILS(try_open("cnn:init=lecun", 3, 3), EEGPU_USAGE, "he|xavier");
    CHECK_FAILS(try_open("cnn:chanels=2", 3, 3), EEGPU_USAGE, "channels");
    CHECK_FAILS(try_open("cnn:weights=none.npz,seed=1", 3, 3), EEGPU_USAGE, "nothing is drawn");
    CHECK_FAILS(try_open("cnn:weights=none.npz", 3, 3), EEGPU_IO, "none.npz");
    CHECK_FAILS(try_open("cnn", 5, 9), EEGPU_USAGE, "too large");
}

static bool stop(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return false;
}

static void test_interrupted(void)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = {.height = 5, .width = 5, .threads = 2, .progress = stop};
    CHECK_FAILS(eegpu_state_open("cnn:channels=32,layers=3", &options, &state), EEGPU_INTERRUPTED, "");
    eegpu_state_close(state);
}

EG_SUITE("networks", {"a plain evaluation", test_plain}, {"the same bits by any instructions and parts", test_same_bits},
         {"the same bits on any number of threads", test_threads}, {"tanh", test_tanh}, {"NaN comes through", test_not_a_number},
         {"moments of He and Xavier weights", test_draw}, {"what is refused", test_refused}, {"interruption", test_interrupted})
