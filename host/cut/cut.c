/* A list of cuts. Comes in: a lattice, and a family, a file or a list of pixels. Goes out: masks that are neither empty nor
 * everything, and their geometry. Called by the public functions and by every stage that walks over cuts. The families
 * themselves are in families.c. */
#include "cut/cut.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/memory.h"
#include "base/text.h"
#include "state/state.h"

static const uint64_t max_bytes = UINT64_C(4) << 30, few_bytes = UINT64_C(64) << 20;

eegpu_status eg_cuts_reserve(struct eegpu_cuts *cuts, size_t count)
{
    char need[24];
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)cuts->words * sizeof(uint64_t), &bytes) || bytes > max_bytes)
        return eg_fail(EEGPU_USAGE,
                       "%zu or more cuts '%s' of a %d x %d lattice are too many: the list would take more than %s; limit them with "
                       "--max-size, or use the family lines or a file of regions",
                       count, cuts->family, cuts->height, cuts->width, eg_bytes_text(max_bytes, need));
    if (count <= cuts->capacity)
        return EEGPU_OK;
    uint64_t *masks = bytes > few_bytes && bytes > eg_memory_available() ? NULL : realloc(cuts->masks, bytes);
    if (masks == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY,
                       "no room for a list of %zu cuts '%s' of a %d x %d lattice: it needs %s; limit them with --max-size, or use "
                       "the family lines or a file of regions",
                       count, cuts->family, cuts->height, cuts->width, eg_bytes_text(bytes, need));
    cuts->masks = masks;
    cuts->capacity = count;
    return EEGPU_OK;
}

eegpu_status eg_cuts_append(struct eegpu_cuts *cuts, const uint64_t *mask)
{
    size_t most = max_bytes / (cuts->words * sizeof *mask), wanted = cuts->count + 1;
    if (wanted > cuts->capacity) {
        size_t twice = cuts->capacity > most / 2 ? most : 2 * cuts->capacity + 16;
        eegpu_status status = eg_cuts_reserve(cuts, twice > wanted ? twice : wanted);
        if (status != EEGPU_OK)
            return status;
    }
    memcpy(cuts->masks + cuts->count * cuts->words, mask, cuts->words * sizeof *mask);
    cuts->count++;
    return EEGPU_OK;
}

/* An empty list for a lattice that has cuts. */
static eegpu_status make_list(int height, int width, const char *family, eegpu_cuts **result)
{
    if (height < 1 || width < 1 || height > EG_MAX_PIXELS || width > EG_MAX_PIXELS || height * width > EG_MAX_PIXELS)
        return eg_fail(EEGPU_USAGE, "a lattice of %d x %d pixels cannot be used; expected at least 1 and at most %d pixels", height,
                       width, EG_MAX_PIXELS);
    if (height * width == 1)
        return eg_fail(EEGPU_USAGE, "a lattice of one pixel has no cut: both A and its complement B need at least one pixel");
    eegpu_cuts *cuts = calloc(1, sizeof *cuts);
    if (cuts == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for a list of cuts");
    cuts->height = height;
    cuts->width = width;
    cuts->pixels = height * width;
    cuts->words = ((size_t)cuts->pixels + 63) / 64;
    snprintf(cuts->family, sizeof cuts->family, "%s", family);
    *result = cuts;
    return EEGPU_OK;
}

/* Neither the name of a family nor a file. */
static eegpu_status unknown_family(const char *name)
{
    char nearest[128], known[256] = "";
    size_t count, used = 0;
    const eg_cut_family *families = eg_cut_families(&count);
    for (size_t i = 0; i < count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", families[i].name);
    eg_did_you_mean(name, families, count, sizeof *families, nearest, sizeof nearest);
    return eg_fail(EEGPU_USAGE, "cuts '%s': neither a family (%s) nor a file of regions that exists%s", name, known, nearest);
}

static eegpu_status fill_list(eegpu_cuts *cuts, const char *family, int max_size)
{
    struct stat file;
    size_t count;
    const eg_cut_family *families = eg_cut_families(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(families[i].name, family) == 0)
            return families[i].generate(cuts, max_size);
    if (stat(family, &file) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
        return unknown_family(family);
    return eg_cuts_read_file(cuts, family, max_size);
}

eegpu_status eegpu_cuts_create(int height, int width, const char *family, int max_size, eegpu_cuts **cuts)
{
    eegpu_cuts *list = NULL;
    eegpu_status status = EEGPU_OK;
    *cuts = NULL;
    if (family == NULL)
        family = "contiguous";
    if (max_size < 0)
        return eg_fail(EEGPU_USAGE, "a largest size of %d pixels cannot be used; expected at least 1, or 0 for no limit", max_size);
    EG_TRY(make_list(height, width, family, &list));
    EG_TRY(fill_list(list, family, max_size));
    if (list->count == 0)
        EG_TRY(eg_fail(EEGPU_USAGE,
                       "cuts '%s' of a %d x %d lattice: none has a side of at most %d pixels; allow a larger --max-size", family,
                       height, width, max_size));
    *cuts = list;
    list = NULL;
done:
    eegpu_cuts_free(list);
    return status;
}

eegpu_status eg_cuts_add(int height, int width, const uint64_t *mask, struct eegpu_cuts **cuts)
{
    eegpu_status status = *cuts == NULL ? make_list(height, width, "pixels", cuts) : EEGPU_OK;
    return status == EEGPU_OK ? eg_cuts_append(*cuts, mask) : status;
}

eegpu_status eegpu_cuts_from_pixels(int height, int width, const int *pixels, int count, eegpu_cuts **cuts)
{
    eegpu_cuts *list = NULL;
    uint64_t mask[EG_MAX_PIXELS / 64] = {0};
    eegpu_status status = EEGPU_OK;
    *cuts = NULL;
    EG_TRY(make_list(height, width, "pixels", &list));
    if (count < 1 || count >= list->pixels)
        EG_TRY(eg_fail(EEGPU_USAGE,
                       "a region of %d pixels on a %d x %d lattice is no cut: both A and its complement B need at least one pixel",
                       count, height, width));
    for (int i = 0; i < count; i++) {
        if (pixels[i] < 0 || pixels[i] >= list->pixels)
            EG_TRY(eg_fail(EEGPU_USAGE, "pixel %d lies outside a %d x %d lattice, whose pixels are 0 to %d", pixels[i], height,
                           width, list->pixels - 1));
        if (eg_bit(mask, (uint64_t)pixels[i]))
            EG_TRY(eg_fail(EEGPU_USAGE, "pixel %d is named twice in a region", pixels[i]));
        mask[pixels[i] / 64] |= UINT64_C(1) << pixels[i] % 64;
    }
    EG_TRY(eg_cuts_append(list, mask));
    *cuts = list;
    list = NULL;
done:
    eegpu_cuts_free(list);
    return status;
}

void eegpu_cuts_free(eegpu_cuts *cuts)
{
    if (cuts != NULL)
        free(cuts->masks);
    free(cuts);
}

size_t eegpu_cuts_count(const eegpu_cuts *cuts) { return cuts->count; }

int eegpu_cuts_pixels(const eegpu_cuts *cuts, size_t cut, int *pixels)
{
    int count = 0;
    for (size_t word = 0; cut < cuts->count && word < cuts->words; word++)
        for (uint64_t rest = eg_cut_mask(cuts, cut)[word]; rest != 0; rest &= rest - 1)
            pixels[count++] = (int)(word * 64) + eg_lowest_bit(rest);
    return count;
}

int eg_cut_size(const struct eegpu_cuts *cuts, size_t cut)
{
    int size = 0;
    for (size_t word = 0; word < cuts->words; word++)
        size += eg_popcount(eg_cut_mask(cuts, cut)[word]);
    return size;
}

void eg_cut_geometry(const struct eegpu_cuts *cuts, size_t cut, int *boundary, int *bonds)
{
    static const struct {
        int row, column;
    } steps[] = {{-1, 0}, {0, -1}, {0, 1}, {1, 0}};
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    *boundary = *bonds = 0;
    for (int pixel = 0; pixel < cuts->pixels; pixel++) {
        int in_complement = 0;
        for (size_t i = 0; eg_bit(mask, (uint64_t)pixel) && i < sizeof steps / sizeof *steps; i++) {
            int row = pixel / cuts->width + steps[i].row, column = pixel % cuts->width + steps[i].column;
            bool inside = row >= 0 && row < cuts->height && column >= 0 && column < cuts->width;
            in_complement += inside && !eg_bit(mask, (uint64_t)(row * cuts->width + column));
        }
        *bonds += in_complement;
        *boundary += in_complement > 0;
    }
}

/* ---- Regions that are there twice ---- */

typedef struct numbered_mask {
    const uint64_t *mask;
    size_t words, cut;
} numbered_mask;

static int compare_masks(const void *left, const void *right)
{
    const numbered_mask *a = left, *b = right;
    int order = memcmp(a->mask, b->mask, a->words * sizeof *a->mask);
    return order != 0 ? order : (a->cut > b->cut) - (a->cut < b->cut);
}

eegpu_status eg_cuts_find_repeated(const struct eegpu_cuts *cuts, size_t *first, size_t *second)
{
    numbered_mask *sorted = NULL;
    eegpu_status status = EEGPU_OK;
    *first = *second = 0;
    EG_TRY(eg_allocate(NULL, cuts->count, sizeof *sorted, "the regions in order", &sorted));
    for (size_t i = 0; i < cuts->count; i++)
        sorted[i] = (numbered_mask){eg_cut_mask(cuts, i), cuts->words, i};
    qsort(sorted, cuts->count, sizeof *sorted, compare_masks);
    for (size_t i = 1; i < cuts->count && *second == 0; i++)
        if (memcmp(sorted[i - 1].mask, sorted[i].mask, cuts->words * sizeof *cuts->masks) == 0) {
            *first = sorted[i - 1].cut;
            *second = sorted[i].cut;
        }
done:
    eg_release(NULL, sorted);
    return status;
}
