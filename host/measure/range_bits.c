/* The lines of a cut of a 0/1 function held as 2^N bits. Comes in: the state and the mask of A; goes out: the class of every row and column.
 * A line's number is its sub-image, so that lines equal on some pixels are the numbers that share those bits. Called by range.c. */
#include "base/bits.h"
#include "measure/range_sides.h"
#include "reduce/bit_matrix.h"

/* The pixels of a mask of the lattice as bits of a line's number. */
static uint64_t line_bits_of(const eg_range_sides *sides, int which, const uint64_t *pixels)
{
    uint64_t bits = 0;
    for (int i = 0; i < sides->line_bits[which]; i++)
        bits |= (uint64_t)eg_bit(pixels, (uint64_t)sides->pixel_of_bit[which][i]) << i;
    return bits;
}

static eegpu_status test_bits(const eg_range_sides *sides, int which, const uint64_t *near, bool *holds, uint64_t *classes,
                              uint64_t *line_one, uint64_t *line_two)
{
    const uint32_t *class_of_line = sides->class_of_line[which];
    uint64_t kept = line_bits_of(sides, which, near), rest = eg_low_mask(sides->line_bits[which]) & ~kept;
    *classes = 0;
    *holds = false;
    for (uint64_t on = 0;;) {
        uint64_t first = 0;
        uint32_t class = EG_ZERO_VECTOR;
        for (uint64_t off = 0;;) {
            uint32_t here = class_of_line[on | off];
            if (here != EG_ZERO_VECTOR && class == EG_ZERO_VECTOR) {
                class = here;
                first = on | off;
            } else if (here != EG_ZERO_VECTOR && here != class) {
                *line_one = first;
                *line_two = on | off;
                return EEGPU_OK;
            }
            off = (off - rest) & rest; /* the next of the numbers that have only these bits */
            if (off == 0)
                break;
        }
        *classes += class != EG_ZERO_VECTOR;
        on = (on - kept) & kept;
        if (on == 0)
            break;
    }
    *holds = true;
    return EEGPU_OK;
}

static uint64_t index_of_line(const eg_range_sides *sides, int which, uint64_t line)
{
    uint64_t index = 0;
    for (int i = 0; i < sides->line_bits[which]; i++)
        index |= (line >> i & 1) << sides->state->bit_of_pixel[sides->pixel_of_bit[which][i]];
    return index;
}

static void image_of_line(const eg_range_sides *sides, int which, uint64_t line, uint64_t *image)
{
    for (int i = 0; i < sides->line_bits[which]; i++)
        image[0] |= (line >> i & 1) << sides->pixel_of_bit[which][i];
}

/* The first image of the other side where the two differ; `one` is the line with the 1. */
static void show_bits(const eg_range_sides *sides, int which, uint64_t line_one, uint64_t line_two, eg_range_side *side)
{
    const uint64_t *bits = sides->state->bits;
    uint64_t one = index_of_line(sides, which, line_one), two = index_of_line(sides, which, line_two), other = 0;
    uint64_t count = UINT64_C(1) << sides->line_bits[!which];
    for (other = 0; other < count; other++) {
        uint64_t index = index_of_line(sides, !which, other);
        if (eg_bit(bits, one | index) != eg_bit(bits, two | index)) {
            bool first_has_it = eg_bit(bits, one | index);
            image_of_line(sides, which, first_has_it ? line_one : line_two, side->one);
            image_of_line(sides, which, first_has_it ? line_two : line_one, side->two);
            image_of_line(sides, !which, other, side->other);
            return;
        }
    }
}

static eegpu_status number_lines(eg_range_sides *sides, const eg_columns *whole, int which)
{
    const eegpu_state *state = sides->state;
    uint64_t all = eg_low_mask(state->pixels), pixels = which == 0 ? sides->mask[0] & all : ~sides->mask[0] & all;
    eg_columns columns = {0};
    eg_bit_matrix matrix = {0};
    eg_bit_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_columns_derive(whole, pixels, state->budget, NULL, &columns));
    sides->line_bits[which] = columns.size;
    for (int i = 0; i < columns.size; i++)
        sides->pixel_of_bit[which][i] = columns.pixel_of_bit[i];
    EG_TRY(eg_allocate(state->budget, UINT64_C(1) << columns.size, sizeof(uint32_t), "the classes of the rows of a cut",
                       &sides->class_of_line[which]));
    EG_TRY(eg_bit_matrix_of_columns(&columns, state->budget, sides->class_of_line[which], &matrix));
    sides->distinct[which] = matrix.rows;
    if (which == 0) {
        EG_TRY(eg_bit_matrix_split(&matrix, &blocks));
        sides->blocks = blocks.count;
    }
done:
    eg_bit_blocks_free(&blocks);
    eg_bit_matrix_free(&matrix);
    eg_columns_free(&columns);
    return status;
}

eegpu_status eg_range_sides_of_bits(eg_range_sides *sides)
{
    uint64_t weight_of_one = 1;
    eg_columns whole;
    eegpu_status status = EEGPU_OK;
    eg_columns_of_state(sides->state, &weight_of_one, &whole);
    for (int which = 0; which < 2; which++)
        EG_TRY(number_lines(sides, &whole, which));
    sides->test = test_bits;
    sides->show = show_bits;
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
