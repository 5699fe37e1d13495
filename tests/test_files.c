/* States from .npy files and from memory: every dtype, order and shape against the index that NumPy would use, the way back
 * through eegpu_state_write, archives, and every file that must be refused. */
#include "check.h"
#include "temporary.h"

#include <float.h>

#include "base/bits.h"
#include "state/npy.h"
#include "state/state.h"

enum { PIXELS = 4, SIZE = 16 };

static eegpu_open_options lattice(int height, int width)
{
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = 2;
    return options;
}

static eegpu_status open_with(const char *path, const eegpu_open_options *options)
{
    eegpu_state *state = NULL;
    eegpu_status status = eegpu_state_open(path, options, &state);
    eegpu_state_close(state);
    return status;
}

static eegpu_status open_plain(const char *path) { return open_with(path, NULL); }

/* Part `part` of the amplitude of the image whose pixel i is bit i of `image`. */
static double part_of_image(const eegpu_state *state, uint64_t image, int part)
{
    uint64_t index = 0;
    for (int i = 0; i < state->pixels; i++)
        index |= (image >> i & 1) << state->bit_of_pixel[i];
    if (state->kind == EG_BITS)
        return eg_bit(state->bits, index);
    return state->is_complex ? state->amplitudes[2 * index + (uint64_t)part] : state->amplitudes[index];
}

/* ---- dtypes and orders ----------------------------------------------------------------------------------------- */

typedef struct dtype {
    const char *descr;
    int parts;
    double low, high; /* extreme values to be kept exactly */
} dtype;

static const dtype dtypes[] = {{"|b1", 1, 0, 1},
                               {"|u1", 1, 0, 255},
                               {"|i1", 1, -128, 127},
                               {"u2", 1, 0, 65535},
                               {"i2", 1, -32768, 32767},
                               {"u4", 1, 0, 4294967295.0},
                               {"i4", 1, -2147483648.0, 2147483647},
                               {"u8", 1, 0, 9007199254740992.0},
                               {"i8", 1, -9007199254740992.0, 9007199254740992.0},
                               {"f4", 1, -1.5, 0.1f},
                               {"f8", 1, -1e-3, 0.1},
                               {"c8", 2, -0.75, 0.3f},
                               {"c16", 2, -1e7, 0.3}};

/* The number at place k of the file: extreme values, and otherwise a small pattern that suits every dtype. */
static double number(const dtype *type, int k) { return k == 3 ? type->low : k == 6 ? type->high : (k * k / 3) % 2; }

static int item_size(const dtype *type) { return atoi(type->descr + (type->descr[0] == '|' ? 2 : 1)) / type->parts; }

/* One number as bytes of that dtype, the most significant first when `big`. */
static void encode(const dtype *type, double value, bool big, unsigned char *bytes)
{
    char kind = type->descr[type->descr[0] == '|' ? 1 : 0];
    int size = item_size(type);
    uint64_t bits = 0;
    float single = (float)value;
    uint32_t single_bits;
    memcpy(&single_bits, &single, 4);
    if (kind == 'f' || kind == 'c') {
        memcpy(&bits, &value, 8);
        if (size == 4)
            bits = single_bits;
    } else {
        bits = value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
    }
    for (int k = 0; k < size; k++)
        bytes[k] = (unsigned char)(bits >> (8 * (big ? size - 1 - k : k)));
}

static void check_dtype(const dtype *type, bool big, bool fortran, bool many_axes, eegpu_bit_order order)
{
    unsigned char data[2 * SIZE * 8];
    char descr[8], what[160];
    int size = item_size(type);
    for (int k = 0; k < SIZE * type->parts; k++)
        encode(type, number(type, k), big, data + k * size);
    snprintf(descr, sizeof descr, "%s%s", type->descr[0] == '|' ? "" : big ? ">" : "<", type->descr);
    snprintf(what, sizeof what, "%s fortran=%d axes=%d order=%d", descr, fortran, many_axes ? PIXELS : 1, (int)order);
    const char *path = write_npy(descr, fortran, many_axes ? "(2, 2, 2, 2)" : "(16,)", data, (size_t)(SIZE * type->parts * size));
    eegpu_open_options options = lattice(2, 2);
    options.bit_order = order;
    eegpu_state *state = NULL;
    if (!CHECK_OK(eegpu_state_open(path, &options, &state)))
        return;
    CHECK_EQUAL(state->is_complex, type->parts == 2);
    bool turned = (fortran && many_axes) != (order == EEGPU_LSB);
    double squares = 0;
    for (uint64_t image = 0; image < SIZE; image++) {
        int place = 0;
        for (int i = 0; i < PIXELS; i++)
            place |= (int)(image >> i & 1) << (turned ? i : PIXELS - 1 - i);
        for (int part = 0; part < type->parts; part++) {
            double expected = number(type, place * type->parts + part);
            check_near_at(part_of_image(state, image, part), expected, 0, what, __FILE__, __LINE__);
            squares += expected * expected;
        }
    }
    CHECK_NEAR(state->norm, sqrt(squares), 1e-15 * sqrt(squares));
    eegpu_state_close(state);
}

static void test_dtypes(void)
{
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        for (unsigned choice = 0; choice < 16; choice++)
            check_dtype(&dtypes[k], choice & 1, choice & 2, choice & 4, choice & 8 ? EEGPU_LSB : EEGPU_MSB);
}

/* ---- What is kept in which form -------------------------------------------------------------------------------- */

static void test_forms(void)
{
    double amplitudes[SIZE] = {0.5, -1};
    const char *path = write_npy("<f8", false, "(16,)", amplitudes, sizeof amplitudes);
    eegpu_state *state = NULL;
    if (CHECK_OK(eegpu_state_open(path, NULL, &state))) {
        eegpu_state_info info = eegpu_state_describe(state);
        CHECK(strcmp(info.kind, "amplitudes") == 0);
        CHECK(state->mapping.bytes != NULL && state->owned == NULL);
        CHECK_EQUAL(info.bytes, 0);
        CHECK_EQUAL(info.height, 1);
        CHECK_EQUAL(info.width, 4);
        CHECK_NEAR(info.norm, sqrt(1.25), 0);
    }
    eegpu_state_close(state);

    double ones[SIZE] = {[1] = 1, [6] = 1, [15] = 1};
    path = write_npy("<f8", false, "(16,)", ones, sizeof ones);
    state = NULL;
    if (CHECK_OK(eegpu_state_open(path, NULL, &state))) {
        eegpu_state_info info = eegpu_state_describe(state);
        CHECK(strcmp(info.kind, "bits") == 0);
        CHECK_EQUAL(info.ones, 3);
        CHECK_EQUAL(info.bytes, 8);
        CHECK_EQUAL(state->bits[0], 0x8042);
        CHECK(state->mapping.bytes == NULL && state->amplitudes == NULL);
        CHECK_NEAR(info.norm, sqrt(3), 0);
    }
    eegpu_state_close(state);

    /* Three axes of two are amplitudes, not two images. */
    unsigned char cube[8] = {1, 0, 0, 0, 0, 0, 0, 1};
    path = write_npy("|u1", false, "(2, 2, 2)", cube, sizeof cube);
    state = NULL;
    if (CHECK_OK(eegpu_state_open(path, NULL, &state)))
        CHECK_EQUAL(state->pixels, 3);
    eegpu_state_close(state);
}

static void test_from_memory(void)
{
    double pairs[8] = {3, 4, 0, 0, 0, -12, 0, 0};
    eegpu_open_options options = lattice(1, 2), nowhere = lattice(0, 0), huge = lattice(7, 7);
    eegpu_state *state = NULL;
    if (CHECK_OK(eegpu_state_from_amplitudes(pairs, true, &options, &state))) {
        CHECK(state->amplitudes == pairs);
        CHECK_NEAR(state->norm, 13, 0);
        CHECK_NEAR(part_of_image(state, 1, 1), -12, 0); /* pixel 0 lit is index 2 */
        CHECK_EQUAL(eegpu_state_describe(state).bytes, 0);
    }
    eegpu_state_close(state);
    CHECK_FAILS(eegpu_state_from_amplitudes(pairs, true, &nowhere, &state), EEGPU_USAGE, "lattice");
    CHECK_FAILS(eegpu_state_from_amplitudes(pairs, true, &huge, &state), EEGPU_USAGE, "40 pixels");
    CHECK_FAILS(eegpu_state_from_amplitudes(NULL, true, &options, &state), EEGPU_USAGE, "NULL");
    CHECK(state == NULL);
    eegpu_state_close(NULL);
}

/* ---- Norm ------------------------------------------------------------------------------------------------------ */

static void check_norm(double first, double second, double expected, double tolerance, int exponent)
{
    double amplitudes[4] = {first, second};
    eegpu_open_options options = lattice(1, 2);
    eegpu_state *state = NULL;
    if (!CHECK_OK(eegpu_state_from_amplitudes(amplitudes, false, &options, &state)))
        return;
    CHECK_NEAR(state->norm, expected, tolerance);
    CHECK_EQUAL(state->exponent, exponent);
    if (exponent != 0) {
        double largest = ldexp(fmax(fabs(first), fabs(second)), exponent);
        CHECK(largest >= 0.5 && largest < 1);
    }
    eegpu_state_close(state);
}

static void test_norm(void)
{
    check_norm(3, -4, 5, 0, 0);
    check_norm(3e-49, 4e-49, 5e-49, 1e-64, 0);
    check_norm(3e-100, 4e-100, 5e-100, 1e-115, -(int)floor(log2(4e-100)) - 1);
    check_norm(3e-200, -4e-200, 5e-200, 1e-215, -(int)floor(log2(4e-200)) - 1);
    check_norm(3e200, 4e200, 5e200, 1e185, -(int)floor(log2(4e200)) - 1);
    check_norm(0, ldexp(1, -1074), ldexp(1, -1074), 0, 1073);
    check_norm(ldexp(3, -1074), ldexp(4, -1074), ldexp(5, -1074), 0, 1071);
    check_norm(0, DBL_MAX, DBL_MAX, 0, -1024);
    double amplitudes[4] = {DBL_MAX, DBL_MAX, 0, 0};
    eegpu_open_options options = lattice(1, 2);
    eegpu_state *state = NULL;
    CHECK_FAILS(eegpu_state_from_amplitudes(amplitudes, false, &options, &state), EEGPU_BAD_INPUT, "divide");
}

/* 2^18 numbers whose squares lose all their small parts in a plain sum; the same bits for any number of threads. */
static void test_norm_is_exact_and_reproducible(void)
{
    enum { BITS = 18, MANY = 1 << BITS };
    double *amplitudes = malloc(MANY * sizeof *amplitudes);
    CHECK(amplitudes != NULL);
    if (amplitudes == NULL)
        return;
    for (int k = 0; k < MANY; k++)
        amplitudes[k] = ldexp(1, -27); /* squares 2^-54; 2^18 - 1 of them add 2^-36 - 2^-54 to 1 */
    amplitudes[0] = 1;
    double expected = sqrt(1 + ldexp(MANY - 1, -54)), first = 0;
    for (int threads = 1; threads <= 3; threads++) {
        eegpu_open_options options = lattice(3, 6);
        options.threads = threads;
        eegpu_state *state = NULL;
        if (CHECK_OK(eegpu_state_from_amplitudes(amplitudes, false, &options, &state))) {
            CHECK_NEAR(state->norm, expected, 2.3e-16);
            first = threads == 1 ? state->norm : first;
            CHECK(state->norm == first);
        }
        eegpu_state_close(state);
    }
    amplitudes[200001] = NAN;
    amplitudes[200003] = INFINITY;
    eegpu_open_options options = lattice(3, 6);
    eegpu_state *state = NULL;
    CHECK_FAILS(eegpu_state_from_amplitudes(amplitudes, false, &options, &state), EEGPU_BAD_INPUT,
                "index 200001 (image 110000/110101/000001) is NaN");
    free(amplitudes);
}

/* ---- There and back -------------------------------------------------------------------------------------------- */

static void check_round_trip(const double *amplitudes, bool is_complex, eegpu_bit_order read, eegpu_bit_order written)
{
    eegpu_open_options options = lattice(2, 5);
    const char *path = temporary_path("round.npy");
    eegpu_state *state = NULL, *back = NULL;
    options.bit_order = read;
    if (CHECK_OK(eegpu_state_from_amplitudes(amplitudes, is_complex, &options, &state)) &&
        CHECK_OK(eegpu_state_write(state, written, path))) {
        options.bit_order = written;
        if (CHECK_OK(eegpu_state_open(path, &options, &back))) {
            CHECK_EQUAL(back->kind, state->kind);
            CHECK_EQUAL(back->is_complex, is_complex);
            int wrong = 0;
            for (uint64_t image = 0; image < 1024; image++)
                for (int part = 0; part <= is_complex; part++)
                    wrong += part_of_image(state, image, part) != part_of_image(back, image, part);
            CHECK_EQUAL(wrong, 0);
            CHECK(back->norm == state->norm || fabs(back->norm / state->norm - 1) < 1e-15);
        }
    }
    eegpu_state_close(state);
    eegpu_state_close(back);
}

static void test_round_trip(void)
{
    double amplitudes[2048], bits[1024];
    for (int k = 0; k < 2048; k++)
        amplitudes[k] = sin(k + 1);
    for (int k = 0; k < 1024; k++)
        bits[k] = amplitudes[k] > 0.3;
    for (int choice = 0; choice < 4; choice++) {
        eegpu_bit_order read = choice & 1 ? EEGPU_LSB : EEGPU_MSB, written = choice & 2 ? EEGPU_LSB : EEGPU_MSB;
        check_round_trip(amplitudes, false, read, written);
        check_round_trip(amplitudes, true, read, written);
        check_round_trip(bits, false, read, written);
    }
    eegpu_open_options options = lattice(2, 5);
    eegpu_state *state = NULL;
    if (CHECK_OK(eegpu_state_from_amplitudes(bits, false, &options, &state))) {
        CHECK_FAILS(eegpu_state_write(state, EEGPU_MSB, "/nonexistent/folder/x.npy"), EEGPU_IO, "/nonexistent/folder/x.npy");
        CHECK_FAILS(eegpu_state_write(state, (eegpu_bit_order)7, "x.npy"), EEGPU_USAGE, "bit order");
        CHECK_FAILS(eegpu_state_write(NULL, EEGPU_MSB, "x.npy"), EEGPU_USAGE, "NULL");
    }
    eegpu_state_close(state);
}

/* ---- Headers --------------------------------------------------------------------------------------------------- */

static const double plain_data[4] = {1, 2, 3, 4};

static void test_headers_accepted(void)
{
    static const char *const good[] = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n",
        "{'shape':(4,),'fortran_order':False,'descr':'<f8'}\n",
        "{ \"fortran_order\" : True , \"descr\" : \"=f8\" , \"shape\" : ( 2 , 2 ) , }      \n",
        " {'descr': '<f8', 'fortran_order': False, 'shape': (2, 2,)} \n",
        "{'descr': '<c16', 'fortran_order': False, 'shape': (2,)}\n",
    };
    for (int version = 1; version <= 3; version++)
        for (size_t k = 0; k < sizeof good / sizeof *good; k++)
            CHECK_OK(open_plain(write_npy_text(version, good[k], plain_data, sizeof plain_data)));
}

typedef struct bad_header {
    const char *text, *fragment;
} bad_header;

static const bad_header bad_headers[] = {
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", "new line"},
    {"", "new line"},
    {"\n", "'{'"},
    {"'descr': '<f8'\n", "'{'"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4,)\n", "not closed"},
    {"{'descr': '<f8' 'fortran_order': False, 'shape': (4,)}\n", "comma"},
    {"{'descr': <f8, 'fortran_order': False, 'shape': (4,)}\n", "quotes"},
    {"{descr: '<f8', 'fortran_order': False, 'shape': (4,)}\n", "quotes"},
    {"{'descr': '<f8, 'fortran_order': False, 'shape': (4,)}\n", "dtype '<f8, '"},
    {"{'descr': '<f8\n", "'descr'"},
    {"{'descr' '<f8', 'fortran_order': False, 'shape': (4,)}\n", "':'"},
    {"{'descr': '<f8', 'fortran_order': 0, 'shape': (4,)}\n", "True nor False"},
    {"{'descr': '<f8', 'fortran_order': False}\n", "lacks the key 'shape'"},
    {"{'descr': '<f8', 'shape': (4,)}\n", "lacks the key 'fortran_order'"},
    {"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (4,)}\n", "repeated key 'descr'"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'order': 1}\n", "unknown key 'order'"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4,)} 1\n", "after '}'"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4)}\n", "not a tuple"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': 4}\n", "not a tuple"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (-4,)}\n", "negative"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4.0,)}\n", "comma"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (a,)}\n", "whole numbers"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4\n", "not closed"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}\n", "2^64"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 2)}\n", "2^64"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}\n", "2^64 bytes"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}\n", "cut short"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (8,)}\n", "cut short"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}\n", "too long"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': ()}\n", "too long"},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}\n", "too long"},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}\n", "objects"},
    {"{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (4,)}\n", "structured"},
    {"{'descr': '|V8', 'fortran_order': False, 'shape': (4,)}\n", "'|V8'"},
    {"{'descr': '<U2', 'fortran_order': False, 'shape': (4,)}\n", "'<U2'"},
    {"{'descr': '<f2', 'fortran_order': False, 'shape': (16,)}\n", "'<f2'"},
    {"{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}\n", "'<f16'"},
    {"{'descr': '|f8', 'fortran_order': False, 'shape': (4,)}\n", "byte order"},
    {"{'descr': '', 'fortran_order': False, 'shape': (4,)}\n", "dtype ''"},
};

static void test_headers_refused(void)
{
    for (size_t k = 0; k < sizeof bad_headers / sizeof *bad_headers; k++)
        CHECK_FAILS(open_plain(write_npy_text(1 + (int)k % 3, bad_headers[k].text, plain_data, sizeof plain_data)), EEGPU_BAD_INPUT,
                    bad_headers[k].fragment);
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPZ\x01\x00\x01\x00\n", 11)), EEGPU_BAD_INPUT, "magic");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPY\x04\x00\x01\x00\n", 11)), EEGPU_BAD_INPUT, "version 4.0");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPY\x01\x01\x01\x00\n", 11)), EEGPU_BAD_INPUT, "version 1.1");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPY\x01\x00\xff\xff\n", 11)), EEGPU_BAD_INPUT, "ends before");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPY\x02\x00\xff\xff\xff\xff\n", 13)), EEGPU_BAD_INPUT, "ends before");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUMPY\x02\x00\x00\x00\x00", 11)), EEGPU_BAD_INPUT, "within the header");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "\x93NUM", 4)), EEGPU_BAD_INPUT, "magic");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "hello, world", 12)), EEGPU_BAD_INPUT, "magic");
    CHECK_FAILS(open_plain(write_bytes("a.npy", "", 0)), EEGPU_BAD_INPUT, "empty");
}

/* Every prefix of a good file is refused, none crashes. */
static void test_truncated(void)
{
    const char *path = write_npy("<f8", false, "(4,)", plain_data, sizeof plain_data);
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    CHECK(bytes != NULL);
    for (size_t length = 1; bytes != NULL && length < size; length++)
        CHECK(open_plain(write_bytes("cut.npy", bytes, length)) == EEGPU_BAD_INPUT);
    free(bytes);
}

/* ---- Contents -------------------------------------------------------------------------------------------------- */

static void test_contents_refused(void)
{
    double numbers[SIZE] = {0};
    eegpu_open_options three = lattice(1, 3), half = lattice(2, 0);
    numbers[5] = NAN;
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(16,)", numbers, sizeof numbers)), EEGPU_BAD_INPUT,
                "index 5 (image 0101) is NaN");
    CHECK_FAILS(open_plain(write_npy("<f8", true, "(2, 2, 2, 2)", numbers, sizeof numbers)), EEGPU_BAD_INPUT,
                "(image 1010) is NaN");
    CHECK_FAILS(open_plain(write_npy("<c16", false, "(8,)", numbers, sizeof numbers)), EEGPU_BAD_INPUT,
                "index 2 (image 010) is NaN");
    numbers[5] = -INFINITY;
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(16,)", numbers, sizeof numbers)), EEGPU_BAD_INPUT, "infinite");
    numbers[5] = 0;
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(16,)", numbers, sizeof numbers)), EEGPU_BAD_INPUT, "0 on every image");
    CHECK_FAILS(open_plain(write_npy("|u1", false, "(128,)", numbers, 128)), EEGPU_BAD_INPUT, "0 on every image");
    CHECK_FAILS(open_plain(write_npy("<c16", false, "(8,)", numbers, sizeof numbers)), EEGPU_BAD_INPUT, "0 on every image");
    numbers[0] = 1;
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(12,)", numbers, 96)), EEGPU_BAD_INPUT, "power of two");
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(0,)", numbers, 0)), EEGPU_BAD_INPUT, "power of two");
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(1,)", numbers, 8)), EEGPU_BAD_INPUT, "1 to 40 pixels");
    CHECK_FAILS(open_plain(write_npy("<f8", false, "()", numbers, 8)), EEGPU_BAD_INPUT, "shape is ()");
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(4, 4)", numbers, 128)), EEGPU_BAD_INPUT, "shape is (4, 4)");
    CHECK_FAILS(open_plain(write_npy("<f8", false, "(2, 2, 4, 1)", numbers, 128)), EEGPU_BAD_INPUT, "(2^N,) and (2,)*N");
    const char *path = write_npy("<f8", false, "(16,)", numbers, sizeof numbers);
    CHECK_FAILS(open_with(path, &three), EEGPU_USAGE, "lattice 1x3 has 3 pixels, but the file has 2^4");
    CHECK_FAILS(open_with(path, &half), EEGPU_USAGE, "2x0");
}

static void test_numbers_refused(void)
{
    unsigned char bools[SIZE] = {1, 0, 2};
    CHECK_FAILS(open_plain(write_npy("|b1", false, "(16,)", bools, SIZE)), EEGPU_BAD_INPUT, "index 2 (image 0010)");
    int64_t wholes[SIZE] = {1, 5, 0, (INT64_C(1) << 53) + 1};
    CHECK_FAILS(open_plain(write_npy("<i8", false, "(16,)", wholes, sizeof wholes)), EEGPU_BAD_INPUT, "index 3 (image 0011)");
    wholes[3] = -wholes[3];
    CHECK_FAILS(open_plain(write_npy("<i8", false, "(16,)", wholes, sizeof wholes)), EEGPU_BAD_INPUT, "2^53");
    CHECK_FAILS(open_plain(write_npy("<u8", false, "(16,)", wholes, sizeof wholes)), EEGPU_BAD_INPUT, "2^53");
    wholes[3] = INT64_MIN;
    CHECK_FAILS(open_plain(write_npy("<i8", false, "(16,)", wholes, sizeof wholes)), EEGPU_BAD_INPUT, "2^53");
}

/* 2^20 bytes of 0..2: 8 MiB of doubles do not fit in 4 MiB, the 0/1 function of the same length (128 KiB) does. */
static void test_budget(void)
{
    enum { MANY = 1 << 20 };
    unsigned char *bytes = malloc(MANY);
    eegpu_open_options options = lattice(4, 5);
    options.memory = 4 << 20;
    CHECK(bytes != NULL);
    if (bytes == NULL)
        return;
    for (int k = 0; k < MANY; k++)
        bytes[k] = (unsigned char)(k % 3);
    CHECK_FAILS(open_with(write_npy("|u1", false, "(1048576,)", bytes, MANY), &options), EEGPU_OUT_OF_MEMORY,
                "enough for 19 pixels");
    for (int k = 0; k < MANY; k++)
        bytes[k] = k % 3 == 1;
    eegpu_state *state = NULL;
    if (CHECK_OK(eegpu_state_open(write_npy("|u1", false, "(1048576,)", bytes, MANY), &options, &state))) {
        CHECK_EQUAL(state->ones, MANY / 3);
        int wrong = 0;
        for (uint64_t k = 0; k < MANY; k++)
            wrong += eg_bit(state->bits, k) != bytes[k];
        CHECK_EQUAL(wrong, 0);
    }
    eegpu_state_close(state);
    free(bytes);
}

/* ---- Source text ----------------------------------------------------------------------------------------------- */

static void test_source_text(void)
{
    eg_source_text parts;
    if (CHECK_OK(eg_source_split("images:file=a:b=c.npy,label=-3", &parts))) {
        CHECK(strcmp(parts.name, "images") == 0);
        CHECK_EQUAL(parts.count, 2);
        CHECK(strcmp(parts.key[0], "file") == 0 && strcmp(parts.value[0], "a:b=c.npy") == 0);
        CHECK(strcmp(parts.key[1], "label") == 0 && strcmp(parts.value[1], "-3") == 0);
    }
    if (CHECK_OK(eg_source_split("connected", &parts)))
        CHECK_EQUAL(parts.count, 0);
    static const char *const bad[][2] = {{"", "empty"},
                                         {"random:", "key=value"},
                                         {"random:seed", "'seed'"},
                                         {"random:seed=", "key=value"},
                                         {"random:=3", "key=value"},
                                         {"random:seed=1,", "key=value"},
                                         {"random:seed=1,,p=2", "key=value"},
                                         {"random:seed=1,seed=2", "given twice"},
                                         {"random\n", "control character"},
                                         {"f:a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1", "more than 16"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        CHECK_FAILS(eg_source_split(bad[k][0], &parts), EEGPU_USAGE, bad[k][1]);
    char longest[EG_MAX_SOURCE_TEXT + 1];
    memset(longest, 'a', sizeof longest);
    longest[EG_MAX_SOURCE_TEXT] = '\0';
    CHECK_FAILS(eg_source_split(longest, &parts), EEGPU_USAGE, "1024 characters");
    CHECK_FAILS(open_plain(longest), EEGPU_USAGE, "1024 characters");
}

static void test_open(void)
{
    eegpu_open_options options = lattice(-1, 3);
    CHECK_FAILS(open_plain(""), EEGPU_USAGE, "empty");
    CHECK_FAILS(open_plain("no-such-file.npy"), EEGPU_IO, "no-such-file.npy");
    CHECK_FAILS(open_plain("no/such/file"), EEGPU_IO, "no/such/file");
    CHECK_FAILS(open_plain("neither-file-nor-function"), EEGPU_USAGE, "no built-in function");
    CHECK_FAILS(open_plain(temporary_path(".")), EEGPU_IO, "directory");
    CHECK_FAILS(open_with("parity", &options), EEGPU_USAGE, "-1x3");
    options = lattice(65, 64);
    CHECK_FAILS(open_with("parity", &options), EEGPU_USAGE, "4096");
    options = lattice(2, 2);
    options.bit_order = (eegpu_bit_order)5;
    CHECK_FAILS(open_with("parity", &options), EEGPU_USAGE, "bit order");
    options = lattice(2, 2);
    options.threads = -1;
    CHECK_FAILS(open_with("parity", &options), EEGPU_USAGE, "threads");
    eegpu_state *state = NULL;
    CHECK_FAILS(eegpu_state_open(NULL, NULL, &state), EEGPU_USAGE, "NULL");
    CHECK_FAILS(eegpu_state_open("parity", NULL, NULL), EEGPU_USAGE, "NULL");
}

/* ---- Archives -------------------------------------------------------------------------------------------------- */

/* The bytes of an archive of two arrays: where the zip records must be, and .npy members that the reader takes. */
static void test_archive(void)
{
    const char *path = temporary_path("pair.npz");
    FILE *stream = fopen(path, "wb");
    eg_npz *archive = NULL;
    uint64_t four = 4, shape[2] = {2, 1};
    uint8_t small[2] = {7, 9};
    CHECK(stream != NULL);
    if (stream == NULL || !CHECK_OK(eg_npz_begin(stream, &archive)))
        return;
    CHECK_OK(eg_npz_add(archive, "p_0000", "<f8", 1, &four, plain_data, sizeof plain_data));
    CHECK_OK(eg_npz_add(archive, "regions", "|u1", 2, shape, small, sizeof small));
    CHECK_OK(eg_npz_end(archive));
    CHECK_EQUAL(fclose(stream), 0);
    size_t size = 0;
    unsigned char *bytes = read_bytes(path, &size);
    CHECK(bytes != NULL && size > 22);
    if (bytes == NULL)
        return;
    const unsigned char *end = bytes + size - 22;
    CHECK(memcmp(end, "PK\5\6", 4) == 0 && end[8] == 2 && end[10] == 2);
    uint64_t start = end[16] | (uint64_t)end[17] << 8;
    CHECK(memcmp(bytes + start, "PK\1\2", 4) == 0 && memcmp(bytes + start + 46, "p_0000.npy", 10) == 0);
    CHECK(memcmp(bytes, "PK\3\4", 4) == 0 && memcmp(bytes + 30, "p_0000.npy", 10) == 0);
    eg_mapping member = {bytes + 40, bytes[18] | (uint64_t)bytes[19] << 8};
    eg_npy array;
    if (CHECK_OK(eg_npy_parse(&member, "p_0000", &array))) {
        CHECK_EQUAL(array.count, 4);
        CHECK(memcmp(array.data, plain_data, sizeof plain_data) == 0);
    }
    free(bytes);
    archive = NULL;
    char name[300] = {0};
    memset(name, 'n', sizeof name - 1);
    if (CHECK_OK(eg_npz_begin(stdout, &archive)))
        CHECK_FAILS(eg_npz_add(archive, name, "<f8", 1, &four, plain_data, sizeof plain_data), EEGPU_USAGE, "too long");
    eg_npz_abandon(archive);
    eg_npz_abandon(NULL);
}

EG_SUITE("files", {"every dtype, order and shape", test_dtypes}, {"mapped, converted, bits", test_forms},
         {"amplitudes in memory", test_from_memory}, {"norm and exponent", test_norm},
         {"norm is exact and reproducible", test_norm_is_exact_and_reproducible}, {"there and back", test_round_trip},
         {"headers accepted", test_headers_accepted}, {"headers refused", test_headers_refused},
         {"truncated files", test_truncated}, {"contents refused", test_contents_refused},
         {"numbers refused", test_numbers_refused}, {"memory limit", test_budget}, {"source text", test_source_text},
         {"what is opened", test_open}, {"archives", test_archive})
