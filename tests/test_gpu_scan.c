/* Whole scans on a GPU beside the CPU (device_scans.h). Skipped without one; EEGPU_REQUIRE_GPU=1 makes that a failure. */
#include "device_scans.h"

int main(void)
{
    static const CU_TestInfo tests[] = {DEVICE_SCAN_TESTS, CU_TEST_INFO_NULL};
    int missing = device_is_missing("cuda", "EEGPU_REQUIRE_GPU");
    if (missing != 0)
        return missing;
    write_images();
    return run_suite("GPU scans", tests);
}
