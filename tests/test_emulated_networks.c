/* Networks on the emulated CUDA device beside the CPU (device_networks.h): also with work put off, with threads in other orders,
 * and with little memory. */
#include "device_networks.h"

static void with_setting(const char *name, const char *value)
{
    setenv(name, value, 1);
    test_network_bits();
    unsetenv(name);
}

static void test_lazy_streams(void) { with_setting("EEGPU_EMULATED_LAZY", "1"); }
static void test_shuffled_threads(void) { with_setting("EEGPU_EMULATED_ORDER", "5"); }

static void test_little_memory(void)
{
    const eg_cnn_shape shape = {3, 4, 256, 3, 0, 5, EG_CNN_RELU}; /* 26 MB of weights */
    double values[64];
    eg_cnn *network = made_network(&shape, 0.1);
    setenv("EEGPU_EMULATED_MEMORY", "20000000", 1);
    if (open_network_device())
        CHECK_FAILS(network_device->backend->evaluate_network(network_lane, network, 0, 64, NULL, NULL, values),
                    EEGPU_OUT_OF_MEMORY, "the weights of a network");
    close_network_device();
    unsetenv("EEGPU_EMULATED_MEMORY");
    eg_release(NULL, network);
}

int main(void)
{
    static const CU_TestInfo tests[] = {DEVICE_NETWORK_TESTS,
                                        {"streams that do their work late", test_lazy_streams},
                                        {"threads shuffled", test_shuffled_threads},
                                        {"weights that do not fit", test_little_memory},
                                        CU_TEST_INFO_NULL};
    int missing = device_is_missing("emulated", "EEGPU_REQUIRE_EMULATION");
    return missing != 0 ? missing : run_suite("emulated networks", tests);
}
