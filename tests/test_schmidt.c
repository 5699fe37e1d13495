/* Schmidt vectors of one cut: orthonormal, in the promised gauge, they rebuild the matrix, and the squares of their coefficients
 * are the spectrum that a scan gives. Real, complex, labels, image sets. */
#include <complex.h>

#include "scan/scan.h"
#include "scanning.h"
#include "state/state.h"
#include "temporary.h"

enum { N = 8, SIZE = 1 << N };

/* Entry i of vector k. */
static double complex entry(const eg_schmidt *s, const double *vectors, uint64_t length, uint64_t k, uint64_t i)
{
    const double *at = vectors + (s->is_complex ? 2 : 1) * (k * length + i);
    return s->is_complex ? at[0] + at[1] * I : at[0];
}

static void check_orthonormal(const eg_schmidt *s, const double *vectors, uint64_t length)
{
    double worst = 0;
    for (uint64_t k = 0; k < s->rank; k++)
        for (uint64_t l = 0; l <= k; l++) {
            double complex product = 0;
            for (uint64_t i = 0; i < length; i++)
                product += conj(entry(s, vectors, length, k, i)) * entry(s, vectors, length, l, i);
            worst = fmax(worst, cabs(product - (k == l)));
        }
    CHECK_NEAR(worst, 0, 1e-12);
}

/* The largest component of every f_A is real and positive. */
static void check_gauge(const eg_schmidt *s)
{
    for (uint64_t k = 0; k < s->rank; k++) {
        double complex largest = 0;
        for (uint64_t i = 0; i < s->rows; i++) {
            double complex here = entry(s, s->f_a, s->rows, k, i);
            if (cabs(here) > cabs(largest) * (1 + 1e-8))
                largest = here;
        }
        EXPECT(creal(largest) > 0 && fabs(cimag(largest)) <= 1e-14, "vector %llu: largest component %g + %g i",
               (unsigned long long)k, creal(largest), cimag(largest));
    }
}

/* Amplitude of image (row, column) of the normalised function. */
typedef double complex (*amplitude_of)(const void *function, uint64_t mask, const eg_schmidt *s, uint64_t row, uint64_t column);

static void check_rebuilt(const eg_schmidt *s, uint64_t mask, amplitude_of amplitude, const void *function)
{
    double square = 0;
    for (uint64_t row = 0; row < s->rows; row++)
        for (uint64_t column = 0; column < s->cols; column++) {
            double complex sum = 0;
            for (uint64_t k = 0; k < s->rank; k++)
                sum += s->a[k] * entry(s, s->f_a, s->rows, k, row) * entry(s, s->f_b, s->cols, k, column);
            double off = cabs(sum - amplitude(function, mask, s, row, column));
            square += off * off;
        }
    EXPECT(sqrt(square) <= fmin(1e-12, s->error), "region %#llx: rebuilt to %g, bound %g", (unsigned long long)mask, sqrt(square),
           s->error);
}

static void check_coefficients(const eg_schmidt *s, const eegpu_state *state, const eegpu_cuts *cuts)
{
    eegpu_scan_options options = scan_options(EEGPU_METHOD_SVD, 1);
    eegpu_result *result = scan(state, cuts, &options);
    if (result == NULL)
        return;
    const eegpu_record *record = eegpu_result_record(result, 0);
    CHECK_EQUAL(s->rank, record->rank);
    for (uint64_t k = 0; k < s->rank; k++) {
        double p = k < record->spectrum_count ? record->spectrum[k] : 0;
        CHECK(s->a[k] > 0 && (k == 0 || s->a[k] <= s->a[k - 1]));
        CHECK_NEAR(s->a[k] * s->a[k], p, 1e-13);
    }
    eegpu_result_free(result);
}

static void check_cut(const eegpu_state *state, uint64_t mask, int threads, amplitude_of amplitude, const void *function)
{
    eegpu_state_info info = eegpu_state_describe(state);
    eegpu_cuts *cuts = mask_cuts(info.height, info.width, &mask, 1);
    eg_schmidt s = {0};
    if (CHECK_OK(eg_schmidt_of_cut(state, cuts, 0, threads, &s))) {
        CHECK(s.is_complex == info.is_complex && s.rank >= 1);
        check_orthonormal(&s, s.f_a, s.rows);
        check_orthonormal(&s, s.f_b, s.cols);
        check_gauge(&s);
        check_rebuilt(&s, mask, amplitude, function);
        check_coefficients(&s, state, cuts);
    }
    eg_schmidt_free(&s);
    CHECK(s.a == NULL && s.f_a == NULL && s.f_b == NULL && s.rank == 0);
    eegpu_cuts_free(cuts);
}

/* ---- Dense states ------------------------------------------------------------------------------------------------ */

typedef struct dense_function {
    const double *f;
    bool is_complex;
    double norm;
} dense_function;

/* Row r: the binary digits of r, lowest-numbered pixel first, on the pixels of A. */
static uint64_t place(uint64_t number, uint64_t mask)
{
    uint64_t index = 0;
    int left = eg_popcount(mask);
    for (int pixel = 0; pixel < N; pixel++)
        if (mask >> pixel & 1)
            index |= (number >> --left & 1) << (N - 1 - pixel);
    return index;
}

static double complex dense_amplitude(const void *function, uint64_t mask, const eg_schmidt *s, uint64_t row, uint64_t column)
{
    const dense_function *d = function;
    uint64_t index = place(row, mask) | place(column, eg_low_mask(N) & ~mask);
    (void)s;
    return (d->is_complex ? d->f[2 * index] + d->f[2 * index + 1] * I : d->f[index]) / d->norm;
}

static void check_dense(const double *f, bool is_complex, double scale)
{
    uint64_t seed = 61;
    double norm = 0, *scaled = malloc(2 * SIZE * sizeof *scaled);
    for (int i = 0; i < (is_complex ? 2 : 1) * SIZE; i++) {
        norm += f[i] * f[i];
        scaled[i] = f[i] * scale;
    }
    dense_function d = {f, is_complex, sqrt(norm)};
    eegpu_state *state = open_amplitudes(scaled, is_complex, 2, 4);
    for (int round = 0; round < 16; round++)
        check_cut(state, random_mask(N, &seed), 1 + round % 2, dense_amplitude, &d);
    eegpu_state_close(state);
    free(scaled);
}

static void test_dense(void)
{
    double *f = random_amplitudes(2 * SIZE, 62);
    check_dense(f, false, 1);
    check_dense(f, true, 1);
    check_dense(f, false, 0x1p700);
    check_dense(f, true, 0x1p-700);
    for (int i = 0; i < SIZE; i++)
        f[i] = f[i] > 0.6;
    check_dense(f, false, 1); /* labels */
    for (int i = 0; i < SIZE; i++)
        f[i] = (i % 16) * 0.5 - (i / 16 % 2);
    check_dense(f, false, 1); /* low rank */
    for (int i = 0; i < 2 * SIZE; i++)
        f[i] = i / 2 % 16 == 3 || i / 2 % 16 == 9 ? (i % 2 ? 0.4 : -0.3) : 0;
    check_dense(f, true, 1); /* equal components: the first counts */
    free(f);
}

/* ---- Image sets -------------------------------------------------------------------------------------------------- */

enum { IMAGES = 120, HEIGHT = 4, WIDTH = 5, PIXELS = 20 };

typedef struct image_list {
    unsigned char image[IMAGES][PIXELS];
    double norm;
} image_list;

static double complex image_amplitude(const void *function, uint64_t mask, const eg_schmidt *s, uint64_t row, uint64_t column)
{
    const image_list *list = function;
    int n_a = eg_popcount(mask), seen = 0;
    for (int k = 0; k < IMAGES; k++) {
        const unsigned char *a = s->row_images + row * (uint64_t)n_a, *b = s->col_images + column * (uint64_t)(PIXELS - n_a);
        bool same = true;
        for (int pixel = 0; pixel < PIXELS && same; pixel++)
            same = list->image[k][pixel] == (mask >> pixel & 1 ? *a++ : *b++);
        seen += same;
    }
    return sqrt(seen) / list->norm;
}

static void test_images(void)
{
    static image_list list;
    uint64_t seed = 63;
    for (int k = 0; k < IMAGES; k++) {
        uint64_t word = random_word(&seed) & random_word(&seed) & random_word(&seed);
        for (int pixel = 0; pixel < PIXELS; pixel++)
            list.image[k][pixel] = word >> pixel & 1;
    }
    list.norm = sqrt(IMAGES);
    char source[1200];
    snprintf(source, sizeof source, "images:file=%s,weight=count",
             write_npy("|u1", false, "(120, 4, 5)", list.image, sizeof list.image));
    eegpu_state *state = open_source(source, HEIGHT, WIDTH);
    for (int round = 0; state != NULL && round < 6; round++)
        check_cut(state, round == 0 ? 0x3ff : random_mask(PIXELS, &seed), 1, image_amplitude, &list);
    eegpu_state_close(state);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void test_memory(void)
{
    eegpu_open_options open = lattice_options(1, 16);
    open.memory = 600 << 10; /* the function's 512 KiB fit, its matrix does not */
    eegpu_state *state = NULL;
    eegpu_cuts *cuts = family_cuts(1, 16, "prefix");
    eg_schmidt s = {0};
    CHECK_OK(eegpu_state_open("random", &open, &state));
    if (state != NULL) {
        uint64_t before = state->budget->used;
        CHECK_FAILS(eg_schmidt_of_cut(state, cuts, 7, 1, &s), EEGPU_OUT_OF_MEMORY, "Schmidt vectors of cut 7");
        CHECK(state->budget->used == before && s.a == NULL && s.f_a == NULL);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

EG_SUITE("Schmidt vectors", {"amplitudes and labels", test_dense}, {"image sets", test_images}, {"too little memory", test_memory})
