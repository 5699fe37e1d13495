/* A function that is 1 (or the square root of a frequency) on a set of images, 0 elsewhere. Comes in as
 * images:file=F,labels=L,label=3,size=5x6,threshold=0.35,weight=set|count; goes out as an eg_image_set: area-averaged, black
 * and white, sorted, each image once. Called by state.c and dense_file.c. Files are read image by image, never held whole;
 * IDX is idx.c's, .npy headers are npy.c's. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/text.h"
#include "state/idx.h"
#include "state/npy.h"
#include "state/state.h"

static const uint64_t most_source_pixels = UINT64_C(1) << 28; /* of one image in a file; keeps the exact sums in range */

/* ---- What is asked for ----------------------------------------------------------------------------------------- */

typedef struct request {
    const char *file, *labels, *label_text, *size, *threshold, *weight;
    int64_t label;
    int height, width; /* 0: the images' own */
    uint64_t numerator, denominator;
    bool count_weight;
} request;

typedef struct key {
    const char *name;
    size_t member;
} key;

static const key keys[] = {{"file", offsetof(request, file)},           {"labels", offsetof(request, labels)},
                           {"label", offsetof(request, label_text)},    {"size", offsetof(request, size)},
                           {"threshold", offsetof(request, threshold)}, {"weight", offsetof(request, weight)}};

static const size_t key_count = sizeof keys / sizeof *keys;

static eegpu_status take_keys(const eg_source_text *parts, request *wanted)
{
    for (int i = 0; i < parts->count; i++) {
        size_t k = 0;
        char hint[128];
        while (k < key_count && strcmp(parts->key[i], keys[k].name) != 0)
            k++;
        if (k == key_count)
            return eg_fail(EEGPU_USAGE,
                           "reading images: there is no key '%s'%s (keys: file, labels, label, size, threshold, weight)",
                           parts->key[i], eg_did_you_mean(parts->key[i], keys, key_count, sizeof *keys, hint, sizeof hint));
        memcpy((char *)wanted + keys[k].member, &parts->value[i], sizeof(const char *));
    }
    if (wanted->file == NULL)
        return eg_fail(EEGPU_USAGE, "reading images: the file is missing; write images:file=NAME");
    if (wanted->label_text != NULL && wanted->labels == NULL)
        return eg_fail(EEGPU_USAGE, "reading images: label=%s needs the file of labels; add labels=NAME", wanted->label_text);
    return EEGPU_OK;
}

static eegpu_status parse_request(const eg_source_text *parts, const eegpu_open_options *options, request *wanted)
{
    eegpu_status status;
    *wanted = (request){.height = options->height, .width = options->width, .threshold = "0.5", .weight = "set"};
    EG_TRY(take_keys(parts, wanted));
    if (wanted->label_text != NULL)
        EG_TRY(eg_parse_integer(wanted->label_text, "key 'label' of images", INT64_MIN, INT64_MAX, &wanted->label));
    EG_TRY(eg_parse_fraction(wanted->threshold, "key 'threshold' of images", &wanted->numerator, &wanted->denominator));
    wanted->count_weight = strcmp(wanted->weight, "count") == 0;
    if (!wanted->count_weight && strcmp(wanted->weight, "set") != 0)
        return eg_fail(EEGPU_USAGE, "reading images: weight=%s is neither set nor count", wanted->weight);
    if (wanted->size == NULL)
        return EEGPU_OK;
    EG_TRY(eg_parse_lattice(wanted->size, "key 'size' of images", &wanted->height, &wanted->width));
    if (options->height != 0 && (options->height != wanted->height || options->width != wanted->width))
        return eg_fail(EEGPU_USAGE, "reading images: size=%s differs from the lattice %dx%d; give one of them", wanted->size,
                       options->height, options->width);
done:
    return status;
}

/* ---- Files of images ------------------------------------------------------------------------------------------- */

/* One image at a time from either format. */
typedef struct reader {
    const char *path;
    uint64_t count, height, width;
    eg_mapping mapping; /* .npy */
    eg_npy array;
    eg_idx idx; /* IDX: stream != NULL */
} reader;

/* Map `path`, say whether it is IDX with that many axes; a .npy is parsed. */
static eegpu_status open_either(const char *path, int axes, eg_mapping *mapping, eg_npy *array, eg_idx *idx)
{
    eegpu_status status;
    EG_TRY(eg_map_file(path, mapping));
    bool is_npy = mapping->size >= 6 && memcmp(mapping->bytes, "\x93NUMPY", 6) == 0;
    if (!is_npy) {
        eg_unmap(mapping);
        EG_TRY(eg_idx_open(path, axes, idx));
        goto done;
    }
    EG_TRY(eg_npy_parse(mapping, path, array));
    if (array->kind == 'f' || array->kind == 'c') {
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': its numbers are not whole; save %s", path,
                         axes == EG_IDX_LABELS ? "labels as integers"
                                               : "images as bool or as uint8 from 0 to 255, such as (255*x).round().astype('u1')");
        goto done;
    }
    if (array->axes != axes)
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': it has %d axes, but %s", path, array->axes,
                         axes == EG_IDX_LABELS ? "labels have one, (n,)" : "images have three, (n, height, width)");
done:
    return status;
}

static void close_reader(reader *images)
{
    eg_unmap(&images->mapping);
    eg_idx_close(&images->idx);
}

static eegpu_status open_reader(const char *path, reader *images)
{
    eegpu_status status;
    *images = (reader){.path = path};
    EG_TRY(open_either(path, EG_IDX_IMAGES, &images->mapping, &images->array, &images->idx));
    const uint64_t *shape = images->idx.stream != NULL ? images->idx.shape : images->array.shape;
    images->count = shape[0];
    images->height = shape[1];
    images->width = shape[2];
    if (shape[0] == 0 || shape[1] == 0 || shape[2] == 0)
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': it has %llu images of %llux%llu pixels, so there is nothing in it", path,
                         (unsigned long long)shape[0], (unsigned long long)shape[1], (unsigned long long)shape[2]);
    else if (shape[1] > most_source_pixels / shape[2])
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': its images have %llux%llu pixels, more than 2^28", path,
                         (unsigned long long)shape[1], (unsigned long long)shape[2]);
done:
    return status;
}

/* Image k as bytes, row by row. IDX images come in order only. */
static eegpu_status read_image(reader *images, uint64_t k, unsigned char *image)
{
    uint64_t height = images->height, width = images->width;
    if (images->idx.stream != NULL)
        return eg_idx_read(&images->idx, image, height * width);
    bool fortran = images->array.fortran_order;
    for (uint64_t y = 0; y < height; y++) {
        for (uint64_t x = 0; x < width; x++) {
            uint64_t index = fortran ? k + images->count * (y + height * x) : (k * height + y) * width + x;
            int64_t value = -1;
            if (!eg_npy_integer(&images->array, index, &value) || value < 0 || value > 255)
                return eg_fail(EEGPU_BAD_INPUT,
                               "reading '%s': image %llu has a pixel outside %s at row %llu, column %llu; save values as uint8",
                               images->path, (unsigned long long)k, images->array.kind == 'b' ? "False and True" : "0 to 255",
                               (unsigned long long)y, (unsigned long long)x);
            image[y * width + x] = (unsigned char)value;
        }
    }
    return EEGPU_OK;
}

/* ---- Labels ---------------------------------------------------------------------------------------------------- */

static eegpu_status read_labels(eg_budget *budget, const char *path, int64_t **labels, uint64_t *count)
{
    eegpu_status status;
    eg_mapping mapping = {0};
    eg_npy array;
    eg_idx idx = {0};
    EG_TRY(open_either(path, EG_IDX_LABELS, &mapping, &array, &idx));
    *count = idx.stream != NULL ? idx.shape[0] : array.count;
    if (*count == 0) {
        status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': it has no labels", path);
        goto done;
    }
    EG_TRY(eg_allocate(budget, *count, sizeof **labels, "the labels of the images", labels));
    for (uint64_t k = 0; k < *count; k++) {
        unsigned char byte = 0;
        if (idx.stream != NULL) {
            EG_TRY(eg_idx_read(&idx, &byte, 1));
            (*labels)[k] = byte;
        } else if (!eg_npy_integer(&array, k, &(*labels)[k])) {
            status = eg_fail(EEGPU_BAD_INPUT, "reading '%s': label %llu is not a 64-bit integer", path, (unsigned long long)k);
            goto done;
        }
    }
    if (idx.stream != NULL)
        EG_TRY(eg_idx_expect_end(&idx));
done:
    eg_unmap(&mapping);
    eg_idx_close(&idx);
    return status;
}

/* No image has the label: list the smallest few that there are. */
static eegpu_status refuse_label(const request *wanted, const int64_t *labels, uint64_t count)
{
    char text[512];
    size_t length = 0;
    int64_t next = INT64_MIN;
    bool more = true;
    for (int shown = 0; more; shown++) {
        int64_t least = INT64_MAX;
        more = false;
        for (uint64_t k = 0; k < count; k++) {
            if (labels[k] >= next && labels[k] <= least) {
                least = labels[k];
                more = true;
            }
        }
        if (!more)
            break;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%lld", shown == 0 ? "" : " ", (long long)least);
        if (least == INT64_MAX)
            break;
        if (shown == 19) {
            snprintf(text + length, sizeof text - length, " ...");
            break;
        }
        next = least + 1;
    }
    return eg_fail(EEGPU_BAD_INPUT, "selecting images: no image in '%s' has label %lld; labels there: %s", wanted->labels,
                   (long long)wanted->label, text);
}

/* ---- Making one image smaller ---------------------------------------------------------------------------------- */

static uint64_t least_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* How long [a0, a1) and [b0, b1) overlap; they do. */
static uint64_t overlap(uint64_t a0, uint64_t a1, uint64_t b0, uint64_t b1) { return least_of(a1, b1) - (a0 > b0 ? a0 : b0); }

/* Sum of value * overlap over the pixel (row, column) of the height x width picture. Both pictures lie on one grid of h*height
 * by w*width units, where an original pixel covers height x width and a new one h x w: whole numbers only. The mean value is
 * the sum / (h * w). */
static uint64_t area_sum(const reader *images, const unsigned char *image, int height, int width, uint64_t row, uint64_t column)
{
    uint64_t h = images->height, w = images->width, rows = (uint64_t)height, columns = (uint64_t)width, sum = 0;
    for (uint64_t y = row * h / rows; y * rows < (row + 1) * h; y++) {
        uint64_t line = 0;
        for (uint64_t x = column * w / columns; x * columns < (column + 1) * w; x++)
            line += image[y * w + x] * overlap(x * columns, (x + 1) * columns, column * w, (column + 1) * w);
        sum += line * overlap(y * rows, (y + 1) * rows, row * h, (row + 1) * h);
    }
    return sum;
}

/* Lit pixels of the smaller image, packed. mean / white > numerator / denominator, cross-multiplied. */
static void pack_image(const request *wanted, const reader *images, const unsigned char *image, unsigned white, uint64_t *packed)
{
    unsigned __int128 bound = (unsigned __int128)wanted->numerator * (white * images->height * images->width);
    int i = 0;
    memset(packed, 0, eg_ceil_div((uint64_t)(wanted->height * wanted->width), 64) * sizeof *packed);
    for (int row = 0; row < wanted->height; row++)
        for (int column = 0; column < wanted->width; column++, i++) {
            uint64_t sum = area_sum(images, image, wanted->height, wanted->width, (uint64_t)row, (uint64_t)column);
            if ((unsigned __int128)sum * wanted->denominator > bound)
                packed[i / 64] |= UINT64_C(1) << (i % 64);
        }
}

/* ---- Sets ------------------------------------------------------------------------------------------------------ */

static int compare_rows(const uint64_t *a, const uint64_t *b, uint64_t words)
{
    for (uint64_t w = 0; w < words; w++)
        if (a[w] != b[w])
            return a[w] < b[w] ? -1 : 1;
    return 0;
}

static void merge(const uint64_t *from, uint64_t words, uint64_t first, uint64_t middle, uint64_t last, uint64_t *to)
{
    for (uint64_t a = first, b = middle, k = first; k < last; k++) {
        bool take_a = b == last || (a < middle && compare_rows(from + a * words, from + b * words, words) <= 0);
        memcpy(to + k * words, from + (take_a ? a++ : b++) * words, words * sizeof *to);
    }
}

/* Sort rows by merging runs of 1, 2, 4, ...; the two buffers change places as often as needed. */
static void sort_rows(uint64_t **rows, uint64_t **scratch, uint64_t count, uint64_t words)
{
    for (uint64_t run = 1; run < count; run *= 2) {
        for (uint64_t first = 0; first < count; first += 2 * run)
            merge(*rows, words, first, least_of(first + run, count), least_of(first + 2 * run, count), *scratch);
        uint64_t *sorted = *scratch;
        *scratch = *rows;
        *rows = sorted;
    }
}

/* Equal neighbours of the sorted `rows` become one, with how often; in a buffer of the size that is needed. */
static eegpu_status make_set(eg_budget *budget, const uint64_t *rows, uint64_t count, bool count_weight, eg_image_set *set)
{
    eegpu_status status;
    uint64_t words = set->words, distinct = 0;
    for (uint64_t k = 0; k < count; k++)
        distinct += k == 0 || compare_rows(rows + (k - 1) * words, rows + k * words, words) != 0;
    EG_TRY(eg_allocate(budget, distinct * words, sizeof *set->pixels, "the distinct images", &set->pixels));
    EG_TRY(eg_allocate_zero(budget, distinct, sizeof *set->multiplicity, "the frequencies of the images", &set->multiplicity));
    set->count = distinct;
    set->total = count;
    for (uint64_t k = 0, to = 0; k < count; k++) {
        to += k > 0 && compare_rows(rows + (k - 1) * words, rows + k * words, words) != 0;
        memcpy(set->pixels + to * words, rows + k * words, words * sizeof *rows);
        set->multiplicity[to] = count_weight ? set->multiplicity[to] + 1 : 1;
    }
done:
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* Read all images, pack those that `labels` selects into `rows`; *brightest is the largest value in the file. */
static eegpu_status pack_selected(reader *images, const request *wanted, const int64_t *labels, unsigned white,
                                  unsigned char *image, uint64_t *rows, uint64_t words, eg_progress *progress, unsigned *brightest)
{
    eegpu_status status = EEGPU_OK;
    bool all = labels == NULL || wanted->label_text == NULL;
    uint64_t selected = 0;
    *brightest = 0;
    for (uint64_t k = 0; k < images->count; k++) {
        EG_TRY(read_image(images, k, image));
        for (uint64_t i = 0; i < images->height * images->width; i++)
            *brightest = image[i] > *brightest ? image[i] : *brightest;
        if (all || labels[k] == wanted->label)
            pack_image(wanted, images, image, white, rows + words * selected++);
        EG_TRY(eg_progress_add(progress, 1));
    }
    if (images->idx.stream != NULL)
        EG_TRY(eg_idx_expect_end(&images->idx));
done:
    return status;
}

/* Values up to 255; a file that turns out to have only 0 and 1 is black and white and read again as such. */
static eegpu_status pack_file(reader *images, const request *wanted, const int64_t *labels, const eegpu_open_options *options,
                              unsigned char *image, uint64_t *rows, uint64_t words)
{
    eegpu_status status;
    unsigned brightest = 0;
    eg_progress progress;
    eg_progress_begin(&progress, options->progress, options->progress_user, "reading images", (double)images->count);
    EG_TRY(pack_selected(images, wanted, labels, 255, image, rows, words, &progress, &brightest));
    if (brightest == 1) {
        if (images->idx.stream != NULL)
            EG_TRY(eg_idx_rewind(&images->idx, EG_IDX_IMAGES));
        EG_TRY(pack_selected(images, wanted, labels, 1, image, rows, words, NULL, &brightest));
    }
done:
    eg_progress_end(&progress);
    return status;
}

static eegpu_status count_selected(const request *wanted, const reader *images, const int64_t *labels, uint64_t label_count,
                                   uint64_t *selected)
{
    *selected = images->count;
    if (labels == NULL)
        return EEGPU_OK;
    if (label_count != images->count)
        return eg_fail(EEGPU_BAD_INPUT, "selecting images: '%s' has %llu labels, but '%s' has %llu images", wanted->labels,
                       (unsigned long long)label_count, images->path, (unsigned long long)images->count);
    if (wanted->label_text == NULL)
        return EEGPU_OK;
    *selected = 0;
    for (uint64_t k = 0; k < label_count; k++)
        *selected += labels[k] == wanted->label;
    return *selected > 0 ? EEGPU_OK : refuse_label(wanted, labels, label_count);
}

static eegpu_status choose_size(const reader *images, request *wanted)
{
    if (wanted->height == 0 && images->height > (uint64_t)EG_MAX_PIXELS / images->width)
        return eg_fail(EEGPU_USAGE,
                       "reading '%s': its images have %llux%llu pixels, more than the %d that are possible; add size=HxW to "
                       "average them to a smaller lattice",
                       images->path, (unsigned long long)images->height, (unsigned long long)images->width, EG_MAX_PIXELS);
    if (wanted->height == 0) {
        wanted->height = (int)images->height;
        wanted->width = (int)images->width;
    }
    return EEGPU_OK;
}

eegpu_status eg_open_images(eegpu_state *state, const eg_source_text *parts, const eegpu_open_options *options, int threads)
{
    eegpu_status status;
    eg_budget *budget = state->budget;
    reader images = {0};
    request wanted;
    int64_t *labels = NULL;
    unsigned char *image = NULL;
    uint64_t *rows = NULL, *scratch = NULL, label_count = 0, selected;
    EG_TRY(parse_request(parts, options, &wanted));
    EG_TRY(open_reader(wanted.file, &images));
    EG_TRY(choose_size(&images, &wanted));
    if (wanted.labels != NULL)
        EG_TRY(read_labels(budget, wanted.labels, &labels, &label_count));
    EG_TRY(count_selected(&wanted, &images, labels, label_count, &selected));
    eg_state_set_lattice(state, wanted.height, wanted.width, options->bit_order);
    state->kind = EG_IMAGES;
    uint64_t words = state->images.words = eg_ceil_div((uint64_t)state->pixels, 64);
    EG_TRY(eg_allocate(budget, selected, words * sizeof *rows, "the selected images", &rows));
    EG_TRY(eg_allocate(budget, selected, words * sizeof *rows, "sorting the selected images", &scratch));
    EG_TRY(eg_allocate(budget, images.height, images.width, "one image of the file", &image));
    EG_TRY(pack_file(&images, &wanted, labels, options, image, rows, words));
    eg_release(budget, labels);
    labels = NULL;
    sort_rows(&rows, &scratch, selected, words);
    eg_release(budget, scratch);
    scratch = NULL;
    EG_TRY(make_set(budget, rows, selected, wanted.count_weight, &state->images));
    EG_TRY(eg_state_finish(state, threads));
done:
    eg_release(budget, labels);
    eg_release(budget, image);
    eg_release(budget, rows);
    eg_release(budget, scratch);
    close_reader(&images);
    return status;
}
