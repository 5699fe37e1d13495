/* A function as a file of 2^N amplitudes. Comes in as a state of any kind; goes out as .npy in the asked bit order, block by
 * block, so that nothing of size 2^N is made. Called by the public API. Image sets are written densely too, up to 30 pixels. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "state/npy.h"
#include "state/state.h"

enum { BLOCK = 1 << 13, MOST_PIXELS_OF_IMAGES = 30, BYTES_OF_INDEX = (EG_MAX_DENSE_PIXELS + 7) / 8 };

/* Where the bits of an index of the file go in the index of the state: one table a byte. */
typedef struct bit_map {
    uint64_t part[BYTES_OF_INDEX][256];
} bit_map;

static void fill_map(const eegpu_state *state, eegpu_bit_order order, bit_map *map)
{
    memset(map, 0, sizeof *map);
    for (int i = 0; i < state->pixels; i++) {
        int from = order == EEGPU_MSB ? state->pixels - 1 - i : i;
        for (int byte = 0; byte < 256; byte++)
            if (byte >> (from % 8) & 1)
                map->part[from / 8][byte] |= UINT64_C(1) << state->bit_of_pixel[i];
    }
}

static uint64_t look_up(const bit_map *map, uint64_t index)
{
    uint64_t result = 0;
    for (int k = 0; k < BYTES_OF_INDEX; k++)
        result |= map->part[k][index >> (8 * k) & 255];
    return result;
}

/* An image of a set as index of the file, and its value. */
typedef struct lit_image {
    uint64_t index;
    double value;
} lit_image;

static int compare_lit(const void *a, const void *b)
{
    uint64_t first = ((const lit_image *)a)->index, second = ((const lit_image *)b)->index;
    return (first > second) - (first < second);
}

static eegpu_status list_images(const eegpu_state *state, eegpu_bit_order order, lit_image **list)
{
    const eg_image_set *images = &state->images;
    eegpu_status status;
    EG_TRY(eg_allocate(state->budget, images->count, sizeof **list, "the indices of the images", list));
    for (uint64_t k = 0; k < images->count; k++) {
        uint64_t index = 0;
        for (int i = 0; i < state->pixels; i++)
            index |= (uint64_t)eg_bit(images->pixels + k * images->words, (uint64_t)i)
                     << (order == EEGPU_MSB ? state->pixels - 1 - i : i);
        (*list)[k] = (lit_image){index, sqrt((double)images->multiplicity[k])};
    }
    qsort(*list, images->count, sizeof **list, compare_lit);
done:
    return status;
}

/* Amplitudes [first, first + count) of the file; `next` is the first of the listed images not yet written. */
static void fill_block(const eegpu_state *state, const bit_map *map, const lit_image *list, uint64_t *next, uint64_t first,
                       uint64_t count, double *block)
{
    uint64_t parts = state->is_complex ? 2 : 1;
    if (state->kind == EG_IMAGES) {
        memset(block, 0, count * sizeof *block);
        for (; *next < state->images.count && list[*next].index < first + count; ++*next)
            block[list[*next].index - first] = list[*next].value;
        return;
    }
    for (uint64_t k = 0; k < count; k++) {
        uint64_t index = look_up(map, first + k);
        if (state->kind == EG_BITS)
            block[k] = eg_bit(state->bits, index);
        else
            memcpy(block + parts * k, state->amplitudes + parts * index, parts * sizeof *block);
    }
}

static eegpu_status write_all(const eegpu_state *state, const bit_map *map, const lit_image *list, FILE *stream)
{
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    static const char *const descr[2][2] = {{">f8", ">c16"}, {"<f8", "<c16"}};
    eegpu_status status;
    double block[2 * BLOCK];
    uint64_t size = UINT64_C(1) << state->pixels, next = 0, parts = state->is_complex ? 2 : 1;
    EG_TRY(eg_npy_write_header(stream, descr[little][state->is_complex], 1, &size));
    for (uint64_t first = 0; first < size; first += BLOCK) {
        uint64_t count = size < BLOCK ? size : BLOCK;
        fill_block(state, map, list, &next, first, count, block);
        if (fwrite(block, parts * sizeof *block, count, stream) != count)
            return eg_fail(EEGPU_IO, "writing amplitudes: %s after %llu of %llu", strerror(errno), (unsigned long long)first,
                           (unsigned long long)size);
    }
done:
    return status;
}

eegpu_status eegpu_state_write(const eegpu_state *state, eegpu_bit_order order, const char *path)
{
    eegpu_status status;
    eg_output output = {0};
    bit_map map;
    lit_image *list = NULL;
    if (state == NULL || path == NULL || (order != EEGPU_MSB && order != EEGPU_LSB))
        return eg_fail(EEGPU_USAGE, "writing amplitudes: state and path must not be NULL, the bit order EEGPU_MSB or EEGPU_LSB");
    if (state->kind == EG_IMAGES && state->pixels > MOST_PIXELS_OF_IMAGES)
        return eg_fail(EEGPU_USAGE,
                       "writing amplitudes to '%s': %dx%d images have 2^%d of them, 2^%d bytes; at most %d pixels are written, "
                       "use a smaller size=HxW",
                       path, state->height, state->width, state->pixels, state->pixels + 3, MOST_PIXELS_OF_IMAGES);
    EG_TRY(eg_output_open(path, &output));
    EG_TRY(eg_output_expect(&output, (UINT64_C(1) << state->pixels) * (state->is_complex ? 16 : 8)));
    if (state->kind == EG_IMAGES)
        EG_TRY(list_images(state, order, &list));
    else
        fill_map(state, order, &map);
    EG_TRY(write_all(state, &map, list, output.stream));
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    eg_release(state->budget, list);
    return status;
}
