/* Orbits of cuts under symmetries: against images under every element of a group of plain permutations, and equal spectra of what
 * is called the same. */
#include "permutation.h"
#include "reduce/symmetry.h"
#include "scanning.h"

/* Number of the first of the cuts 0 .. cut that is an image of `cut` or of its complement, by every element of `list`. */
static size_t plain_first(const eegpu_cuts *cuts, size_t cut, const permutation *list, int order)
{
    uint64_t full = eg_low_mask(cuts->pixels);
    for (size_t i = 0; i < cut; i++)
        for (int k = 0; k < order; k++) {
            uint64_t image = 0;
            for (int pixel = 0; pixel < cuts->pixels; pixel++)
                image |= (*eg_cut_mask(cuts, i) >> pixel & 1) << list[k].image[pixel];
            if (image == *eg_cut_mask(cuts, cut) || (image ^ full) == *eg_cut_mask(cuts, cut))
                return i;
        }
    return cut;
}

/* Generators by name, and how many orbits the bipartitions (`all`) have under them; 0: not known. */
typedef struct orbit_case {
    int height, width;
    const char *family;
    const char *generators[3];
    int orbits;
} orbit_case;

static const orbit_case orbit_cases[] = {
    {3, 3, "all", {NULL}, 255},
    {3, 3, "all", {"colour exchange"}, 255},
    {3, 3, "all", {"mirror left-right"}, 0},
    {3, 3, "all", {"quarter turn"}, 0},
    {3, 3, "all", {"quarter turn", "transpose"}, 50}, /* (2^9 and its images under 8 elements: 102 colourings, halved, less one) */
    {3, 3, "all", {"quarter turn", "transpose", "shift by 1 row"}, 0},
    {2, 2, "all", {"quarter turn", "mirror up-down"}, 3},
    {1, 8, "all", {"shift by 1 column"}, 0},
    {2, 4, "all", {"mirror left-right with colour exchange", "shift by 1 row"}, 0},
    {3, 4, "contiguous", {"mirror left-right", "mirror up-down"}, 0},
    {4, 4, "contiguous", {"quarter turn", "transpose"}, 0},
    {4, 4, "connected", {"half turn"}, 0},
    {1, 9, "prefix", {"mirror left-right"}, 4},
};

static void check_orbits(const eegpu_cuts *cuts, const orbit_case *row)
{
    static permutation list[256 + 1];
    static eg_symmetry_group group;
    eg_symmetry candidates[EG_MAX_SYMMETRIES];
    permutation generators[3];
    int count = eg_symmetry_candidates(row->height, row->width, candidates), used = 0, orbits = 0;
    int64_t *same_as = malloc(cuts->count * sizeof *same_as);
    eg_symmetry_group_begin(row->height, row->width, &group);
    for (; used < 3 && row->generators[used] != NULL; used++)
        for (int k = 0; k < count; k++)
            if (strcmp(candidates[k].name, row->generators[used]) == 0) {
                eg_symmetry_group_add(&group, &candidates[k]);
                generators[used] = permutation_of(&candidates[k], row->height, row->width);
            }
    list[0] = permutation_of(&candidates[0], row->height, row->width);
    int order = close_group(list, generators, used, row->height * row->width);
    CHECK_EQUAL(group.order, order);
    CHECK_OK(eg_cuts_orbits(cuts, &group, same_as, NULL));
    for (size_t i = 0; i < cuts->count; i++) {
        size_t first = plain_first(cuts, i, list, order);
        int64_t expected = first == i ? -1 : (int64_t)first;
        EXPECT(same_as[i] == expected, "%d x %d %s: cut %zu is the same as %lld, expected %lld", row->height, row->width,
               row->family, i, (long long)same_as[i], (long long)expected);
        EXPECT(same_as[i] < (int64_t)i && (same_as[i] < 0 || same_as[same_as[i]] == -1), "cut %zu points to a first one", i);
        orbits += same_as[i] < 0;
    }
    if (row->orbits > 0)
        CHECK_EQUAL(orbits, row->orbits);
    free(same_as);
}

static void test_orbits(void)
{
    for (size_t k = 0; k < COUNT(orbit_cases); k++) {
        eegpu_cuts *cuts = family_cuts(orbit_cases[k].height, orbit_cases[k].width, orbit_cases[k].family);
        check_orbits(cuts, &orbit_cases[k]);
        eegpu_cuts_free(cuts);
    }
}

/* Lists in any order, with cuts that are there several times, and both sides of one cut. */
static void test_repeated_cuts(void)
{
    static const orbit_case row = {3, 3, "random", {"quarter turn", "transpose"}, 0};
    uint64_t seed = 9;
    for (int trial = 0; trial < 5; trial++) {
        uint64_t first = random_mask(9, &seed);
        eegpu_cuts *cuts = mask_cuts(3, 3, &first, 1);
        add_random_cuts(cuts, 60 * (trial + 1), seed + (uint64_t)trial);
        check_orbits(cuts, &row);
        eegpu_cuts_free(cuts);
    }
}

/* 9 x 9 pixels, two words a mask: strips of every place and width under all shifts and turns; the other side of a strip is a
 * strip. */
static void test_wide_masks(void)
{
    static eg_symmetry_group group;
    eg_symmetry candidates[EG_MAX_SYMMETRIES];
    eegpu_cuts *cuts = NULL, *others = family_cuts(4, 4, "lines");
    int64_t same_as[2 * 8 * 9];
    int pixels[81], count = eg_symmetry_candidates(9, 9, candidates), strips = 0;
    for (int width = 1; width <= 8; width++)
        for (int first = 0; first < 9; first++)
            for (int upright = 0; upright < 2; upright++, strips++) {
                uint64_t mask[2] = {0, 0};
                for (int k = 0; k < 9 * width; k++) {
                    int across = (first + k / 9) % 9, pixel = upright ? k % 9 * 9 + across : across * 9 + k % 9;
                    mask[pixel / 64] |= UINT64_C(1) << (pixel % 64);
                    pixels[k] = pixel;
                }
                if (cuts == NULL)
                    CHECK_OK(eegpu_cuts_from_pixels(9, 9, pixels, 9 * width, &cuts));
                else
                    CHECK_OK(eg_cuts_append(cuts, mask));
            }
    eg_symmetry_group_begin(9, 9, &group);
    CHECK_OK(eg_cuts_orbits(cuts, &group, same_as, NULL));
    for (int i = 0; i < strips; i++) /* width w at f is the other side of width 9 - w at f + w */
        CHECK_EQUAL(same_as[i], i < 72 ? -1 : 18 * (9 - i / 18 - 2) + 2 * ((i % 18 / 2 + i / 18 + 1) % 9) + i % 2);
    for (int k = 0; k < count; k++)
        eg_symmetry_group_add(&group, &candidates[k]);
    CHECK_EQUAL(group.order, 16 * 81);
    CHECK_OK(eg_cuts_orbits(cuts, &group, same_as, NULL));
    for (int i = 0; i < strips; i++) {
        int width = i / 18 + 1, least = width < 9 - width ? width : 9 - width, first = 18 * (least - 1);
        CHECK_EQUAL(same_as[i], i == first ? -1 : first);
    }
    CHECK_FAILS(eg_cuts_orbits(others, &group, same_as, NULL), EEGPU_USAGE, "9 x 9 lattice");
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(others);
}

/* A list too long for 28 * 28 shifts: what is left are the mirrors and turns. */
static void test_long_lists(void)
{
    static eg_symmetry_group open, closed;
    eg_symmetry candidates[EG_MAX_SYMMETRIES];
    eegpu_cuts *cuts = family_cuts(28, 28, "contiguous");
    size_t bytes = cuts->count * sizeof(int64_t);
    int64_t *expected = malloc(bytes), *same_as = malloc(bytes);
    int count = eg_symmetry_candidates(28, 28, candidates), found = 0;
    eg_symmetry_group_begin(28, 28, &open);
    eg_symmetry_group_begin(28, 28, &closed);
    for (int k = 0; k < count; k++)
        eg_symmetry_group_add(&closed, &candidates[k]);
    for (int k = 0; k < 8; k++)
        eg_symmetry_group_add(&open, &candidates[k]);
    CHECK_EQUAL(open.order, 8);
    CHECK_EQUAL(closed.order, 16 * 28 * 28);
    CHECK_OK(eg_cuts_orbits(cuts, &open, expected, NULL));
    CHECK_OK(eg_cuts_orbits(cuts, &closed, same_as, NULL));
    CHECK(memcmp(expected, same_as, bytes) == 0);
    for (size_t i = 0; i < cuts->count; i++)
        found += same_as[i] >= 0;
    CHECK(found > 6 * (int)cuts->count / 8);
    free(expected);
    free(same_as);
    eegpu_cuts_free(cuts);
}

/* What is called the same has the same spectrum. */
static void check_spectra(const char *source, int height, int width, const char *family)
{
    static eg_symmetry_group group;
    int64_t same_as[512];
    eegpu_scan_options options = scan_options(EEGPU_METHOD_SVD, 1);
    eegpu_state *state = open_source(source, height, width);
    eegpu_cuts *cuts = family_cuts(height, width, family);
    eegpu_result *result = scan(state, cuts, &options);
    int pairs = 0;
    CHECK_OK(eg_find_symmetries(state, 1, &group));
    CHECK_OK(eg_cuts_orbits(cuts, &group, same_as, NULL));
    for (size_t i = 0; result != NULL && i < cuts->count; i++) {
        if (same_as[i] < 0)
            continue;
        const eegpu_record *one = eegpu_result_record(result, i), *other = eegpu_result_record(result, (size_t)same_as[i]);
        pairs++;
        CHECK_NEAR(one->s_vn, other->s_vn, one->error + other->error);
        size_t most = one->spectrum_count > other->spectrum_count ? one->spectrum_count : other->spectrum_count;
        for (size_t k = 0; k < most; k++)
            CHECK_NEAR(k < one->spectrum_count ? one->spectrum[k] : 0, k < other->spectrum_count ? other->spectrum[k] : 0, 1e-13);
    }
    EXPECT(3 * pairs > (int)cuts->count, "%s: only %d of %zu cuts are the same as another", source, pairs, cuts->count);
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

static void test_spectra(void)
{
    check_spectra("connected", 3, 4, "contiguous");
    check_spectra("connected", 3, 3, "all");
    check_spectra("ising:beta=0.4", 3, 3, "all");
    check_spectra("runs", 3, 3, "all");
    check_spectra("dyck", 1, 8, "all");
}

EG_SUITE("orbits", {"against every element", test_orbits}, {"cuts that are there several times", test_repeated_cuts},
         {"masks of two words", test_wide_masks}, {"lists too long for shifts", test_long_lists}, {"equal spectra", test_spectra})
