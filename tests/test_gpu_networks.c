/* Networks on a GPU beside the CPU (device_networks.h). Skipped without one; EEGPU_REQUIRE_GPU=1 makes that a failure. */
#include "device_networks.h"

int main(void)
{
    static const CU_TestInfo tests[] = {DEVICE_NETWORK_TESTS, CU_TEST_INFO_NULL};
    int missing = device_is_missing("cuda", "EEGPU_REQUIRE_GPU");
    return missing != 0 ? missing : run_suite("GPU networks", tests);
}
