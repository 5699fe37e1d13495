/* The built-in functions against slow references that look at one image at a time, written from the definitions; the
 * same bits on any number of threads. The random ones are in test_random.c, what is refused in test_parameters.c. */
#include "base/bits.h"
#include "check.h"
#include "state/functions.h"
#include "state/random.h"

static eegpu_state *open_state(const char *source, int height, int width, int threads)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = threads;
    options.bit_order = EEGPU_LSB; /* must not matter */
    if (!check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__)) {
        eegpu_state_close(state);
        return NULL;
    }
    return state;
}

static eegpu_status try_open(const char *source, int height, int width)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = 1;
    eegpu_status status = eegpu_state_open(source, &options, &state);
    eegpu_state_close(state);
    return status;
}

/* ---- References: x[i] is pixel i ----------------------------------------------------------------------------------- */

typedef struct image {
    int height, width, pixels;
    uint64_t index;
    int x[EG_MAX_DENSE_PIXELS];
} image;

static int at(const image *s, int row, int column)
{
    return row >= 0 && row < s->height && column >= 0 && column < s->width && s->x[row * s->width + column];
}

static int lit(const image *s)
{
    int sum = 0;
    for (int i = 0; i < s->pixels; i++)
        sum += s->x[i];
    return sum;
}

static int inner(const image *s)
{
    int sum = 0;
    for (int i = 0; i < s->pixels / 2; i++)
        sum += s->x[i] * s->x[s->pixels / 2 + i];
    return sum;
}

static int lit_bonds(const image *s)
{
    int sum = 0;
    for (int row = 0; row < s->height; row++)
        for (int column = 0; column < s->width; column++)
            sum += at(s, row, column) * (at(s, row, column + 1) + at(s, row + 1, column));
    return sum;
}

static bool is_checkerboard(const image *s, int unused)
{
    (void)unused;
    for (int row = 0; row + 1 < s->height; row++)
        for (int column = 0; column + 1 < s->width; column++)
            if ((row + column) % 2 == 0 &&
                (at(s, row, column) + at(s, row, column + 1) + at(s, row + 1, column) + at(s, row + 1, column + 1)) % 2 == 1)
                return false;
    return true;
}

static bool is_pixel_loop(const image *s, int unused)
{
    (void)unused;
    for (int row = 0; row < s->height; row++)
        for (int column = 0; column < s->width; column++)
            if (at(s, row, column) &&
                at(s, row - 1, column) + at(s, row + 1, column) + at(s, row, column - 1) + at(s, row, column + 1) != 2)
                return false;
    return true;
}

static void erase(image *s, int row, int column, int neighbours)
{
    if (!at(s, row, column))
        return;
    s->x[row * s->width + column] = 0;
    for (int down = -1; down <= 1; down++)
        for (int right = -1; right <= 1; right++)
            if (neighbours == 8 || down * right == 0)
                erase(s, row + down, column + right, neighbours);
}

static bool is_connected(const image *s, int neighbours)
{
    image copy = *s;
    for (int i = 0; i < s->pixels; i++)
        if (s->x[i]) {
            erase(&copy, i / s->width, i % s->width, neighbours);
            return lit(&copy) == 0;
        }
    return false;
}

static bool is_palindrome(const image *s, int unused)
{
    (void)unused;
    for (int i = 0; i < s->pixels; i++)
        if (s->x[i] != s->x[s->pixels - 1 - i])
            return false;
    return true;
}

static bool is_prime(const image *s, int unused)
{
    (void)unused;
    for (uint64_t d = 2; d * d <= s->index; d++)
        if (s->index % d == 0)
            return false;
    return s->index >= 2;
}

static bool is_dyck(const image *s, int unused)
{
    int height = 0;
    (void)unused;
    for (int i = 0; i < s->pixels; i++) {
        height += s->x[i] ? 1 : -1;
        if (height < 0)
            return false;
    }
    return height == 0;
}

static bool has_runs(const image *s, int unused)
{
    (void)unused;
    for (int row = 0; row < s->height; row++) {
        int starts = 0;
        for (int column = 0; column < s->width; column++)
            starts += at(s, row, column) && !at(s, row, column - 1);
        if (starts > 1)
            return false;
    }
    return true;
}

static bool has_even(const image *s, int even) { return (lit(s) % 2 == 0) == even; }
static bool has_majority(const image *s, int unused) { return 2 * lit(s) > s->pixels + 0 * unused; }
static bool has_at_least(const image *s, int k) { return lit(s) >= k; }
static bool has_exactly(const image *s, int k) { return lit(s) == k; }
static bool is_ghz(const image *s, int unused) { return lit(s) == 0 || lit(s) == s->pixels + 0 * unused; }
static bool has_odd_inner(const image *s, int unused) { return inner(s) % 2 == 1 + 0 * unused; }
static bool is_disjoint(const image *s, int unused) { return inner(s) == 0 * unused; }
static bool is_multiple(const image *s, int q) { return s->index % (uint64_t)q == 0; }
static bool is_hard(const image *s, int unused) { return lit_bonds(s) == 0 * unused; }
static bool has_odd_bonds(const image *s, int unused) { return lit_bonds(s) % 2 == 1 + 0 * unused; }

/* ---- Labels and signs, bit by bit ---------------------------------------------------------------------------------- */

typedef struct label_case {
    const char *source;
    bool (*label)(const image *s, int parameter);
    int parameter;
    bool sign;         /* amplitudes: -1 where the label is 1 */
    long long ones_44; /* functions.md: ones on 4x4 */
} label_case;

static const label_case label_cases[] = {
    {"loops", is_checkerboard, 0, false, 2048},
    {"loops:rule=checkerboard", is_checkerboard, 0, false, 2048},
    {"loops:rule=pixel", is_pixel_loop, 0, false, 27},
    {"connected", is_connected, 4, false, 11506},
    {"connected:neighbours=4", is_connected, 4, false, 11506},
    {"connected:neighbours=8", is_connected, 8, false, 37196},
    {"palindrome", is_palindrome, 0, false, 256},
    {"parity", has_even, 1, false, 32768},
    {"parity:kind=set", has_even, 1, false, 32768},
    {"parity:kind=sign", has_even, 0, true, 0},
    {"majority", has_majority, 0, false, 26333},
    {"threshold:k=5", has_at_least, 5, false, 63019},
    {"threshold:k=0", has_at_least, 0, false, 65536},
    {"threshold:k=1", has_at_least, 1, false, 65535},
    {"ghz", is_ghz, 0, false, 2},
    {"w", has_exactly, 1, false, 16},
    {"dicke:k=3", has_exactly, 3, false, 560},
    {"dicke:k=0", has_exactly, 0, false, 1},
    {"dicke:k=1", has_exactly, 1, false, 16},
    {"innerproduct", has_odd_inner, 0, true, 0},
    {"innerproduct:kind=sign", has_odd_inner, 0, true, 0},
    {"innerproduct:kind=set", has_odd_inner, 0, false, 32640},
    {"disjoint", is_disjoint, 0, false, 6561},
    {"primes", is_prime, 0, false, 6542},
    {"multiple:q=1", is_multiple, 1, false, 65536},
    {"multiple:q=7", is_multiple, 7, false, 9363},
    {"multiple:q=64", is_multiple, 64, false, 1024},
    {"multiple:q=100003", is_multiple, 100003, false, 1},
    {"dyck", is_dyck, 0, false, 1430},
    {"hardsquare", is_hard, 0, false, 1234},
    {"runs", has_runs, 0, false, 14641},
    {"graph", has_odd_bonds, 0, true, 0},
};
enum { LABEL_CASES = sizeof label_cases / sizeof label_cases[0] };

static const int lattices[][2] = {{4, 4}, {3, 5}, {1, 13}, {2, 3}, {1, 1}, {1, 5}, {5, 1}, {8, 2}, {2, 2}, {1, 2}, {3, 3}, {2, 5}};
enum { LATTICES = sizeof lattices / sizeof lattices[0] };

static void make_image(int height, int width, uint64_t index, image *s)
{
    *s = (image){.height = height, .width = width, .pixels = height * width, .index = index};
    for (int i = 0; i < s->pixels; i++)
        s->x[i] = (int)(index >> (s->pixels - 1 - i) & 1);
}

/* Compare every image; `labels` holds the reference, packed as a state's bits. */
static void compare_labels(const label_case *test, int height, int width, const uint64_t *labels, uint64_t ones)
{
    uint64_t size = UINT64_C(1) << (height * width), wrong = 0;
    eegpu_state *state = open_state(test->source, height, width, 1);
    if (state == NULL)
        return;
    CHECK_EQUAL(state->height, height);
    CHECK_EQUAL(state->size, size);
    CHECK_EQUAL(state->bit_of_pixel[0], height * width - 1);
    CHECK_EQUAL(state->kind, test->sign && ones > 0 ? EG_AMPLITUDES : EG_BITS);
    if (state->kind == EG_AMPLITUDES) {
        for (uint64_t k = 0; k < size; k++)
            wrong += state->amplitudes[k] != (eg_bit(labels, k) ? -1.0 : 1.0);
        CHECK_EQUAL(wrong, 0);
    } else if (!test->sign) {
        CHECK_EQUAL(memcmp(state->bits, labels, (size_t)eg_ceil_div(size, 64) * 8), 0); /* spare bits too */
        CHECK_EQUAL(state->ones, ones);
        CHECK_NEAR(state->norm, sqrt((double)ones), 1e-12 * sqrt((double)ones));
        if (height == 4 && width == 4)
            CHECK_EQUAL(state->ones, test->ones_44);
    }
    eegpu_state_close(state);
}

static void test_labels(void)
{
    for (int t = 0; t < LABEL_CASES; t++)
        for (int l = 0; l < LATTICES; l++) {
            const label_case *test = &label_cases[t];
            int height = lattices[l][0], width = lattices[l][1];
            uint64_t size = UINT64_C(1) << (height * width), ones = 0;
            uint64_t *labels = calloc((size_t)eg_ceil_div(size, 64), sizeof *labels);
            for (uint64_t k = 0; k < size; k++) {
                image s;
                make_image(height, width, k, &s);
                uint64_t label = test->label(&s, test->parameter);
                labels[k / 64] |= label << (k % 64);
                ones += label;
            }
            bool k_too_large = strchr(test->source, 'k') != NULL && strstr(test->source, ":k=") && test->parameter > height * width;
            if (k_too_large || (ones == 0 && !test->sign)) {
                CHECK(try_open(test->source, height, width) != EEGPU_OK);
            } else
                compare_labels(test, height, width, labels, ones);
            free(labels);
        }
}

static void test_larger(void)
{
    static const struct {
        const char *source;
        int height, width;
        long long ones;
    } cases[] = {
        {"connected", 4, 5, 116166},   {"loops:rule=pixel", 4, 5, 72},
        {"majority", 4, 5, 431910},    {"primes", 1, 22, 295947},
        {"dyck", 2, 11, 58786},        {"hardsquare", 1, 22, 46368},
        {"dicke:k=11", 2, 11, 705432}, {"palindrome", 3, 7, 2048},
        {"runs", 3, 7, 24389},         {"multiple:q=3", 3, 7, 699051},
        {"threshold:k=21", 3, 7, 1},   {"disjoint", 2, 11, 177147},
        {"parity", 3, 7, 1048576},     {"innerproduct:kind=set", 2, 11, 2096128},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        eegpu_state *state = open_state(cases[k].source, cases[k].height, cases[k].width, 2);
        if (state != NULL)
            CHECK_EQUAL(state->ones, cases[k].ones);
        eegpu_state_close(state);
    }
}

static void test_defaults(void)
{
    eegpu_state *state = open_state("connected", 0, 0, 1);
    if (state != NULL) {
        CHECK_EQUAL(state->height, 4);
        CHECK_EQUAL(state->width, 4);
        CHECK_EQUAL(state->ones, 11506);
    }
    eegpu_state_close(state);
}

/* ---- Real functions ------------------------------------------------------------------------------------------------ */

static int unequal_bonds(const image *s)
{
    int sum = 0;
    for (int row = 0; row < s->height; row++)
        for (int column = 0; column < s->width; column++) {
            sum += column + 1 < s->width && at(s, row, column) != at(s, row, column + 1);
            sum += row + 1 < s->height && at(s, row, column) != at(s, row + 1, column);
        }
    return sum;
}

static void test_ising(void)
{
    static const struct {
        const char *source;
        double beta;
    } cases[] = {{"ising:beta=0.4", 0.4}, {"ising:beta=-0.7", -0.7}, {"ising:beta=1e-3", 1e-3}};
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++)
        for (int l = 0; l < LATTICES; l++) {
            int height = lattices[l][0], width = lattices[l][1], wrong = 0;
            int bonds = height * (width - 1) + width * (height - 1);
            double seen[64] = {0};
            if (bonds == 0)
                continue;
            eegpu_state *state = open_state(cases[t].source, height, width, 1);
            for (uint64_t k = 0; state != NULL && k < state->size; k++) {
                image s;
                make_image(height, width, k, &s);
                int unequal = unequal_bonds(&s);
                double energy = -(bonds - 2.0 * unequal), expected = exp(-cases[t].beta * energy / 2);
                wrong += fabs(state->amplitudes[k] - expected) > 1e-13 * expected;
                wrong += seen[unequal] != 0 && seen[unequal] != state->amplitudes[k]; /* equal energies, equal bits */
                seen[unequal] = state->amplitudes[k];
            }
            CHECK_EQUAL(wrong, 0);
            eegpu_state_close(state);
        }
    eegpu_state *flat = open_state("ising:beta=0", 3, 3, 1);
    if (flat != NULL)
        CHECK_EQUAL(flat->ones, 512);
    eegpu_state_close(flat);
}

/* f(s) / f(0) is the product of what each single lit pixel gives, and the factors are what the definition says. */
static void test_products(void)
{
    const double two_pi = 6.283185307179586;
    for (int logistic = 0; logistic < 2; logistic++)
        for (int l = 0; l < LATTICES; l++) {
            int pixels = lattices[l][0] * lattices[l][1], wrong = 0;
            double factor[16][2];
            for (int i = 0; i < pixels; i++) {
                uint64_t bits[2];
                double normal[2];
                eg_random_bits(5, EG_RANDOM_ANGLES, (uint64_t)i, 0, bits);
                eg_random_normal_pair(5, EG_RANDOM_FIELDS, (uint64_t)i / 2, normal);
                double angle = two_pi * eg_random_unit(bits[0]);
                factor[i][0] = logistic ? 1 : cos(angle);
                factor[i][1] = logistic ? exp(normal[i % 2]) : sin(angle);
            }
            eegpu_state *state = open_state(logistic ? "logistic:seed=5" : "product:seed=5", lattices[l][0], lattices[l][1], 1);
            for (uint64_t k = 0; state != NULL && k < state->size; k++) {
                double expected = 1;
                for (int i = 0; i < pixels; i++)
                    expected *= factor[i][k >> (pixels - 1 - i) & 1];
                wrong += !(fabs(state->amplitudes[k] - expected) <= 1e-12 * fabs(expected) + 1e-15);
            }
            if (state != NULL && !logistic)
                CHECK_NEAR(state->norm, 1, 1e-12);
            CHECK_EQUAL(wrong, 0);
            eegpu_state_close(state);
        }
}

/* ---- Threads, progress --------------------------------------------------------------------------------------------- */

static bool same_bits(const eegpu_state *one, const eegpu_state *two)
{
    return one->size == two->size && memcmp(one->bits, two->bits, (size_t)eg_ceil_div(one->size, 64) * 8) == 0;
}

static void test_threads(void)
{
    static const char *const sources[] = {"connected",
                                          "loops:rule=pixel",
                                          "primes",
                                          "multiple:q=11",
                                          "random",
                                          "product",
                                          "logistic",
                                          "ising:beta=0.3",
                                          "graph",
                                          "random:kind=complex",
                                          "randomset",
                                          "majority",
                                          "randomset:count=1500000",
                                          "randomset:density=0.37"};
    for (size_t k = 0; k < sizeof sources / sizeof sources[0]; k++) {
        eegpu_state *one = open_state(sources[k], 3, 7, 1), *two = open_state(sources[k], 3, 7, 2);
        if (one != NULL && two != NULL) {
            CHECK_EQUAL(one->kind, two->kind);
            bool same = one->kind == EG_BITS
                            ? same_bits(one, two)
                            : memcmp(one->amplitudes, two->amplitudes, (size_t)one->size * (one->is_complex ? 16 : 8)) == 0;
            CHECK(same);
            CHECK(one->norm == two->norm);
        }
        eegpu_state_close(one);
        eegpu_state_close(two);
    }
}

typedef struct watch {
    int calls;
    bool stop;
    double last;
} watch;

static bool on_progress(void *user, const char *stage, double fraction)
{
    watch *seen = user;
    seen->calls++;
    CHECK(stage != NULL && fraction >= 0 && fraction <= 1);
    seen->last = fraction;
    return !seen->stop;
}

static void test_progress(void)
{
    static const char *const sources[] = {"connected", "primes", "random"};
    for (int k = 0; k < 3; k++)
        for (int stop = 0; stop < 2; stop++) {
            watch seen = {.stop = stop};
            eegpu_state *state = NULL;
            eegpu_open_options options = eegpu_open_options_default();
            options.height = 2;
            options.width = 10;
            options.threads = 2;
            options.progress = on_progress;
            options.progress_user = &seen;
            if (stop)
                CHECK_FAILS(eegpu_state_open(sources[k], &options, &state), EEGPU_INTERRUPTED, "evaluating the function");
            else if (CHECK_OK(eegpu_state_open(sources[k], &options, &state)))
                CHECK_EQUAL(seen.last, 1);
            CHECK(seen.calls >= 1);
            eegpu_state_close(state);
        }
}

/* ---- The table ---------------------------------------------------------------------------------------------------- */

static void test_table(void)
{
    size_t count = 0;
    const eg_function *const *rows = eg_functions(&count);
    CHECK_EQUAL(count, 23);
    for (size_t k = 0; k < count; k++) {
        bool required = false;
        CHECK(eg_is_function(rows[k]->name));
        CHECK(rows[k]->help != NULL && strchr(rows[k]->help, '\n') == NULL);
        CHECK((rows[k]->slice != NULL) + (rows[k]->fill_bits != NULL) + (rows[k]->fill != NULL) == 1);
        for (int i = 0; i < EG_MAX_PARAMETERS && rows[k]->parameters[i].name != NULL; i++) {
            required |= rows[k]->parameters[i].fallback == NULL;
            CHECK(rows[k]->parameters[i].help != NULL);
            CHECK((rows[k]->parameters[i].type == EG_CHOICE) == (rows[k]->parameters[i].choices != NULL));
        }
        CHECK(required == (rows[k]->example != NULL));
        CHECK_OK(try_open(required ? rows[k]->example : rows[k]->name, 0, 0));
    }
    CHECK(!eg_is_function("images"));
    CHECK(!eg_is_function(""));
}

EG_SUITE("functions", {"the table and its examples", test_table}, {"labels and signs, image by image", test_labels},
         {"larger lattices", test_larger}, {"default lattice", test_defaults}, {"ising", test_ising},
         {"product and logistic", test_products}, {"same bits on 1 and 2 threads", test_threads},
         {"progress and interruption", test_progress})
