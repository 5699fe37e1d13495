/* Random numbers against known answers, libm and their moments; the functions random and randomset against references that
 * take one image at a time. */
#include "base/bits.h"
#include "check.h"
#include "state/random.h"
#include "state/state.h"

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

static const int lattices[][2] = {{4, 4}, {3, 5}, {1, 13}, {2, 3}, {1, 1}, {1, 5}, {2, 5}};
enum { LATTICES = sizeof lattices / sizeof lattices[0] };

/* ---- Random numbers ------------------------------------------------------------------------------------------------ */

static void test_philox(void)
{
    uint64_t bits[2];
    eg_random_bits(0, (eg_random_stream)0, 0, 0, bits);
    CHECK(bits[0] == 0xe169c58d6627e8d5);
    CHECK(bits[1] == 0x9b00dbd8bc57ac4c);
    /* the known answer of Random123 for all digits of pi */
    philox4x32_ctr_t counter = {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    philox4x32_key_t key = {{0xa4093822, 0x299f31d0}};
    philox4x32_ctr_t answer = philox4x32(counter, key);
    CHECK(answer.v[0] == 0xd16cfe09 && answer.v[1] == 0x94fdcceb && answer.v[2] == 0x5001e420 && answer.v[3] == 0x24126ea1);
    eg_random_bits(0x299f31d0a4093822, (eg_random_stream)0x13198a2e, 0x85a308d3243f6a88, 0x03707344, bits);
    CHECK(bits[0] == 0x94fdccebd16cfe09 && bits[1] == 0x24126ea15001e420);
}

static void test_series(void)
{
    static const double points[] = {0x1p-53, 0x1p-30, 1e-9, 0.1, 0.5, 0.7071067811865475, 0.7071067811865476, 0.75, 0.999, 1};
    for (size_t k = 0; k < sizeof points / sizeof points[0]; k++)
        CHECK_NEAR(eg_series_log(points[k]), log(points[k]), 4e-16 * fabs(log(points[k])));
    CHECK_EQUAL(eg_series_log(1), 0);
    CHECK_NEAR(eg_series_log(1 - 0x1p-53), -0x1p-53, 1e-31);
    double worst_log = 0, worst_sine = 0, worst_cosine = 0;
    for (int k = 0; k < 100000; k++) {
        double turn = (k + 0.37) / 100000, sine, cosine, exact = log(turn);
        long double angle = 6.283185307179586476925286766559L * (long double)turn;
        eg_series_sine_cosine(turn, &sine, &cosine);
        worst_log = fmax(worst_log, fabs(eg_series_log(turn) - exact) / fabs(exact));
        worst_sine = fmax(worst_sine, fabs(sine - (double)sinl(angle)));
        worst_cosine = fmax(worst_cosine, fabs(cosine - (double)cosl(angle)));
    }
    CHECK_NEAR(worst_log, 0, 1e-15);
    CHECK_NEAR(worst_sine, 0, 5e-16);
    CHECK_NEAR(worst_cosine, 0, 5e-16);
    for (int eighth = 0; eighth < 8; eighth++) {
        double sine, cosine;
        eg_series_sine_cosine(eighth / 8.0, &sine, &cosine);
        CHECK_NEAR(sine, sin(eighth * 0.7853981633974483), 1e-15);
        CHECK_NEAR(cosine, cos(eighth * 0.7853981633974483), 1e-15);
    }
}

static void test_normal_values(void)
{
    double worst = 0;
    for (uint64_t pair = 0; pair < 100000; pair++) {
        uint64_t bits[2];
        double normal[2];
        eg_random_bits(7, EG_RANDOM_AMPLITUDES, pair, 0, bits);
        eg_random_normal_pair(7, EG_RANDOM_AMPLITUDES, pair, normal);
        double radius = sqrt(-2 * log(((double)(bits[0] >> 11) + 1) / 9007199254740992.0));
        double angle = 6.283185307179586 * ((double)(bits[1] >> 11) / 9007199254740992.0);
        worst = fmax(worst, fmax(fabs(normal[0] - radius * cos(angle)), fabs(normal[1] - radius * sin(angle))));
    }
    CHECK_NEAR(worst, 0, 1e-14);
}

static void test_moments(void)
{
    enum { PAIRS = 1 << 19 };
    double sum[5] = {0}, product = 0, beyond = 0, count = 2.0 * PAIRS;
    for (uint64_t pair = 0; pair < PAIRS; pair++) {
        double normal[2];
        eg_random_normal_pair(1, EG_RANDOM_AMPLITUDES, pair, normal);
        product += normal[0] * normal[1];
        for (int k = 0; k < 2; k++) {
            for (int power = 1; power <= 4; power++)
                sum[power] += pow(normal[k], power);
            beyond += fabs(normal[k]) > 1.959963984540054;
        }
    }
    CHECK_NEAR(sum[1] / count, 0, 5 / sqrt(count));
    CHECK_NEAR(sum[2] / count, 1, 5 * sqrt(2 / count));
    CHECK_NEAR(sum[3] / count, 0, 5 * sqrt(15 / count));
    CHECK_NEAR(sum[4] / count, 3, 5 * sqrt(96 / count));
    CHECK_NEAR(product / PAIRS, 0, 5 / sqrt(PAIRS));
    CHECK_NEAR(beyond / count, 0.05, 5 * sqrt(0.0475 / count));
}

static void test_random(void)
{
    for (int complex = 0; complex < 2; complex++)
        for (int l = 0; l < LATTICES; l++) {
            int wrong = 0;
            uint64_t parts = complex ? 2 : 1;
            eegpu_state *state =
                open_state(complex ? "random:kind=complex,seed=18446744073709551615" : "random:seed=18446744073709551615",
                           lattices[l][0], lattices[l][1], 1);
            if (state == NULL)
                continue;
            CHECK_EQUAL(state->is_complex, complex);
            for (uint64_t d = 0; d < parts * state->size; d++) {
                double normal[2];
                eg_random_normal_pair(UINT64_MAX, EG_RANDOM_AMPLITUDES, d / 2, normal);
                wrong += state->amplitudes[d] != normal[d % 2];
            }
            CHECK_EQUAL(wrong, 0);
            eegpu_state_close(state);
        }
    eegpu_state *one = open_state("random", 2, 2, 1), *two = open_state("random:seed=1", 2, 2, 1);
    if (one != NULL && two != NULL)
        CHECK(memcmp(one->amplitudes, two->amplitudes, 16 * sizeof(double)) != 0);
    eegpu_state_close(one);
    eegpu_state_close(two);
}

/* ---- randomset ----------------------------------------------------------------------------------------------------- */

/* Image k is labelled when its 64-digit random fraction, first digit first, is below the density. */
static void test_density(void)
{
    static const char *const densities[] = {"0.5", "0.25", "0.3", "0.999", "1", "0.001"};
    for (size_t t = 0; t < sizeof densities / sizeof densities[0]; t++) {
        char source[64];
        double density = strtod(densities[t], NULL);
        snprintf(source, sizeof source, "randomset:density=%s,seed=3", densities[t]);
        eegpu_state *state = open_state(source, 4, 4, 1);
        uint64_t wrong = 0;
        for (uint64_t k = 0; state != NULL && k < state->size; k++) {
            uint64_t fraction = 0;
            for (uint32_t block = 0; block < 32; block++) {
                uint64_t bits[2];
                eg_random_bits(3, EG_RANDOM_LABELS, k / 64, block, bits);
                fraction = fraction << 2 | (bits[0] >> (k % 64) & 1) << 1 | (bits[1] >> (k % 64) & 1);
            }
            bool expected = density == 1 || fraction < (uint64_t)(density * 0x1p64);
            wrong += expected != eg_bit(state->bits, k);
        }
        CHECK_EQUAL(wrong, 0);
        if (state != NULL)
            CHECK_NEAR((double)state->ones / 65536, density, 5 * sqrt(density * (1 - density) / 65536));
        eegpu_state_close(state);
    }
}

static bool same_bits(const eegpu_state *one, const eegpu_state *two)
{
    return one->size == two->size && memcmp(one->bits, two->bits, (size_t)eg_ceil_div(one->size, 64) * 8) == 0;
}

static void test_count(void)
{
    static const long long counts[] = {1, 2, 16, 17, 20, 100, 1000, 32767, 32768, 32769, 40000, 65000, 65535, 65536};
    for (size_t t = 0; t < sizeof counts / sizeof counts[0]; t++) {
        char source[64], other[64];
        snprintf(source, sizeof source, "randomset:count=%lld", counts[t]);
        snprintf(other, sizeof other, "randomset:count=%lld,seed=9", counts[t]);
        eegpu_state *one = open_state(source, 4, 4, 1), *two = open_state(source, 4, 4, 2), *third = open_state(other, 4, 4, 1);
        if (one != NULL && two != NULL && third != NULL) {
            CHECK_EQUAL(one->ones, counts[t]);
            CHECK(same_bits(one, two));
            CHECK(counts[t] == 65536 || !same_bits(one, third));
        }
        eegpu_state_close(one);
        eegpu_state_close(two);
        eegpu_state_close(third);
    }
}

/* All C(8,3) = 56 sets of 3 of 8 images come up equally often (chi-square), and all C(8,6) of the dark kind. */
static void test_count_is_uniform(void)
{
    enum { DRAWS = 5600 };
    static const struct {
        int count, sets;
        double limit; /* chi-square quantile at 1 - 1e-6 */
    } cases[] = {{3, 56, 118}, {6, 28, 78}};
    for (int t = 0; t < 2; t++) {
        int seen[256] = {0}, different = 0;
        double chi_square = 0, mean = (double)DRAWS / cases[t].sets;
        for (int seed = 0; seed < DRAWS; seed++) {
            char source[64];
            snprintf(source, sizeof source, "randomset:count=%d,seed=%d", cases[t].count, seed);
            eegpu_state *state = open_state(source, 1, 3, 1);
            if (state != NULL)
                seen[state->bits[0] & 255]++;
            eegpu_state_close(state);
        }
        for (int set = 0; set < 256; set++)
            if (seen[set] > 0) {
                different++;
                CHECK_EQUAL(eg_popcount((uint64_t)set), cases[t].count);
                chi_square += (seen[set] - mean) * (seen[set] - mean) / mean;
            }
        CHECK_EQUAL(different, cases[t].sets);
        CHECK(chi_square < cases[t].limit);
    }
}

EG_SUITE("random", {"Philox known answers", test_philox}, {"own logarithm, sine, cosine", test_series},
         {"normal numbers against libm", test_normal_values}, {"moments of normal numbers", test_moments},
         {"random amplitudes", test_random}, {"randomset by density", test_density}, {"randomset by count", test_count},
         {"randomset by count is uniform", test_count_is_uniform})
