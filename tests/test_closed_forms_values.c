/* Published or recomputed numbers: the check values of the built-in functions on 4x4, entropies of the prime indicator
 * (arXiv:2005.02422, recomputed), three functions on 4x5. */
#include "exact.h"
#include "state/state.h"

/* `value` was rounded to `digits` decimals: the record may differ by half of the last one. */
static void check_value(const eegpu_record *record, double value, double unit, int digits, const char *name)
{
    double off = fabs(record->s_vn / unit - value), rounding = 0.51 * pow(10, -digits);
    EXPECT(off <= fmin(1e-10, rounding + record->error / unit) || (digits < 10 && off <= rounding),
           "%s: S = %.17g, expected %.17g, bound %g", name, record->s_vn / unit, value, record->error);
}

/* ---- 4x4 --------------------------------------------------------------------------------------------------------- */

enum { ROWS = 0x00ff, CORNER = 0x0033, THREE = 1 << 5 | 1 << 6 | 1 << 10 };

/* Entropies in nats of rows 0 and 1, the upper left 2x2 corner, pixels 5, 6 and 10. ones = 0: amplitudes. */
static const struct {
    const char *source;
    uint64_t ones;
    double entropy[3];
} on_4x4[] = {
    {"loops", 2048, {0.693147180560, 0.693147180560, 2.079441541680}},
    {"loops:rule=pixel", 27, {2.179961833875, 1.702298935759, 2.056780764632}},
    {"connected", 11506, {1.052563462612, 0.889669760217, 1.171239750082}},
    {"connected:neighbours=8", 37196, {0.447630649767, 0.379860869008, 0.873494010623}},
    {"palindrome", 256, {5.545177444480, 2.772588722240, 0.693147180560}},
    {"parity", 32768, {0.693147180560, 0.693147180560, 0.693147180560}},
    {"majority", 26333, {0.765628931286, 0.669877417423, 0.602762823771}},
    {"threshold:k=5", 63019, {0.145697250651, 0.123770486955, 0.109606323433}},
    {"ghz", 2, {0.693147180560, 0.693147180560, 0.693147180560}},
    {"w", 16, {0.693147180560, 0.562335144619, 0.482577565177}},
    {"dicke:k=3", 560, {1.193549604098, 1.020590781155, 0.904655171073}},
    {"innerproduct", 0, {5.545177444480, 2.772588722240, 2.079441541680}},
    {"innerproduct:kind=set", 32640, {3.450949106529, 1.965465276848, 1.540295297968}},
    {"disjoint", 6561, {3.050112429825, 1.525056214912, 1.143792161184}},
    {"primes", 6542, {4.011348825945, 2.558880250445, 1.969244602145}},
    {"dyck", 1430, {1.078931710237, 1.434663647475, 1.306824713758}},
    {"hardsquare", 1234, {0.781582731536, 0.694332730682, 0.953247150776}},
    {"graph", 0, {2.772588722240, 2.079441541680, 2.079441541680}},
    {"ising:beta=0.4", 0, {0.649585491048, 0.596541549060, 0.931591088937}},
    {"multiple:q=7", 9363, {1.945650830923, 1.927309976549, 1.906062122921}},
    {"runs", 14641, {0.000000000000, 0.886709163906, 1.001849573656}},
};

static void check_table(eegpu_method method)
{
    const uint64_t masks[] = {ROWS, CORNER, THREE};
    eegpu_cuts *cuts = mask_cuts(4, 4, masks, COUNT(masks));
    eegpu_scan_options options = scan_options(method, 2);
    for (size_t i = 0; i < COUNT(on_4x4); i++) {
        eegpu_state *state = open_source(on_4x4[i].source, 4, 4);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < COUNT(masks); k++)
            check_value(eegpu_result_record(result, k), on_4x4[i].entropy[k], 1, 12, on_4x4[i].source);
        if (state != NULL)
            EXPECT(eegpu_state_describe(state).ones == on_4x4[i].ones, "%s: %llu ones", on_4x4[i].source,
                   (unsigned long long)eegpu_state_describe(state).ones);
        eegpu_result_free(result);
        eegpu_state_close(state);
    }
    eegpu_cuts_free(cuts);
}

static void test_functions_by_gram(void) { check_table(EEGPU_METHOD_AUTO); }
static void test_functions_by_svd(void) { check_table(EEGPU_METHOD_SVD); }

/* ---- Primes, bits ------------------------------------------------------------------------------------------------ */

static void test_primes_half_cuts(void)
{
    static const double bits[] = {1.2061876310, 1.4748293607, 2.3140371226, 3.1900293628, 4.0220453267, 4.8993491051, 5.7871530585};
    for (int n = 4; n <= 16; n += 2) {
        uint64_t half = eg_low_mask(n / 2);
        eegpu_cuts *cuts = mask_cuts(1, n, &half, 1);
        eegpu_state *state = open_source("primes", 1, n);
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 1);
        eegpu_result *result = scan(state, cuts, &options);
        if (result != NULL)
            check_value(eegpu_result_record(result, 0), bits[n / 2 - 2], log(2), 10, "primes, half cut");
        eegpu_result_free(result);
        eegpu_cuts_free(cuts);
        eegpu_state_close(state);
    }
}

static void test_primes_low_bits(void)
{
    static const double bits[15] = {0.002157774790566552, 0.9898933472417883, 1.9485785880635593, 2.8652903111867496,
                                    3.740757183436527,    4.537006760296484,  5.251915055041315,  5.787153058466827,
                                    5.791904638441586,    5.24891970283905,   4.524301791463877,  3.728765605508942,
                                    2.85754196042617,     1.940103712039834,  0.9836142037676752};
    eegpu_state *state = open_source("primes", 1, 16);
    uint64_t masks[15];
    for (int m = 1; m <= 15; m++)
        masks[m - 1] = eg_low_mask(m) << (16 - m);
    eegpu_cuts *cuts = mask_cuts(1, 16, masks, 15);
    for (eegpu_method method = EEGPU_METHOD_GRAM; method <= EEGPU_METHOD_SVD; method++) {
        eegpu_scan_options options = scan_options(method, 2);
        eegpu_result *result = scan(state, cuts, &options);
        for (size_t k = 0; result != NULL && k < 15; k++)
            check_value(eegpu_result_record(result, k), bits[k], log(2), 13, "primes, low bits");
        eegpu_result_free(result);
    }
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
}

/* ---- 4x5 --------------------------------------------------------------------------------------------------------- */

/* Distinct rows, other than 0, of the matrix of the top two rows against the bottom two. */
static uint64_t distinct_rows(const eegpu_state *state)
{
    static const uint64_t zero[16];
    uint64_t distinct = 0;
    for (uint64_t r = 0; r < 1024; r++) { /* row r is words 16 r .. 16 r + 15 */
        bool seen = memcmp(state->bits + 16 * r, zero, sizeof zero) == 0;
        for (uint64_t other = 0; other < r && !seen; other++)
            seen = memcmp(state->bits + 16 * r, state->bits + 16 * other, 16 * sizeof(uint64_t)) == 0;
        distinct += !seen;
    }
    return distinct;
}

static void test_small_lattices(void)
{
    static const struct {
        const char *source;
        uint64_t ones, distinct;
        double bits;
        int digits;
    } on_4x5[] = {{"connected", 116166, 51, 1.941527, 6},
                  {"loops:rule=pixel", 72, 0, 4.079861121834, 12},
                  {"majority", 431910, 10, 1.129079, 6}};
    uint64_t half = eg_low_mask(10);
    eegpu_cuts *cuts = mask_cuts(4, 5, &half, 1);
    for (size_t i = 0; i < COUNT(on_4x5); i++) {
        eegpu_state *state = open_source(on_4x5[i].source, 4, 5);
        eegpu_scan_options options = scan_options(EEGPU_METHOD_AUTO, 2);
        eegpu_result *result = scan(state, cuts, &options);
        if (result != NULL) {
            const eegpu_record *record = eegpu_result_record(result, 0);
            check_value(record, on_4x5[i].bits, log(2), on_4x5[i].digits, on_4x5[i].source);
            CHECK_EQUAL(eegpu_state_describe(state).ones, on_4x5[i].ones);
            uint64_t distinct = distinct_rows(state);
            if (on_4x5[i].distinct != 0)
                CHECK_EQUAL(distinct, on_4x5[i].distinct);
            CHECK(record->s_vn <= log((double)distinct) + record->error);
        }
        eegpu_result_free(result);
        eegpu_state_close(state);
    }
    eegpu_cuts_free(cuts);
}

EG_SUITE("known values", {"built-in functions on 4x4 by Gram", test_functions_by_gram},
         {"built-in functions on 4x4 by SVD", test_functions_by_svd}, {"primes, half cuts", test_primes_half_cuts},
         {"primes, low bits of 16", test_primes_low_bits}, {"three functions on 4x5", test_small_lattices})
