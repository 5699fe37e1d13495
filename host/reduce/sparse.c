/* Numbers the distinct sub-images of both sides, merges what is equal, finds the blocks. Hashes only find candidates; every match
 * is compared in full. All numbering is by first occurrence in the sorted set, so that the result depends on the set alone. */
#include "reduce/sparse.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint32_t empty_slot = UINT32_MAX;

/* A hash table from keys, which the caller keeps and compares, to numbers 0, 1, 2, ... */
typedef struct numbering {
    uint32_t *slot;    /* number, or empty_slot */
    uint64_t *hash;    /* of each number */
    uint32_t *example; /* the item that got each number first */
    uint64_t mask, count;
    eg_budget *budget;
} numbering;

typedef bool (*same_key)(const void *context, uint32_t item, uint32_t other);

static void numbering_free(numbering *numbers)
{
    eg_release(numbers->budget, numbers->slot);
    eg_release(numbers->budget, numbers->hash);
    eg_release(numbers->budget, numbers->example);
    *numbers = (numbering){.budget = numbers->budget};
}

static eegpu_status numbering_begin(eg_budget *budget, uint64_t items, numbering *numbers)
{
    uint64_t slots = 16;
    eegpu_status status = EEGPU_OK;
    *numbers = (numbering){.budget = budget};
    while (slots < 2 * items)
        slots *= 2;
    numbers->mask = slots - 1;
    EG_TRY(eg_allocate(budget, slots, sizeof *numbers->slot, "a table of sub-images", &numbers->slot));
    EG_TRY(eg_allocate(budget, items, sizeof *numbers->hash, "a table of sub-images", &numbers->hash));
    EG_TRY(eg_allocate(budget, items, sizeof *numbers->example, "a table of sub-images", &numbers->example));
    memset(numbers->slot, 0xff, slots * sizeof *numbers->slot);
done:
    if (status != EEGPU_OK)
        numbering_free(numbers);
    return status;
}

static uint32_t number_of(numbering *numbers, uint64_t hash, uint32_t item, same_key same, const void *context)
{
    uint64_t at = hash & numbers->mask;
    for (; numbers->slot[at] != empty_slot; at = (at + 1) & numbers->mask) {
        uint32_t number = numbers->slot[at];
        if (numbers->hash[number] == hash && same(context, item, numbers->example[number]))
            return number;
    }
    numbers->slot[at] = (uint32_t)numbers->count;
    numbers->hash[numbers->count] = hash;
    numbers->example[numbers->count] = item;
    return (uint32_t)numbers->count++;
}

/* ---- Sub-images ---- */

typedef struct masked_images {
    const eg_image_set *images;
    uint64_t mask[EG_MAX_PIXELS / 64];
} masked_images;

static bool same_subimage(const void *context, uint32_t item, uint32_t other)
{
    const masked_images *masked = context;
    uint64_t words = masked->images->words, difference = 0;
    const uint64_t *a = masked->images->pixels + item * words, *b = masked->images->pixels + other * words;
    for (uint64_t w = 0; w < words; w++)
        difference |= (a[w] ^ b[w]) & masked->mask[w];
    return difference == 0;
}

static eegpu_status number_subimages(const masked_images *masked, eg_budget *budget, uint32_t *numbers_of_images, uint64_t *count,
                                     uint32_t **examples)
{
    const eg_image_set *images = masked->images;
    uint64_t part[EG_MAX_PIXELS / 64];
    numbering numbers;
    eegpu_status status = numbering_begin(budget, images->count, &numbers);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t k = 0; k < images->count; k++) {
        for (uint64_t w = 0; w < images->words; w++)
            part[w] = images->pixels[k * images->words + w] & masked->mask[w];
        uint64_t hash = XXH3_64bits(part, images->words * sizeof *part);
        numbers_of_images[k] = number_of(&numbers, hash, (uint32_t)k, same_subimage, masked);
    }
    *count = numbers.count;
    EG_TRY(eg_allocate(budget, numbers.count, sizeof **examples, "the sub-images", examples));
    memcpy(*examples, numbers.example, numbers.count * sizeof **examples);
done:
    numbering_free(&numbers);
    return status;
}

eegpu_status eg_sparse_of_cut(const eegpu_state *state, const uint64_t *mask, eg_sparse_matrix *matrix)
{
    const eg_image_set *images = &state->images;
    masked_images a = {.images = images}, b = {.images = images};
    eegpu_status status = EEGPU_OK;
    *matrix = (eg_sparse_matrix){.budget = state->budget, .entries = images->count};
    if (images->count >= empty_slot / 2)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "a cut of %llu images: at most 2^31 can be handled", (unsigned long long)images->count);
    for (uint64_t w = 0; w < images->words; w++) {
        a.mask[w] = mask[w];
        b.mask[w] = ~mask[w]; /* images have no bits past the last pixel */
    }
    EG_TRY(eg_allocate(state->budget, images->count, sizeof *matrix->row, "the rows of a cut", &matrix->row));
    EG_TRY(eg_allocate(state->budget, images->count, sizeof *matrix->column, "the columns of a cut", &matrix->column));
    EG_TRY(eg_allocate(state->budget, images->count, sizeof *matrix->square, "the entries of a cut", &matrix->square));
    EG_TRY(number_subimages(&a, state->budget, matrix->row, &matrix->rows, &matrix->image_of_row));
    EG_TRY(number_subimages(&b, state->budget, matrix->column, &matrix->columns, &matrix->image_of_column));
    memcpy(matrix->square, images->multiplicity, images->count * sizeof *matrix->square);
done:
    if (status != EEGPU_OK)
        eg_sparse_free(matrix);
    return status;
}

void eg_sparse_free(eg_sparse_matrix *matrix)
{
    eg_release(matrix->budget, matrix->row);
    eg_release(matrix->budget, matrix->column);
    eg_release(matrix->budget, matrix->square);
    eg_release(matrix->budget, matrix->image_of_row);
    eg_release(matrix->budget, matrix->image_of_column);
    *matrix = (eg_sparse_matrix){.budget = matrix->budget};
}

/* ---- Equal rows ---- */

/* One line (row or column) of the matrix is a run of (position, square) pairs, ordered by position. The squares are divided by
 * their greatest common divisor: lines that are equal up to a factor are then equal. */
typedef struct line_entry {
    uint64_t position, square;
} line_entry;

typedef struct lines {
    uint64_t *start;   /* count + 1 */
    uint64_t *divisor; /* count */
    line_entry *entry;
} lines;

static bool same_line(const void *context, uint32_t item, uint32_t other)
{
    const lines *all = context;
    uint64_t length = all->start[item + 1] - all->start[item];
    return length == all->start[other + 1] - all->start[other] &&
           memcmp(all->entry + all->start[item], all->entry + all->start[other], length * sizeof *all->entry) == 0;
}

static void lines_free(eg_budget *budget, lines *all)
{
    eg_release(budget, all->start);
    eg_release(budget, all->divisor);
    eg_release(budget, all->entry);
    *all = (lines){0};
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void divide_line(lines *all, uint64_t l)
{
    uint64_t divisor = 0;
    for (uint64_t k = all->start[l]; k < all->start[l + 1] && divisor != 1; k++)
        divisor = common_divisor(all->entry[k].square, divisor);
    for (uint64_t k = all->start[l]; k < all->start[l + 1] && divisor != 1; k++)
        all->entry[k].square /= divisor;
    all->divisor[l] = divisor;
}

static int by_position(const void *left, const void *right)
{
    uint64_t a = ((const line_entry *)left)->position, b = ((const line_entry *)right)->position;
    return a < b ? -1 : a > b;
}

static eegpu_status collect_lines(eg_budget *budget, uint64_t entries, const uint32_t *line, const uint32_t *position,
                                  const uint64_t *square, uint64_t count, lines *all)
{
    eegpu_status status = EEGPU_OK;
    *all = (lines){0};
    EG_TRY(eg_allocate_zero(budget, count + 2, sizeof *all->start, "the lines of a cut", &all->start));
    EG_TRY(eg_allocate(budget, count, sizeof *all->divisor, "the lines of a cut", &all->divisor));
    EG_TRY(eg_allocate(budget, entries, sizeof *all->entry, "the lines of a cut", &all->entry));
    for (uint64_t k = 0; k < entries; k++)
        all->start[line[k] + 2]++;
    for (uint64_t l = 0; l < count; l++)
        all->start[l + 2] += all->start[l + 1];
    for (uint64_t k = 0; k < entries; k++)
        all->entry[all->start[line[k] + 1]++] = (line_entry){position[k], square[k]};
    for (uint64_t l = 0; l < count; l++) {
        qsort(all->entry + all->start[l], all->start[l + 1] - all->start[l], sizeof *all->entry, by_position);
        divide_line(all, l);
    }
done:
    if (status != EEGPU_OK)
        lines_free(budget, all);
    return status;
}

/* Merge lines that are equal up to a factor: the squares of the one that stays count for all. `line` and `position` are row and
 * column, or the other way round. */
static eegpu_status merge_lines(eg_sparse_matrix *matrix, uint32_t *line, uint32_t *position, uint64_t *count,
                                uint32_t *image_of_line)
{
    lines all = {0};
    numbering numbers = {0};
    uint32_t *class = NULL;
    uint64_t *weight = NULL, kept = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(collect_lines(matrix->budget, matrix->entries, line, position, matrix->square, *count, &all));
    EG_TRY(numbering_begin(matrix->budget, *count, &numbers));
    EG_TRY(eg_allocate(matrix->budget, *count, sizeof *class, "the classes of equal rows", &class));
    EG_TRY(eg_allocate_zero(matrix->budget, *count, sizeof *weight, "the classes of equal rows", &weight));
    for (uint64_t l = 0; l < *count; l++) {
        uint64_t hash = XXH3_64bits(all.entry + all.start[l], (all.start[l + 1] - all.start[l]) * sizeof *all.entry);
        class[l] = number_of(&numbers, hash, (uint32_t)l, same_line, &all);
        weight[class[l]] += all.divisor[l];
    }
    for (uint64_t k = 0; k < matrix->entries; k++) {
        uint32_t to = class[line[k]];
        if (numbers.example[to] != line[k])
            continue;
        matrix->square[kept] = matrix->square[k] / all.divisor[line[k]] * weight[to];
        position[kept] = position[k];
        line[kept++] = to;
    }
    matrix->entries = kept;
    for (uint64_t l = 0; l < numbers.count; l++)
        image_of_line[l] = image_of_line[numbers.example[l]];
    *count = numbers.count;
done:
    lines_free(matrix->budget, &all);
    numbering_free(&numbers);
    eg_release(matrix->budget, class);
    eg_release(matrix->budget, weight);
    return status;
}

eegpu_status eg_sparse_merge(eg_sparse_matrix *matrix)
{
    eegpu_status status = merge_lines(matrix, matrix->row, matrix->column, &matrix->rows, matrix->image_of_row);
    if (status == EEGPU_OK)
        status = merge_lines(matrix, matrix->column, matrix->row, &matrix->columns, matrix->image_of_column);
    return status;
}

/* ---- Blocks ---- */

static uint32_t root_of(uint32_t *parent, uint32_t node)
{
    while (parent[node] != node)
        node = parent[node] = parent[parent[node]];
    return node;
}

/* Component numbers 0, 1, ... by first row; nodes are rows, then columns. `number` ends as the component of every node. */
static uint64_t number_components(const eg_sparse_matrix *matrix, uint32_t *parent, uint32_t *number)
{
    uint64_t nodes = matrix->rows + matrix->columns, count = 0;
    for (uint64_t node = 0; node < nodes; node++) {
        parent[node] = (uint32_t)node;
        number[node] = empty_slot;
    }
    for (uint64_t k = 0; k < matrix->entries; k++) {
        uint32_t a = root_of(parent, matrix->row[k]), b = root_of(parent, (uint32_t)matrix->rows + matrix->column[k]);
        if (a != b)
            parent[a > b ? a : b] = a > b ? b : a;
    }
    for (uint64_t node = 0; node < nodes; node++) {
        uint32_t root = root_of(parent, (uint32_t)node);
        if (number[root] == empty_slot)
            number[root] = (uint32_t)count++;
        number[node] = number[root];
    }
    return count;
}

/* Entries into the order of their blocks, stable. */
static eegpu_status group_entries(eg_sparse_matrix *matrix, const uint32_t *number, eg_sparse_blocks *blocks)
{
    uint64_t *at = NULL, *square = NULL;
    uint32_t *row = NULL, *column = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(matrix->budget, blocks->count + 1, sizeof *at, "the order of entries", &at));
    EG_TRY(eg_allocate(matrix->budget, matrix->entries, sizeof *square, "the entries in order", &square));
    EG_TRY(eg_allocate(matrix->budget, matrix->entries, sizeof *row, "the entries in order", &row));
    EG_TRY(eg_allocate(matrix->budget, matrix->entries, sizeof *column, "the entries in order", &column));
    for (uint64_t k = 0; k < matrix->entries; k++)
        blocks->start[number[matrix->row[k]] + 1]++;
    for (uint64_t b = 0; b < blocks->count; b++) {
        blocks->start[b + 1] += blocks->start[b];
        at[b] = blocks->start[b];
    }
    for (uint64_t k = 0; k < matrix->entries; k++) {
        uint64_t to = at[number[matrix->row[k]]]++;
        row[to] = matrix->row[k];
        column[to] = matrix->column[k];
        square[to] = matrix->square[k];
    }
    memcpy(matrix->row, row, matrix->entries * sizeof *row);
    memcpy(matrix->column, column, matrix->entries * sizeof *column);
    memcpy(matrix->square, square, matrix->entries * sizeof *square);
done:
    eg_release(matrix->budget, at);
    eg_release(matrix->budget, square);
    eg_release(matrix->budget, row);
    eg_release(matrix->budget, column);
    return status;
}

/* Rows and columns numbered within their block; `number` becomes that number. */
static void number_within(eg_sparse_matrix *matrix, uint32_t *number, eg_sparse_blocks *blocks)
{
    for (uint64_t r = 0; r < matrix->rows; r++)
        number[r] = blocks->rows[number[r]]++;
    for (uint64_t c = matrix->rows; c < matrix->rows + matrix->columns; c++)
        number[c] = blocks->columns[number[c]]++;
    for (uint64_t k = 0; k < matrix->entries; k++) {
        matrix->row[k] = number[matrix->row[k]];
        matrix->column[k] = number[matrix->rows + matrix->column[k]];
    }
}

static eegpu_status allocate_blocks(eg_budget *budget, uint64_t count, eg_sparse_blocks *blocks)
{
    eegpu_status status = EEGPU_OK;
    *blocks = (eg_sparse_blocks){.budget = budget, .count = count};
    EG_TRY(eg_allocate_zero(budget, count + 1, sizeof *blocks->start, "the blocks", &blocks->start));
    EG_TRY(eg_allocate_zero(budget, count, sizeof *blocks->rows, "the blocks", &blocks->rows));
    EG_TRY(eg_allocate_zero(budget, count, sizeof *blocks->columns, "the blocks", &blocks->columns));
done:
    return status;
}

eegpu_status eg_sparse_whole(const eg_sparse_matrix *matrix, eg_sparse_blocks *blocks)
{
    eegpu_status status = allocate_blocks(matrix->budget, 1, blocks);
    if (status != EEGPU_OK) {
        eg_sparse_blocks_free(blocks);
        return status;
    }
    blocks->start[1] = matrix->entries;
    blocks->rows[0] = (uint32_t)matrix->rows;
    blocks->columns[0] = (uint32_t)matrix->columns;
    return EEGPU_OK;
}

eegpu_status eg_sparse_split(eg_sparse_matrix *matrix, eg_sparse_blocks *blocks)
{
    uint32_t *parent = NULL, *number = NULL;
    uint64_t nodes = matrix->rows + matrix->columns;
    eegpu_status status = EEGPU_OK;
    *blocks = (eg_sparse_blocks){.budget = matrix->budget};
    EG_TRY(eg_allocate(matrix->budget, nodes, sizeof *parent, "the graph of rows and columns", &parent));
    EG_TRY(eg_allocate(matrix->budget, nodes, sizeof *number, "the graph of rows and columns", &number));
    EG_TRY(allocate_blocks(matrix->budget, number_components(matrix, parent, number), blocks));
    EG_TRY(group_entries(matrix, number, blocks));
    number_within(matrix, number, blocks);
done:
    eg_release(matrix->budget, parent);
    eg_release(matrix->budget, number);
    if (status != EEGPU_OK)
        eg_sparse_blocks_free(blocks);
    return status;
}

void eg_sparse_blocks_free(eg_sparse_blocks *blocks)
{
    eg_release(blocks->budget, blocks->start);
    eg_release(blocks->budget, blocks->rows);
    eg_release(blocks->budget, blocks->columns);
    *blocks = (eg_sparse_blocks){.budget = blocks->budget};
}
