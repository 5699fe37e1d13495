/* The range of a cut against a search that compares rows entry by entry, for every region of small lattices; the same numbers whether the function
 * is held as bits or as an image set; counter-examples looked up in the function; distances; ranges that are known. */
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

static void compare_all_regions(const unsigned char *labels, int height, int width)
{
    int pixels = height * width;
    eegpu_state *bits = bits_of(labels, height, width), *set = set_of(labels, height, width);
    for (uint64_t region = 1; bits != NULL && set != NULL && region + 1 < UINT64_C(1) << pixels; region++) {
        eg_range as_bits = {0}, as_set = {0};
        uint64_t sides[2] = {region, eg_low_mask(pixels) & ~region};
        CHECK_OK(eg_range_of_cut(bits, &region, &as_bits));
        CHECK_OK(eg_range_of_cut(set, &region, &as_set));
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
    eegpu_state_close(bits);
    eegpu_state_close(set);
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
        CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, i), &range));
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
    CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, 2), &range));
    CHECK(range.side[0].r == 3 && range.side[0].trivial && range.side[0].depth == 3 && range.side[0].pixels == 3);
    CHECK(range.side[0].classes == 8 && range.side[0].lines == 2 && range.blocks == 2);
    CHECK(range.side[1].r == 5 && range.side[1].trivial && range.side[1].classes == 32);
    eg_range_free(&range);
    CHECK_OK(eg_range_of_cut(state, eg_cut_mask(cuts, 0), &range));
    CHECK(range.side[0].r == 1 && !range.side[0].trivial); /* one pixel: all of A, but no more than the boundary */
    eg_range_free(&range);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_not_of_zero_and_one(void)
{
    eegpu_state *state = open_source("random", 3, 3);
    uint64_t mask = 7;
    eg_range range = {0};
    CHECK(!eg_range_is_defined(state));
    CHECK_OK(eg_range_of_cut(state, &mask, &range));
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

EG_SUITE("range", {"distances", test_distances}, {"random functions", test_random_functions},
         {"functions with local rules", test_local_functions}, {"known ranges", test_known_ranges},
         {"blocks, classes, trivial ranges", test_blocks_and_bound}, {"not a 0/1 function", test_not_of_zero_and_one})
