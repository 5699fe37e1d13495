/* Renyi entropies of known spectra at every kind of order, each within the bound of its record; ranks read off by Gram and SVD;
 * the BLAS that does the work, also another one, a serial one and none, each in a process of its own. */
#include <sys/wait.h>

#include "exact.h"
#include "temporary.h"

static const double orders[] = {0.5, 1, 0.999999, 1.000001, 2, 10, 50, INFINITY};

/* ---- Known spectra ----------------------------------------------------------------------------------------------- */

static const char *whole_name;

/* Expected spectrum `e`; the bound of every order must hold and, by SVD, be small. */
static void check_orders(eegpu_state *state, uint64_t mask, exact *e)
{
    eegpu_state_info info = eegpu_state_describe(state);
    eegpu_cuts *cuts = mask_cuts(info.height, info.width, &mask, 1);
    exact_finish(e);
    for (eegpu_method method = EEGPU_METHOD_AUTO; method <= EEGPU_METHOD_SVD; method++) {
        eegpu_scan_options options = scan_options(method, 1);
        options.renyi_asked = true;
        options.renyi_count = COUNT(orders);
        memcpy(options.renyi, orders, sizeof orders);
        eegpu_result *result = scan(state, cuts, &options);
        const eegpu_record *record = result != NULL ? eegpu_result_record(result, 0) : NULL;
        for (size_t k = 0; record != NULL && k < COUNT(orders); k++) {
            long double off = fabsl(record->renyi[k] - exact_entropy(e, orders[k]));
            double most = orders[k] < 0.9 ? 1e-4 : orders[k] < 1.1 ? 1e-5 : 1e-10;
            EXPECT(off <= record->renyi_error[k] && record->renyi_error[k] < most,
                   "%s by %s: S_%.7g = %.17g is off by %Lg, its bound is %g", whole_name, record->method, orders[k],
                   record->renyi[k], off, record->renyi_error[k]);
            EXPECT(off < 1e-9 || method == EEGPU_METHOD_GRAM, "%s: S_%.7g is off by %Lg", whole_name, orders[k], off);
        }
        if (record != NULL) /* an order below 1 was asked for: `auto` keeps the tail */
            CHECK(strcmp(record->method, method == EEGPU_METHOD_GRAM ? "gram" : "svd") == 0);
        eegpu_result_free(result);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_two_equal(void)
{
    static exact e;
    whole_name = "GHZ";
    e.count = 0;
    exact_flat(&e, 1);
    check_orders(open_source("ghz", 3, 4), 0x3c, &e);
    for (int k = 0; k < 8; k++) /* all orders agree on a flat spectrum */
        CHECK_NEAR((double)exact_entropy(&e, orders[k]), log(2), 1e-15);
}

static void test_w_state(void)
{
    static exact e;
    whole_name = "W";
    for (int a = 1; a < 12; a++) {
        e.count = 0;
        exact_add(&e, a);
        exact_add(&e, 12 - a);
        check_orders(open_source("w", 3, 4), eg_low_mask(a), &e);
    }
}

/* cos t |00> + sin t |11> on the end pixels of a product with the middle ones. */
static void test_bell_pairs(void)
{
    static exact e;
    static const double angles[] = {0.78539816339744828, 0.5, 0.1, 1e-3, 1e-6};
    whole_name = "cos |00> + sin |11>";
    for (size_t i = 0; i < COUNT(angles); i++) {
        double psi[16] = {0};
        long double cosine = cos(angles[i]), sine = sin(angles[i]);
        for (int middle = 0; middle < 4; middle++) {
            psi[2 * middle] = (double)cosine;
            psi[9 + 2 * middle] = (double)sine;
        }
        e.count = 0;
        exact_add(&e, cosine * cosine);
        exact_add(&e, sine * sine);
        check_orders(open_amplitudes(psi, false, 2, 2), 3, &e);
    }
}

static void test_many_levels(void)
{
    static exact e;
    double psi[256] = {0};
    whole_name = "a geometric spectrum";
    e.count = 0;
    for (int k = 0; k < 16; k++) {
        psi[17 * k] = ldexp(1, -k);
        exact_add(&e, ldexpl(1, -2 * k));
    }
    check_orders(open_amplitudes(psi, false, 2, 4), 0xf, &e);
}

static void test_order_zero(void)
{
    uint64_t mask = 0xf;
    eegpu_state *state = open_source("dicke:k=2", 1, 8);
    eegpu_cuts *cuts = mask_cuts(1, 8, &mask, 1);
    eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
    for (options.renyi_asked = false;; options.renyi_asked = true) {
        eegpu_result *result = scan(state, cuts, &options);
        if (result != NULL) {
            const eegpu_record *record = eegpu_result_record(result, 0);
            CHECK_NEAR(record->renyi[0], log(3), 1e-15);
            CHECK_EQUAL(record->rank, 3);
            CHECK(record->rank_exact || record->rank_tolerance > 0);
            /* a bound is known when the rank is proved, and only then */
            CHECK(record->rank_exact ? record->renyi_error[0] < 1e-14 : isnan(record->renyi_error[0]));
        }
        eegpu_result_free(result);
        if (options.renyi_asked)
            break;
    }
    options.renyi_count = 0;
    eegpu_result_free(scan(state, cuts, &options));
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* ---- Ranks ------------------------------------------------------------------------------------------------------- */

/* Primes beyond 2 are odd: half of the columns and one row more. */
static void check_rank_of_primes(int pixels, uint64_t rank, eegpu_method method)
{
    uint64_t half = eg_low_mask(pixels / 2);
    eegpu_state *state = open_source("primes", 1, pixels);
    eegpu_cuts *cuts = mask_cuts(1, pixels, &half, 1);
    eegpu_scan_options options = scan_options(method, 2);
    eegpu_result *result = scan(state, cuts, &options);
    if (result != NULL)
        EXPECT(eegpu_result_record(result, 0)->rank == rank, "primes, %d pixels, method %d: rank %llu", pixels, (int)method,
               (unsigned long long)eegpu_result_record(result, 0)->rank);
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_rank_of_primes(void)
{
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
        check_rank_of_primes(8, 9, method);
        check_rank_of_primes(12, 33, method);
        check_rank_of_primes(16, 129, method);
        check_rank_of_primes(20, 513, method);
    }
}

/* ---- BLAS -------------------------------------------------------------------------------------------------------- */

static void test_blas(void)
{
    eegpu_blas_info info;
    if (!CHECK_OK(eegpu_blas_describe(&info)))
        return;
    CHECK(strlen(info.library) > 0 && strlen(info.config) > 0 && strlen(info.kernels) > 0 && info.advice != NULL);
    printf("(%s, kernels %s%s) ", info.library, info.kernels, info.corrected ? ", corrected" : "");
}

/* What a child does: known numbers, of a function that needs the BLAS, on two threads. Exit 0: all is well, 3: there is no BLAS;
 * the message on stdout. */
static int child(bool expect_serial)
{
    static const double expected[3] = {0.649585491048, 0.596541549060, 0.931591088937};
    const uint64_t masks[] = {0x00ff, 0x0033, 1 << 5 | 1 << 6 | 1 << 10};
    eegpu_open_options open = lattice_options(4, 4);
    eegpu_state *state = NULL;
    eegpu_cuts *cuts = NULL;
    eegpu_result *result = NULL;
    eegpu_blas_info info;
    if (eegpu_state_open("ising:beta=0.4", &open, &state) != EEGPU_OK ||
        eegpu_cuts_create(4, 4, "contiguous", 0, &cuts) != EEGPU_OK)
        return 1;
    cuts->count = 0;
    for (int round = 0; round < 60; round++)
        if (eg_cuts_append(cuts, &masks[round % 3]) != EEGPU_OK)
            return 1;
    int answer = 0;
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD && answer == 0; method++) {
        eegpu_scan_options options = scan_options(method, 2);
        eegpu_status status = eegpu_scan(state, cuts, &options, &result);
        if (status != EEGPU_OK) {
            puts(eegpu_error_message());
            answer = status == EEGPU_NO_DEVICE && result == NULL ? 3 : 1;
            break;
        }
        for (size_t i = 0; i < 60; i++)
            if (fabs(eegpu_result_record(result, i)->s_vn - expected[i % 3]) > 1e-12)
                answer = 1;
        eegpu_result_free(result);
    }
    if (answer == 0 && (eegpu_blas_describe(&info) != EEGPU_OK || info.serialised != expect_serial))
        answer = 1;
    if (answer == 3 && eegpu_blas_describe(&info) != EEGPU_NO_DEVICE)
        answer = 1;
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    return answer;
}

/* This program again, with EEGPU_BLAS; its exit code, and its stdout in `text`. */
static int run_child(const char *blas, const char *argument, char *text, size_t room)
{
    char command[4096], self[1024] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0)
        return -1;
    snprintf(command, sizeof command, "EEGPU_BLAS='%s' '%s' %s", blas, self, argument);
    FILE *stream = popen(command, "r");
    if (stream == NULL)
        return -1;
    size_t length = fread(text, 1, room - 1, stream);
    text[length] = '\0';
    int status = pclose(stream);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_named_blas(void)
{
    char text[4096];
    eegpu_blas_info info;
    if (!CHECK_OK(eegpu_blas_describe(&info)))
        return;
    int answer = run_child(info.library, info.serialised ? "serial" : "parallel", text, sizeof text);
    EXPECT(answer == 0, "with EEGPU_BLAS=%s: exit %d: %s", info.library, answer, text);
}

static void test_serial_blas(void)
{
    static const char *const libraries[] = {"/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
                                            "/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0"};
    char text[4096];
    size_t i = 0;
    while (i < COUNT(libraries) && access(libraries[i], R_OK) != 0)
        i++;
    if (i == COUNT(libraries)) {
        printf("skipped: no serial OpenBLAS ");
        return;
    }
    int answer = run_child(libraries[i], "serial", text, sizeof text);
    EXPECT(answer == 0, "with EEGPU_BLAS=%s: exit %d: %s", libraries[i], answer, text);
}

static void test_no_blas(void)
{
    static const char *const libraries[] = {"/nonexistent.so", "libm.so.6"};
    for (size_t i = 0; i < COUNT(libraries); i++) {
        char text[4096];
        int answer = run_child(libraries[i], "parallel", text, sizeof text);
        char *end = strchr(text, '\n');
        EXPECT(answer == 3, "with EEGPU_BLAS=%s: exit %d: %s", libraries[i], answer, text);
        EXPECT(strstr(text, "EEGPU_BLAS") != NULL && (i > 0 || strstr(text, libraries[i]) != NULL), "message: %s", text);
        EXPECT(end != NULL && end[1] == '\0', "not one line: %s", text);
    }
}

int main(int count, char **argument)
{
    static const CU_TestInfo tests[] = {{"{1/2, 1/2}", test_two_equal},
                                        {"W states", test_w_state},
                                        {"Bell pairs, also weak ones", test_bell_pairs},
                                        {"a geometric spectrum", test_many_levels},
                                        {"order 0", test_order_zero},
                                        {"rank of the primes", test_rank_of_primes},
                                        {"the BLAS in use", test_blas},
                                        {"a BLAS by name", test_named_blas},
                                        {"a serial BLAS", test_serial_blas},
                                        {"no BLAS", test_no_blas},
                                        CU_TEST_INFO_NULL};
    if (count == 2)
        return child(strcmp(argument[1], "serial") == 0);
    return run_suite("Renyi entropies, ranks, BLAS", tests);
}
