/* Symmetries of functions: maps of the lattice against formulas written out, groups against closures of plain permutations, and
 * invariance against a walk over all images that knows nothing of words and tiles. Orbits of cuts are in test_orbits.c. */
#include "permutation.h"
#include "reduce/symmetry.h"
#include "scanning.h"
#include "state/symmetry.h"
#include "temporary.h"

/* ---- Plain permutations ---- */

enum { MAX_SITES = 4096 };

typedef struct plain {
    const char *name;
    bool needs_square;
    int (*row)(int r, int c, int height, int width), (*column)(int r, int c, int height, int width);
} plain;

#define COORDINATE(name, value)                          \
    static int name(int r, int c, int height, int width) \
    {                                                    \
        int result = (value);                            \
        (void)r, (void)c, (void)height, (void)width;     \
        return result;                                   \
    }
COORDINATE(same_row, r)
COORDINATE(same_column, c)
COORDINATE(far_row, height - 1 - r)
COORDINATE(far_column, width - 1 - c)
COORDINATE(column_as_row, c)
COORDINATE(row_as_column, r)
COORDINATE(far_column_as_row, width - 1 - c)
COORDINATE(far_row_as_column, height - 1 - r)
COORDINATE(next_row, (r + 1) % height)
COORDINATE(next_column, (c + 1) % width)
COORDINATE(second_row, (r + 2) % height)
COORDINATE(second_column, (c + 2) % width)
COORDINATE(third_column, (c + 3) % width)

static const plain plains[] = {
    {"identity", false, same_row, same_column},
    {"mirror left-right", false, same_row, far_column},
    {"mirror up-down", false, far_row, same_column},
    {"half turn", false, far_row, far_column},
    {"transpose", true, column_as_row, row_as_column},
    {"anti-transpose", true, far_column_as_row, far_row_as_column},
    {"quarter turn", true, column_as_row, far_row_as_column},
    {"three-quarter turn", true, far_column_as_row, row_as_column},
    {"shift by 1 row", false, next_row, same_column},
    {"shift by 2 rows", false, second_row, same_column},
    {"shift by 1 column", false, same_row, next_column},
    {"shift by 2 columns", false, same_row, second_column},
    {"shift by 3 columns", false, same_row, third_column},
};

/* 4 x 6: everything but the square's; 4 x 4: the square's too. */
static void test_candidates(void)
{
    static const int widths[] = {6, 4}, expected[] = {4 + 2 + 3, 8 + 2 + 2};
    eg_symmetry list[EG_MAX_SYMMETRIES];
    int image[24];
    for (size_t k = 0; k < COUNT(widths); k++) {
        int height = 4, width = widths[k], count = eg_symmetry_candidates(height, width, list), found = 0;
        CHECK_EQUAL(count, 2 * expected[k]);
        for (int i = 0; i < count / 2; i++)
            for (size_t p = 0; p < COUNT(plains); p++) {
                if (strcmp(list[i].name, plains[p].name) != 0)
                    continue;
                found++;
                EXPECT(!plains[p].needs_square || height == width, "%s on %d x %d", list[i].name, height, width);
                EXPECT(!list[i].exchanges_colours && list[i + count / 2].exchanges_colours, "%s", list[i].name);
                EXPECT(strstr(list[i + count / 2].name, "colour exchange") != NULL, "%s", list[i + count / 2].name);
                eg_symmetry_pixels(&list[i], height, width, image);
                for (int pixel = 0; pixel < height * width; pixel++) {
                    int r = pixel / width, c = pixel % width;
                    int wanted = plains[p].row(r, c, height, width) * width + plains[p].column(r, c, height, width);
                    EXPECT(image[pixel] == wanted, "%s takes %d to %d, not %d", list[i].name, pixel, image[pixel], wanted);
                }
            }
        CHECK_EQUAL(found, expected[k]);
    }
    for (int height = 1; height <= EG_MAX_PIXELS; height++)
        for (int width = 1; width <= EG_MAX_PIXELS / height; width += width < 70 ? 1 : 97) {
            int count = eg_symmetry_candidates(height, width, list);
            EXPECT(count <= EG_MAX_SYMMETRIES, "%d candidates on %d x %d", count, height, width);
        }
    CHECK(eg_symmetry_candidates(1, 2520, list) <= EG_MAX_SYMMETRIES);
    CHECK_EQUAL(strcmp(list[4].name, "shift by 1 column"), 0);
}

/* ---- Groups ---- */

static void test_groups(void)
{
    static const int sides[][2] = {{1, 2}, {1, 6}, {5, 1}, {2, 2}, {2, 4}, {3, 2}, {3, 3}, {3, 4}, {4, 4}};
    static permutation list[256 + 1];
    static eg_symmetry_group group;
    eg_symmetry candidates[EG_MAX_SYMMETRIES];
    uint64_t seed = 4;
    for (size_t k = 0; k < COUNT(sides); k++)
        for (int trial = 0; trial < 12; trial++) {
            int height = sides[k][0], width = sides[k][1], count = eg_symmetry_candidates(height, width, candidates);
            permutation generators[4];
            list[0] = permutation_of(&candidates[0], height, width);
            eg_symmetry_group_begin(height, width, &group);
            CHECK_EQUAL(group.order, 1);
            for (int g = 0; g < trial % 5; g++) {
                const eg_symmetry *chosen = &candidates[random_word(&seed) % (uint64_t)count];
                eg_symmetry_group_add(&group, chosen);
                generators[g] = permutation_of(chosen, height, width);
            }
            int order = close_group(list, generators, trial % 5, height * width), named = 0;
            EXPECT((int)group.order == order, "%d x %d: a group of %d elements, not %d", height, width, (int)group.order, order);
            eg_symmetry_group_name(&group, candidates, count);
            for (int i = 0; i < count; i++) {
                permutation wanted = permutation_of(&candidates[i], height, width);
                bool has = find_permutation(list, order, &wanted) < order;
                EXPECT(eg_symmetry_group_has(&group, &candidates[i]) == has, "%d x %d: %s", height, width, candidates[i].name);
                named += has && i > 0 && strcmp(group.candidates[named].name, candidates[i].name) == 0;
            }
            CHECK_EQUAL(named, group.count);
        }
}

/* ---- Invariance, image by image ---- */

static uint64_t moved_index(const eegpu_state *state, const int *image, bool exchange_colours, uint64_t index)
{
    uint64_t result = 0;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if ((index >> state->bit_of_pixel[pixel] & 1) != exchange_colours)
            result |= UINT64_C(1) << state->bit_of_pixel[image[pixel]];
    return result;
}

static bool same_value(const eegpu_state *state, uint64_t left, uint64_t right)
{
    const double *f = state->amplitudes;
    if (state->kind == EG_BITS)
        return eg_bit(state->bits, left) == eg_bit(state->bits, right);
    if (!state->is_complex)
        return f[left] == f[right];
    return f[2 * left] == f[2 * right] && f[2 * left + 1] == f[2 * right + 1];
}

static bool is_plainly_invariant(const eegpu_state *state, const int *image, bool exchange_colours)
{
    bool same = true;
    for (uint64_t index = 0; same && index < state->size; index++)
        same = same_value(state, index, moved_index(state, image, exchange_colours, index));
    return same;
}

static bool is_invariant(const eegpu_state *state, const int *image, bool exchange_colours)
{
    bool invariant = false, with_threads = false;
    CHECK_OK(eg_state_is_invariant(state, image, exchange_colours, 1, &invariant));
    CHECK_OK(eg_state_is_invariant(state, image, exchange_colours, 3, &with_threads));
    CHECK_EQUAL(invariant, with_threads);
    return invariant;
}

/* What is known of some functions: the names of all that leave the colours, and of the first that exchanges them. NULL: the walk
 * over all images alone decides. */
typedef struct known {
    const char *source;
    int height, width;
    const char *names, *exchange;
} known;

#define RECTANGLE "mirror left-right, mirror up-down, half turn"
#define SQUARE RECTANGLE ", transpose, anti-transpose, quarter turn, three-quarter turn"
static const known functions[] = {
    {"product", 3, 4, NULL, NULL},
    {"logistic", 3, 3, NULL, NULL},
    {"random", 3, 4, "", ""},
    {"random:kind=complex", 3, 3, "", ""},
    {"randomset:density=0.5", 4, 4, "", ""},
    {"loops", 4, 4, SQUARE, "colour exchange"},
    {"loops", 3, 4, NULL, "colour exchange"},
    {"loops:rule=pixel", 4, 4, SQUARE, ""},
    {"connected", 4, 4, SQUARE, ""},
    {"connected", 3, 4, RECTANGLE, ""},
    {"connected:neighbours=8", 4, 3, RECTANGLE, ""},
    {"connected", 1, 9, "mirror left-right", ""},
    {"palindrome", 1, 8, "mirror left-right, shift by 4 columns", "colour exchange"},
    {"palindrome", 3, 4, NULL, "colour exchange"},
    {"parity", 4, 4, SQUARE ", shift by 1 row, shift by 2 rows, shift by 1 column, shift by 2 columns", "colour exchange"},
    {"parity", 3, 3, SQUARE ", shift by 1 row, shift by 1 column", ""},
    {"parity:kind=sign", 2, 3, NULL, "colour exchange"},
    {"majority", 4, 4, SQUARE ", shift by 1 row, shift by 2 rows, shift by 1 column, shift by 2 columns", ""},
    {"majority", 1, 5, "mirror left-right, shift by 1 column", ""},
    {"threshold:k=3", 1, 7, NULL, ""},
    {"ghz", 2, 5, NULL, "colour exchange"},
    {"w", 2, 2, NULL, ""},
    {"dicke:k=2", 2, 2, NULL, "colour exchange"},
    {"innerproduct", 4, 3, NULL, NULL},
    {"disjoint", 1, 10, "mirror left-right, shift by 1 column, shift by 2 columns, shift by 5 columns", ""},
    {"primes", 3, 4, "", ""},
    {"multiple:q=7", 1, 12, NULL, NULL},
    {"dyck", 1, 10, "", "mirror left-right with colour exchange"},
    {"dyck", 3, 4, "", "half turn with colour exchange"},
    {"hardsquare", 4, 4, SQUARE, ""},
    {"hardsquare", 3, 5, RECTANGLE, ""},
    {"runs", 3, 4, RECTANGLE ", shift by 1 row", ""},
    {"runs", 1, 5, "mirror left-right", ""},
    {"graph", 3, 4, RECTANGLE, ""},
    {"graph", 3, 3, SQUARE, ""},
    {"ising:beta=0.4", 4, 4, SQUARE, "colour exchange"},
    {"ising:beta=0.4", 2, 3, NULL, "colour exchange"},
    {"ising:beta=0", 3, 3, NULL, "colour exchange"},
};

/* Every candidate of every function; the group found is that of the candidates that the walk over all images passes. */
static void check_function(const known *row, const eegpu_state *state)
{
    static eg_symmetry_group group, plainly;
    eg_symmetry list[EG_MAX_SYMMETRIES];
    int image[MAX_SITES], count = eg_symmetry_candidates(row->height, row->width, list);
    const char *exchange = "";
    char names[2048] = "";
    eg_symmetry_group_begin(row->height, row->width, &plainly);
    for (int k = 0; k < count; k++) {
        eg_symmetry_pixels(&list[k], row->height, row->width, image);
        bool expected = is_plainly_invariant(state, image, list[k].exchanges_colours);
        bool found = is_invariant(state, image, list[k].exchanges_colours);
        EXPECT(found == expected, "%s %d x %d: %s is %d", row->source, row->height, row->width, list[k].name, found);
        if (expected)
            eg_symmetry_group_add(&plainly, &list[k]);
    }
    CHECK_OK(eg_find_symmetries(state, 2, &group));
    eg_symmetry_group_name(&plainly, list, count);
    EXPECT(memcmp(group.members, plainly.members, sizeof group.members) == 0, "%s %d x %d", row->source, row->height, row->width);
    CHECK_EQUAL(group.order, plainly.order);
    CHECK_EQUAL(group.count, plainly.count);
    for (int k = 0; k < group.count; k++) {
        const char *name = group.candidates[k].name;
        EXPECT(strcmp(name, plainly.candidates[k].name) == 0, "%s: %s", row->source, name);
        if (!group.candidates[k].exchanges_colours)
            strcat(strcat(names, names[0] != '\0' ? ", " : ""), name);
        else if (exchange[0] == '\0')
            exchange = name;
    }
    if (row->names != NULL)
        EXPECT(strcmp(names, row->names) == 0, "%s %d x %d has: %s", row->source, row->height, row->width, names);
    if (row->exchange != NULL)
        EXPECT(strcmp(exchange, row->exchange) == 0, "%s %d x %d has: %s", row->source, row->height, row->width, exchange);
}

static void test_functions(void)
{
    for (size_t k = 0; k < COUNT(functions); k++) {
        eegpu_state *state = open_source(functions[k].source, functions[k].height, functions[k].width);
        if (state != NULL)
            check_function(&functions[k], state);
        eegpu_state_close(state);
    }
}

/* ---- One image that differs ---- */

typedef enum form { BITS, REAL, COMPLEX } form;

static void shuffle(int *image, int pixels, uint64_t *seed)
{
    for (int i = 0; i < pixels; i++)
        image[i] = i;
    for (int i = pixels - 1; i > 0; i--) {
        int j = (int)(random_word(seed) % (uint64_t)(i + 1)), other = image[i];
        image[i] = image[j];
        image[j] = other;
    }
}

/* Few pixels change places: most bits stay in their words, some in the same cache line. */
static void swap_some(int *image, int pixels, int swaps, uint64_t *seed)
{
    for (int i = 0; i < pixels; i++)
        image[i] = i;
    for (int k = 0; k < swaps; k++) {
        uint64_t i = random_word(seed) % (uint64_t)pixels, j = random_word(seed) % (uint64_t)pixels;
        int other = image[i];
        image[i] = image[j];
        image[j] = other;
    }
}

/* Random values, equal on each orbit of the map; parts of `f` in turn. Never all 0. */
static void fill_orbits(const eegpu_state *layout, const int *image, bool exchange_colours, form kind, uint64_t *seed, double *f)
{
    uint64_t parts = kind == COMPLEX ? 2 : 1;
    for (uint64_t i = 0; i < layout->size * parts; i++)
        f[i] = NAN;
    for (uint64_t index = 0; index < layout->size; index++) {
        double value[2] = {kind == BITS ? (double)(random_word(seed) & 1) : random_real(seed), random_real(seed)};
        for (uint64_t at = index; isnan(f[at * parts]); at = moved_index(layout, image, exchange_colours, at))
            memcpy(f + at * parts, value, parts * sizeof *value);
    }
}

/* An invariant function, then with one image changed at some places, the last and the first among them. */
static void check_one_image(int height, int width, eegpu_bit_order order, form kind, const int *image, bool exchange_colours,
                            uint64_t *seed)
{
    eegpu_open_options options = lattice_options(height, width);
    eegpu_state layout = {.kind = EG_AMPLITUDES}, *state = NULL;
    options.bit_order = order;
    eg_state_set_lattice(&layout, height, width, order);
    uint64_t parts = kind == COMPLEX ? 2 : 1, size = layout.size;
    double *f = malloc(size * parts * sizeof *f);
    fill_orbits(&layout, image, exchange_colours, kind, seed, f);
    if (kind == BITS)
        f[0] = f[moved_index(&layout, image, exchange_colours, 0)] = 1; /* not 0 everywhere; the orbit of all dark is short */
    CHECK_OK(eegpu_state_from_amplitudes(f, kind == COMPLEX, &options, &state));
    if (state == NULL || (kind == BITS) != (state->kind == EG_BITS)) {
        EXPECT(kind == BITS && size <= 4 && state != NULL, "%d x %d: another kind of function", height, width);
        goto done;
    }
    EXPECT(is_invariant(state, image, exchange_colours), "%d x %d, form %d: invariant", height, width, (int)kind);
    for (int trial = 0; trial < 8; trial++) {
        uint64_t index = trial == 0 ? size - 1 : trial == 1 ? 0 : trial == 2 ? size / 2 : random_word(seed) % size;
        uint64_t part = index * parts + random_word(seed) % parts;
        bool fixed = moved_index(state, image, exchange_colours, index) == index;
        if (kind == BITS)
            state->bits[index / 64] ^= UINT64_C(1) << (index % 64);
        else
            f[part] += 1;
        bool found = is_invariant(state, image, exchange_colours);
        EXPECT(found == fixed, "%d x %d, form %d: image %llu changed, found %d", height, width, (int)kind,
               (unsigned long long)index, found);
        if (kind == BITS)
            state->bits[index / 64] ^= UINT64_C(1) << (index % 64);
        else
            f[part] -= 1;
    }
done:
    eegpu_state_close(state);
    free(f);
}

static void test_one_image(void)
{
    uint64_t seed = 11;
    int image[20];
    for (int pixels = 1; pixels <= 20; pixels++)
        for (int trial = 0; trial < (pixels <= 14 ? 8 : pixels <= 17 ? 2 : 1); trial++)
            for (form kind = BITS; kind <= COMPLEX; kind++)
                for (int exchange = 0; exchange < 2; exchange++) {
                    if (trial % 2 == 0)
                        shuffle(image, pixels, &seed);
                    else
                        swap_some(image, pixels, trial, &seed);
                    check_one_image(1, pixels, trial % 4 < 2 ? EEGPU_MSB : EEGPU_LSB, kind, image, exchange, &seed);
                }
}

/* Random functions of a few images: two of them may well be equal, and a 0/1 function need not be invariant. */
static void test_against_walk(void)
{
    uint64_t seed = 12;
    int image[20], invariant = 0;
    for (int trial = 0; trial < 400; trial++) {
        int pixels = 1 + (int)(random_word(&seed) % 12);
        double f[1 << 12] = {1};
        for (int k = (int)(random_word(&seed) % 3); k > 0; k--)
            f[random_word(&seed) >> (64 - pixels)] = 1;
        swap_some(image, pixels, 1 + trial % 3, &seed);
        eegpu_state *state = open_amplitudes(f, false, 1, pixels);
        if (state == NULL)
            continue;
        bool expected = is_plainly_invariant(state, image, trial % 5 == 0);
        EXPECT(is_invariant(state, image, trial % 5 == 0) == expected, "trial %d, %d pixels", trial, pixels);
        invariant += expected;
        eegpu_state_close(state);
    }
    EXPECT(invariant > 50 && invariant < 350, "%d of 400 are invariant", invariant);
}

/* A sign and a phase are differences, -0 and 0 are not. */
static void test_equality(void)
{
    static const double signs[] = {3, 1, -1, 2}, zeros[] = {3, 0, -0.0, 2}, conjugates[] = {1, 0, 1, 1, 1, -1, 2, 0};
    static const int swapped[] = {1, 0};
    eegpu_state *state = open_amplitudes(signs, false, 1, 2);
    CHECK(!is_invariant(state, swapped, false));
    eegpu_state_close(state);
    state = open_amplitudes(zeros, false, 1, 2);
    CHECK(is_invariant(state, swapped, false));
    eegpu_state_close(state);
    state = open_amplitudes(conjugates, true, 1, 2);
    CHECK(!is_invariant(state, swapped, false));
    eegpu_state_close(state);
}

static void test_bad_permutations(void)
{
    static const int bad[][4] = {{0, 1, 2, 2}, {0, 1, 2, 4}, {-1, 0, 1, 2}};
    eegpu_state *state = open_source("majority", 2, 2);
    for (size_t k = 0; k < COUNT(bad); k++) {
        bool invariant = true;
        CHECK_FAILS(eg_state_is_invariant(state, bad[k], false, 1, &invariant), EEGPU_USAGE, "4 pixels");
        CHECK(!invariant);
    }
    eegpu_state_close(state);
}

/* ---- Sets of images ---- */

static eegpu_state *open_set(const unsigned char *pixels, int count, int height, int width, const char *weight)
{
    char shape[64], source[1200];
    snprintf(shape, sizeof shape, "(%d, %d, %d)", count, height, width);
    const char *path = write_npy("|b1", false, shape, pixels, (size_t)(count * height * width));
    snprintf(source, sizeof source, "images:file=%s,weight=%s", path, weight);
    return open_source(source, height, width);
}

/* Random images with all that a mirror, or a mirror with the colours exchanged, makes of them: one more image, or one image more
 * often, and the symmetry is gone. 9 x 9 pixels are more than a word. */
static void check_set(int height, int width, bool exchange)
{
    enum { PAIRS = 40, MOST = 2 * PAIRS + 1 };
    static unsigned char images[MOST * 81];
    static eg_symmetry_group group;
    eg_symmetry mirror = {.reverses_columns = true, .column_shift = width - 1, .exchanges_colours = exchange};
    int pixels = height * width, image[81];
    uint64_t seed = 5;
    eg_symmetry_pixels(&mirror, height, width, image);
    for (int k = 0; k < PAIRS; k++)
        for (int i = 0; i < pixels; i++) {
            unsigned char lit = (unsigned char)(random_word(&seed) & 1);
            images[2 * k * pixels + i] = lit;
            images[(2 * k + 1) * pixels + image[i]] = lit != exchange;
        }
    memcpy(images + 2 * PAIRS * pixels, images, (size_t)pixels);
    eegpu_state *even = open_set(images, 2 * PAIRS, height, width, "count"), *odd = open_set(images, MOST, height, width, "count");
    eegpu_state *set = open_set(images, MOST, height, width, "set"), *less = open_set(images, 2 * PAIRS - 1, height, width, "set");
    CHECK(is_invariant(even, image, exchange) && !is_invariant(even, image, !exchange));
    CHECK(!is_invariant(odd, image, exchange));
    CHECK(is_invariant(set, image, exchange));
    CHECK(!is_invariant(less, image, exchange));
    CHECK_OK(eg_find_symmetries(set, 2, &group));
    CHECK_EQUAL(group.order, 2);
    CHECK_EQUAL(group.count, 1);
    CHECK_EQUAL(strcmp(group.candidates[0].name, exchange ? "mirror left-right with colour exchange" : "mirror left-right"), 0);
    eegpu_state_close(even);
    eegpu_state_close(odd);
    eegpu_state_close(set);
    eegpu_state_close(less);
}

static void test_sets(void)
{
    check_set(4, 5, false);
    check_set(4, 5, true);
    check_set(8, 8, true);
    check_set(9, 9, false);
    check_set(9, 9, true);
}

EG_SUITE("symmetry", {"candidates of a lattice", test_candidates}, {"groups against plain permutations", test_groups},
         {"built-in functions against a walk over all images", test_functions}, {"one image that differs", test_one_image},
         {"few images against the walk", test_against_walk}, {"signs, phases and zeros", test_equality},
         {"maps that are no permutation", test_bad_permutations}, {"sets of images", test_sets})
