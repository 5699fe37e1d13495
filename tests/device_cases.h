/* The case table on one device beside the CPU: what test_emulated_cases and test_gpu_cases have in common. A device that is not
 * there means Skipped, unless an environment variable requires it. */
#ifndef EG_TESTS_DEVICE_CASES_H
#define EG_TESTS_DEVICE_CASES_H

#include "backend/cases.h"
#include "scanning.h"

static const char *device_name;

/* The exit code when the device cannot be opened, 0 when it can. */
static inline int device_is_missing(const char *name, const char *required)
{
    eg_device *device = NULL;
    const char *wish = getenv(required);
    device_name = name;
    if (eg_device_open(name, &device) == EEGPU_OK) {
        eg_device_close(device);
        return 0;
    }
    bool must = wish != NULL && strcmp(wish, "1") == 0;
    printf("%s: %s\n", must ? "FAILED" : "Skipped", eegpu_error_message());
    return must ? 1 : 77;
}

/* Every row at its small sizes with this many threads, `times` times over. */
static inline void check_cases(int threads, int times)
{
    eg_device *device = NULL, *cpu = NULL;
    eg_case_place here = {0}, there = {0};
    const eg_case *row = NULL;
    if (CHECK_OK(eg_device_open(device_name, &device)) && CHECK_OK(eg_device_open("cpu", &cpu)) &&
        CHECK_OK(eg_case_place_open(device, threads, &here)) && CHECK_OK(eg_case_place_open(cpu, 1, &there)))
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++)
            for (int k = 0; k < EG_CASE_SMALL_SIZES * times; k++) {
                int size = row->small[k % EG_CASE_SMALL_SIZES];
                double difference = NAN, bound = NAN;
                if (size == 0)
                    continue;
                eegpu_status status = eg_case_check(row, size, &here, &there, &difference, &bound);
                EXPECT(status == EEGPU_OK && difference <= bound, "%s, %d %s: off by %g, at most %g (%s)", row->name, size,
                       row->unit, difference, bound, status == EEGPU_OK ? "" : eegpu_error_message());
            }
    eg_case_place_close(&here);
    eg_case_place_close(&there);
    eg_device_close(device);
    eg_device_close(cpu);
}

static inline bool run_case(const eg_case *row, int size, eg_case_place *place, int runs, eg_instance **instance)
{
    bool good = CHECK_OK(eg_case_open(row, size, place, instance));
    for (int run = 0; run < runs && good; run++)
        good = CHECK_OK(eg_case_ready(*instance)) && CHECK_OK(eg_case_run(*instance));
    return good;
}

/* A case that runs again and again, as for a timing, ends like one that runs once. */
static inline void check_repeated(void)
{
    eg_device *device = NULL, *cpu = NULL;
    eg_case_place here = {0}, there = {0};
    const eg_case *row = NULL;
    if (CHECK_OK(eg_device_open(device_name, &device)) && CHECK_OK(eg_device_open("cpu", &cpu)) &&
        CHECK_OK(eg_case_place_open(device, 1, &here)) && CHECK_OK(eg_case_place_open(cpu, 1, &there)))
        for (size_t i = 0; (row = eg_case_number(i)) != NULL; i++) {
            eg_instance *instance = NULL, *on_cpu = NULL;
            double difference = NAN, bound = NAN;
            int size = row->small[1] > 0 ? row->small[1] : row->small[0];
            if (run_case(row, size, &here, 3, &instance) && run_case(row, size, &there, 1, &on_cpu))
                EXPECT(eg_case_compare(instance, on_cpu, &difference, &bound) == EEGPU_OK && difference <= bound,
                       "%s after three runs: off by %g, at most %g", row->name, difference, bound);
            eg_case_close(instance);
            eg_case_close(on_cpu);
        }
    eg_case_place_close(&here);
    eg_case_place_close(&there);
    eg_device_close(device);
    eg_device_close(cpu);
}

static inline void test_small_cases(void) { check_cases(1, 1); }
static inline void test_small_cases_again(void) { check_cases(2, 2); }
static inline void test_repeated_runs(void) { check_repeated(); }

#define DEVICE_CASE_TESTS                                                                                       \
    {"small cases beside the CPU", test_small_cases}, {"the same, twice on one place", test_small_cases_again}, \
    {                                                                                                           \
        "instances that run several times", test_repeated_runs                                                  \
    }

#endif
