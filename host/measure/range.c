/* The range of a cut: distances, and the search for the smallest r for one side whose lines are known. Where lines come from is the business
 * of range_bits.c (2^N bits) and range_images.c (image sets). Called by scan/. */
#include "measure/range.h"

#include <string.h>

#include "base/bits.h"
#include "measure/range_sides.h"

bool eg_range_is_defined(const eegpu_state *state)
{
    if (state->kind == EG_IMAGES)
        for (uint64_t i = 0; i < state->images.count; i++)
            if (state->images.multiplicity[i] != 1)
                return false;
    return state->kind != EG_AMPLITUDES;
}

/* Two sweeps over the lattice give the exact distances of a rectangle: forth and back. */
void eg_range_distances(int height, int width, const uint64_t *mask, int *distance)
{
    int pixels = height * width, farthest = height + width;
    for (int side = 0; side < 2; side++) {
        int to_side[EG_MAX_PIXELS] = {0};
        for (int pixel = 0; pixel < pixels; pixel++) {
            int up = pixel >= width ? to_side[pixel - width] + 1 : farthest;
            int left = pixel % width > 0 ? to_side[pixel - 1] + 1 : farthest;
            to_side[pixel] = eg_bit(mask, (uint64_t)pixel) == (side == 0) ? 0 : up < left ? up : left;
        }
        for (int pixel = pixels - 1; pixel >= 0; pixel--) {
            int down = pixel + width < pixels ? to_side[pixel + width] + 1 : farthest;
            int right = pixel % width < width - 1 ? to_side[pixel + 1] + 1 : farthest;
            int least = down < right ? down : right;
            to_side[pixel] = least < to_side[pixel] ? least : to_side[pixel];
            if (to_side[pixel] > 0)
                distance[pixel] = to_side[pixel];
        }
    }
}

/* The pixels of one side within distance r, as a mask of the lattice. Returns how many. */
static int near_pixels(const eegpu_state *state, const uint64_t *mask, const int *distance, bool in_a, int r, uint64_t *near)
{
    int count = 0;
    memset(near, 0, eg_ceil_div((uint64_t)state->pixels, 64) * sizeof *near);
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (eg_bit(mask, (uint64_t)pixel) == in_a && distance[pixel] <= r) {
            near[pixel / 64] |= UINT64_C(1) << pixel % 64;
            count++;
        }
    return count;
}

static int depth_of(const eegpu_state *state, const uint64_t *mask, const int *distance, bool in_a)
{
    int depth = 0;
    for (int pixel = 0; pixel < state->pixels; pixel++)
        if (eg_bit(mask, (uint64_t)pixel) == in_a && distance[pixel] > depth)
            depth = distance[pixel];
    return depth;
}

/* The smallest r for one side. The pair of lines that fails last, at r - 1, goes to *one and *two. */
static eegpu_status search(const eg_range_sides *sides, const uint64_t *mask, const int *distance, int which, eg_range_side *side,
                           uint64_t *one, uint64_t *two)
{
    const eegpu_state *state = sides->state;
    uint64_t near[EG_MAX_PIXELS / 64];
    bool in_a = which == 0, holds = false;
    eegpu_status status = EEGPU_OK;
    side->depth = depth_of(state, mask, distance, in_a);
    for (side->r = 1;; side->r++) {
        side->pixels = near_pixels(state, mask, distance, in_a, side->r, near);
        EG_TRY(sides->test(sides, which, near, &holds, &side->classes, one, two));
        if (holds || side->r >= side->depth)
            break;
    }
    side->trivial = side->r == side->depth && side->r > 1;
    side->lines = sides->distinct[which];
done:
    return status;
}

eegpu_status eg_range_of_cut(const eegpu_state *state, const uint64_t *mask, eg_range *range)
{
    int distance[EG_MAX_PIXELS];
    uint64_t words = eg_ceil_div((uint64_t)state->pixels, 64), one = 0, two = 0;
    eg_range_sides sides = {.state = state, .mask = mask};
    eegpu_status status = EEGPU_OK;
    *range = (eg_range){.known = eg_range_is_defined(state)};
    if (!range->known)
        return EEGPU_OK;
    eg_range_distances(state->height, state->width, mask, distance);
    EG_TRY(eg_allocate_zero(NULL, 6 * words, sizeof *range->example, "examples of images", &range->example));
    EG_TRY(state->kind == EG_IMAGES ? eg_range_sides_of_images(&sides) : eg_range_sides_of_bits(&sides));
    for (int which = 0; which < 2; which++) {
        eg_range_side *side = &range->side[which];
        EG_TRY(search(&sides, mask, distance, which, side, &one, &two));
        range->r = side->r > range->r ? side->r : range->r;
        if (side->r == 1)
            continue;
        side->one = range->example + 3 * words * (uint64_t)which;
        side->two = side->one + words;
        side->other = side->two + words;
        sides.show(&sides, which, one, two, side);
    }
    range->blocks = sides.blocks;
done:
    eg_range_sides_free(&sides);
    if (status != EEGPU_OK)
        eg_range_free(range);
    return status;
}

void eg_range_free(eg_range *range)
{
    eg_release(NULL, range->example);
    *range = (eg_range){.known = false};
}
