/* Cuts: every family against an enumeration of all bipartitions that shares no code with it, geometry against a walk over
 * all pairs of pixels, and files of regions with everything that can be wrong in them. */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "cut/cut.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Independent definitions, pixel by pixel ---- */

typedef struct region {
    int height, width;
    bool in_a[4096];
} region;

static region region_of(const eegpu_cuts *cuts, size_t cut)
{
    static int pixels[4096];
    region r = {.height = cuts->height, .width = cuts->width};
    int size = eegpu_cuts_pixels(cuts, cut, pixels);
    for (int i = 0; i < size; i++)
        r.in_a[pixels[i]] = true;
    return r;
}

static region region_of_bits(int height, int width, unsigned bits)
{
    region r = {.height = height, .width = width};
    for (int i = 0; i < height * width; i++)
        r.in_a[i] = bits >> i & 1;
    return r;
}

static unsigned bits_of(const region *r)
{
    unsigned bits = 0;
    for (int i = 0; i < r->height * r->width; i++)
        bits |= (unsigned)r->in_a[i] << i;
    return bits;
}

static int size_of(const region *r)
{
    int size = 0;
    for (int i = 0; i < r->height * r->width; i++)
        size += r->in_a[i];
    return size;
}

static bool neighbours(const region *r, int i, int j)
{
    int rows = i / r->width - j / r->width, columns = i % r->width - j % r->width;
    return rows * rows + columns * columns == 1;
}

static bool is_rectangle(const region *r, bool side)
{
    int top = r->height, bottom = -1, left = r->width, right = -1, size = 0;
    for (int i = 0; i < r->height * r->width; i++)
        if (r->in_a[i] == side) {
            int row = i / r->width, column = i % r->width;
            top = row < top ? row : top;
            bottom = row > bottom ? row : bottom;
            left = column < left ? column : left;
            right = column > right ? column : right;
            size++;
        }
    return size > 0 && size == (bottom - top + 1) * (right - left + 1);
}

static bool is_connected(const region *r, bool side)
{
    bool reached[4096] = {false};
    int pixels = r->height * r->width, first = 0, size = 0, count = 1;
    for (int i = 0; i < pixels; i++)
        size += r->in_a[i] == side;
    while (first < pixels && r->in_a[first] != side)
        first++;
    if (size == 0)
        return false;
    reached[first] = true;
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < pixels; i++)
            for (int j = 0; j < pixels; j++)
                if (reached[i] && !reached[j] && r->in_a[j] == side && neighbours(r, i, j)) {
                    reached[j] = more = true;
                    count++;
                }
    }
    return count == size;
}

static bool belongs_contiguous(const region *r) { return is_rectangle(r, true) || is_rectangle(r, false); }
static bool belongs_connected(const region *r) { return is_connected(r, true) && is_connected(r, false); }

static bool belongs_all(const region *r)
{
    (void)r;
    return true;
}

static bool belongs_prefix(const region *r)
{
    int changes = 0;
    for (int i = 1; i < r->height * r->width; i++)
        changes += r->in_a[i] != r->in_a[i - 1];
    return changes == 1;
}

static bool belongs_lines(const region *r)
{
    int rows = 0, columns = 0, other = 0;
    for (int i = 0; i < r->height * r->width; i++) {
        int row = i / r->width, column = i % r->width;
        if (row > 0 && r->in_a[i] != r->in_a[i - r->width])
            rows += column == 0, other += r->in_a[i] != r->in_a[row * r->width];
        if (column > 0 && r->in_a[i] != r->in_a[i - 1])
            columns += row == 0;
        other += r->in_a[i] != (r->in_a[column] ^ r->in_a[0] ^ r->in_a[row * r->width]);
    }
    return other == 0 && rows + columns == 1;
}

static const struct family {
    const char *name;
    bool (*belongs)(const region *r);
} families[] = {{"contiguous", belongs_contiguous},
                {"prefix", belongs_prefix},
                {"lines", belongs_lines},
                {"connected", belongs_connected},
                {"all", belongs_all}};

/* ---- Families ---- */

/* The list of a family is exactly the set of bipartitions that belong, each once. */
static void check_family(const struct family *family, int height, int width, int max_size)
{
    static unsigned char expected[1 << 16];
    int pixels = height * width;
    unsigned everything = (1u << pixels) - 1;
    size_t wanted = 0;
    for (unsigned bits = 1; bits < everything; bits += 2) { /* the side with pixel 0 */
        region r = region_of_bits(height, width, bits);
        int size = size_of(&r), smaller = size < pixels - size ? size : pixels - size;
        expected[bits] = family->belongs(&r) && (max_size == 0 || smaller <= max_size);
        wanted += expected[bits];
    }
    eegpu_cuts *cuts = NULL;
    if (wanted == 0) {
        CHECK_FAILS(eegpu_cuts_create(height, width, family->name, max_size, &cuts), EEGPU_USAGE, "--max-size");
        CHECK(cuts == NULL);
        return;
    }
    if (!CHECK_OK(eegpu_cuts_create(height, width, family->name, max_size, &cuts)))
        return;
    CHECK_EQUAL(eegpu_cuts_count(cuts), wanted);
    size_t wrong = 0;
    for (size_t cut = 0; cut < eegpu_cuts_count(cuts); cut++) {
        region r = region_of(cuts, cut);
        unsigned bits = bits_of(&r), named = bits & 1 ? bits : everything & ~bits;
        wrong += !expected[named];
        expected[named] = 0;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK(strcmp(cuts->family, family->name) == 0);
    eegpu_cuts_free(cuts);
}

static void test_families(void)
{
    static const int lattices[][2] = {{1, 2}, {2, 1}, {2, 2}, {1, 8}, {8, 1}, {2, 3}, {3, 3}, {2, 5}, {3, 4}, {4, 3}};
    for (size_t f = 0; f < COUNT(families); f++)
        for (size_t l = 0; l < COUNT(lattices); l++)
            for (int max_size = 0; max_size <= 7; max_size += max_size < 4 ? 1 : 3)
                check_family(&families[f], lattices[l][0], lattices[l][1], max_size);
    for (size_t f = 0; f < COUNT(families); f++)
        check_family(&families[f], 4, 4, 0);
}

static size_t count_of(int height, int width, const char *family, int max_size)
{
    eegpu_cuts *cuts = NULL;
    CHECK_OK(eegpu_cuts_create(height, width, family, max_size, &cuts));
    size_t count = cuts != NULL ? eegpu_cuts_count(cuts) : 0;
    eegpu_cuts_free(cuts);
    return count;
}

static void test_counts(void)
{
    CHECK_EQUAL(count_of(5, 6, "contiguous", 0), 305);
    CHECK_EQUAL(count_of(4, 5, "contiguous", 0), 142);
    CHECK_EQUAL(count_of(1, 8, "contiguous", 0), 28);
    CHECK_EQUAL(count_of(4, 5, NULL, 0), 142);
    CHECK_EQUAL(count_of(4, 4, "all", 0), 32767);
    CHECK_EQUAL(count_of(4, 5, "prefix", 0), 19);
    CHECK_EQUAL(count_of(4, 5, "lines", 0), 7);
    CHECK_EQUAL(count_of(1, 36, "connected", 0), 35);
    CHECK_EQUAL(count_of(36, 1, "connected", 3), 6);
    CHECK_EQUAL(count_of(4, 4, "connected", 0), 627);
    CHECK_EQUAL(count_of(6, 6, "all", 2), 36 + 36 * 35 / 2);
    CHECK_EQUAL(count_of(28, 28, "contiguous", 0), 406 * 406 - 1 - 54);
    CHECK_EQUAL(count_of(64, 64, "prefix", 0), 4095);
    CHECK_EQUAL(count_of(64, 64, "lines", 0), 126);
    CHECK_EQUAL(count_of(64, 64, "contiguous", 1), 4096);
}

static void test_connected_is_fast(void)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK_EQUAL(count_of(5, 5, "connected", 0), 16213);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec) < 2);
}

/* The pixels of a cut as text, "0 1 5 6". */
static const char *pixels_text(const eegpu_cuts *cuts, size_t cut)
{
    static char text[20000];
    static int pixels[4096];
    size_t used = 0;
    text[0] = '\0';
    int size = eegpu_cuts_pixels(cuts, cut, pixels);
    for (int i = 0; i < size; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", i > 0 ? " " : "", pixels[i]);
    return text;
}

static void check_list(int height, int width, const char *family, size_t count, const char *const *expected)
{
    eegpu_cuts *cuts = NULL;
    if (!CHECK_OK(eegpu_cuts_create(height, width, family, 0, &cuts)))
        return;
    CHECK_EQUAL(eegpu_cuts_count(cuts), count);
    for (size_t cut = 0; cut < count && cut < eegpu_cuts_count(cuts); cut++)
        CHECK(strcmp(pixels_text(cuts, cut), expected[cut]) == 0);
    CHECK_EQUAL(eegpu_cuts_pixels(cuts, eegpu_cuts_count(cuts), (int[4096]){0}), 0);
    eegpu_cuts_free(cuts);
}

static void test_names_and_order(void)
{
    check_list(2, 3, "contiguous", 14,
               (const char *[]){"0", "0 1", "0 1 2", "0 3", "0 1 3 4", "1", "1 2", "1 4", "2", "3", "3 4", "4", "4 5", "5"});
    check_list(2, 3, "prefix", 5, (const char *[]){"0", "0 1", "0 1 2", "0 1 2 3", "0 1 2 3 4"});
    check_list(2, 3, "lines", 3, (const char *[]){"0 1 2", "0 3", "0 1 3 4"});
    check_list(2, 2, "all", 7, (const char *[]){"0", "1", "2", "3", "0 1", "0 2", "0 3"});
    check_list(2, 2, "connected", 6, (const char *[]){"0", "1", "2", "3", "0 1", "0 2"});
    check_list(1, 4, "connected", 3, (const char *[]){"0", "3", "0 1"});
}

static void test_family_refused(void)
{
    eegpu_cuts *cuts = NULL;
    CHECK_FAILS(eegpu_cuts_create(1, 1, "contiguous", 0, &cuts), EEGPU_USAGE, "one pixel has no cut");
    CHECK_FAILS(eegpu_cuts_create(0, 5, "contiguous", 0, &cuts), EEGPU_USAGE, "0 x 5");
    CHECK_FAILS(eegpu_cuts_create(5, -1, "contiguous", 0, &cuts), EEGPU_USAGE, "5 x -1");
    CHECK_FAILS(eegpu_cuts_create(65, 64, "lines", 0, &cuts), EEGPU_USAGE, "at most 4096");
    CHECK_FAILS(eegpu_cuts_create(65536, 65537, "lines", 0, &cuts), EEGPU_USAGE, "at most 4096");
    CHECK_FAILS(eegpu_cuts_create(4, 5, "contiguous", -1, &cuts), EEGPU_USAGE, "-1");
    CHECK_FAILS(eegpu_cuts_create(4, 5, "contigous", 0, &cuts), EEGPU_USAGE, "did you mean 'contiguous'?");
    CHECK_FAILS(eegpu_cuts_create(4, 5, "", 0, &cuts), EEGPU_USAGE, "neither a family (contiguous, prefix");
    CHECK_FAILS(eegpu_cuts_create(4, 5, "no/such/file.txt", 0, &cuts), EEGPU_USAGE, "no/such/file.txt");
    CHECK_FAILS(eegpu_cuts_create(4, 5, "lines", 3, &cuts), EEGPU_USAGE, "at most 3 pixels");
    CHECK_FAILS(eegpu_cuts_create(1, 37, "connected", 0, &cuts), EEGPU_USAGE, "file of regions");
    CHECK_FAILS(eegpu_cuts_create(4, 8, "all", 0, &cuts), EEGPU_USAGE, "--max-size");
    CHECK_FAILS(eegpu_cuts_create(8, 8, "all", 2, &cuts), EEGPU_USAGE, "at most 62");
    CHECK_FAILS(eegpu_cuts_create(1, 31, "all", 0, &cuts), EEGPU_USAGE, "more than 4.0 GiB");
    CHECK(cuts == NULL);
}

/* ---- One cut, geometry ---- */

static void test_from_pixels(void)
{
    eegpu_cuts *cuts = NULL;
    CHECK_OK(eegpu_cuts_from_pixels(4, 5, (int[]){6, 0, 5, 1}, 4, &cuts));
    int boundary, bonds;
    CHECK_EQUAL(eegpu_cuts_count(cuts), 1);
    CHECK(strcmp(pixels_text(cuts, 0), "0 1 5 6") == 0);
    CHECK_EQUAL(eg_cut_size(cuts, 0), 4);
    eg_cut_geometry(cuts, 0, &boundary, &bonds);
    CHECK_EQUAL(boundary, 3);
    CHECK_EQUAL(bonds, 4);
    eegpu_cuts_free(cuts);
    eegpu_cuts_free(NULL);
    CHECK_FAILS(eegpu_cuts_from_pixels(4, 5, (int[]){0, 20}, 2, &cuts), EEGPU_USAGE, "pixel 20 lies outside");
    CHECK_FAILS(eegpu_cuts_from_pixels(4, 5, (int[]){-1}, 1, &cuts), EEGPU_USAGE, "pixel -1 lies outside");
    CHECK_FAILS(eegpu_cuts_from_pixels(4, 5, (int[]){3, 3}, 2, &cuts), EEGPU_USAGE, "pixel 3 is named twice");
    CHECK_FAILS(eegpu_cuts_from_pixels(4, 5, NULL, 0, &cuts), EEGPU_USAGE, "at least one pixel");
    CHECK_FAILS(eegpu_cuts_from_pixels(4, 5, NULL, -3, &cuts), EEGPU_USAGE, "at least one pixel");
    CHECK_FAILS(eegpu_cuts_from_pixels(1, 2, (int[]){0, 1}, 2, &cuts), EEGPU_USAGE, "at least one pixel");
    CHECK_FAILS(eegpu_cuts_from_pixels(1, 1, (int[]){0}, 1, &cuts), EEGPU_USAGE, "no cut");
    CHECK(cuts == NULL);
}

static unsigned next_random(void)
{
    static uint64_t state = 12345;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33);
}

static void test_geometry(void)
{
    static const int lattices[][2] = {{1, 2}, {1, 9}, {9, 1}, {3, 5}, {5, 13}, {8, 8}, {28, 28}};
    static int pixels[4096];
    for (size_t l = 0; l < COUNT(lattices); l++)
        for (int round = 0; round < 12; round++) {
            int height = lattices[l][0], width = lattices[l][1], all = height * width, size = 0;
            for (int i = 0; i < all; i++)
                if (next_random() % 12 < (unsigned)round)
                    pixels[size++] = i;
            if (size == 0 || size == all)
                continue;
            eegpu_cuts *cuts = NULL;
            if (!CHECK_OK(eegpu_cuts_from_pixels(height, width, pixels, size, &cuts)))
                continue;
            region r = region_of(cuts, 0);
            int boundary, bonds, expected_boundary = 0, expected_bonds = 0;
            for (int i = 0; i < all; i++) {
                int cut_here = 0;
                for (int j = 0; j < all; j++)
                    cut_here += r.in_a[i] && !r.in_a[j] && neighbours(&r, i, j);
                expected_boundary += cut_here > 0;
                expected_bonds += cut_here;
            }
            eg_cut_geometry(cuts, 0, &boundary, &bonds);
            CHECK_EQUAL(boundary, expected_boundary);
            CHECK_EQUAL(bonds, expected_bonds);
            CHECK_EQUAL(eg_cut_size(cuts, 0), size);
            eegpu_cuts_free(cuts);
        }
}

static void test_many_words(void)
{
    eegpu_cuts *cuts = NULL;
    if (!CHECK_OK(eegpu_cuts_create(28, 28, "contiguous", 0, &cuts)))
        return;
    CHECK_EQUAL(cuts->words, 13);
    size_t wrong = 0, straight = 0;
    for (size_t cut = 0; cut < eegpu_cuts_count(cuts); cut += 997) {
        region r = region_of(cuts, cut);
        wrong += !is_rectangle(&r, true) || size_of(&r) != eg_cut_size(cuts, cut);
    }
    for (size_t cut = 0; cut < eegpu_cuts_count(cuts); cut++) {
        int boundary, bonds;
        eg_cut_geometry(cuts, cut, &boundary, &bonds);
        straight += bonds == 28 && boundary == 28 && eg_cut_size(cuts, cut) % 28 == 0 && eg_cut_mask(cuts, cut)[0] & 1;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK(straight >= 54);
    eegpu_cuts_free(cuts);
}

/* ---- Files of regions ---- */

static char folder[256], path[512];

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    CHECK(stream != NULL && fwrite(bytes, 1, size, stream) == size);
    if (stream != NULL)
        fclose(stream);
}

static eegpu_status read_text(const char *text, size_t size, int max_size, eegpu_cuts **cuts)
{
    write_bytes("regions.txt", text, size);
    return eegpu_cuts_create(4, 5, path, max_size, cuts);
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/eegpu-test-XXXXXX", base != NULL && *base ? base : "/tmp");
    CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
    CHECK_EQUAL(unlink(path), 0);
    CHECK_EQUAL(rmdir(folder), 0);
}

static void test_region_text(void)
{
    static const char text[] =
        "# regions\n\n6 0 5 1\n  \t\n3,2, 1\t0 # the rest\r\n19\n0 1 5 6\n   # none\n1 2 3 4 5 6 7 8 9 10 11 12";
    eegpu_cuts *cuts = NULL;
    make_folder();
    if (CHECK_OK(read_text(text, strlen(text), 0, &cuts))) {
        static const char *const expected[] = {"0 1 5 6", "0 1 2 3", "19", "0 1 5 6", "1 2 3 4 5 6 7 8 9 10 11 12"};
        CHECK_EQUAL(eegpu_cuts_count(cuts), 5);
        for (size_t cut = 0; cut < eegpu_cuts_count(cuts); cut++)
            CHECK(strcmp(pixels_text(cuts, cut), expected[cut]) == 0);
        eegpu_cuts_free(cuts);
    }
    if (CHECK_OK(read_text(text, strlen(text), 1, &cuts))) {
        CHECK_EQUAL(eegpu_cuts_count(cuts), 1);
        eegpu_cuts_free(cuts);
    }
    CHECK_FAILS(read_text("0 1\n", 4, 1, &cuts), EEGPU_USAGE, "at most 1 pixels");
    remove_folder();
}

static void test_region_text_refused(void)
{
    static const struct {
        const char *text, *fragment;
    } bad[] = {
        {"0 1\n0 20\n", "regions.txt:2: '20' is not a pixel of a 4 x 5 lattice; expected numbers from 0 to 19"},
        {"-1\n", "regions.txt:1: '-1'"},
        {"99999999999999999999\n", "regions.txt:1: '99999999999999999999'"},
        {"1.5\n", "'1.5'"},
        {"0x1\n", "'0x1'"},
        {"0;1\n", "'0;1'"},
        {"[0, 1]\n", "'[0'"},
        {"one\n", "'one'"},
        {"\n#\n1 2 1\n", "regions.txt:3: pixel 1 is named twice"},
        {"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", "regions.txt:1: the region is the whole 4 x 5 lattice"},
        {" , \n", "regions.txt:1: the region is empty"},
        {"", "contains no region"},
        {"# nothing\n\n", "contains no region"},
    };
    eegpu_cuts *cuts = NULL;
    make_folder();
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_FAILS(read_text(bad[i].text, strlen(bad[i].text), 0, &cuts), EEGPU_BAD_INPUT, bad[i].fragment);
    CHECK_FAILS(read_text("0 1\0 2\n", 7, 0, &cuts), EEGPU_BAD_INPUT, "regions.txt:1: not a text file");
    CHECK_FAILS(eegpu_cuts_create(4, 5, folder, 0, &cuts), EEGPU_IO, "directory");
    CHECK(cuts == NULL);
    remove_folder();
}

/* A .npy file of version 1 with `size` bytes of data; some may be left out at the end. */
static eegpu_status read_masks(const char *descr, const char *order, const char *shape, const void *data, size_t size,
                               eegpu_cuts **cuts)
{
    char bytes[1024] = "\x93NUMPY\x01";
    int length = snprintf(bytes + 10, 118, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape);
    memset(bytes + 10 + length, ' ', (size_t)(118 - length));
    bytes[8] = 118;
    bytes[127] = '\n';
    memcpy(bytes + 128, data, size);
    write_bytes("masks.npy", bytes, 128 + size);
    return eegpu_cuts_create(2, 3, path, 0, cuts);
}

static void check_masks(const char *descr, const char *order, const void *data, size_t size)
{
    eegpu_cuts *cuts = NULL;
    if (!CHECK_OK(read_masks(descr, order, "(2, 2, 3)", data, size, &cuts)))
        return;
    CHECK_EQUAL(eegpu_cuts_count(cuts), 2);
    CHECK(strcmp(pixels_text(cuts, 0), "0 1 3") == 0);
    CHECK(strcmp(pixels_text(cuts, 1), "5") == 0);
    eegpu_cuts_free(cuts);
}

static void test_region_masks(void)
{
    static const unsigned char bytes[12] = {1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
    static const unsigned char fortran[12] = {1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1}; /* [mask + 2 * (row + 2 * column)] */
    unsigned char little[12 * 8] = {0}, big[12 * 2] = {0};
    for (size_t i = 0; i < 12; i++) {
        little[8 * i] = bytes[i];
        big[2 * i + 1] = bytes[i];
    }
    make_folder();
    check_masks("|b1", "False", bytes, sizeof bytes);
    check_masks("|u1", "False", bytes, sizeof bytes);
    check_masks("|i1", "True", fortran, sizeof fortran);
    check_masks("<i8", "False", little, sizeof little);
    check_masks(">u2", "False", big, sizeof big);
    remove_folder();
}

static void test_region_masks_refused(void)
{
    static const unsigned char zero[96] = {0}, all[12] = {1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, two[12] = {1, 0, 0, 2};
    static const unsigned char wide[24] = {1, 0, 0, 1}; /* 256 in the second element */
    eegpu_cuts *cuts = NULL;
    make_folder();
    CHECK_FAILS(read_masks("|b1", "False", "(2, 2, 3)", zero, 12, &cuts), EEGPU_BAD_INPUT, "mask 0: the region is empty");
    CHECK_FAILS(read_masks("|b1", "False", "(2, 2, 3)", all, 12, &cuts), EEGPU_BAD_INPUT, "mask 1: the region is the whole");
    CHECK_FAILS(read_masks("|u1", "False", "(2, 2, 3)", two, 12, &cuts), EEGPU_BAD_INPUT, "mask 0: pixel 3 is neither 0 nor 1");
    CHECK_FAILS(read_masks("<u2", "False", "(2, 2, 3)", wide, 24, &cuts), EEGPU_BAD_INPUT, "pixel 1 is neither");
    CHECK_FAILS(read_masks("|b1", "False", "(2, 3, 2)", two, 12, &cuts), EEGPU_BAD_INPUT, "shape (n, 2, 3)");
    CHECK_FAILS(read_masks("|b1", "False", "(2, 3)", two, 6, &cuts), EEGPU_BAD_INPUT, "shape (n, 2, 3)");
    CHECK_FAILS(read_masks("|b1", "False", "(12,)", two, 12, &cuts), EEGPU_BAD_INPUT, "shape (n, 2, 3)");
    CHECK_FAILS(read_masks("|b1", "False", "(0, 2, 3)", two, 0, &cuts), EEGPU_BAD_INPUT, "no region");
    CHECK_FAILS(read_masks("<f8", "False", "(2, 2, 3)", zero, 96, &cuts), EEGPU_BAD_INPUT, "bool or integer");
    CHECK_FAILS(read_masks("|b1", "False", "(2, 2, 3)", two, 11, &cuts), EEGPU_BAD_INPUT, "masks.npy");
    CHECK(cuts == NULL);
    remove_folder();
}

EG_SUITE("cuts", {"families against all bipartitions", test_families}, {"counts", test_counts},
         {"connected cuts of 5 x 5", test_connected_is_fast}, {"names and order", test_names_and_order},
         {"families refused", test_family_refused}, {"one cut from its pixels", test_from_pixels},
         {"boundary and bonds", test_geometry}, {"masks of many words", test_many_words}, {"regions as text", test_region_text},
         {"regions as text, refused", test_region_text_refused}, {"regions as masks", test_region_masks},
         {"regions as masks, refused", test_region_masks_refused})
