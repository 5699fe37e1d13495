/* The range of a cut: distances, and what is common to the two sides. The search for the smallest r of a side is the business of
 * range_bits.c (2^N bits) and range_images.c (image sets). Called by scan/. */
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

int eg_range_near_pixels(const eg_range_sides *sides, int which, int r, uint64_t *near)
{
    int count = 0;
    memset(near, 0, eg_ceil_div((uint64_t)sides->state->pixels, 64) * sizeof *near);
    for (int pixel = 0; pixel < sides->state->pixels; pixel++)
        if (eg_bit(sides->mask, (uint64_t)pixel) == (which == 0) && sides->distance[pixel] <= r) {
            near[pixel / 64] |= UINT64_C(1) << pixel % 64;
            count++;
        }
    return count;
}

static int depth_of(const eg_range_sides *sides, int which)
{
    int depth = 0;
    for (int pixel = 0; pixel < sides->state->pixels; pixel++)
        if (eg_bit(sides->mask, (uint64_t)pixel) == (which == 0) && sides->distance[pixel] > depth)
            depth = sides->distance[pixel];
    return depth;
}

/* `example` has room for three images. */
static eegpu_status measure_side(eg_range_sides *sides, int which, uint64_t *example, eg_range_side *side)
{
    uint64_t words = eg_ceil_div((uint64_t)sides->state->pixels, 64), near[EG_MAX_PIXELS / 64];
    eegpu_status status = EEGPU_OK;
    side->depth = depth_of(sides, which);
    side->one = example;
    side->two = example + words;
    side->other = example + 2 * words;
    EG_TRY(sides->search(sides, which, side));
    side->pixels = eg_range_near_pixels(sides, which, side->r, near);
    side->trivial = side->r == side->depth && side->r > 1;
    if (side->r == 1)
        side->one = side->two = side->other = NULL;
done:
    return status;
}

eegpu_status eg_range_of_cut(const eegpu_state *state, const uint64_t *mask, const eegpu_record *record, eg_progress *progress,
                             eg_range *range)
{
    int distance[EG_MAX_PIXELS];
    uint64_t words = eg_ceil_div((uint64_t)state->pixels, 64);
    eg_range_sides sides = {.state = state, .mask = mask, .distance = distance, .progress = progress};
    eegpu_status status = EEGPU_OK;
    *range = (eg_range){.known = eg_range_is_defined(state)};
    if (!range->known)
        return EEGPU_OK;
    if (record != NULL && record->reduced_rows > 0)
        sides.blocks = record->blocks;
    if (record != NULL && record->reduced_rows > 0 && state->kind == EG_BITS) {
        sides.has_record = true;
        sides.distinct[0] = record->reduced_rows;
        sides.distinct[1] = record->reduced_cols;
    }
    eg_range_distances(state->height, state->width, mask, distance);
    EG_TRY(eg_allocate_zero(NULL, 6 * words, sizeof *range->example, "examples of images", &range->example));
    EG_TRY(state->kind == EG_IMAGES ? eg_range_sides_of_images(&sides) : eg_range_sides_of_bits(&sides));
    for (int which = 0; which < 2; which++) {
        EG_TRY(measure_side(&sides, which, range->example + 3 * words * (uint64_t)which, &range->side[which]));
        range->r = range->side[which].r > range->r ? range->side[which].r : range->r;
    }
    range->side[0].lines = sides.distinct[0];
    range->side[1].lines = sides.distinct[1];
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
