/* Built-in 0/1 functions of the shapes that the lit pixels form: loops, connected, runs, and dyck words on the chain of all
 * pixels. In come the planes of 512 images, out go their labels. Boundaries are open. Called through the rows at the end. */
#include <string.h>

#include "state/functions.h"

/* ---- loops ------------------------------------------------------------------------------------------------------- */

enum { LOOPS_CHECKERBOARD, LOOPS_PIXEL };

static inline void checkerboard_loops(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    eg_wide odd = {0};
    for (int row = 0; row + 1 < call->height; row++)
        for (int column = row % 2; column + 1 < call->width; column += 2) {
            const eg_wide *corner = plane + row * call->width + column, *below = corner + call->width;
            odd |= corner[0] ^ corner[1] ^ below[0] ^ below[1];
        }
    *result = ~odd;
}

static inline void pixel_loops(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    static const eg_wide dark = {0};
    int height = call->height, width = call->width;
    eg_wide bad = {0};
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            const eg_wide *pixel = plane + row * width + column;
            const eg_wide *neighbour[4] = {row > 0 ? pixel - width : &dark, row + 1 < height ? pixel + width : &dark,
                                           column > 0 ? pixel - 1 : &dark, column + 1 < width ? pixel + 1 : &dark};
            eg_wide one = {0}, two = {0}, three = {0}; /* at least so many neighbours are lit */
            for (int n = 0; n < 4; n++) {
                three |= two & *neighbour[n];
                two |= one & *neighbour[n];
                one |= *neighbour[n];
            }
            bad |= *pixel & ~(two & ~three);
        }
    *result = ~bad;
}

static void slice_loops(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    if (call->value[0].choice == LOOPS_PIXEL)
        pixel_loops(call, plane, result);
    else
        checkerboard_loops(call, plane, result);
}

/* ---- connected --------------------------------------------------------------------------------------------------- */

/* A lattice with a dark rim, so that every pixel has all its neighbours: at most 3 x 42 places. */
enum { RIMMED_PLACES = 3 * (EG_MAX_DENSE_PIXELS + 2) };

static inline bool any_set(const eg_wide *wide)
{
    uint64_t any = 0;
    for (int word = 0; word < EG_WIDE_WORDS; word++)
        any |= (*wide)[word];
    return any != 0;
}

/* Spread from the neighbours that come before a pixel, going forward (step 1) or backward (step -1) through the lattice.
 * Returns whether anything new was reached. */
static inline bool sweep(const eg_function_call *call, const eg_wide *plane, eg_wide *reached, int step, bool diagonal)
{
    int stride = call->width + 2;
    int i = step > 0 ? 0 : call->pixels - 1;
    eg_wide *place = reached + (step > 0 ? stride + 1 : call->height * stride + call->width);
    eg_wide changed = {0};
    for (int row = 0; row < call->height; row++, place += 2 * step)
        for (int column = 0; column < call->width; column++, place += step, i += step) {
            eg_wide before = place[-step] | place[-step * stride];
            if (diagonal)
                before |= place[-step * (stride - 1)] | place[-step * (stride + 1)];
            eg_wide now = *place | (plane[i] & before);
            changed |= now ^ *place;
            *place = now;
        }
    return any_set(&changed);
}

/* Flood from the first lit pixel of each image until a sweep reaches nothing new; lit pixels left over mean a second
 * component. A sweep leaves nothing to do in its own direction, so one idle sweep proves the end. */
static inline void flood(const eg_function_call *call, const eg_wide *plane, eg_wide *result, bool diagonal)
{
    eg_wide reached[RIMMED_PLACES], lit_before = {0}, left_over = {0};
    int width = call->width, stride = width + 2;
    memset(reached, 0, (size_t)((call->height + 2) * stride) * sizeof reached[0]);
    for (int i = 0; i < call->pixels; i++) {
        reached[(i / width + 1) * stride + i % width + 1] = plane[i] & ~lit_before;
        lit_before |= plane[i];
    }
    int step = 1;
    sweep(call, plane, reached, step, diagonal);
    do
        step = -step;
    while (sweep(call, plane, reached, step, diagonal));
    for (int i = 0; i < call->pixels; i++)
        left_over |= plane[i] & ~reached[(i / width + 1) * stride + i % width + 1];
    *result = lit_before & ~left_over;
}

enum { FOUR_NEIGHBOURS, EIGHT_NEIGHBOURS };

static void slice_connected(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    if (call->value[0].choice == EIGHT_NEIGHBOURS)
        flood(call, plane, result, true);
    else
        flood(call, plane, result, false);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static void slice_runs(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    eg_wide bad = {0};
    for (int row = 0; row < call->height; row++) {
        const eg_wide *pixel = plane + row * call->width;
        eg_wide ended = {0};
        for (int column = 1; column < call->width; column++) {
            ended |= pixel[column - 1] & ~pixel[column];
            bad |= ended & pixel[column];
        }
    }
    *result = ~bad;
}

/* ---- dyck -------------------------------------------------------------------------------------------------------- */

static eegpu_status prepare_dyck(eg_function_call *call, eg_function_form *form)
{
    (void)form;
    if (call->pixels % 2 == 0)
        return EEGPU_OK;
    return eg_fail(EEGPU_USAGE,
                   "function dyck: %d x %d is an odd number of pixels, on which no word is balanced; take an even number",
                   call->height, call->width);
}

static void slice_dyck(const eg_function_call *call, const eg_wide *plane, eg_wide *result)
{
    enum { DIGITS = 6 }; /* the height is at most 40 < 2^6 */
    eg_wide height[DIGITS] = {{0}}, bad = {0};
    for (int i = 0; i < call->pixels; i++) {
        eg_wide carry = ~(eg_wide){0}; /* up: a digit 1 hands it on; down: a digit 0 does */
        for (int digit = 0; digit < DIGITS; digit++) {
            height[digit] ^= carry;
            carry &= height[digit] ^ plane[i];
        }
        bad |= carry;
    }
    for (int digit = 0; digit < DIGITS; digit++)
        bad |= height[digit];
    *result = ~bad;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

const eg_function eg_function_loops = {
    .name = "loops",
    .help = "closed loops: every checkerboard block has an even number of lit pixels, or every lit pixel two lit neighbours",
    .parameters = {{"rule", EG_CHOICE, "checkerboard", "checkerboard|pixel", 0, 0, "what closed means"}},
    .slice = slice_loops,
};

const eg_function eg_function_connected = {
    .name = "connected",
    .help = "the lit pixels form exactly one connected component",
    .parameters = {{"neighbours", EG_CHOICE, "4", "4|8", 0, 0, "4: sides; 8: sides and corners"}},
    .slice = slice_connected,
};

const eg_function eg_function_runs = {
    .name = "runs",
    .help = "in every row the lit pixels are one run or none",
    .slice = slice_runs,
};

const eg_function eg_function_dyck = {
    .name = "dyck",
    .help = "balanced words: lit opens, dark closes, never below 0, 0 at the end",
    .prepare = prepare_dyck,
    .slice = slice_dyck,
};
