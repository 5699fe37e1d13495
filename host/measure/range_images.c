/* The range of a cut of an image set. Comes in: the state and the mask of A; goes out: the class of every row and column, found by
 * sorting. Lines equal on some pixels are found by sorting too. Only sub-images that occur are lines; none is zero. Called by
 * range.c. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "measure/range_sides.h"

typedef struct order {
    const eg_range_sides *sides;
    int which;
    const uint64_t *near;
} order;

static const uint64_t *image_of(const eg_range_sides *sides, int which, uint64_t line)
{
    const uint32_t *image_of_line = which == 0 ? sides->sparse.image_of_row : sides->sparse.image_of_column;
    return sides->state->images.pixels + image_of_line[line] * sides->state->images.words;
}

static uint64_t line_count(const eg_range_sides *sides, int which)
{
    return which == 0 ? sides->sparse.rows : sides->sparse.columns;
}

static int compare_contents(const void *left, const void *right, void *context)
{
    const order *by = context;
    const uint64_t *start = by->sides->line_start[by->which];
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const uint32_t *place = by->sides->line_place[by->which], *x = place + start[a], *y = place + start[b];
    uint64_t length_a = start[a + 1] - start[a], length_b = start[b + 1] - start[b];
    for (uint64_t k = 0; k < length_a && k < length_b; k++)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return length_a < length_b ? -1 : length_a > length_b;
}

static int compare_near(const void *left, const void *right, void *context)
{
    const order *by = context;
    const uint64_t *a = image_of(by->sides, by->which, *(const uint32_t *)left);
    const uint64_t *b = image_of(by->sides, by->which, *(const uint32_t *)right);
    for (uint64_t w = 0; w < by->sides->state->images.words; w++)
        if ((a[w] ^ b[w]) & by->near[w])
            return (a[w] & by->near[w]) < (b[w] & by->near[w]) ? -1 : 1;
    return 0;
}

/* The numbers 0 .. count - 1 in the order of `compare`. */
static eegpu_status sorted_lines(order *by, int (*compare)(const void *, const void *, void *), uint32_t **lines)
{
    uint64_t count = line_count(by->sides, by->which);
    eegpu_status status = eg_allocate(by->sides->state->budget, count, sizeof **lines, "the rows of a cut in order", lines);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t i = 0; i < count; i++)
        (*lines)[i] = (uint32_t)i;
    qsort_r(*lines, count, sizeof **lines, compare, by);
    return EEGPU_OK;
}

/* Are lines that are equal on the pixels `near` of one class? If so, how many restrictions there are; else two lines for which it
 * is not so (line_one and line_two stay as they were if it holds). */
static eegpu_status test_images(const eg_range_sides *sides, int which, const uint64_t *near, bool *holds, uint64_t *classes,
                                uint64_t *line_one, uint64_t *line_two)
{
    order by = {sides, which, near};
    uint32_t *lines = NULL;
    eegpu_status status = EEGPU_OK;
    *holds = true;
    *classes = 1;
    EG_TRY(sorted_lines(&by, compare_near, &lines));
    for (uint64_t i = 1; i < line_count(sides, which) && *holds; i++) {
        if (compare_near(&lines[i - 1], &lines[i], &by) != 0) {
            ++*classes;
        } else if (sides->class_of_line[which][lines[i - 1]] != sides->class_of_line[which][lines[i]]) {
            *holds = false;
            *line_one = lines[i - 1];
            *line_two = lines[i];
        }
    }
done:
    eg_release(sides->state->budget, lines);
    return status;
}

static bool has_place(const eg_range_sides *sides, int which, uint64_t line, uint32_t place)
{
    for (uint64_t k = sides->line_start[which][line]; k < sides->line_start[which][line + 1]; k++)
        if (sides->line_place[which][k] == place)
            return true;
    return false;
}

static void copy_side(const eg_range_sides *sides, int which, uint64_t line, uint64_t *image)
{
    const uint64_t *words = image_of(sides, which, line);
    for (int pixel = 0; pixel < sides->state->pixels; pixel++)
        if (eg_bit(sides->mask, (uint64_t)pixel) == (which == 0) && eg_bit(words, (uint64_t)pixel))
            image[pixel / 64] |= UINT64_C(1) << pixel % 64;
}

static void show_images(const eg_range_sides *sides, int which, uint64_t line_one, uint64_t line_two, eg_range_side *side)
{
    for (int turn = 0; turn < 2; turn++) { /* one of them has a place that the other has not */
        uint64_t one = turn == 0 ? line_one : line_two, two = turn == 0 ? line_two : line_one;
        for (uint64_t k = sides->line_start[which][one]; k < sides->line_start[which][one + 1]; k++) {
            uint32_t place = sides->line_place[which][k];
            if (has_place(sides, which, two, place))
                continue;
            copy_side(sides, which, one, side->one);
            copy_side(sides, which, two, side->two);
            copy_side(sides, !which, place, side->other);
            return;
        }
    }
}

/* The pair that fails last, at r - 1, is the example. */
static eegpu_status search_images(eg_range_sides *sides, int which, eg_range_side *side)
{
    uint64_t near[EG_MAX_PIXELS / 64], one = 0, two = 0;
    bool holds = false;
    eegpu_status status = EEGPU_OK;
    for (side->r = 1;; side->r++) {
        (void)eg_range_near_pixels(sides, which, side->r, near);
        EG_TRY(eg_progress_add(sides->progress, 0));
        EG_TRY(test_images(sides, which, near, &holds, &side->classes, &one, &two));
        if (holds || side->r >= side->depth)
            break;
    }
    if (side->r > 1)
        show_images(sides, which, one, two, side);
done:
    return status;
}

/* Where each line has its ones, ascending; the order of entries within a line comes from going through the other side first. */
static eegpu_status list_places(eg_range_sides *sides, int which)
{
    const eg_sparse_matrix *matrix = &sides->sparse;
    const uint32_t *line = which == 0 ? matrix->row : matrix->column, *place = which == 0 ? matrix->column : matrix->row;
    uint64_t lines = line_count(sides, which), places = line_count(sides, !which), *place_start = NULL;
    uint32_t *by_place = NULL;
    eg_budget *budget = sides->state->budget;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate_zero(budget, lines + 2, sizeof(uint64_t), "the rows of a cut", &sides->line_start[which]));
    EG_TRY(eg_allocate(budget, matrix->entries, sizeof(uint32_t), "the rows of a cut", &sides->line_place[which]));
    EG_TRY(eg_allocate_zero(budget, places + 2, sizeof *place_start, "the columns of a cut", &place_start));
    EG_TRY(eg_allocate(budget, matrix->entries, sizeof *by_place, "the columns of a cut", &by_place));
    uint64_t *line_start = sides->line_start[which];
    for (uint64_t k = 0; k < matrix->entries; k++) {
        place_start[place[k] + 2]++;
        line_start[line[k] + 2]++;
    }
    for (uint64_t i = 2; i < places + 2; i++)
        place_start[i] += place_start[i - 1];
    for (uint64_t i = 2; i < lines + 2; i++)
        line_start[i] += line_start[i - 1];
    for (uint64_t k = 0; k < matrix->entries; k++)
        by_place[place_start[place[k] + 1]++] = (uint32_t)k;
    for (uint64_t k = 0; k < matrix->entries; k++)
        sides->line_place[which][line_start[line[by_place[k]] + 1]++] = place[by_place[k]];
done:
    eg_release(budget, place_start);
    eg_release(budget, by_place);
    return status;
}

static eegpu_status number_lines(eg_range_sides *sides, int which)
{
    order by = {sides, which, NULL};
    uint32_t *lines = NULL;
    uint64_t count = line_count(sides, which);
    eegpu_status status = EEGPU_OK;
    EG_TRY(list_places(sides, which));
    EG_TRY(eg_allocate(sides->state->budget, count, sizeof(uint32_t), "the classes of the rows of a cut",
                       &sides->class_of_line[which]));
    EG_TRY(sorted_lines(&by, compare_contents, &lines));
    for (uint64_t i = 0; i < count; i++) {
        sides->distinct[which] += i == 0 || compare_contents(&lines[i - 1], &lines[i], &by) != 0;
        sides->class_of_line[which][lines[i]] = (uint32_t)(sides->distinct[which] - 1);
    }
done:
    eg_release(sides->state->budget, lines);
    return status;
}

/* Splitting changes the entries, so it has a matrix of its own. */
static eegpu_status count_blocks(eg_range_sides *sides)
{
    eg_sparse_matrix matrix = {0};
    eg_sparse_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_sparse_of_cut(sides->state, sides->mask, &matrix));
    EG_TRY(eg_sparse_split(&matrix, &blocks));
    sides->blocks = blocks.count;
done:
    eg_sparse_blocks_free(&blocks);
    eg_sparse_free(&matrix);
    return status;
}

eegpu_status eg_range_sides_of_images(eg_range_sides *sides)
{
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_sparse_of_cut(sides->state, sides->mask, &sides->sparse));
    for (int which = 0; which < 2; which++)
        EG_TRY(number_lines(sides, which));
    if (sides->blocks == 0)
        EG_TRY(count_blocks(sides));
    sides->search = search_images;
done:
    return status;
}

void eg_range_sides_free(eg_range_sides *sides)
{
    for (int which = 0; which < 2; which++) {
        eg_release(sides->state->budget, sides->class_of_line[which]);
        eg_release(sides->state->budget, sides->line_start[which]);
        eg_release(sides->state->budget, sides->line_place[which]);
    }
    eg_sparse_free(&sides->sparse);
}
