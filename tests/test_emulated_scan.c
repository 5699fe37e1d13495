/* Whole scans on the emulated CUDA device beside the CPU: those of device_scans.h, and what can happen to a device: little memory,
 * another program on it, work done late, solvers that give up, two of them. What the engine does not give back ends the program
 * with exit code 99. */
#include "device_scans.h"

/* ---- What can happen to a device ---- */

static void check_with(const char *name, const char *value, const char *source, int height, int width, const char *family)
{
    setenv(name, value, 1);
    check_scan("emulated", source, height, width, family, EEGPU_METHOD_GRAM, false);
    unsetenv(name);
}

static void test_late_work(void)
{
    for (size_t i = 0; i < COUNT(sources); i++)
        check_with("EEGPU_EMULATED_LAZY", "1", sources[i], 2, 4, "contiguous");
}

/* 2^20 real amplitudes are 8 MiB, complex ones 16. */
static void test_function_larger_than_device(void)
{
    const char *const kinds[] = {"random", "random:kind=complex"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        eegpu_state *state = open_source(kinds[i], 4, 5);
        eegpu_cuts *cuts = NULL;
        eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 2);
        CHECK_OK(eegpu_cuts_create(4, 5, "prefix", 5, &cuts));
        setenv("EEGPU_EMULATED_MEMORY", "7000000", 1);
        panel_amplitudes = UINT64_C(1) << 16;
        eegpu_result *here = scan_on_device("emulated", state, cuts, &options), *on_cpu = scan(state, cuts, &options);
        unsetenv("EEGPU_EMULATED_MEMORY");
        panel_amplitudes = 0;
        compare_results(here, on_cpu, kinds[i]);
        eegpu_result_free(here);
        eegpu_result_free(on_cpu);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

static void test_little_memory(void)
{
    for (size_t i = 0; i < (IS_SLOW ? 3 : COUNT(sources)); i++)
        check_with("EEGPU_EMULATED_MEMORY", "6000000", sources[i], 3, 4, "contiguous");
    check_with("EEGPU_EMULATED_TAKEN", "2141483648", "random", 3, 4, "contiguous");
    check_with("EEGPU_EMULATED_TAKEN", "2141483648", "connected", 3, 4, "contiguous");
}

/* Far too little: a message with bytes, and nothing left behind. */
static void test_too_little_memory(void)
{
    eegpu_state *state = open_source("random", 3, 6);
    eegpu_cuts *cuts = family_cuts(3, 6, "prefix");
    eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 1);
    eg_device *device = NULL;
    eegpu_result *result = NULL;
    setenv("EEGPU_EMULATED_TAKEN", "2147000000", 1);
    eegpu_status status = eg_device_open("emulated", &device);
    if (status == EEGPU_OK)
        status = eg_scan_on(state, cuts, &options, device, &result);
    CHECK_FAILS(status, EEGPU_OUT_OF_MEMORY, "iB");
    CHECK(result == NULL);
    eg_device_close(device);
    unsetenv("EEGPU_EMULATED_TAKEN");
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* ---- A solver that gives up, on the way ---- */

static int solved, gives_up_at;
static const eg_backend *real_backend;

static void count_solution(void)
{
    if (++solved == gives_up_at)
        setenv("EEGPU_EMULATED_INFO", "3", 1);
}

static eegpu_status count_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    count_solution();
    return real_backend->eigenvalues(lane, problems, count, failed);
}

static eegpu_status count_singular(eg_lane *lane, bool is_complex, int m, int n, double *matrix, double *values)
{
    count_solution();
    return real_backend->singular_values(lane, is_complex, m, n, matrix, values);
}

static int lines_of(const char *path)
{
    FILE *stream = fopen(path, "r");
    int lines = 0;
    for (int c; stream != NULL && (c = getc(stream)) != EOF;)
        lines += c == '\n';
    if (stream != NULL)
        fclose(stream);
    return lines;
}

static void check_giving_up(eegpu_method method, int at, int least_kept)
{
    eegpu_state *state = open_source("random:seed=2", 2, 5);
    eegpu_cuts *cuts = family_cuts(2, 5, "prefix");
    eegpu_scan_options options = scan_options(method, 1);
    eg_device *device = NULL;
    eegpu_result *result = NULL;
    const char *journal = temporary_path("given-up.journal");
    options.no_reduce = true;
    options.journal = journal;
    options.keep_spectra = false;
    unlink(journal);
    solved = 0;
    gives_up_at = at;
    if (CHECK_OK(eg_device_open("emulated", &device))) {
        eg_backend counting = *(real_backend = device->backend);
        counting.eigenvalues = count_eigenvalues;
        counting.singular_values = count_singular;
        device->backend = &counting;
        CHECK_FAILS(eg_scan_on(state, cuts, &options, device, &result), EEGPU_NUMERICS, "did not converge");
        EXPECT(strncmp(eegpu_error_message(), "cut ", 4) == 0, "the message does not name the cut: %s", eegpu_error_message());
        unsetenv("EEGPU_EMULATED_INFO");
        CHECK(result == NULL);
        int kept = lines_of(journal) - 1;
        EXPECT(kept >= least_kept && kept < 9, "%d cuts are in the journal", kept);
        gives_up_at = -1;
        CHECK_OK(eg_scan_on(state, cuts, &options, device, &result)); /* goes on, on the same device */
        options.journal = NULL;
        eegpu_result *whole = scan_on_device("emulated", state, cuts, &options);
        EXPECT(same_results(result, whole), "what was resumed has other bits");
        eegpu_result_free(whole);
        device->backend = real_backend;
    }
    eegpu_result_free(result);
    eg_device_close(device);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_solver_gives_up(void)
{
    check_giving_up(EEGPU_METHOD_GRAM, 1, 0);
    check_giving_up(EEGPU_METHOD_SVD, 4, 3);
}

/* ---- Several devices, the same twice ---- */

static void test_two_devices(void)
{
    eg_device *first = NULL, *second = NULL, *third = NULL;
    setenv("EEGPU_EMULATED_DEVICES", "2", 1);
    check_scan("emulated:1", "random", 2, 4, "contiguous", EEGPU_METHOD_GRAM, false);
    CHECK_OK(eg_device_open("emulated:0", &first));
    CHECK_OK(eg_device_open("emulated:1", &second));
    CHECK(second != NULL && strcmp(second->name, "emulated:1") == 0);
    CHECK_FAILS(eg_device_open("emulated:2", &third), EEGPU_NO_DEVICE, "emulated:2");
    eg_device_close(second);
    eg_device_close(first);
    setenv("EEGPU_EMULATED_DEVICES", "0", 1);
    CHECK_FAILS(eg_device_open("emulated", &third), EEGPU_NO_DEVICE, "");
    unsetenv("EEGPU_EMULATED_DEVICES");
}

/* Bit-identical, whenever the work is done, in whatever order the threads of a kernel go, and with as many lanes as there are. */
static void test_repeatable(void)
{
    for (size_t i = 0; i < (IS_SLOW ? 3 : COUNT(sources)); i++) {
        eegpu_state *state = open_source(sources[i], 3, 4);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
        eegpu_result *first = scan_on_device("emulated", state, cuts, &options);
        setenv("EEGPU_EMULATED_LAZY", "1", 1);
        setenv("EEGPU_EMULATED_ORDER", "reverse", 1);
        eegpu_result *second = scan_on_device("emulated", state, cuts, &options);
        unsetenv("EEGPU_EMULATED_LAZY");
        unsetenv("EEGPU_EMULATED_ORDER");
        EXPECT(same_results(first, second), "%s: other bits the second time", sources[i]);
        eegpu_result_free(first);
        eegpu_result_free(second);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

int main(void)
{
    static const CU_TestInfo tests[] = {DEVICE_SCAN_TESTS,
                                        {"work that is done late", test_late_work},
                                        {"a function larger than the device", test_function_larger_than_device},
                                        {"little memory", test_little_memory},
                                        {"too little memory", test_too_little_memory},
                                        {"a solver that gives up", test_solver_gives_up},
                                        {"two devices", test_two_devices},
                                        {"the same bits again", test_repeatable},
                                        CU_TEST_INFO_NULL};
    int missing = device_is_missing("emulated", "EEGPU_REQUIRE_EMULATION");
    if (missing != 0)
        return missing;
    write_images();
    return run_suite("emulated scans", tests);
}
