/* Symmetries of a lattice, their groups, and orbits of cuts. A group is a set of bits, one for each map that the lattice could
 * have; orbits come from a hash table of masks, in which the images of the first cut of each orbit are looked up. */
#include "cut/symmetry.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"

/* ---- Candidates ---- */

typedef struct point_symmetry {
    const char *name;
    bool transposes, reverses_rows, reverses_columns;
} point_symmetry;

/* The last four need a square. */
static const point_symmetry point_symmetries[] = {
    {"identity", false, false, false},   {"mirror left-right", false, false, true}, {"mirror up-down", false, true, false},
    {"half turn", false, true, true},    {"transpose", true, false, false},         {"anti-transpose", true, true, true},
    {"quarter turn", true, false, true}, {"three-quarter turn", true, true, false},
};
enum { POINT_SYMMETRIES = sizeof point_symmetries / sizeof *point_symmetries, RECTANGLE_SYMMETRIES = 4 };

static int add_shifts(int side, bool rows, eg_symmetry *list, int count)
{
    for (int shift = 1; shift < side; shift++) {
        if (side % shift != 0)
            continue;
        eg_symmetry *added = &list[count++];
        *added = (eg_symmetry){.row_shift = rows ? shift : 0, .column_shift = rows ? 0 : shift};
        snprintf(added->name, sizeof added->name, "shift by %d %s%s", shift, rows ? "row" : "column", shift == 1 ? "" : "s");
    }
    return count;
}

int eg_symmetry_candidates(int height, int width, eg_symmetry *list)
{
    int count = height == width ? POINT_SYMMETRIES : RECTANGLE_SYMMETRIES;
    for (int k = 0; k < count; k++) {
        const point_symmetry *point = &point_symmetries[k];
        list[k] = (eg_symmetry){.transposes = point->transposes,
                                .reverses_rows = point->reverses_rows,
                                .reverses_columns = point->reverses_columns,
                                .row_shift = point->reverses_rows ? height - 1 : 0,
                                .column_shift = point->reverses_columns ? width - 1 : 0};
        snprintf(list[k].name, sizeof list[k].name, "%s", point->name);
    }
    count = add_shifts(height, true, list, count);
    count = add_shifts(width, false, list, count);
    for (int k = 0; k < count; k++) {
        char plain[EG_SYMMETRY_NAME];
        eg_symmetry *exchanged = &list[count + k];
        *exchanged = list[k];
        exchanged->exchanges_colours = true;
        memcpy(plain, list[k].name, sizeof plain);
        snprintf(exchanged->name, sizeof exchanged->name, "%.40s%scolour exchange", k == 0 ? "" : plain, k == 0 ? "" : " with ");
    }
    return 2 * count;
}

/* ---- Maps ---- */

static int moved(int place, bool reverses, int shift, int side) { return ((reverses ? side - place : place) + shift) % side; }

static int image_row(const eg_symmetry *map, int height, int row, int column)
{
    return moved(map->transposes ? column : row, map->reverses_rows, map->row_shift, height);
}

static int image_column(const eg_symmetry *map, int width, int row, int column)
{
    return moved(map->transposes ? row : column, map->reverses_columns, map->column_shift, width);
}

void eg_symmetry_pixels(const eg_symmetry *symmetry, int height, int width, int *image_of_pixel)
{
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
            image_of_pixel[row * width + column] =
                image_row(symmetry, height, row, column) * width + image_column(symmetry, width, row, column);
}

/* First `first`, then `second`. */
static eg_symmetry composed(const eg_symmetry *first, const eg_symmetry *second, int height, int width)
{
    bool swap = second->transposes; /* then `first` has the second coordinate in the place of the first */
    eg_symmetry both = {.exchanges_colours = first->exchanges_colours != second->exchanges_colours,
                        .transposes = first->transposes != second->transposes,
                        .reverses_rows = (swap ? first->reverses_columns : first->reverses_rows) != second->reverses_rows,
                        .reverses_columns = (swap ? first->reverses_rows : first->reverses_columns) != second->reverses_columns};
    both.row_shift = moved(swap ? first->column_shift : first->row_shift, second->reverses_rows, second->row_shift, height);
    both.column_shift = moved(swap ? first->row_shift : first->column_shift, second->reverses_columns, second->column_shift, width);
    return both;
}

/* A number for each map, the same for the same map: on one or two rows, reversing is only a shift. */
static uint64_t code_of(const eg_symmetry *map, int height, int width)
{
    uint64_t kind = (uint64_t)map->exchanges_colours << 3 | (uint64_t)map->transposes << 2;
    kind |= (uint64_t)(map->reverses_rows && height > 2) << 1 | (uint64_t)(map->reverses_columns && width > 2);
    return (kind * (uint64_t)height + (uint64_t)map->row_shift) * (uint64_t)width + (uint64_t)map->column_shift;
}

static eg_symmetry map_of(uint64_t code, int height, int width)
{
    uint64_t h = (uint64_t)height, w = (uint64_t)width, kind = code / (h * w);
    return (eg_symmetry){.exchanges_colours = kind >> 3 & 1,
                         .transposes = kind >> 2 & 1,
                         .reverses_rows = kind >> 1 & 1,
                         .reverses_columns = kind & 1,
                         .row_shift = (int)(code / w % h),
                         .column_shift = (int)(code % w)};
}

/* ---- Groups ---- */

static bool add_member(eg_symmetry_group *group, const eg_symmetry *map)
{
    uint64_t code = code_of(map, group->height, group->width), bit = UINT64_C(1) << (code % 64);
    bool is_new = !(group->members[code / 64] & bit);
    group->members[code / 64] |= bit;
    group->order += is_new;
    return is_new;
}

void eg_symmetry_group_begin(int height, int width, eg_symmetry_group *group)
{
    static const eg_symmetry identity = {.exchanges_colours = false};
    memset(group, 0, sizeof *group);
    group->height = height;
    group->width = width;
    add_member(group, &identity);
}

bool eg_symmetry_group_has(const eg_symmetry_group *group, const eg_symmetry *symmetry)
{
    return eg_bit(group->members, code_of(symmetry, group->height, group->width));
}

void eg_symmetry_group_add(eg_symmetry_group *group, const eg_symmetry *symmetry)
{
    if (eg_symmetry_group_has(group, symmetry))
        return;
    int height = group->height, width = group->width;
    uint64_t codes = 16 * (uint64_t)height * (uint64_t)width;
    group->generators[group->generator_count++] = *symmetry;
    for (bool grows = true; grows;) {
        grows = false;
        for (uint64_t code = 0; code < codes; code++) {
            if (!eg_bit(group->members, code))
                continue;
            eg_symmetry member = map_of(code, height, width);
            for (int k = 0; k < group->generator_count; k++) {
                eg_symmetry product = composed(&member, &group->generators[k], height, width);
                grows |= add_member(group, &product);
            }
        }
    }
}

void eg_symmetry_group_name(eg_symmetry_group *group, const eg_symmetry *list, int count)
{
    eg_symmetry_group named;
    eg_symmetry_group_begin(group->height, group->width, &named);
    group->count = 0;
    for (int k = 0; k < count; k++)
        if (eg_symmetry_group_has(group, &list[k]) && add_member(&named, &list[k]))
            group->candidates[group->count++] = list[k];
}

/* ---- Orbits ---- */

static const uint32_t empty_slot = UINT32_MAX; /* a list has at most 2^29 cuts */
static const double most_work = 4e9;           /* bits moved, in ten seconds or so */

enum { MAX_WORDS = EG_MAX_PIXELS / 64 };

typedef struct orbits {
    const struct eegpu_cuts *cuts;
    uint64_t full[MAX_WORDS]; /* all pixels */
    uint64_t map_count;
    uint16_t *maps;  /* for each map where row 0, 1, ... and column 0, 1, ... begin: pixel r, c goes to the sum of two entries */
    uint32_t *slots; /* numbers of cuts, open addressing */
    uint64_t slot_mask;
} orbits;

/* The side of a cut that has pixel 0 stands for both sides. */
static void normalise(const orbits *search, const uint64_t *mask, uint64_t *side)
{
    bool has_first = mask[0] & 1;
    for (size_t w = 0; w < search->cuts->words; w++)
        side[w] = has_first ? mask[w] : mask[w] ^ search->full[w];
}

static bool same_cut(const orbits *search, const uint64_t *mask, const uint64_t *side)
{
    uint64_t different = 0;
    for (size_t w = 0; w < search->cuts->words; w++)
        different |= (mask[0] & 1 ? mask[w] : mask[w] ^ search->full[w]) ^ side[w];
    return different == 0;
}

/* The slot of the cut with this side, or the empty one where it would be. */
static uint32_t *find_slot(const orbits *search, const uint64_t *side)
{
    uint64_t hash = 0;
    for (size_t w = 0; w < search->cuts->words; w++) {
        hash = (hash ^ side[w]) * 0x9e3779b97f4a7c15; /* odd, from the golden ratio */
        hash ^= hash >> 32;
    }
    uint64_t at = hash * 0x9e3779b97f4a7c15 >> 20 & search->slot_mask;
    while (search->slots[at] != empty_slot && !same_cut(search, eg_cut_mask(search->cuts, search->slots[at]), side))
        at = (at + 1) & search->slot_mask;
    return &search->slots[at];
}

/* Without wrap-around along one side; on one or two rows there is none. */
static bool is_open_along(bool reverses, int shift, int side) { return side <= 2 || shift == (reverses ? side - 1 : 0); }

static bool is_open(const eg_symmetry *map, int height, int width)
{
    return is_open_along(map->reverses_rows, map->row_shift, height) &&
           is_open_along(map->reverses_columns, map->column_shift, width);
}

/* Maps of the group but for the identity, whatever they do to the colours: those take every cut to itself. */
static eegpu_status list_maps(orbits *search, const eg_symmetry_group *group)
{
    eegpu_status status;
    int height = group->height, width = group->width;
    uint64_t codes = 8 * (uint64_t)height * (uint64_t)width, sides = (uint64_t)(height + width);
    double work = (double)group->order * (double)search->cuts->count * search->cuts->pixels;
    EG_TRY(eg_allocate(NULL, group->order * sides, sizeof *search->maps, "the symmetries of the lattice", &search->maps));
    for (uint64_t code = 1; code < codes; code++) {
        eg_symmetry map = map_of(code, height, width);
        if (!eg_bit(group->members, code) && !eg_bit(group->members, code + codes))
            continue;
        if (work > most_work && !is_open(&map, height, width))
            continue;
        uint16_t *row_part = search->maps + sides * search->map_count++, *column_part = row_part + height;
        for (int row = 0; row < height; row++)
            row_part[row] =
                (uint16_t)(map.transposes ? image_column(&map, width, row, 0) : image_row(&map, height, row, 0) * width);
        for (int column = 0; column < width; column++)
            column_part[column] =
                (uint16_t)(map.transposes ? image_row(&map, height, 0, column) * width : image_column(&map, width, 0, column));
    }
done:
    return status;
}

/* Rows and columns of the pixels of the smaller side of a cut. */
static int list_pixels(const orbits *search, size_t cut, uint16_t *rows, uint16_t *columns, bool *take_b)
{
    const struct eegpu_cuts *cuts = search->cuts;
    int count = 0;
    *take_b = 2 * eg_cut_size(cuts, cut) > cuts->pixels;
    for (size_t w = 0; w < cuts->words; w++)
        for (uint64_t left = eg_cut_mask(cuts, cut)[w] ^ (*take_b ? search->full[w] : 0); left != 0; left &= left - 1) {
            int pixel = (int)w * 64 + eg_lowest_bit(left);
            rows[count] = (uint16_t)(pixel / cuts->width);
            columns[count++] = (uint16_t)(pixel % cuts->width);
        }
    return count;
}

/* Give the number of `cut`, the first of its orbit, to all others in it. */
/* Do two masks, one of which is the other or its complement, differ? */
static bool is_turned(const uint64_t *mask, const uint64_t *other) { return (mask[0] ^ other[0]) & 1; }

static void mark_orbit(const orbits *search, size_t cut, int64_t *same_as, bool *turned)
{
    uint16_t rows[EG_MAX_PIXELS], columns[EG_MAX_PIXELS];
    const struct eegpu_cuts *cuts = search->cuts;
    bool take_b = false;
    int count = search->map_count > 0 ? list_pixels(search, cut, rows, columns, &take_b) : 0;
    for (uint64_t k = 0; k < search->map_count; k++) {
        const uint16_t *row_part = search->maps + (uint64_t)(cuts->height + cuts->width) * k,
                       *column_part = row_part + cuts->height;
        uint64_t image[MAX_WORDS];
        memset(image, 0, cuts->words * sizeof *image);
        for (int i = 0; i < count; i++) {
            unsigned pixel = (unsigned)row_part[rows[i]] + column_part[columns[i]];
            image[pixel / 64] |= UINT64_C(1) << (pixel % 64);
        }
        uint64_t side[MAX_WORDS];
        normalise(search, image, side);
        uint32_t found = *find_slot(search, side);
        if (found == empty_slot || found == cut)
            continue;
        same_as[found] = (int64_t)cut;
        if (turned)
            turned[found] = is_turned(image, eg_cut_mask(cuts, found)) != take_b;
    }
}

static eegpu_status make_table(orbits *search)
{
    eegpu_status status;
    uint64_t slots = 64;
    while (slots < 2 * (uint64_t)search->cuts->count)
        slots *= 2;
    EG_TRY(eg_allocate(NULL, slots, sizeof *search->slots, "the table of equivalent cuts", &search->slots));
    memset(search->slots, 0xff, slots * sizeof *search->slots);
    search->slot_mask = slots - 1;
done:
    return status;
}

eegpu_status eg_cuts_orbits(const struct eegpu_cuts *cuts, const eg_symmetry_group *group, int64_t *same_as, bool *turned)
{
    eegpu_status status;
    orbits search = {.cuts = cuts};
    uint64_t side[MAX_WORDS];
    if (cuts->height != group->height || cuts->width != group->width)
        return eg_fail(EEGPU_USAGE,
                       "comparing cuts of a %d x %d lattice by the symmetries of a %d x %d lattice; they must be the same",
                       cuts->height, cuts->width, group->height, group->width);
    for (size_t w = 0; w < cuts->words; w++)
        search.full[w] = eg_low_mask(cuts->pixels - (int)w * 64);
    EG_TRY(make_table(&search));
    EG_TRY(list_maps(&search, group));
    for (size_t i = 0; i < cuts->count; i++) {
        normalise(&search, eg_cut_mask(cuts, i), side);
        uint32_t *slot = find_slot(&search, side);
        same_as[i] = *slot == empty_slot ? -1 : (int64_t)*slot;
        if (turned)
            turned[i] = same_as[i] >= 0 && is_turned(eg_cut_mask(cuts, i), eg_cut_mask(cuts, (size_t)same_as[i]));
        if (*slot == empty_slot)
            *slot = (uint32_t)i;
    }
    for (size_t i = 0; i < cuts->count; i++)
        if (same_as[i] < 0)
            mark_orbit(&search, i, same_as, turned);
    for (size_t i = 0; i < cuts->count; i++) {
        if (same_as[i] < 0 || same_as[same_as[i]] < 0)
            continue;
        if (turned) /* a repeated cut whose first one turned out to be an image */
            turned[i] ^= turned[same_as[i]];
        same_as[i] = same_as[same_as[i]];
    }
done:
    eg_release(NULL, search.maps);
    eg_release(NULL, search.slots);
    return status;
}
