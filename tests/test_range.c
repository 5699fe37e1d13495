/* The range of a cut against a search that compares rows entry by entry, for every region of small lattices; the same numbers
 * whether the function is held as bits or as an image set; counter-examples looked up in the function; distances; ranges that are
 * known; records, stops, bytes. */
#include "measure/range.h"
#include "scanning.h"
#include "temporary.h"

enum { PIXELS = 8 };

/* ---- The plain search ---- */

/* f at an image whose bit i is pixel i. */
static bool value_at(const unsigned char *labels, int pixels, uint64_t image)
{
    uint64_t index = 0;
    for (int i = 0; i < pixels; i++)
        index |= (image >> i & 1) << (pixels - 1 - i);
    return labels[index];
}

static int steps(int width, int a, int b) { return abs(a / width - b / width) + abs(a % width - b % width); }

static uint64_t near_mask(int pixels, int width, uint64_t region, int r)
{
    uint64_t near = 0;
    for (int a = 0; a < pixels; a++)
        for (int b = 0; b < pixels; b++)
            if ((region >> a & 1) && !(region >> b & 1) && steps(width, a, b) <= r)
                near |= UINT64_C(1) << a;
    return near;
}

/* -1: the lines differ though neither is 0; else whether they may be told apart. */
static bool is_zero(const unsigned char *labels, int pixels, uint64_t line, uint64_t others)
{
    for (uint64_t other = 0;;) {
        if (value_at(labels, pixels, line | other))
            return false;
        other = (other - others) & others;
        if (other == 0)
            return true;
    }
}

static bool same_line(const unsigned char *labels, int pixels, uint64_t one, uint64_t two, uint64_t others)
{
    for (uint64_t other = 0;;) {
        if (value_at(labels, pixels, one | other) != value_at(labels, pixels, two | other))
            return false;
        other = (other - others) & others;
        if (other == 0)
            return true;
    }
}

static bool assumption_holds(const unsigned char *labels, int pixels, uint64_t region, uint64_t near)
{
    uint64_t others = eg_low_mask(pixels) & ~region;
    for (uint64_t one = 0;;) {
        if (!is_zero(labels, pixels, one, others))
            for (uint64_t two = 0;;) {
                if ((one & near) == (two & near) && !is_zero(labels, pixels, two, others) &&
                    !same_line(labels, pixels, one, two, others))
                    return false;
                two = (two - region) & region;
                if (two == 0)
                    break;
            }
        one = (one - region) & region;
        if (one == 0)
            return true;
    }
}

static int plain_range(const unsigned char *labels, int pixels, int width, uint64_t region)
{
    int r = 1;
    while (!assumption_holds(labels, pixels, region, near_mask(pixels, width, region, r)))
        r++;
    return r;
}

/* ---- Comparing ---- */

static void check_example(const unsigned char *labels, int pixels, int width, uint64_t region, const eg_range_side *side)
{
    uint64_t others = eg_low_mask(pixels) & ~region;
    if (side->r == 1) {
        CHECK(side->one == NULL && side->two == NULL && side->other == NULL);
        return;
    }
    uint64_t one = side->one[0], two = side->two[0], other = side->other[0], near = near_mask(pixels, width, region, side->r - 1);
    CHECK((one & ~region) == 0 && (two & ~region) == 0 && (other & region) == 0);
    CHECK((one & near) == (two & near));
    CHECK(value_at(labels, pixels, one | other) && !value_at(labels, pixels, two | other));
    CHECK(!is_zero(labels, pixels, two, others));
}

static void same_side(const eg_range_side *a, const eg_range_side *b)
{
    CHECK(a->r == b->r && a->depth == b->depth && a->pixels == b->pixels && a->trivial == b->trivial);
    CHECK(a->classes == b->classes && a->lines == b->lines);
}

static eegpu_state *bits_of(const unsigned char *labels, int height, int width)
{
    uint64_t size = UINT64_C(1) << height * width;
    double *amplitudes = malloc(size * sizeof *amplitudes);
    for (uint64_t i = 0; i < size; i++)
        amplitudes[i] = labels[i];
    eegpu_state *state = open_amplitudes(amplitudes, false, height, width);
    free(amplitudes);
    return state;
}

/* The images with f = 1 as an image set. */
static eegpu_state *set_of(const unsigned char *labels, int height, int width)
{
    int pixels = height * width;
    uint64_t size = UINT64_C(1) << pixels, count = 0;
    unsigned char *images = malloc(size * (size_t)pixels);
    char shape[64], source[1200];
    for (uint64_t index = 0; index < size; index++)
        for (int i = 0; labels[index] && i < pixels; i++)
            images[count++] = index >> (pixels - 1 - i) & 1;
    snprintf(shape, sizeof shape, "(%d, %d, %d)", (int)count / pixels, height, width);
    snprintf(source, sizeof source, "images:file=%s,threshold=0.001", write_npy("|u1", false, shape, images, count));
    free(images);
    return open_source(source, height, width);
}

static void compare_region(const unsigned char *labels, int width, const eegpu_state *bits, const eegpu_state *set, uint64_t region)
{
    int pixels = bits->pixels;
    eg_range as_bits = {0}, as_set = {0};
    uint64_t sides[2] = {region, eg_low_mask(pixels) & ~region};
    CHECK_OK(eg_range_of_cut(bits, &region, NULL, NULL, &as_bits));
    CHECK_OK(eg_range_of_cut(set, &region, NULL, NULL, &as_set));
    CHECK(as_bits.known && as_set.known);
    CHECK_EQUAL(as_bits.blocks, as_set.blocks);
    for (int which = 0; which < 2; which++) {
        const eg_range_side *side = &as_bits.side[which];
        int r = plain_range(labels, pixels, width, sides[which]);
        EXPECT(side->r == r, "region %llx side %d: r = %d, expected %d", (unsigned long long)region, which, side->r, r);
        CHECK_EQUAL(side->pixels, eg_popcount(near_mask(pixels, width, sides[which], r)));
        CHECK(side->lines <= side->classes && side->classes <= UINT64_C(1) << side->pixels);
        CHECK(as_bits.blocks <= side->lines);
        check_example(labels, pixels, width, sides[which], side);
        same_side(side, &as_set.side[which]);
        check_example(labels, pixels, width, sides[which], &as_set.side[which]);
    }
    CHECK_EQUAL(as_bits.r, as_bits.side[0].r > as_bits.side[1].r ? as_bits.side[0].r : as_bits.side[1].r);
    eg_range_free(&as_bits);
    eg_range_free(&as_set);
}

/* Regions first, first + step, ... */
static void compare_regions(const unsigned char *labels, int height, int width, uint64_t first, uint64_t step)
{
    eegpu_state *bits = bits_of(labels, height, width), *set = set_of(labels, height, width);
    for (uint64_t region = first; bits != NULL && set != NULL && region + 1 < UINT64_C(1) << height * width; region += step)
        compare_region(labels, width, bits, set, region);
    eegpu_state_close(bits);
    eegpu_state_close(set);
}

static void compare_all_regions(const unsigned char *labels, int height, int width)
{
    compare_regions(labels, height, width, 1, 1);
}

static void test_random_functions(void)
{
    static const int lattices[][2] = {{2, 3}, {2, 4}, {1, 8}, {8, 1}};
    uint64_t seed = 61;
    for (size_t i = 0; i < COUNT(lattices); i++)
        for (int density = 0; density < 3; density++) {
            unsigned char labels[1 << PIXELS];
            int pixels = lattices[i][0] * lattices[i][1];
            for (int k = 0; k < 1 << pixels; k++)
                labels[k] = random_word(&seed) % (density == 0 ? 2 : density == 1 ? 8 : 32) == 0;
            labels[5] = 1;
            compare_all_regions(labels, lattices[i][0], lattices[i][1]);
        }
}

static const int other_lattices[][3] = {{3, 3, 7}, {2, 5, 13}, {3, 4, 89}}; /* and which regions: every so many */

/* Sides of more than one word, functions from nearly empty to nearly full. */
static void test_densities(void)
{
    static const int most[] = {2, 32, 128, 240}; /* of 256 */
    unsigned char labels[1 << 12];
    uint64_t seed = 63;
    for (size_t i = 0; i < COUNT(other_lattices); i++)
        for (size_t d = 0; d < COUNT(most); d++) {
            const int *lattice = other_lattices[i];
            for (int k = 0; k < 1 << lattice[0] * lattice[1]; k++)
                labels[k] = random_word(&seed) % 256 < (uint64_t)most[d];
            labels[9] = 1;
            compare_regions(labels, lattice[0], lattice[1], 1 + d, (uint64_t)lattice[2]);
        }
}

/* 1 where none of `count` random patterns of two or three neighbours in reading order is there. */
static void forbid_patterns(int pixels, int count, uint64_t *seed, unsigned char *labels)
{
    memset(labels, 1, (size_t)1 << pixels);
    for (int i = 0; i < count; i++) {
        uint64_t place = random_word(seed), care = 3 | (place >> 32 & 4);
        int shift = (int)(place % (uint64_t)(pixels - 2));
        for (uint64_t s = 1; s < UINT64_C(1) << pixels; s++)
            if (((s >> shift) & care) == (place >> 40 & care))
                labels[s] = 0;
    }
    labels[0] = 1;
}

/* Ranges between 1 and the depth. */
static void test_forbidden_patterns(void)
{
    unsigned char labels[1 << 12];
    uint64_t seed = 64;
    for (size_t i = 0; i < COUNT(other_lattices); i++)
        for (int count = 1; count < 8; count += 2) {
            const int *lattice = other_lattices[i];
            forbid_patterns(lattice[0] * lattice[1], count, &seed, labels);
            compare_regions(labels, lattice[0], lattice[1], (uint64_t)count, (uint64_t)lattice[2]);
        }
    forbid_patterns(10, 4, &seed, labels);
    compare_regions(labels, 1, 10, 1, 11);
}

/* The same from bits as from images where the sides are long: 2^14 and more bits a column. */
static void test_long_columns(void)
{
    static const char *const families[] = {"contiguous", "prefix"};
    static unsigned char labels[1 << 15];
    uint64_t seed = 65;
    for (int turn = 0; turn < 6; turn++) {
        int height = turn % 2 ? 3 : 1, width = turn % 2 ? 5 : 15;
        forbid_patterns(15, 2 + turn, &seed, labels);
        eegpu_state *bits = bits_of(labels, height, width), *set = set_of(labels, height, width);
        eegpu_cuts *cuts = family_cuts(height, width, families[height == 1]);
        for (size_t i = 0; i < eegpu_cuts_count(cuts); i++) {
            eg_range as_bits = {0}, as_set = {0};
            const uint64_t *mask = eg_cut_mask(cuts, i), sides[2] = {*mask, eg_low_mask(15) & ~*mask};
            CHECK_OK(eg_range_of_cut(bits, mask, NULL, NULL, &as_bits));
            CHECK_OK(eg_range_of_cut(set, mask, NULL, NULL, &as_set));
            CHECK_EQUAL(as_bits.blocks, as_set.blocks);
            for (int which = 0; which < 2; which++) {
                same_side(&as_bits.side[which], &as_set.side[which]);
                check_example(labels, 15, width, sides[which], &as_bits.side[which]);
                check_example(labels, 15, width, sides[which], &as_set.side[which]);
            }
            eg_range_free(&as_bits);
            eg_range_free(&as_set);
        }
        eegpu_cuts_free(cuts);
        eegpu_state_close(bits);
        eegpu_state_close(set);
    }
}

/* Functions with local rules, so that small r occur. */
static void test_local_functions(void)
{
    unsigned char no_two[1 << PIXELS], even[1 << PIXELS];
    for (int s = 0; s < 1 << PIXELS; s++) {
        no_two[s] = (s & (s << 1)) == 0;
        even[s] = eg_popcount((uint64_t)s & 0xf0) % 2 == 0 && eg_popcount((uint64_t)s & 0x3c) % 2 == 0;
    }
    compare_all_regions(no_two, 1, 8);
    compare_all_regions(even, 1, 8);
    compare_all_regions(even, 2, 4);
}

/* ---- Known ranges ---- */

static eg_range range_of(const char *source, int height, int width, const char *family, int *rows, int *columns)
{
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = family_cuts(height, width, family);
    eg_range range = {0};
    *rows = *columns = 0;
    for (size_t i = 0; i < eegpu_cuts_count(cuts); i++) {
        eg_range_free(&range);
        CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, i), NULL, NULL, &range));
        *rows = range.side[0].r > *rows ? range.side[0].r : *rows;
        *columns = range.side[1].r > *columns ? range.side[1].r : *columns;
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    return range;
}

static void expect_ranges(const char *source, int height, int width, const char *family, int rows, int columns)
{
    int r_a, r_b;
    eg_range last = range_of(source, height, width, family, &r_a, &r_b);
    EXPECT(r_a == rows && r_b == columns, "%s %s: r of rows %d, of columns %d; expected %d, %d", source, family, r_a, r_b, rows,
           columns);
    eg_range_free(&last);
}

static void test_known_ranges(void)
{
    expect_ranges("loops", 4, 4, "lines", 1, 1);
    expect_ranges("loops", 4, 5, "lines", 1, 1);
    /* The complement of a rectangle has concave corners: the pixel across the corner is two steps away. */
    expect_ranges("loops", 4, 4, "contiguous", 1, 2);
    expect_ranges("hardsquare", 4, 4, "contiguous", 1, 1);
    expect_ranges("hardsquare", 1, 10, "prefix", 1, 1);
    expect_ranges("ghz", 3, 3, "contiguous", 1, 1);
    expect_ranges("parity", 1, 8, "prefix", 7, 7);
    expect_ranges("palindrome", 1, 8, "prefix", 7, 7);
}

static void test_blocks_and_bound(void)
{
    eegpu_state *state = open_source("parity", 1, 8);
    eegpu_cuts *cuts = family_cuts(1, 8, "prefix");
    eg_range range = {0};
    CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, 2), NULL, NULL, &range));
    CHECK(range.side[0].r == 3 && range.side[0].trivial && range.side[0].depth == 3 && range.side[0].pixels == 3);
    CHECK(range.side[0].classes == 8 && range.side[0].lines == 2 && range.blocks == 2);
    CHECK(range.side[1].r == 5 && range.side[1].trivial && range.side[1].classes == 32);
    eg_range_free(&range);
    CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, 0), NULL, NULL, &range));
    CHECK(range.side[0].r == 1 && !range.side[0].trivial); /* one pixel: all of A, but no more than the boundary */
    eg_range_free(&range);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* A record of the scan saves counting the blocks; one without reductions says nothing of them. */
static void test_records(void)
{
    static const char *const sources[] = {"hardsquare", "palindrome", "randomset:density=0.05"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 2, 5);
        eegpu_cuts *cuts = family_cuts(2, 5, "contiguous");
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t c = 0; result != NULL && c < eegpu_cuts_count(cuts); c++) {
            eg_range with = {0}, without = {0}, unreduced = {0};
            eegpu_record empty = {.blocks = 77};
            CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, c), eegpu_result_record(result, c), NULL, &with));
            CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, c), NULL, NULL, &without));
            CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, c), &empty, NULL, &unreduced));
            CHECK(with.blocks == without.blocks && unreduced.blocks == without.blocks);
            same_side(&with.side[0], &without.side[0]);
            same_side(&with.side[1], &without.side[1]);
            eg_range_free(&with);
            eg_range_free(&without);
            eg_range_free(&unreduced);
        }
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

static bool stop_at_once(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)stage;
    (void)fraction;
    return false;
}

static void test_stop(void)
{
    unsigned char images[3][8] = {{1}, {0, 1}, {1, 0, 1}};
    char source[1200];
    snprintf(source, sizeof source, "images:file=%s,threshold=0.001", write_npy("|u1", false, "(3, 2, 4)", images, sizeof images));
    for (int is_set = 0; is_set < 2; is_set++) {
        eegpu_state *state = open_source(is_set ? source : "hardsquare", 2, 4);
        uint64_t mask = 0x33;
        eg_range range = {0};
        eg_progress progress = {0};
        eg_progress_begin(&progress, stop_at_once, NULL, "range", 1);
        CHECK(eg_range_of_cut(state, &mask, NULL, &progress, &range) == EEGPU_INTERRUPTED);
        CHECK(!range.known && range.example == NULL);
        eg_progress_end(&progress);
        eegpu_state_close(state);
    }
}

/* What is announced for a cut is enough. */
static void test_bytes(void)
{
    static const char *const sources[] = {"randomset:density=0.5", "hardsquare", "parity"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        eegpu_state *state = open_source(sources[i], 1, 16);
        eegpu_cuts *cuts = family_cuts(1, 16, "prefix");
        for (size_t c = 0; c < eegpu_cuts_count(cuts); c++) {
            uint64_t before = state->budget->used;
            eg_range range = {0};
            state->budget->peak = before;
            CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, c), NULL, NULL, &range));
            double foreseen = eg_range_bytes(16, eg_cut_size(cuts, c), false), used = (double)(state->budget->peak - before);
            EXPECT(used <= foreseen + 65536, "%s %zu: %g bytes, foreseen %g", sources[i], c, used, foreseen);
            CHECK_EQUAL(state->budget->used, before);
            eg_range_free(&range);
        }
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

static void test_not_of_zero_and_one(void)
{
    eegpu_state *state = open_source("random", 3, 3);
    uint64_t mask = 7;
    eg_range range = {0};
    CHECK(!eg_range_is_defined(state));
    CHECK_OK(eg_range_of_cut(state, &mask, NULL, NULL, &range));
    CHECK(!range.known && range.r == 0 && range.side[0].one == NULL);
    eg_range_free(&range);
    eegpu_state_close(state);
    unsigned char twice[2][4] = {{1, 0, 0, 1}, {1, 0, 0, 1}};
    char source[1200];
    for (int counted = 0; counted < 2; counted++) {
        snprintf(source, sizeof source, "images:file=%s,threshold=0.001,weight=%s",
                 write_npy("|u1", false, "(2, 2, 2)", twice, sizeof twice), counted ? "count" : "set");
        state = open_source(source, 2, 2);
        CHECK(eg_range_is_defined(state) == !counted);
        eegpu_state_close(state);
    }
}

static void test_distances(void)
{
    uint64_t seed = 62;
    for (int turn = 0; turn < 50; turn++) {
        int height = 1 + (int)(random_word(&seed) % 6), width = 2 + (int)(random_word(&seed) % 6), pixels = height * width;
        uint64_t mask = random_mask(pixels, &seed);
        int distance[64];
        eg_range_distances(height, width, &mask, distance);
        for (int a = 0; a < pixels; a++) {
            int least = INT32_MAX;
            for (int b = 0; b < pixels; b++)
                if ((mask >> a & 1) != (mask >> b & 1) && steps(width, a, b) < least)
                    least = steps(width, a, b);
            CHECK_EQUAL(distance[a], least);
        }
    }
}

EG_SUITE("range", {"distances", test_distances}, {"random functions", test_random_functions}, {"densities", test_densities},
         {"forbidden patterns", test_forbidden_patterns}, {"long columns", test_long_columns}, {"records of a scan", test_records},
         {"stop", test_stop}, {"bytes", test_bytes}, {"functions with local rules", test_local_functions},
         {"known ranges", test_known_ranges}, {"blocks, classes, trivial ranges", test_blocks_and_bound},
         {"not a 0/1 function", test_not_of_zero_and_one})
