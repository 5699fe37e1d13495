/* Whole scans on one device beside the CPU: functions of every kind, every family, both methods, with and without reductions. What
 * test_emulated_scan and test_gpu_scan have in common: a suite names its device by device_is_missing() (device_cases.h), calls
 * write_images() and runs DEVICE_SCAN_TESTS. What only an emulated device can be told to do is not in here. */
#ifndef EG_TESTS_DEVICE_SCANS_H
#define EG_TESTS_DEVICE_SCANS_H

#include "device_cases.h"
#include "temporary.h"

static const char *image_file;

/* 40 images of 3 x 3 pixels, as bytes; some of them twice. */
static inline void write_images(void)
{
    unsigned char pixels[40][9];
    uint64_t seed = 11;
    for (int k = 0; k < 40; k++)
        for (int i = 0; i < 9; i++)
            pixels[k][i] = k % 7 == 6 ? pixels[k - 1][i] : 255 * (random_word(&seed) & 1);
    image_file = write_npy("|u1", false, "(40, 3, 3)", pixels, sizeof pixels);
}

/* Amplitudes gathered at a time; 0: as many as the device wants. */
static uint64_t panel_amplitudes;

/* One scan on a fresh device; NULL with a failed check. */
static inline eegpu_result *scan_on_device(const char *name, const eegpu_state *state, const eegpu_cuts *cuts,
                                           const eegpu_scan_options *options)
{
    eg_device *device = NULL;
    eegpu_result *result = NULL;
    if (CHECK_OK(eg_device_open(name, &device))) {
        device->capacity.panel_amplitudes = panel_amplitudes > 0 ? panel_amplitudes : device->capacity.panel_amplitudes;
        CHECK_OK(eg_scan_on(state, cuts, options, device, &result));
    }
    eg_device_close(device);
    return result;
}

/* Entropies within the bounds, spectra, and what is exact. */
static inline void compare_results(const eegpu_result *here, const eegpu_result *on_cpu, const char *what)
{
    CHECK(here != NULL && on_cpu != NULL);
    if (here == NULL || on_cpu == NULL)
        return;
    same_within_bounds(here, on_cpu, what);
    for (size_t i = 0; i < eegpu_result_count(here); i++) {
        const eegpu_record *a = eegpu_result_record(here, i), *b = eegpu_result_record(on_cpu, i);
        EXPECT(strncmp(a->device, device_name, strlen(device_name)) == 0 && strcmp(b->device, "cpu") == 0, "%s: devices %s, %s",
               what, a->device, b->device);
        EXPECT(a->rank_exact == b->rank_exact && (!a->rank_exact || a->rank == b->rank), "%s: cut %zu: ranks %llu and %llu", what,
               i, (unsigned long long)a->rank, (unsigned long long)b->rank);
        EXPECT(a->reduced_rows == b->reduced_rows && a->reduced_cols == b->reduced_cols && a->blocks == b->blocks &&
                   a->same_as == b->same_as && strcmp(a->method, b->method) == 0,
               "%s: cut %zu: reductions or method differ", what, i);
    }
}

static inline void check_scan(const char *device, const char *source, int height, int width, const char *family,
                              eegpu_method method, bool no_reduce)
{
    char what[256];
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = family_cuts(height, width, family);
    eegpu_scan_options options = scan_options(method, 2);
    options.no_reduce = no_reduce;
    snprintf(what, sizeof what, "%s, %s, method %d%s", source, family, (int)method, no_reduce ? ", no reductions" : "");
    if (state != NULL && cuts != NULL) {
        uint64_t before = state->budget->used;
        eegpu_result *here = scan_on_device(device, state, cuts, &options), *on_cpu = scan(state, cuts, &options);
        compare_results(here, on_cpu, what);
        EXPECT(state->budget->used == before, "%s: %llu bytes of the host are not given back", what,
               (unsigned long long)(state->budget->used - before));
        eegpu_result_free(here);
        eegpu_result_free(on_cpu);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

#ifndef __has_feature /* clang's word for __SANITIZE_THREAD__ */
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { IS_SLOW = 1 }; /* ten times; fewer functions will do to see races */
#else
enum { IS_SLOW = 0 };
#endif

static const char *const sources[] = {
    "random:seed=3", "random:kind=complex,seed=4", "randomset:seed=5", "connected", "w", "ising:beta=0.4", "primes"};

static inline void test_kinds(void)
{
    char images[PATH_MAX + 64];
    snprintf(images, sizeof images, "images:file=%s", image_file);
    for (int way = 0; way < 4; way++) {
        eegpu_method method = way % 2 ? EEGPU_METHOD_SVD : EEGPU_METHOD_GRAM;
        for (size_t i = 0; i < (IS_SLOW ? 3 : COUNT(sources)); i++)
            check_scan(device_name, sources[i], 3, 3, "contiguous", method, way / 2);
        check_scan(device_name, images, 3, 3, "contiguous", method, way / 2);
    }
}

static inline void test_families(void)
{
    const char *const families[] = {"contiguous", "prefix", "lines", "connected", "all"};
    for (size_t f = 0; f < COUNT(families); f++)
        for (size_t i = 0; i < (IS_SLOW ? 2 : 4); i++)
            check_scan(device_name, sources[i], 3, 3, families[f], EEGPU_METHOD_AUTO, false);
}

/* Larger than a batch of small matrices, and than a panel of columns. */
static inline void test_larger(void)
{
    check_scan(device_name, "random:seed=8", 3, 5, "lines", EEGPU_METHOD_GRAM, false);
    check_scan(device_name, "random:kind=complex,seed=9", 2, 6, "contiguous", EEGPU_METHOD_GRAM, false);
    check_scan(device_name, "hardsquare", 4, 4, "contiguous", EEGPU_METHOD_AUTO, false);
    check_scan(device_name, "randomset:density=0.3", 3, 4, "prefix", EEGPU_METHOD_SVD, false);
}

/* Amplitudes so small that they are scaled. */
static inline void test_scaled(void)
{
    enum { PIXELS = 8 };
    double *amplitudes = random_amplitudes(2 << PIXELS, 6);
    for (int i = 0; i < 2 << PIXELS; i++)
        amplitudes[i] *= 1e-200;
    for (int is_complex = 0; is_complex < 2; is_complex++) {
        eegpu_state *state = open_amplitudes(amplitudes, is_complex, 2, 4);
        eegpu_cuts *cuts = family_cuts(2, 4, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
        eegpu_result *here = scan_on_device(device_name, state, cuts, &options), *on_cpu = scan(state, cuts, &options);
        compare_results(here, on_cpu, "scaled");
        eegpu_result_free(here);
        eegpu_result_free(on_cpu);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
    free(amplitudes);
}

/* Cuts whose columns take several panels. */
static inline void test_small_panels(void)
{
    panel_amplitudes = UINT64_C(1) << 10;
    check_scan(device_name, "random:seed=10", 3, 5, "prefix", EEGPU_METHOD_GRAM, false);
    check_scan(device_name, "random:kind=complex,seed=11", 2, 7, "prefix", EEGPU_METHOD_GRAM, true);
    panel_amplitudes = 0;
}

static inline void test_same_bits(void)
{
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 3, 4);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
        eegpu_result *first = scan_on_device(device_name, state, cuts, &options);
        eegpu_result *second = scan_on_device(device_name, state, cuts, &options);
        EXPECT(same_results(first, second), "%s: other bits the second time", sources[i]);
        eegpu_result_free(first);
        eegpu_result_free(second);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

static inline bool stop_at_once(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    ++*(int *)user;
    return false;
}

static inline void test_interruption(void)
{
    for (int way = 0; way < 2; way++) {
        int calls = 0;
        eegpu_state *state = open_source(way ? "connected" : "random", 3, 4);
        eegpu_cuts *cuts = family_cuts(3, 4, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_GRAM, 2);
        eegpu_result *result = NULL;
        options.progress = stop_at_once;
        options.progress_user = &calls;
        options.device = device_name;
        CHECK_FAILS(eegpu_scan(state, cuts, &options, &result), EEGPU_INTERRUPTED, "stopped");
        CHECK(result == NULL && calls > 0);
        options.progress = NULL;
        CHECK_OK(eegpu_scan(state, cuts, &options, &result));
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

#define DEVICE_SCAN_TESTS                                                                                               \
    {"kinds of functions, methods, reductions", test_kinds}, {"families", test_families}, {"larger cuts", test_larger}, \
        {"scaled amplitudes", test_scaled}, {"several panels", test_small_panels}, {"interruption", test_interruption}, \
    {                                                                                                                   \
        "a second scan has the same bits", test_same_bits                                                               \
    }

#endif
