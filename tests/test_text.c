/* Numbers and names as users type them: what is read, and all that is refused. */
#include "base/memory.h"
#include "base/text.h"
#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_integers(void)
{
    static const char *const bad[] = {"",    " 5", "5 ",  "+5",  "-",   "--5", "0x5", "5.0",
                                      "1e3", "5a", "101", "-11", "1_0", "NaN", "\n5", "9223372036854775808"};
    int64_t value = 0;
    uint64_t word = 0;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(eg_parse_integer(bad[i], "--threads", -10, 100, &value), EEGPU_USAGE, "--threads: '");
    CHECK(strstr(eegpu_error_message(), "'9223372036854775808' cannot be used; expected a whole number from -10 to 100") != NULL);
    CHECK_OK(eg_parse_integer("-10", "x", -10, 100, &value));
    CHECK_EQUAL(value, -10);
    CHECK_OK(eg_parse_integer("007", "x", -10, 100, &value));
    CHECK_EQUAL(value, 7);
    CHECK_OK(eg_parse_integer("-9223372036854775808", "x", INT64_MIN, INT64_MAX, &value));
    CHECK(value == INT64_MIN);
    CHECK_OK(eg_parse_integer("9223372036854775807", "x", INT64_MIN, INT64_MAX, &value));
    CHECK(value == INT64_MAX);
    CHECK_FAILS(eg_parse_integer("0", "x", 1, INT64_MAX, &value), EEGPU_USAGE, "at least 1");
    CHECK(value == INT64_MAX);

    static const char *const bad_words[] = {"", "-1", "-0", "18446744073709551616", "99999999999999999999999", "1 ", "0x1"};
    for (size_t i = 0; i < COUNT(bad_words); i++)
        CHECK_FAILS(eg_parse_unsigned(bad_words[i], "seed", &word), EEGPU_USAGE, "seed: '");
    CHECK_OK(eg_parse_unsigned("18446744073709551615", "seed", &word));
    CHECK(word == UINT64_MAX);
}

static void test_reals(void)
{
    static const char *const bad[] = {"",    " 1",   "1 ",    "+1",   "-",  "--1", ".",   "nan", "NAN",
                                      "inf", "-inf", "1e999", "1.0f", "0x", "1,5", "2.5", "-1.5"};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1}, {"-0.5", -0.5}, {".25", .25}, {"1.", 1}, {"1e-3", 1e-3}, {"0x1p-1", .5}, {"0.1", 0.1}};
    double value = 7;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(eg_parse_real(bad[i], "key 'p'", -1, 2, &value), EEGPU_USAGE, "key 'p': '");
    CHECK(strstr(eegpu_error_message(), "expected a number from -1 to 2") != NULL);
    CHECK(value == 7);
    for (size_t i = 0; i < COUNT(good); i++) {
        CHECK_OK(eg_parse_real(good[i].text, "x", -1, 2, &value));
        CHECK_NEAR(value, good[i].value, 0);
    }
    CHECK_FAILS(eg_parse_real("inf", "x", -INFINITY, INFINITY, &value), EEGPU_USAGE, "a finite number");
    CHECK_FAILS(eg_parse_real("-1", "x", 0, INFINITY, &value), EEGPU_USAGE, "at least 0");
    CHECK_FAILS(eg_parse_real("3", "x", -INFINITY, 2, &value), EEGPU_USAGE, "at most 2");
}

static void test_sizes(void)
{
    static const char *const bad[] = {"",  "0",    "-1",  " 1G",   "1 GiB", "GiB", "1X", "1e30",       "nan",
                                      "%", "101%", "-5%", "0x10M", "1GiBs", "0.5", "1E", "8589934592G"};
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1},       {"512M", 512 << 20}, {"6GiB", UINT64_C(6) << 30}, {"1e9", 1000000000}, {"2kB", 2000},
                {"1.5k", 1536}, {"1MB", 1000000},    {"4T", UINT64_C(4) << 40},   {"10B", 10},         {"1gib", 1 << 30}};
    uint64_t bytes = 3;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(eg_parse_size(bad[i], "--memory", &bytes), EEGPU_USAGE, "--memory: '");
    CHECK_EQUAL(bytes, 3);
    for (size_t i = 0; i < COUNT(good); i++) {
        CHECK_OK(eg_parse_size(good[i].text, "--memory", &bytes));
        CHECK_EQUAL(bytes, good[i].bytes);
    }
    CHECK_OK(eg_parse_size("50%", "--memory", &bytes));
    double share = (double)bytes / (double)eg_memory_available();
    CHECK(share > 0.3 && share < 0.8); /* others take and give memory meanwhile */
}

static void test_lattices(void)
{
    static const char *const bad[] = {"",     "0x5",  "5x0", "99999x99999", "4x", "x5",    "4x5x6",  "-1x5",
                                      "4x-5", "4 x5", "4*5", "4x5 ",        "20", "65x64", "1x4097", "18446744073709551617x1",
                                      "4X5",  " 4x5", "+4x5"};
    int height = 9, width = 9;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(eg_parse_lattice(bad[i], "--lattice", &height, &width), EEGPU_USAGE, "expected HEIGHTxWIDTH");
    CHECK(height == 9 && width == 9);
    CHECK_OK(eg_parse_lattice("4x5", "--lattice", &height, &width));
    CHECK(height == 4 && width == 5);
    CHECK_OK(eg_parse_lattice("1x4096", "--lattice", &height, &width));
    CHECK(height == 1 && width == 4096);
}

static void test_fractions(void)
{
    static const char *const bad[] = {
        "", ".", "1.5", "2", "-0.1", "+0.1", "0.1 ", "1e-1", "0,3", "0.3.3", "nan", "0x1", "0.1234567890123456789"};
    static const struct {
        const char *text;
        uint64_t numerator, denominator;
    } good[] = {
        {"0.35", 35, 100}, {"0", 0, 1},  {"1", 1, 1},         {"1.00", 100, 100},
        {".5", 5, 10},     {"0.", 0, 1}, {"0.050", 50, 1000}, {"0.12345678901234567", 12345678901234567, 100000000000000000}};
    uint64_t above = 7, below = 7;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(eg_parse_fraction(bad[i], "threshold", &above, &below), EEGPU_USAGE, "threshold: '");
    CHECK(above == 7 && below == 7);
    for (size_t i = 0; i < COUNT(good); i++) {
        CHECK_OK(eg_parse_fraction(good[i].text, "threshold", &above, &below));
        CHECK_EQUAL(above, good[i].numerator);
        CHECK_EQUAL(below, good[i].denominator);
    }
}

static void test_nearest_name(void)
{
    static const struct {
        const char *name;
        int other;
    } names[] = {{"contiguous", 1}, {"prefix", 2}, {NULL, 0}, {"lines", 3}, {"connected", 4}, {"all", 5}};
    static const char *const cases[][2] = {{"contigous", "contiguous"}, {"PREFIX", "prefix"}, {"line", "lines"}, {"lnies", "lines"},
                                           {"conn", "connected"},       {"al", "all"},        {"lines", "lines"}};
    static const char *const far[] = {"zebra", "", "q", "psi.npy"};
    char text[64], huge[500];
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *nearest = eg_nearest_name(cases[i][0], names, COUNT(names), sizeof *names);
        CHECK(nearest != NULL && strcmp(nearest, cases[i][1]) == 0);
    }
    for (size_t i = 0; i < COUNT(far); i++)
        CHECK(eg_nearest_name(far[i], names, COUNT(names), sizeof *names) == NULL);
    memset(huge, 'l', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    CHECK(eg_nearest_name(huge, names, COUNT(names), sizeof *names) == NULL);
    CHECK(strcmp(eg_did_you_mean("alll", names, COUNT(names), sizeof *names, text, sizeof text), "; did you mean 'all'?") == 0);
    CHECK(strcmp(eg_did_you_mean("zebra", names, COUNT(names), sizeof *names, text, sizeof text), "") == 0);
}

EG_SUITE("text", {"integers", test_integers}, {"reals", test_reals}, {"sizes", test_sizes}, {"lattices", test_lattices},
         {"decimal fractions", test_fractions}, {"nearest names", test_nearest_name})
