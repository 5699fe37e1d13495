/* Sets of images from IDX and .npy: area averaging against a picture blown up to a common grid, thresholds that rounding would
 * get wrong, sets and frequencies, labels, and every file that must be refused. MNIST is tested when EEGPU_MNIST names its
 * folder. */
#include "check.h"
#include "temporary.h"

#include <zlib.h>

#include "base/bits.h"
#include "state/state.h"

/* ---- Files ----------------------------------------------------------------------------------------------------- */

/* IDX bytes: header of `axes` sizes and data, in a file of its own. */
static const char *write_idx(unsigned magic, int axes, const uint32_t *shape, const void *data, size_t size)
{
    static unsigned made;
    char name[32];
    unsigned char header[16] = {(unsigned char)(magic >> 24), (unsigned char)(magic >> 16), (unsigned char)(magic >> 8),
                                (unsigned char)magic};
    for (int k = 0; k < 4 * axes; k++)
        header[4 + k] = (unsigned char)(shape[k / 4] >> (8 * (3 - k % 4)));
    snprintf(name, sizeof name, "idx-%u-ubyte", made++);
    return write_two(name, header, 4 + 4 * (size_t)axes, data, size);
}

static const char *write_images(uint32_t count, uint32_t height, uint32_t width, const void *data)
{
    uint32_t shape[3] = {count, height, width};
    return write_idx(0x803, 3, shape, data, (size_t)count * height * width);
}

static const char *write_labels(uint32_t count, const void *data) { return write_idx(0x801, 1, &count, data, count); }

/* The same file as gzip, of which only the first `keep` bytes are kept (0: all). */
static const char *compress_file(const char *path, size_t keep)
{
    static unsigned made;
    char name[32];
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    snprintf(name, sizeof name, "packed-%u.gz", made++);
    const char *packed = temporary_path(name);
    gzFile stream = gzopen(packed, "wb9");
    CHECK(bytes != NULL && stream != NULL && gzwrite(stream, bytes, (unsigned)size) == (int)size);
    CHECK(gzclose(stream) == Z_OK);
    free(bytes);
    if (keep > 0)
        CHECK(truncate(packed, (off_t)keep) == 0);
    return packed;
}

static eegpu_status open_text(eegpu_state **state, const char *format, ...) __attribute__((format(printf, 2, 3)));
static eegpu_status open_text(eegpu_state **state, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    *state = NULL;
    return eegpu_state_open(text, NULL, state);
}

/* The text is refused. */
#define REFUSED(status, fragment, ...)                                   \
    do {                                                                 \
        eegpu_state *refused = NULL;                                     \
        CHECK_FAILS(open_text(&refused, __VA_ARGS__), status, fragment); \
        eegpu_state_close(refused);                                      \
    } while (0)

/* ---- Area averaging -------------------------------------------------------------------------------------------- */

/* A pixel of the new picture by brute force: every original pixel becomes height x width equal ones, the mean is counted. */
static bool lit(const unsigned char *image, int h, int w, int height, int width, int row, int column, uint64_t numerator,
                uint64_t denominator)
{
    uint64_t sum = 0;
    for (int y = row * h; y < (row + 1) * h; y++)
        for (int x = column * w; x < (column + 1) * w; x++)
            sum += image[(y / height) * w + x / width];
    return (unsigned __int128)sum * denominator > (unsigned __int128)numerator * 255 * (uint64_t)(h * w);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void check_average(int h, int w, int height, int width, const char *threshold, uint64_t numerator, uint64_t denominator)
{
    unsigned char image[256];
    uint64_t seed = (uint64_t)(h * 1000003 + w * 10007 + height * 101 + width) + 88172645463325252u;
    for (int k = 0; k < h * w; k++)
        image[k] = (unsigned char)next_random(&seed);
    const char *path = write_images(1, (uint32_t)h, (uint32_t)w, image);
    eegpu_state *state;
    if (!CHECK_OK(open_text(&state, "images:file=%s,size=%dx%d,threshold=%s", path, height, width, threshold)))
        return;
    CHECK_EQUAL(state->images.count, 1);
    CHECK_EQUAL(state->images.words, (height * width + 63) / 64);
    int wrong = 0;
    for (int i = 0; i < height * width; i++)
        wrong += eg_bit(state->images.pixels, (uint64_t)i) !=
                 lit(image, h, w, height, width, i / width, i % width, numerator, denominator);
    for (uint64_t i = (uint64_t)(height * width); i < 64 * state->images.words; i++)
        wrong += eg_bit(state->images.pixels, i);
    CHECK_EQUAL(wrong, 0);
    eegpu_state_close(state);
}

static void test_average(void)
{
    static const int sizes[][4] = {{6, 6, 3, 2}, {7, 5, 3, 2},  {9, 14, 4, 5}, {5, 6, 5, 6},  {3, 4, 7, 9},
                                   {1, 1, 3, 3}, {14, 3, 5, 7}, {2, 13, 1, 1}, {11, 1, 4, 1}, {8, 8, 10, 13}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        check_average(sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3], "0.5", 5, 10);
        check_average(sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3], "0.35", 35, 100);
        check_average(sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3], "0", 0, 1);
    }
}

/* 51/255 is 0.2 exactly: not above 0.2, above 0.19999999999999999 (which as a double is 0.2). */
static void test_threshold_is_exact(void)
{
    unsigned char image[4] = {51, 52, 51, 50};
    const char *path = write_images(1, 2, 2, image);
    static const struct {
        const char *threshold;
        uint64_t lit;
    } cases[] = {{"0.2", 2}, {"0.20", 2}, {"0.19999999999999999", 7}, {"0.20000000000000001", 2}, {"1", 0}, {"0", 15}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        eegpu_state *state;
        if (CHECK_OK(open_text(&state, "images:file=%s,threshold=%s", path, cases[k].threshold)))
            CHECK_EQUAL(state->images.pixels[0], cases[k].lit);
        eegpu_state_close(state);
    }
}

/* ---- Sets, frequencies, formats -------------------------------------------------------------------------------- */

/* Five 2x2 images, of which three are equal: as indices of rows of pixels 1 1 0 0 -> 3 and so on. */
static const unsigned char five[5 * 4] = {255, 255, 0, 0, 0, 0, 0, 255, 255, 255, 0, 0, 255, 0, 0, 0, 200, 255, 10, 0};
static const unsigned char five_labels[5] = {3, 3, 7, 7, 3};

static void check_five(const char *source)
{
    eegpu_state *state;
    if (CHECK_OK(open_text(&state, "%s", source))) {
        static const uint64_t expected[3] = {1, 3, 8};
        eegpu_state_info info = eegpu_state_describe(state);
        CHECK(strcmp(info.kind, "images") == 0);
        CHECK_EQUAL(info.ones, 3);
        CHECK_EQUAL(info.height, 2);
        CHECK_EQUAL(info.width, 2);
        CHECK_EQUAL(state->images.total, 5);
        for (int k = 0; k < 3; k++) {
            CHECK_EQUAL(state->images.pixels[k], expected[k]);
            CHECK_EQUAL(state->images.multiplicity[k], 1);
        }
        CHECK_NEAR(info.norm, sqrt(3), 0);
    }
    eegpu_state_close(state);
}

static void test_formats(void)
{
    char text[1100];
    const char *path = write_images(5, 2, 2, five);
    check_five(path);
    check_five(compress_file(path, 0));
    snprintf(text, sizeof text, "images:file=%s,weight=set", path);
    check_five(text);
    check_five(write_npy("|u1", false, "(5, 2, 2)", five, sizeof five));
    unsigned char bools[20], turned[20];
    uint16_t wide[20];
    for (int k = 0; k < 20; k++) {
        int image = k / 4, y = k / 2 % 2, x = k % 2;
        bools[k] = five[k] > 127;
        wide[k] = (uint16_t)(five[k] << 8 | five[k] >> 8);
        turned[image + 5 * (y + 2 * x)] = five[k];
    }
    check_five(write_npy("|b1", false, "(5, 2, 2)", bools, sizeof bools));
    check_five(write_npy("|i1", false, "(5, 2, 2)", bools, sizeof bools)); /* 0 and 1 only: black and white */
    check_five(write_images(5, 2, 2, bools));
    check_five(compress_file(write_images(5, 2, 2, bools), 0));
    check_five(write_npy(">u2", false, "(5, 2, 2)", wide, sizeof wide));
    check_five(write_npy("|u1", true, "(5, 2, 2)", turned, sizeof turned));
}

static void test_weights_and_labels(void)
{
    char images[1024], labels[1024];
    snprintf(images, sizeof images, "%s", write_images(5, 2, 2, five));
    snprintf(labels, sizeof labels, "%s", write_labels(5, five_labels));
    eegpu_state *state;
    if (CHECK_OK(open_text(&state, "images:file=%s,weight=count", images))) {
        CHECK_EQUAL(state->images.count, 3);
        CHECK_EQUAL(state->images.multiplicity[0], 1);
        CHECK_EQUAL(state->images.multiplicity[1], 3);
        CHECK_EQUAL(state->images.multiplicity[2], 1);
        CHECK_NEAR(state->norm, sqrt(5), 0);
    }
    eegpu_state_close(state);
    if (CHECK_OK(open_text(&state, "images:file=%s,labels=%s,label=3,weight=count", images, labels))) {
        CHECK_EQUAL(state->images.count, 2);
        CHECK_EQUAL(state->images.total, 3);
        CHECK_EQUAL(state->images.pixels[0], 3);
        CHECK_EQUAL(state->images.multiplicity[0], 2);
        CHECK_EQUAL(state->images.pixels[1], 8);
    }
    eegpu_state_close(state);
    if (CHECK_OK(open_text(&state, "images:file=%s,labels=%s", images, labels)))
        CHECK_EQUAL(state->images.total, 5);
    eegpu_state_close(state);
    int16_t far[5] = {-300, 5, 5, 5, -300};
    const char *path = write_npy("<i2", false, "(5,)", far, sizeof far);
    if (CHECK_OK(open_text(&state, "images:file=%s,labels=%s,label=-300", images, path))) {
        CHECK_EQUAL(state->images.total, 2);
        CHECK_EQUAL(state->images.count, 1);
    }
    eegpu_state_close(state);
    REFUSED(EEGPU_BAD_INPUT, "labels there: -300 5", "images:file=%s,labels=%s,label=3", images, path);
}

/* 300 random images of 130 pixels, many twice: three words an image, sorted, each once. */
static void test_sorting(void)
{
    enum { COUNT = 300, SIDE = 10, WIDE = 13 };
    static unsigned char data[COUNT][SIDE * WIDE];
    uint64_t seed = 1234567, total = 0;
    for (int k = 0; k < COUNT; k++)
        for (int i = 0; i < SIDE * WIDE; i++)
            data[k][i] = k >= 200 ? data[k - 200][i] : next_random(&seed) & 64 ? 255 : 0;
    eegpu_state *state;
    if (!CHECK_OK(open_text(&state, "images:file=%s,weight=count", write_images(COUNT, SIDE, WIDE, data))))
        return;
    const eg_image_set *images = &state->images;
    CHECK_EQUAL(images->count, 200);
    CHECK_EQUAL(images->words, 3);
    int unordered = 0, missing = 0;
    for (uint64_t k = 0; k < images->count; k++) {
        const uint64_t *a = images->pixels + 3 * k, *b = a + 3;
        total += images->multiplicity[k];
        for (int w = 0; k + 1 < images->count && w < 3; w++) {
            unordered += a[w] > b[w] || (w == 2 && a[w] == b[w]);
            if (a[w] != b[w])
                break;
        }
    }
    for (int k = 0; k < COUNT; k++) {
        bool found = false;
        for (uint64_t j = 0; j < images->count && !found; j++) {
            found = true;
            for (uint64_t i = 0; i < SIDE * WIDE; i++)
                found &= eg_bit(images->pixels + 3 * j, i) == (data[k][i] != 0);
        }
        missing += !found;
    }
    CHECK_EQUAL(total, COUNT);
    CHECK_EQUAL(unordered, 0);
    CHECK_EQUAL(missing, 0);
    CHECK_FAILS(eegpu_state_write(state, EEGPU_MSB, temporary_path("huge.npy")), EEGPU_USAGE, "2^133 bytes");
    eegpu_state_close(state);
}

/* Written densely, with frequencies as amplitudes, in both orders. */
static void test_write(void)
{
    for (int order = 0; order < 2; order++) {
        eegpu_state *state, *dense = NULL;
        eegpu_open_options options = eegpu_open_options_default();
        options.bit_order = order == 0 ? EEGPU_MSB : EEGPU_LSB;
        const char *path = temporary_path(order == 0 ? "dense-0.npy" : "dense-1.npy");
        if (CHECK_OK(open_text(&state, "images:file=%s,weight=count", write_images(5, 2, 2, five))) &&
            CHECK_OK(eegpu_state_write(state, options.bit_order, path)) && CHECK_OK(eegpu_state_open(path, &options, &dense))) {
            static const uint64_t indices[2][3] = {{8, 12, 1}, {1, 3, 8}};
            double sum = 0;
            for (int k = 0; k < 16; k++)
                sum += dense->amplitudes[k] * dense->amplitudes[k];
            CHECK_NEAR(sum, 5, 1e-15);
            for (int k = 0; k < 3; k++)
                CHECK_NEAR(dense->amplitudes[indices[order][k]], k == 1 ? sqrt(3) : 1, 0);
        }
        eegpu_state_close(state);
        eegpu_state_close(dense);
    }
}

/* ---- What is refused ------------------------------------------------------------------------------------------- */

static void test_text_refused(void)
{
    char images[1024];
    snprintf(images, sizeof images, "%s", write_images(5, 2, 2, five));
    REFUSED(EEGPU_USAGE, "images:file=NAME", "images");
    REFUSED(EEGPU_USAGE, "images:file=NAME", "images:size=2x2");
    REFUSED(EEGPU_USAGE, "threshold", "images:file=%s,treshold=0.5", images);
    REFUSED(EEGPU_USAGE, "labels=NAME", "images:file=%s,label=3", images);
    REFUSED(EEGPU_USAGE, "weight=sets", "images:file=%s,weight=sets", images);
    REFUSED(EEGPU_USAGE, "label", "images:file=%s,labels=%s,label=3.5", images, images);
    REFUSED(EEGPU_USAGE, "threshold", "images:file=%s,threshold=1.5", images);
    REFUSED(EEGPU_USAGE, "threshold", "images:file=%s,threshold=-0.5", images);
    REFUSED(EEGPU_USAGE, "size", "images:file=%s,size=5", images);
    REFUSED(EEGPU_USAGE, "size", "images:file=%s,size=100x100", images);
    REFUSED(EEGPU_IO, "no-such-file", "images:file=no-such-file");
    REFUSED(EEGPU_IO, "no-such-labels", "images:file=%s,labels=no-such-labels", images);
    eegpu_open_options options = eegpu_open_options_default();
    options.height = 1;
    options.width = 4;
    eegpu_state *state = NULL;
    char text[2048];
    snprintf(text, sizeof text, "images:file=%s,size=2x2", images);
    CHECK_FAILS(eegpu_state_open(text, &options, &state), EEGPU_USAGE, "differs from the lattice 1x4");
    if (CHECK_OK(eegpu_state_open(images, &options, &state)))
        CHECK_EQUAL(state->width, 4);
    eegpu_state_close(state);
}

static void test_files_refused(void)
{
    uint32_t huge[3] = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, wide[3] = {1, 65536, 65536}, none[3] = {0, 2, 2}, flat[3] = {5, 0, 2};
    uint32_t five_shape[3] = {5, 2, 2}, million[3] = {1000000, 28, 28}, large[3] = {1, 100, 100};
    static unsigned char zeros[10000];
    REFUSED(EEGPU_BAD_INPUT, "2^64", "images:file=%s", write_idx(0x803, 3, huge, five, sizeof five));
    REFUSED(EEGPU_BAD_INPUT, "promises 4294967296 bytes", "images:file=%s", write_idx(0x803, 3, wide, five, sizeof five));
    REFUSED(EEGPU_BAD_INPUT, "nothing in it", "images:file=%s", write_idx(0x803, 3, none, five, 0));
    REFUSED(EEGPU_BAD_INPUT, "nothing in it", "images:file=%s", write_idx(0x803, 3, flat, five, 0));
    REFUSED(EEGPU_BAD_INPUT, "has 19", "images:file=%s", write_idx(0x803, 3, five_shape, five, 19));
    REFUSED(EEGPU_BAD_INPUT, "has 21", "images:file=%s", write_idx(0x803, 3, five_shape, zeros, 21));
    REFUSED(EEGPU_BAD_INPUT, "header", "images:file=%s", write_idx(0x803, 2, five_shape, five, 0));
    REFUSED(EEGPU_BAD_INPUT, "0x00000801", "images:file=%s", write_labels(20, five));
    REFUSED(EEGPU_BAD_INPUT, "0x00000d03", "images:file=%s", write_idx(0xd03, 3, five_shape, five, sizeof five));
    REFUSED(EEGPU_BAD_INPUT, "0x00000703", "images:file=%s", write_idx(0x703, 3, five_shape, five, sizeof five));
    REFUSED(EEGPU_USAGE, "holds labels", "%s", write_labels(20, five));
    REFUSED(EEGPU_USAGE, "size=HxW", "images:file=%s", write_idx(0x803, 3, large, zeros, 10000));
    REFUSED(EEGPU_BAD_INPUT, "empty", "images:file=%s", write_bytes("empty-ubyte", "", 0));

    REFUSED(EEGPU_BAD_INPUT, "cut short", "%s", compress_file(write_idx(0x803, 3, five_shape, five, 19), 0));
    REFUSED(EEGPU_BAD_INPUT, "goes on", "%s", compress_file(write_idx(0x803, 3, five_shape, zeros, 21), 0));
    REFUSED(EEGPU_BAD_INPUT, "cannot hold", "%s", compress_file(write_idx(0x803, 3, million, five, 20), 0));
    for (size_t keep = 1; keep < 30; keep++)
        REFUSED(EEGPU_BAD_INPUT, "packed", "images:file=%s", compress_file(write_images(5, 2, 2, five), keep));
    unsigned char damaged[40] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x55, 0x55, 0x55};
    REFUSED(EEGPU_BAD_INPUT, "damaged", "images:file=%s", write_bytes("damaged.gz", damaged, sizeof damaged));

    float real[8] = {0};
    int16_t far[8] = {0, 255, 256}, below[8] = {0, 0, 0, 0, -1};
    unsigned char bools[8] = {0, 1, 0, 0, 0, 0, 3};
    REFUSED(EEGPU_BAD_INPUT, "not whole", "images:file=%s", write_npy("<f4", false, "(2, 2, 2)", real, sizeof real));
    REFUSED(EEGPU_BAD_INPUT, "image 0 has a pixel outside 0 to 255 at row 1, column 0", "images:file=%s",
            write_npy("<i2", false, "(2, 2, 2)", far, sizeof far));
    REFUSED(EEGPU_BAD_INPUT, "image 1", "images:file=%s", write_npy("<i2", false, "(2, 2, 2)", below, sizeof below));
    REFUSED(EEGPU_BAD_INPUT, "False and True", "images:file=%s", write_npy("|b1", false, "(2, 2, 2)", bools, sizeof bools));
    REFUSED(EEGPU_BAD_INPUT, "have three", "images:file=%s", write_npy("|b1", false, "(2, 4)", bools, sizeof bools));
    REFUSED(EEGPU_BAD_INPUT, "nothing in it", "%s", write_npy("|b1", false, "(0, 2, 2)", bools, 0));
}

static void test_labels_refused(void)
{
    char images[1024];
    float real[5] = {0};
    uint64_t large[5] = {0, 1, UINT64_MAX};
    uint32_t six = 6, most = 0xFFFFFFFF, none = 0;
    snprintf(images, sizeof images, "%s", write_images(5, 2, 2, five));
    REFUSED(EEGPU_BAD_INPUT, "has 4 labels", "images:file=%s,labels=%s,label=3", images, write_labels(4, five_labels));
    REFUSED(EEGPU_BAD_INPUT, "has 4 labels", "images:file=%s,labels=%s", images, write_labels(4, five_labels));
    REFUSED(EEGPU_BAD_INPUT, "labels there: 3 7", "images:file=%s,labels=%s,label=4", images, write_labels(5, five_labels));
    REFUSED(EEGPU_BAD_INPUT, "promises 6", "images:file=%s,labels=%s", images, write_idx(0x801, 1, &six, five_labels, 5));
    REFUSED(EEGPU_BAD_INPUT, "promises 4294967295", "images:file=%s,labels=%s", images, write_idx(0x801, 1, &most, five_labels, 5));
    REFUSED(EEGPU_BAD_INPUT, "no labels", "images:file=%s,labels=%s", images, write_idx(0x801, 1, &none, five_labels, 0));
    REFUSED(EEGPU_BAD_INPUT, "begins with 0x00000803", "images:file=%s,labels=%s", images, images);
    REFUSED(EEGPU_BAD_INPUT, "labels as integers", "images:file=%s,labels=%s", images,
            write_npy("<f4", false, "(5,)", real, sizeof real));
    REFUSED(EEGPU_BAD_INPUT, "labels have one", "images:file=%s,labels=%s", images,
            write_npy("|u1", false, "(5, 1)", five_labels, 5));
    REFUSED(EEGPU_BAD_INPUT, "label 2 is not", "images:file=%s,labels=%s", images,
            write_npy("<u8", false, "(5,)", large, sizeof large));
}

/* A header that gzip could hold, but the memory limit cannot: refused before the data are read. */
static void test_budget(void)
{
    uint32_t shape[3] = {200000, 1, 64};
    unsigned char *data = calloc(200000, 64);
    CHECK(data != NULL);
    if (data == NULL)
        return;
    eegpu_open_options options = eegpu_open_options_default();
    options.memory = 1 << 20;
    eegpu_state *state = NULL;
    const char *path = write_idx(0x803, 3, shape, data, (size_t)200000 * 64);
    CHECK_FAILS(eegpu_state_open(path, &options, &state), EEGPU_OUT_OF_MEMORY, "images");
    free(data);
}

static bool stop_at_once(void *user, const char *stage, double fraction)
{
    ++*(int *)user;
    return strcmp(stage, "reading images") != 0 || fraction < 0;
}

static void test_interruption(void)
{
    int calls = 0;
    eegpu_state *state = NULL;
    eegpu_open_options options = eegpu_open_options_default();
    options.progress = stop_at_once;
    options.progress_user = &calls;
    CHECK_FAILS(eegpu_state_open(write_images(5, 2, 2, five), &options, &state), EEGPU_INTERRUPTED, "reading images");
    CHECK_EQUAL(calls, 1);
}

/* ---- MNIST ----------------------------------------------------------------------------------------------------- */

static void test_mnist(void)
{
    const char *folder = getenv("EEGPU_MNIST");
    if (folder == NULL) {
        printf("Skipped: EEGPU_MNIST does not name a folder with the MNIST files ...");
        return;
    }
    eegpu_state *state;
    if (CHECK_OK(open_text(&state,
                           "images:file=%s/t10k-images-idx3-ubyte.gz,labels=%s/t10k-labels-idx1-ubyte.gz,label=3,size=5x6,"
                           "threshold=0.35,weight=set",
                           folder, folder))) {
        CHECK_EQUAL(state->images.total, 1010);
        CHECK_EQUAL(state->images.count, 353);
        CHECK_NEAR(state->norm, sqrt(353), 1e-14);
    }
    eegpu_state_close(state);
}

EG_SUITE("images", {"area averaging", test_average}, {"threshold is exact", test_threshold_is_exact},
         {"IDX, gzip and .npy", test_formats}, {"weights and labels", test_weights_and_labels}, {"sorted, each once", test_sorting},
         {"written densely", test_write}, {"texts refused", test_text_refused}, {"files refused", test_files_refused},
         {"labels refused", test_labels_refused}, {"memory limit", test_budget}, {"interruption", test_interruption},
         {"MNIST threes", test_mnist})
