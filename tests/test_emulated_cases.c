/* The case table on the emulated CUDA device beside the CPU: at once, with work put off, and with threads in other orders. */
#include "device_cases.h"

static void with_setting(const char *name, const char *value)
{
    setenv(name, value, 1);
    check_cases(2, 1);
    unsetenv(name);
}

static void test_lazy_streams(void) { with_setting("EEGPU_EMULATED_LAZY", "1"); }
static void test_reversed_threads(void) { with_setting("EEGPU_EMULATED_ORDER", "reverse"); }
static void test_shuffled_threads(void) { with_setting("EEGPU_EMULATED_ORDER", "5"); }
static void test_small_memory(void) { with_setting("EEGPU_EMULATED_MEMORY", "67108864"); }

int main(void)
{
    static const CU_TestInfo tests[] = {DEVICE_CASE_TESTS,
                                        {"streams that do their work late", test_lazy_streams},
                                        {"threads backwards", test_reversed_threads},
                                        {"threads shuffled", test_shuffled_threads},
                                        {"a device of 64 MiB", test_small_memory},
                                        CU_TEST_INFO_NULL};
    int missing = device_is_missing("emulated", "EEGPU_REQUIRE_EMULATION");
    return missing != 0 ? missing : run_suite("emulated cases", tests);
}
