/* Files of weights: .npz archives made here byte by byte, stored and deflated, and every way in which they or their arrays can be
 * wrong. What a network is with such numbers is compared with a plain evaluation. */
#include <byteswap.h>
#include <zlib.h>

#include "check.h"
#include "networks.h"
#include "state/npz.h"
#include "state/state.h"
#include "temporary.h"

enum { ROOM = 1 << 16, MOST = 8 };

/* ---- An archive ---- */

typedef struct zip {
    unsigned char bytes[ROOM], directory[ROOM];
    size_t size, directory_size, count;
} zip;

static size_t put(unsigned char *to, size_t at, int size, uint64_t value)
{
    for (int k = 0; k < size; k++)
        to[at++] = (unsigned char)(value >> (8 * k));
    return at;
}

static size_t put_text(unsigned char *to, size_t at, const char *text)
{
    memcpy(to + at, text, strlen(text));
    return at + strlen(text);
}

static size_t deflate_bytes(const unsigned char *from, size_t size, unsigned char *to)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = ROOM};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&stream);
    return stream.total_out;
}

/* Version needed to lengths: what local header and directory share. */
static size_t put_shared(unsigned char *to, size_t at, bool deflated, const unsigned char *data, size_t size, size_t packed_size,
                         const char *name, size_t extra)
{
    at = put(to, at, 2, 20);
    at = put(to, at, 2, 0);
    at = put(to, at, 2, deflated ? 8 : 0);
    at = put(to, at, 4, 0x00210000);
    at = put(to, at, 4, crc32(0, data, (uInt)size));
    at = put(to, at, 4, packed_size);
    at = put(to, at, 4, size);
    at = put(to, at, 2, strlen(name));
    return put(to, at, 2, extra);
}

static void add_member(zip *archive, const char *name, bool deflated, const unsigned char *data, size_t size)
{
    static unsigned char packed[ROOM];
    size_t offset = archive->size, packed_size = deflated ? deflate_bytes(data, size, packed) : size;
    size_t at = put(archive->bytes, offset, 4, 0x04034b50);
    at = put_shared(archive->bytes, at, deflated, data, size, packed_size, name, 20);
    at = put_text(archive->bytes, at, name);
    at = put(archive->bytes, at, 4, 0x00100001); /* a zip64 field, as numpy writes it */
    at = put(archive->bytes, at, 8, size);
    at = put(archive->bytes, at, 8, packed_size);
    memcpy(archive->bytes + at, deflated ? packed : data, packed_size);
    archive->size = at + packed_size;
    at = put(archive->directory, archive->directory_size, 4, 0x02014b50);
    at = put(archive->directory, at, 2, 20);
    at = put_shared(archive->directory, at, deflated, data, size, packed_size, name, 0);
    at = put(archive->directory, at, 6, 0);
    at = put(archive->directory, at, 4, 0);
    at = put(archive->directory, at, 4, offset);
    archive->directory_size = put_text(archive->directory, at, name);
    archive->count++;
}

/* The archive's bytes, complete, in archive->bytes; returns their number. */
static size_t finish(zip *archive, const char *comment)
{
    size_t start = archive->size, at = start + archive->directory_size;
    memcpy(archive->bytes + start, archive->directory, archive->directory_size);
    at = put(archive->bytes, at, 4, 0x06054b50);
    at = put(archive->bytes, at, 4, 0);
    at = put(archive->bytes, at, 2, archive->count);
    at = put(archive->bytes, at, 2, archive->count);
    at = put(archive->bytes, at, 4, archive->directory_size);
    at = put(archive->bytes, at, 4, start);
    at = put(archive->bytes, at, 2, strlen(comment));
    return put_text(archive->bytes, at, comment);
}

static void add_array(zip *archive, const char *name, bool deflated, const char *descr, bool fortran, const char *shape,
                      const void *data, size_t size)
{
    static unsigned char bytes[ROOM];
    size_t length = 0;
    unsigned char *file = read_bytes(write_npy(descr, fortran, shape, data, size), &length);
    char member[96];
    snprintf(member, sizeof member, "%s.npy", name);
    memcpy(bytes, file, length);
    free(file);
    add_member(archive, member, deflated, bytes, length);
}

/* ---- A network on 3x4: D = 2, two convolutions, one pooling: 1 * 2 features ---- */

static const eg_cnn_shape shape = {3, 4, 2, 2, 1, 3, EG_CNN_TANH};
static const char *const source_keys = "channels=2,layers=2,pools=1,activation=tanh";
enum { NUMBERS = 18 + 2 + 36 + 2 + 4 + 1 };

typedef struct array_row {
    const char *name, *shape;
    size_t count;
} array_row;

static const array_row rows[] = {{"features.0.weight", "(2, 1, 3, 3)", 18}, {"features.0.bias", "(2,)", 2},
                                 {"features.2.weight", "(2, 2, 3, 3)", 36}, {"features.2.bias", "(2,)", 2},
                                 {"classifier.weight", "(1, 4)", 4},        {"classifier.bias", "(1,)", 1}};
enum { ROWS = sizeof rows / sizeof *rows };

static void make_numbers(double *numbers)
{
    for (int k = 0; k < NUMBERS; k++)
        numbers[k] = (float)(sin(3.0 * k * k + 1) / 2); /* exact in float32 */
}

/* All arrays but those of `without` (bits), as float64. */
static void add_rows(zip *archive, bool deflated, unsigned without)
{
    double numbers[NUMBERS], *at = numbers;
    make_numbers(numbers);
    for (int i = 0; i < ROWS; at += rows[i++].count)
        if (!(without >> i & 1))
            add_array(archive, rows[i].name, deflated, "<f8", false, rows[i].shape, at, rows[i].count * sizeof(double));
}

static eegpu_status open_bytes(const unsigned char *bytes, size_t size, eegpu_state **state)
{
    char source[EG_MAX_SOURCE_TEXT];
    eegpu_open_options options = {.height = 3, .width = 4, .threads = 1};
    snprintf(source, sizeof source, "cnn:%s,weights=%s", source_keys, write_bytes("weights.npz", bytes, size));
    return eegpu_state_open(source, &options, state);
}

static eegpu_status try_zip(zip *archive)
{
    eegpu_state *state = NULL;
    eegpu_status status = open_bytes(archive->bytes, finish(archive, ""), &state);
    eegpu_state_close(state);
    return status;
}

static void check_right(zip *archive, const char *comment)
{
    double numbers[NUMBERS], worst = 0;
    eegpu_state *state = NULL;
    make_numbers(numbers);
    if (CHECK_OK(open_bytes(archive->bytes, finish(archive, comment), &state))) {
        for (uint64_t s = 0; s < 4096; s++)
            worst = fmax(worst, fabs(state->amplitudes[s] - plain_network(&shape, numbers, s)));
        CHECK_NEAR(worst, 0, 1e-14);
    }
    eegpu_state_close(state);
}

static void test_good(void)
{
    static zip archive;
    for (int deflated = 0; deflated < 2; deflated++) {
        archive = (zip){.size = 0};
        add_rows(&archive, deflated, 0);
        check_right(&archive, "");
        check_right(&archive, "a comment with PK\5\6 in it");
    }
}

/* float32, the other byte order, Fortran order. */
static void test_storage(void)
{
    static zip archive;
    double numbers[NUMBERS], *at = numbers, turned[36];
    uint64_t swapped[NUMBERS];
    float narrow[NUMBERS];
    make_numbers(numbers);
    archive = (zip){.size = 0};
    for (int i = 0; i < ROWS; at += rows[i++].count) {
        for (size_t k = 0; k < rows[i].count; k++) {
            narrow[k] = (float)at[k];
            memcpy(&swapped[k], &at[k], sizeof *at);
            swapped[k] = bswap_64(swapped[k]);
        }
        if (i == 2) {
            for (int k = 0; k < 36; k++) /* axes 2, 2, 3, 3: the first one runs fastest */
                turned[k / 18 + 2 * (k / 9 % 2) + 4 * (k / 3 % 3) + 12 * (k % 3)] = at[k];
            add_array(&archive, rows[i].name, true, "<f8", true, rows[i].shape, turned, sizeof turned);
        } else if (i % 2 == 0) {
            add_array(&archive, rows[i].name, true, ">f8", false, rows[i].shape, swapped, rows[i].count * 8);
        } else {
            add_array(&archive, rows[i].name, false, "<f4", false, rows[i].shape, narrow, rows[i].count * 4);
        }
    }
    check_right(&archive, "");
}

/* ---- Arrays that do not fit ---- */

static void test_wrong_arrays(void)
{
    static zip archive;
    double numbers[64] = {1, 2, 3};
    archive = (zip){.size = 0};
    add_rows(&archive, false, 1u << 1 | 1u << 4);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "features.0.bias should be (2,), is missing");
    CHECK(strstr(eegpu_error_message(), "classifier.weight should be (1, 4), is missing") != NULL);
    CHECK(strstr(eegpu_error_message(), "channels=2,layers=2,pools=1,kernel=3") != NULL);

    archive = (zip){.size = 0};
    add_rows(&archive, false, 1u << 2 | 1u << 4);
    add_array(&archive, "features.2.weight", false, "<f8", false, "(2, 2, 3, 1)", numbers, 12 * 8);
    add_array(&archive, "classifier.weight", false, "<f8", false, "(4,)", numbers, 4 * 8);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "features.2.weight should be (2, 2, 3, 3), is (2, 2, 3, 1)");
    CHECK(strstr(eegpu_error_message(), "classifier.weight should be (1, 4), is (4,)") != NULL);

    archive = (zip){.size = 0};
    add_rows(&archive, false, 0);
    add_array(&archive, "features.4.weight", false, "<f8", false, "(2, 2, 3, 3)", numbers, 36 * 8);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "features.4.weight, which is (2, 2, 3, 3), has no place");

    archive = (zip){.size = 0};
    add_rows(&archive, false, 1u << 5);
    add_array(&archive, "classifier.bias", false, "<i8", false, "(1,)", numbers, 8);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "classifier.bias should be float32 or float64, is of type 'i8'");

    archive = (zip){.size = 0};
    add_rows(&archive, false, 1u << 3);
    numbers[1] = NAN;
    add_array(&archive, "features.2.bias", false, "<f8", false, "(2,)", numbers, 16);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "features.2.bias has a number that is not finite (number 1)");

    archive = (zip){.size = 0};
    for (int k = 0; k < 40; k++) {
        char name[64];
        snprintf(name, sizeof name, "a.rather.long.name.of.an.array.%d", k);
        add_array(&archive, name, false, "<f8", false, "(1,)", numbers, 8);
    }
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, " more");
}

static void test_zero_network(void)
{
    static zip archive;
    static const double zeros[36];
    archive = (zip){.size = 0};
    for (int i = 0; i < ROWS; i++)
        add_array(&archive, rows[i].name, true, "<f8", false, rows[i].shape, zeros, rows[i].count * sizeof(double));
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "0 on every image");
}

/* ---- Archives that are none ---- */

static void test_wrong_members(void)
{
    static zip archive;
    archive = (zip){.size = 0};
    add_rows(&archive, false, 0);
    add_member(&archive, "notes.txt", false, (const unsigned char *)"hello", 5);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "'notes.txt' is no .npy");
    archive = (zip){.size = 0};
    add_rows(&archive, false, 0);
    add_rows(&archive, false, ~1u);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "'features.0.weight.npy' is there twice");
    archive = (zip){.size = 0};
    add_member(&archive, "features.0.weight.npy", true, (const unsigned char *)"hello hello hello", 17);
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "member features.0.weight.npy");
    archive = (zip){.size = 0};
    CHECK_FAILS(try_zip(&archive), EEGPU_BAD_INPUT, "features.0.weight should be (2, 1, 3, 3), is missing");
    eegpu_state *state = NULL;
    CHECK_FAILS(open_bytes((const unsigned char *)"\x93NUMPY and so on", 16, &state), EEGPU_BAD_INPUT, "numpy.savez");
}

/* One field changed: its place, size and new value, in the archive or (counted from its start) the directory. */
typedef struct damage {
    bool in_directory;
    size_t place;
    int size;
    uint64_t value;
    const char *fragment;
} damage;

static void test_damage(void)
{
    static const damage cases[] = {
        {true, 8, 2, 1, "encrypted"},
        {true, 10, 2, 12, "compressed in another way"},
        {true, 10, 2, 8, "not where the directory says"},
        {true, 16, 4, 1, "another checksum"},
        {true, 20, 4, 0xFFFFFFFF, "4 GiB"},
        {true, 24, 4, 7, "sizes that cannot be"},
        {true, 42, 4, 1, "not where the directory says"},
        {true, 42, 4, 0xFFFFFF, "not where the directory says"},
        {true, 0, 4, 7, "directory is damaged"},
        {true, 28, 2, 60000, "directory is damaged"},
        {true, 28, 2, 0, "directory is damaged"},
        {false, 0, 2, 0x4B51, "does not begin"},
        {false, 2, 2, 7, "not where the directory says"},
        {false, 28, 2, 65535, "cut short"},
        {false, 200, 1, 0x51, "another checksum"},
    };
    static zip archive;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        eegpu_state *state = NULL;
        archive = (zip){.size = 0};
        add_rows(&archive, false, 0);
        size_t start = archive.size, size = finish(&archive, "");
        put(archive.bytes, cases[k].place + (cases[k].in_directory ? start : 0), cases[k].size, cases[k].value);
        CHECK_FAILS(open_bytes(archive.bytes, size, &state), EEGPU_BAD_INPUT, cases[k].fragment);
    }
    /* the end record, counted from the end of the file */
    static const damage ends[] = {{false, 22, 4, 0, "directory at its end"}, {false, 18, 2, 1, "several parts"},
                                  {false, 14, 2, 5, "several parts"},        {false, 10, 4, 5, "not where its end says"},
                                  {false, 6, 4, 0xFFFFFFFF, "4 GiB"},        {false, 2, 2, 9, "directory at its end"}};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        eegpu_state *state = NULL;
        archive = (zip){.size = 0};
        add_rows(&archive, false, 0);
        size_t size = finish(&archive, "");
        put(archive.bytes, size - ends[k].place, ends[k].size, ends[k].value);
        CHECK_FAILS(open_bytes(archive.bytes, size, &state), EEGPU_BAD_INPUT, ends[k].fragment);
    }
}

/* Cut anywhere it is refused; any byte changed it is refused or has the same numbers. */
static void test_every_byte(void)
{
    static zip archive;
    eg_npz_arrays arrays;
    archive = (zip){.size = 0};
    add_rows(&archive, true, ~(1u << 1 | 1u << 5));
    size_t size = finish(&archive, "");
    double numbers[NUMBERS];
    make_numbers(numbers);
    for (size_t length = 1; length < size; length++)
        CHECK_FAILS(eg_npz_read(write_bytes("cut.npz", archive.bytes, length), NULL, &arrays), EEGPU_BAD_INPUT, "cut.npz");
    for (size_t at = 0; at < size; at++)
        for (int change = 1; change < 256; change *= 6) {
            archive.bytes[at] ^= (unsigned char)change;
            if (eg_npz_read(write_bytes("changed.npz", archive.bytes, size), NULL, &arrays) == EEGPU_OK) {
                for (uint64_t k = 0; k < arrays.count; k++)
                    CHECK(eg_npy_real(&arrays.list[k].array, 0) == (k == 0 ? numbers[18] : numbers[NUMBERS - 1]));
                eg_npz_free(&arrays);
            }
            archive.bytes[at] ^= (unsigned char)change;
        }
}

/* What the library's own writer writes. */
static void test_own_archive(void)
{
    const char *path = temporary_path("own.npz");
    eg_npz *archive = NULL;
    eg_npz_arrays arrays = {0};
    double numbers[6] = {1, -2, 3.5, 0, 5, 6};
    FILE *stream = fopen(path, "wb");
    CHECK_OK(eg_npz_begin(stream, &archive));
    CHECK_OK(eg_npz_add(archive, "a.b", "<f8", 2, (uint64_t[]){2, 3}, numbers, sizeof numbers));
    CHECK_OK(eg_npz_add(archive, "none", "<f8", 1, (uint64_t[]){0}, numbers, 0));
    CHECK_OK(eg_npz_end(archive));
    fclose(stream);
    if (CHECK_OK(eg_npz_read(path, NULL, &arrays))) {
        CHECK_EQUAL(arrays.count, 2);
        CHECK(strcmp(arrays.list[0].name, "a.b") == 0 && arrays.list[0].array.shape[1] == 3);
        for (uint64_t k = 0; k < 6; k++)
            CHECK(eg_npy_real(&arrays.list[0].array, k) == numbers[k]);
    }
    eg_npz_free(&arrays);
}

EG_SUITE("weights", {"stored and deflated", test_good}, {"byte order, storage order, float32", test_storage},
         {"arrays that do not fit", test_wrong_arrays}, {"all zeros", test_zero_network},
         {"members that do not belong", test_wrong_members}, {"damaged fields", test_damage},
         {"every cut and byte", test_every_byte}, {"an archive of our own", test_own_archive})
