/* Shared by the CUnit suites: checks that print the values, and a main() whose exit code can be believed. A suite is one
 * executable: EG_SUITE("name", {"what is tested", function}, ...). Exit 77 from skip means Skipped. */
#ifndef EG_TESTS_CHECK_H
#define EG_TESTS_CHECK_H

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eegpu.h"

#define CHECK(condition) CU_ASSERT(condition)

/* |actual - expected| <= tolerance, NaN fails; prints both on failure. */
static inline void check_near_at(double actual, double expected, double tolerance, const char *what, const char *file,
                                 unsigned line)
{
    bool good = fabs(actual - expected) <= tolerance;
    char text[512];
    snprintf(text, sizeof text, "%s = %.17g, expected %.17g +- %.3g", what, actual, expected, tolerance);
    CU_assertImplementation(good, line, text, file, "", CU_FALSE);
}
#define CHECK_NEAR(actual, expected, tolerance) check_near_at(actual, expected, tolerance, #actual, __FILE__, __LINE__)

static inline void check_equal_at(long long actual, long long expected, const char *what, const char *file, unsigned line)
{
    char text[512];
    snprintf(text, sizeof text, "%s = %lld, expected %lld", what, actual, expected);
    CU_assertImplementation(actual == expected, line, text, file, "", CU_FALSE);
}
#define CHECK_EQUAL(actual, expected) check_equal_at((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)

/* The call succeeds; prints the library's message otherwise. */
static inline bool check_ok_at(eegpu_status status, const char *what, const char *file, unsigned line)
{
    char text[1400];
    snprintf(text, sizeof text, "%s: %s", what, status == EEGPU_OK ? "" : eegpu_error_message());
    CU_assertImplementation(status == EEGPU_OK, line, text, file, "", CU_FALSE);
    return status == EEGPU_OK;
}
#define CHECK_OK(call) check_ok_at(call, #call, __FILE__, __LINE__)

/* The call fails with `status`, and its message contains `fragment`. */
static inline void check_fails_at(eegpu_status actual, eegpu_status expected, const char *fragment, const char *what,
                                  const char *file, unsigned line)
{
    char text[2048];
    const char *message = actual == EEGPU_OK ? "(success)" : eegpu_error_message();
    bool good = actual == expected && strstr(message, fragment) != NULL && strchr(message, '\n') == NULL;
    snprintf(text, sizeof text, "%s: status %d (expected %d), message \"%s\" (expected one line with \"%s\")", what, (int)actual,
             (int)expected, message, fragment);
    CU_assertImplementation(good, line, text, file, "", CU_FALSE);
}
#define CHECK_FAILS(call, status, fragment) check_fails_at(call, status, fragment, #call, __FILE__, __LINE__)

static inline int run_suite(const char *name, const CU_TestInfo *tests)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (; suite != NULL && tests->pName != NULL; tests++)
        if (CU_add_test(suite, tests->pName, tests->pTestFunc) == NULL)
            return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_ErrorCode error = CU_basic_run_tests();
    bool bad = error != CUE_SUCCESS || CU_get_number_of_failures() != 0 || CU_get_number_of_suites_failed() != 0 ||
               CU_get_number_of_tests_run() == 0;
    CU_cleanup_registry();
    return bad;
}

#define EG_SUITE(name, ...)                                                  \
    int main(void)                                                           \
    {                                                                        \
        static const CU_TestInfo tests[] = {__VA_ARGS__, CU_TEST_INFO_NULL}; \
        return run_suite(name, tests);                                       \
    }

#endif
