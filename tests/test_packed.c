/* Files of packed bits: both orders within a byte, with and without header, both bit orders, sizes from one byte on, against a
 * plain unpacking; files of bools and bytes that become bits without being doubles; and every file that must be refused. */
#include "check.h"
#include "temporary.h"

#include "base/bits.h"
#include "state/pack.h"
#include "state/state.h"

enum { MOST_PIXELS = 20, MOST_BYTES = (1 << MOST_PIXELS) / 8 };

static unsigned char bytes[MOST_BYTES];

/* Reproducible bytes without structure. */
static void fill_bytes(void)
{
    uint32_t number = 12345;
    for (int k = 0; k < MOST_BYTES; k++) {
        number = number * 1664525 + 1013904223;
        bytes[k] = (unsigned char)(number >> 24);
    }
    bytes[0] |= 1;
}

static eegpu_open_options lattice(int height, int width)
{
    eegpu_open_options options = eegpu_open_options_default();
    options.height = height;
    options.width = width;
    options.threads = 2;
    return options;
}

static const char *packed(const char *path, const char *keys)
{
    static char source[1024];
    snprintf(source, sizeof source, "packed:file=%s%s", path, keys);
    return source;
}

static const char *write_packed(bool header, int size)
{
    char shape[32];
    snprintf(shape, sizeof shape, "(%d,)", size);
    return header ? write_npy("|u1", false, shape, bytes, (size_t)size) : write_bytes("bits.raw", bytes, (size_t)size);
}

static void check_bits(int pixels, bool header, bool little, eegpu_bit_order order)
{
    eegpu_state *state = NULL;
    eegpu_open_options options = lattice(0, 0);
    options.bit_order = order;
    int size = (1 << pixels) / 8;
    const char *source = packed(write_packed(header, size), little ? ",order=little" : header ? "" : ",order=big");
    if (!check_ok_at(eegpu_state_open(source, &options, &state), source, __FILE__, __LINE__))
        return;
    uint64_t wrong = 0, ones = 0;
    for (uint64_t s = 0; s < state->size; s++) {
        int bit = bytes[s / 8] >> (little ? s % 8 : 7 - s % 8) & 1;
        wrong += (int)eg_bit(state->bits, s) != bit;
        ones += (uint64_t)bit;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(state->ones, ones);
    CHECK_EQUAL(state->kind, EG_BITS);
    CHECK_EQUAL(state->height, 1);
    CHECK_EQUAL(state->width, pixels);
    CHECK_EQUAL(state->bit_of_pixel[0], order == EEGPU_MSB ? pixels - 1 : 0);
    if (pixels < 6)
        CHECK_EQUAL(state->bits[0] & ~eg_low_mask(1 << pixels), 0);
    CHECK(state->mapping.bytes == NULL);
    eegpu_state_close(state);
}

static void test_orders(void)
{
    fill_bytes();
    for (int pixels = 3; pixels <= 10; pixels++)
        for (int choice = 0; choice < 8; choice++)
            check_bits(pixels, choice & 1, choice & 2, choice & 4 ? EEGPU_LSB : EEGPU_MSB);
    check_bits(MOST_PIXELS, true, false, EEGPU_MSB);
}

/* The word of a function known by name. */
static void test_against_function(void)
{
    eegpu_state *expected = NULL, *state = NULL;
    eegpu_open_options options = lattice(3, 4);
    if (!CHECK_OK(eegpu_state_open("majority", &options, &expected)))
        return;
    unsigned char values[4096], rows[512] = {0};
    for (int s = 0; s < 4096; s++) {
        values[s] = eg_bit(expected->bits, (uint64_t)s);
        rows[s / 8] = (unsigned char)(rows[s / 8] | values[s] << (7 - s % 8));
    }
    if (CHECK_OK(eegpu_state_open(packed(write_npy("|u1", false, "(512,)", rows, 512), ""), &options, &state)))
        CHECK(memcmp(state->bits, expected->bits, 512) == 0);
    eegpu_state_close(state);
    for (int k = 0; k < 3; k++) {
        static const char *const types[] = {"|b1", "|u1", "|i1"};
        state = NULL;
        if (CHECK_OK(eegpu_state_open(write_npy(types[k], false, "(4096,)", values, 4096), &options, &state)))
            CHECK(state->kind == EG_BITS && memcmp(state->bits, expected->bits, 512) == 0);
        eegpu_state_close(state);
    }
    eegpu_state_close(expected);
}

/* ---- Bytes that are 0 or 1 ------------------------------------------------------------------------------------- */

/* Every place of a bad byte, every length. */
static void test_pack_bytes(void)
{
    unsigned char plain[200];
    uint64_t words[4];
    for (uint64_t count = 1; count <= sizeof plain; count++) {
        for (uint64_t k = 0; k < count; k++)
            plain[k] = k * k % 7 < 3;
        memset(words, 0xFF, sizeof words);
        CHECK_EQUAL(eg_pack_bytes(plain, count, words), count);
        for (uint64_t k = 0; k < eg_ceil_div(count, 64) * 64; k++)
            if (eg_bit(words, k) != (k < count && plain[k]))
                CHECK_EQUAL(k, UINT64_MAX);
        plain[count * 3 / 4] = count % 2 ? 2 : 255;
        CHECK_EQUAL(eg_pack_bytes(plain, count, words), count * 3 / 4);
    }
}

/* Room for the bits, not for the doubles. */
static void test_memory(void)
{
    enum { SIZE = 1 << 18 };
    unsigned char *values = calloc(SIZE, 1);
    eegpu_open_options options = lattice(0, 0);
    eegpu_state *state = NULL;
    CHECK(values != NULL);
    if (values == NULL)
        return;
    options.memory = 64 << 10;
    values[12345] = values[200000] = 1;
    if (CHECK_OK(eegpu_state_open(write_npy("|u1", false, "(262144,)", values, SIZE), &options, &state))) {
        CHECK(state->kind == EG_BITS && state->ones == 2 && eg_bit(state->bits, 12345) && eg_bit(state->bits, 200000));
        CHECK(state->budget->peak < 48 << 10);
    }
    eegpu_state_close(state);
    state = NULL;
    values[200001] = 2;
    CHECK_FAILS(eegpu_state_open(write_npy("|u1", false, "(262144,)", values, SIZE), &options, &state), EEGPU_OUT_OF_MEMORY,
                "real amplitudes");
    CHECK_FAILS(eegpu_state_open(write_npy("|b1", false, "(262144,)", values, SIZE), &options, &state), EEGPU_BAD_INPUT,
                "index 200001 (image 110000110101000001)");
    options.memory = 0;
    if (CHECK_OK(eegpu_state_open(write_npy("|u1", false, "(262144,)", values, SIZE), &options, &state)))
        CHECK(state->kind == EG_AMPLITUDES && state->amplitudes[200001] == 2 && state->amplitudes[200000] == 1);
    eegpu_state_close(state);
    state = NULL;
    values[200001] = 255; /* -1 as int8 */
    if (CHECK_OK(eegpu_state_open(write_npy("|i1", false, "(262144,)", values, SIZE), &options, &state)))
        CHECK(state->kind == EG_AMPLITUDES && state->amplitudes[200001] == -1 && state->amplitudes[200000] == 1);
    eegpu_state_close(state);
    free(values);
}

/* ---- Refused --------------------------------------------------------------------------------------------------- */

static void check_refused(const char *source, const eegpu_open_options *options, eegpu_status status, const char *fragment)
{
    eegpu_state *state = NULL;
    check_fails_at(eegpu_state_open(source, options, &state), status, fragment, source, __FILE__, __LINE__);
    CHECK(state == NULL);
    eegpu_state_close(state);
}

static bool stop(void *user, const char *stage, double fraction)
{
    (void)user, (void)fraction;
    return strcmp(stage, "reading packed bits") != 0;
}

static void test_refused(void)
{
    unsigned char zeros[128] = {0};
    eegpu_open_options three = lattice(1, 3), seven = lattice(1, 7), ten = lattice(2, 5);
    check_refused("packed", NULL, EEGPU_USAGE, "'packed:file=bits.npy'");
    check_refused("packed:order=big", NULL, EEGPU_USAGE, "needs key 'file'");
    check_refused("packed:file=absent.npy", NULL, EEGPU_IO, "absent.npy");
    check_refused("pakced:file=x", NULL, EEGPU_USAGE, "did you mean 'packed'?");
    check_refused(packed(write_bytes("raw", bytes, 16), ",order=middle"), NULL, EEGPU_USAGE, "big|little");
    check_refused(packed(write_bytes("raw", bytes, 16), ",ordr=big"), NULL, EEGPU_USAGE, "did you mean 'order'?");
    check_refused(packed(write_bytes("raw", "", 0), ""), NULL, EEGPU_BAD_INPUT, "empty");
    check_refused(packed(write_bytes("raw", bytes, 12), ""), NULL, EEGPU_BAD_INPUT,
                  "it has 12 bytes, but must have a power of two");
    check_refused(packed(write_bytes("raw", bytes, 16), ""), &three, EEGPU_USAGE, "1x3 has 3 pixels, but the file has 2^7 bits");
    check_refused(packed(write_bytes("raw", bytes, 128), ""), &seven, EEGPU_USAGE, "leave out 'packed:file='");
    check_refused(packed(write_bytes("raw", zeros, 16), ""), NULL, EEGPU_BAD_INPUT, "0 on every image");
    check_refused(packed(write_npy("|u1", false, "(12,)", bytes, 12), ""), NULL, EEGPU_BAD_INPUT, "it has 12 bytes");
    check_refused(packed(write_npy("|u1", false, "(0,)", bytes, 0), ""), NULL, EEGPU_BAD_INPUT, "it has 0 bytes");
    check_refused(packed(write_npy("|u1", false, "(4, 4)", bytes, 16), ""), NULL, EEGPU_BAD_INPUT, "2 axes");
    check_refused(packed(write_npy("|u1", false, "()", bytes, 1), ""), NULL, EEGPU_BAD_INPUT, "0 axes");
    check_refused(packed(write_npy("|b1", false, "(16,)", zeros, 16), ""), NULL, EEGPU_BAD_INPUT, "file of bools");
    check_refused(packed(write_npy("<u2", false, "(16,)", bytes, 32), ""), NULL, EEGPU_BAD_INPUT, "not uint8");
    check_refused(packed(write_npy("|i1", false, "(16,)", bytes, 16), ""), NULL, EEGPU_BAD_INPUT, "not uint8");
    check_refused(packed(write_npy("|u1", false, "(32,)", bytes, 16), ""), NULL, EEGPU_BAD_INPUT, "cut short");
    ten.progress = stop;
    check_refused(packed(write_bytes("raw", bytes, 128), ""), &ten, EEGPU_INTERRUPTED, "stopped on request");
    ten.progress = NULL;
    ten.memory = 64;
    check_refused(packed(write_bytes("raw", bytes, 128), ""), &ten, EEGPU_OUT_OF_MEMORY, "the bits of the 0/1 function");
}

/* 2^38 bytes and more without a disk that has them: files with a hole. */
static void test_too_large(void)
{
    const char *path = write_bytes("huge", bytes, 16);
    if (truncate(path, INT64_C(1) << 38) != 0)
        return; /* a file system without such files */
    check_refused(packed(path, ""), NULL, EEGPU_BAD_INPUT, "2^38 bytes, so 41 pixels; at most 40");
    eegpu_open_options options = lattice(0, 0);
    options.memory = 1 << 30;
    CHECK(truncate(path, INT64_C(1) << 37) == 0);
    check_refused(packed(path, ""), &options, EEGPU_OUT_OF_MEMORY, "enough for 33 pixels");
}

EG_SUITE("packed bits", {"orders and sizes", test_orders}, {"against a function", test_against_function},
         {"packing of bytes", test_pack_bytes}, {"memory", test_memory}, {"refused", test_refused}, {"too large", test_too_large})
