/* Files of regions. Comes in: text, one region a line, or .npy masks of shape (n,H,W). Goes out: the regions in their order,
 * as they stand. Called for a --cuts that is no family. A region must be a cut: neither empty nor everything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/file.h"
#include "cut/cut.h"
#include "state/npy.h"
#include "state/state.h"

enum { MAX_WORDS = EG_MAX_PIXELS / 64, NPY_FIRST_BYTE = 0x93 };

static const char separators[] = " \t,\r\n";

/* A region that was read, of `size` pixels; `place` names it in messages. */
static eegpu_status add_region(struct eegpu_cuts *cuts, const uint64_t *mask, int size, int max_size, const char *place)
{
    if (size == 0)
        return eg_fail(EEGPU_BAD_INPUT, "%s: the region is empty; a cut needs at least one pixel in A", place);
    if (size == cuts->pixels)
        return eg_fail(EEGPU_BAD_INPUT, "%s: the region is the whole %d x %d lattice; a cut needs at least one pixel in B", place,
                       cuts->height, cuts->width);
    return eg_cut_allowed(cuts, size, max_size) ? eg_cuts_append(cuts, mask) : EEGPU_OK;
}

/* ---- Text ---- */

/* A pixel number of `length` characters; -1 if it is none of the lattice's. */
static int read_pixel(const char *text, size_t length, int pixels)
{
    int pixel = 0;
    for (size_t i = 0; i < length && pixel >= 0; i++) {
        pixel = text[i] >= '0' && text[i] <= '9' ? 10 * pixel + (text[i] - '0') : -1;
        pixel = pixel < pixels ? pixel : -1;
    }
    return pixel;
}

static eegpu_status read_region(struct eegpu_cuts *cuts, char *line, int max_size, const char *place)
{
    uint64_t mask[MAX_WORDS] = {0};
    int size = 0;
    line[strcspn(line, "#")] = '\0';
    if (line[strspn(line, " \t\r\n")] == '\0')
        return EEGPU_OK;
    for (char *word = line + strspn(line, separators); *word != '\0'; word += strspn(word, separators)) {
        size_t length = strcspn(word, separators);
        int pixel = read_pixel(word, length, cuts->pixels);
        if (pixel < 0)
            return eg_fail(EEGPU_BAD_INPUT,
                           "%s: '%.*s' is not a pixel of a %d x %d lattice; expected numbers from 0 to %d separated by blanks, one "
                           "region a line",
                           place, (int)(length < 40 ? length : 40), word, cuts->height, cuts->width, cuts->pixels - 1);
        if (eg_bit(mask, (uint64_t)pixel))
            return eg_fail(EEGPU_BAD_INPUT, "%s: pixel %d is named twice", place, pixel);
        mask[pixel / 64] |= UINT64_C(1) << pixel % 64;
        size++;
        word += length;
    }
    return add_region(cuts, mask, size, max_size, place);
}

static eegpu_status read_text(struct eegpu_cuts *cuts, FILE *stream, const char *path, int max_size)
{
    char *line = NULL, place[EG_MESSAGE_SIZE];
    size_t room = 0, regions = 0;
    ssize_t length;
    eegpu_status status = EEGPU_OK;
    for (unsigned long number = 1; (length = getline(&line, &room, stream)) >= 0; number++) {
        snprintf(place, sizeof place, "%s:%lu", path, number);
        if (strlen(line) != (size_t)length)
            EG_TRY(
                eg_fail(EEGPU_BAD_INPUT, "%s: not a text file; expected pixel numbers separated by blanks, or .npy masks", place));
        size_t blanks = strspn(line, " \t\r\n");
        regions += line[blanks] != '\0' && line[blanks] != '#';
        EG_TRY(read_region(cuts, line, max_size, place));
    }
    if (!feof(stream))
        EG_TRY(eg_fail(EEGPU_IO, "cannot read '%s': %s", path, strerror(errno)));
    if (regions == 0)
        EG_TRY(
            eg_fail(EEGPU_BAD_INPUT, "'%s' contains no region; expected one a line, as pixel numbers separated by blanks", path));
done:
    free(line);
    return status;
}

/* ---- Masks ---- */

/* 0 or 1; -1 for any other number. */
static int read_element(const eg_npy *array, uint64_t index)
{
    const unsigned char *bytes = array->data + index * (uint64_t)array->item_size;
    int ones_place = array->swapped ? array->item_size - 1 : 0, value = bytes[ones_place];
    for (int i = 0; i < array->item_size; i++)
        if (i != ones_place && bytes[i] != 0)
            return -1;
    return value <= 1 ? value : -1;
}

static eegpu_status read_mask(struct eegpu_cuts *cuts, const eg_npy *array, uint64_t number, int max_size, const char *place)
{
    uint64_t mask[MAX_WORDS] = {0}, regions = array->count / (uint64_t)cuts->pixels;
    int size = 0;
    for (int pixel = 0; pixel < cuts->pixels; pixel++) {
        uint64_t row = (uint64_t)(pixel / cuts->width), column = (uint64_t)(pixel % cuts->width);
        uint64_t index = number * (uint64_t)cuts->pixels + (uint64_t)pixel;
        if (array->fortran_order)
            index = number + regions * (row + (uint64_t)cuts->height * column);
        int value = read_element(array, index);
        if (value < 0)
            return eg_fail(EEGPU_BAD_INPUT, "%s: pixel %d is neither 0 nor 1", place, pixel);
        mask[pixel / 64] |= (uint64_t)value << pixel % 64;
        size += value;
    }
    return add_region(cuts, mask, size, max_size, place);
}

static eegpu_status read_masks(struct eegpu_cuts *cuts, const char *path, int max_size)
{
    char place[EG_MESSAGE_SIZE];
    eg_mapping mapping = {0};
    eg_npy array = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_map_file(path, &mapping));
    EG_TRY(eg_npy_parse(&mapping, path, &array));
    if (strchr("bui", array.kind) == NULL)
        EG_TRY(eg_fail(EEGPU_BAD_INPUT, "regions '%s': expected bool or integer masks of 0 and 1; save mask.astype(bool)", path));
    if (array.axes != 3 || array.shape[1] != (uint64_t)cuts->height || array.shape[2] != (uint64_t)cuts->width)
        EG_TRY(eg_fail(EEGPU_BAD_INPUT, "regions '%s': expected masks of shape (n, %d, %d), found %d axes%s", path, cuts->height,
                       cuts->width, array.axes, array.axes == 3 ? " of other lengths" : ""));
    if (array.count == 0)
        EG_TRY(eg_fail(EEGPU_BAD_INPUT, "'%s' contains no region; expected masks of shape (n, %d, %d)", path, cuts->height,
                       cuts->width));
    for (uint64_t number = 0; number < array.shape[0]; number++) {
        snprintf(place, sizeof place, "%s, mask %llu", path, (unsigned long long)number);
        EG_TRY(read_mask(cuts, &array, number, max_size, place));
    }
done:
    eg_unmap(&mapping);
    return status;
}

eegpu_status eg_cuts_read_file(struct eegpu_cuts *cuts, const char *path, int max_size)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return eg_fail(EEGPU_IO, "cannot read regions from '%s': %s", path, strerror(errno));
    int first = fgetc(stream);
    if (first != EOF)
        ungetc(first, stream);
    eegpu_status status = first == NPY_FIRST_BYTE ? read_masks(cuts, path, max_size) : read_text(cuts, stream, path, max_size);
    fclose(stream);
    return status;
}
