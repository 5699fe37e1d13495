/* What the suites of the engine share: states from text or memory, lists of regions, scans that must succeed, random numbers
 * of their own (splitmix64). A failing check names the case: EXPECT(condition, "format", ...). */
#ifndef EG_TESTS_SCANNING_H
#define EG_TESTS_SCANNING_H

#include <stdarg.h>

#include "base/bits.h"
#include "check.h"
#include "cut/cut.h"
#include "scan/scan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

__attribute__((format(printf, 4, 5))) static inline bool expect_at(bool good, const char *file, unsigned line, const char *format,
                                                                   ...)
{
    char text[1600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CU_assertImplementation(good, line, text, file, "", CU_FALSE);
    return good;
}
#define EXPECT(condition, ...) expect_at(condition, __FILE__, __LINE__, __VA_ARGS__)

/* ---- Random numbers ---- */

static inline uint64_t random_word(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Uniform in [-1, 1). */
static inline double random_real(uint64_t *seed) { return (double)(random_word(seed) >> 11) * 0x1p-52 - 1; }

/* Neither empty nor everything. */
static inline uint64_t random_mask(int pixels, uint64_t *seed)
{
    uint64_t mask;
    do
        mask = random_word(seed) & eg_low_mask(pixels);
    while (mask == 0 || mask == eg_low_mask(pixels));
    return mask;
}

/* `count` doubles; the caller frees. */
static inline double *random_amplitudes(uint64_t count, uint64_t seed)
{
    double *amplitudes = malloc(count * sizeof *amplitudes);
    for (uint64_t i = 0; i < count; i++)
        amplitudes[i] = random_real(&seed);
    return amplitudes;
}

/* ---- States ---- */

static inline eegpu_open_options lattice_options(int height, int width)
{
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = 1;
    return options;
}

static inline eegpu_state *open_source(const char *source, int height, int width)
{
    eegpu_open_options options = lattice_options(height, width);
    eegpu_state *state = NULL;
    check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__);
    return state;
}

static inline eegpu_state *open_amplitudes(const double *amplitudes, bool is_complex, int height, int width)
{
    eegpu_open_options options = lattice_options(height, width);
    eegpu_state *state = NULL;
    CHECK_OK(eegpu_state_from_amplitudes(amplitudes, is_complex, &options, &state));
    return state;
}

/* ---- Cuts: bit i of a mask is pixel i ---- */

static inline void add_mask(eegpu_cuts *cuts, uint64_t mask) { CHECK_OK(eg_cuts_append(cuts, &mask)); }

static inline eegpu_cuts *family_cuts(int height, int width, const char *family)
{
    eegpu_cuts *cuts = NULL;
    CHECK_OK(eegpu_cuts_create(height, width, family, 0, &cuts));
    return cuts;
}

static inline eegpu_cuts *mask_cuts(int height, int width, const uint64_t *masks, size_t count)
{
    eegpu_cuts *cuts = NULL;
    for (size_t i = 0; i < count; i++) {
        int pixels[64], size = 0;
        for (int pixel = 0; pixel < height * width; pixel++)
            if (masks[i] >> pixel & 1)
                pixels[size++] = pixel;
        if (i == 0)
            CHECK_OK(eegpu_cuts_from_pixels(height, width, pixels, size, &cuts));
        else
            add_mask(cuts, masks[i]);
    }
    return cuts;
}

static inline void add_random_cuts(eegpu_cuts *cuts, int count, uint64_t seed)
{
    for (int i = 0; i < count; i++)
        add_mask(cuts, random_mask(cuts->pixels, &seed));
}

/* ---- Scans ---- */

static inline eegpu_scan_options scan_options(eegpu_method method, int threads)
{
    eegpu_scan_options options = eegpu_scan_options_default();
    options.method = method;
    options.threads = threads;
    options.device = "cpu";
    options.keep_spectra = true;
    return options;
}

/* NULL, with a failed check, when there is no result. */
static inline eegpu_result *scan(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_scan_options *options)
{
    eegpu_result *result = NULL;
    if (state != NULL && cuts != NULL)
        CHECK_OK(eegpu_scan(state, cuts, options, &result));
    else
        EXPECT(false, "no state or no cuts to scan");
    return result;
}

/* Entropy of one region; the bound is added to *error. */
static inline double entropy_of(const eegpu_state *state, int height, int width, uint64_t mask, eegpu_method method, double *error)
{
    eegpu_scan_options options = scan_options(method, 1);
    eegpu_cuts *cuts = mask_cuts(height, width, &mask, 1);
    eegpu_result *result = scan(state, cuts, &options);
    double entropy = NAN;
    if (result != NULL) {
        entropy = eegpu_result_record(result, 0)->s_vn;
        *error += eegpu_result_record(result, 0)->error;
    }
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    return entropy;
}

/* Entropies agree within the sum of the bounds, p by p within 1e-13; what is missing of a spectrum is 0. */
static inline void same_within_bounds(const eegpu_result *left, const eegpu_result *right, const char *what)
{
    for (size_t i = 0; left != NULL && right != NULL && i < eegpu_result_count(left); i++) {
        const eegpu_record *a = eegpu_result_record(left, i), *b = eegpu_result_record(right, i);
        EXPECT(fabs(a->s_vn - b->s_vn) <= a->error + b->error && a->error + b->error < 1e-8,
               "%s: cut %zu: %.17g +- %g, %.17g +- %g", what, i, a->s_vn, a->error, b->s_vn, b->error);
        for (int order = 1; order < 3; order++)
            EXPECT(fabs(a->renyi[order] - b->renyi[order]) <= a->renyi_error[order] + b->renyi_error[order],
                   "%s: cut %zu: Renyi %.17g and %.17g", what, i, a->renyi[order], b->renyi[order]);
        double worst = 0;
        for (size_t k = 0; k < a->spectrum_count || k < b->spectrum_count; k++)
            worst = fmax(worst, fabs((k < a->spectrum_count ? a->spectrum[k] : 0) - (k < b->spectrum_count ? b->spectrum[k] : 0)));
        EXPECT(worst <= 1e-13, "%s: cut %zu: some p differs by %g", what, i, worst);
    }
}

/* The bytes of the members from `first` up to `after`, which have no holes between them. */
#define SAME_MEMBERS(left, right, first, after)                                                                          \
    (memcmp((const char *)(left) + offsetof(eegpu_record, first), (const char *)(right) + offsetof(eegpu_record, first), \
            offsetof(eegpu_record, after) - offsetof(eegpu_record, first)) == 0)

/* The same numbers bit by bit; only the time may differ. */
static inline bool same_bits(const eegpu_record *left, const eegpu_record *right)
{
    return SAME_MEMBERS(left, right, cut, rank_exact) && left->rank_exact == right->rank_exact &&
           SAME_MEMBERS(left, right, rank_tolerance, method) && strcmp(left->method, right->method) == 0 &&
           strcmp(left->device, right->device) == 0 && left->same_as == right->same_as &&
           left->spectrum_count == right->spectrum_count &&
           (left->spectrum_count == 0 || memcmp(left->spectrum, right->spectrum, left->spectrum_count * sizeof(double)) == 0);
}

static inline bool same_results(const eegpu_result *left, const eegpu_result *right)
{
    bool same = left != NULL && right != NULL && eegpu_result_count(left) == eegpu_result_count(right);
    for (size_t i = 0; same && i < eegpu_result_count(left); i++)
        same = same_bits(eegpu_result_record(left, i), eegpu_result_record(right, i));
    return same;
}

/* ---- Scans on a back end of the CPU's kind ---- */

/* eg_scan_on() a CPU whose table of operations is another, such as one with planted faults. */
static inline eegpu_status scan_with(const eg_backend *backend, const eegpu_state *state, const eegpu_cuts *cuts,
                                     const eegpu_scan_options *options, eegpu_result **result)
{
    eg_device *device = NULL;
    *result = NULL;
    eegpu_status status = eg_backend_cpu.open(0, &device);
    if (status != EEGPU_OK)
        return status;
    device->backend = backend;
    status = eg_scan_on(state, cuts, options, device, result);
    eg_device_close(device);
    return status;
}

#endif
