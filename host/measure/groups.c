/* Cuts of one shape as one point of a fit. Comes in: cuts and records; goes out: the groups of an eg_law with their regressors.
 * Called by law.c. */
#include "measure/groups.h"

#include <math.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/memory.h"

typedef struct member {
    uint64_t shape;
    int volume, boundary, bonds;
    size_t cut;
} member;

/* ---- Shapes ---- */

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* One side of a cut. Sides are compared by boundary, then by the area of the rectangle around them, then by shape. */
typedef struct side {
    int boundary, extent;
    uint64_t shape;
} side;

/* A number of the set of pixels on one side that does not change when the set is moved; `turn` is one of the 8 symmetries of the
 * square. */
static uint64_t moved_shape(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a, int turn, int *extent)
{
    int top = INT32_MAX, left = INT32_MAX, bottom = INT32_MIN, right = INT32_MIN;
    uint64_t sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int pixel = 0; pixel < cuts->pixels; pixel++) {
            if (eg_bit(mask, (uint64_t)pixel) != in_a)
                continue;
            int row = pixel / cuts->width, column = pixel % cuts->width;
            int y = turn & 1 ? -row : row, x = turn & 2 ? -column : column;
            if (turn & 4) {
                int swap = y;
                y = x;
                x = swap;
            }
            if (pass == 0) {
                top = y < top ? y : top;
                left = x < left ? x : left;
                bottom = y > bottom ? y : bottom;
                right = x > right ? x : right;
            } else {
                sum += mix((uint64_t)(y - top) << 32 | (uint64_t)(x - left));
            }
        }
    *extent = (bottom - top + 1) * (right - left + 1);
    return sum;
}

static int boundary_of(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a)
{
    int count = 0, width = cuts->width;
    for (int pixel = 0; pixel < cuts->pixels; pixel++) {
        bool left = pixel % width > 0 && eg_bit(mask, (uint64_t)pixel - 1) != in_a;
        bool right = pixel % width < width - 1 && eg_bit(mask, (uint64_t)pixel + 1) != in_a;
        bool up = pixel >= width && eg_bit(mask, (uint64_t)(pixel - width)) != in_a;
        bool down = pixel + width < cuts->pixels && eg_bit(mask, (uint64_t)(pixel + width)) != in_a;
        count += eg_bit(mask, (uint64_t)pixel) == in_a && (left || right || up || down);
    }
    return count;
}

static side side_of(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a)
{
    side result = {.boundary = boundary_of(cuts, mask, in_a), .shape = UINT64_MAX};
    for (int turn = 0; turn < 8; turn++) {
        uint64_t shape = moved_shape(cuts, mask, in_a, turn, &result.extent);
        result.shape = shape < result.shape ? shape : result.shape;
    }
    return result;
}

static bool comes_first(const side *a, const side *b)
{
    if (a->boundary != b->boundary)
        return a->boundary < b->boundary;
    return a->extent != b->extent ? a->extent < b->extent : a->shape < b->shape;
}

/* Of the smaller side; of two equal ones that which comes first. */
static side side_of_cut(const struct eegpu_cuts *cuts, size_t cut)
{
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    int n_a = eg_cut_size(cuts, cut), n_b = cuts->pixels - n_a;
    if (n_a != n_b)
        return side_of(cuts, mask, n_a < n_b);
    side a = side_of(cuts, mask, true), b = side_of(cuts, mask, false);
    return comes_first(&a, &b) ? a : b;
}

int eg_law_boundary(const struct eegpu_cuts *cuts, size_t cut) { return side_of_cut(cuts, cut).boundary; }

static int compare_members(const void *left, const void *right)
{
    const member *a = left, *b = right;
    if (a->volume != b->volume)
        return a->volume < b->volume ? -1 : 1;
    if (a->boundary != b->boundary)
        return a->boundary < b->boundary ? -1 : 1;
    if (a->bonds != b->bonds)
        return a->bonds < b->bonds ? -1 : 1;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

static bool same_group(const member *a, const member *b)
{
    return a->volume == b->volume && a->boundary == b->boundary && a->bonds == b->bonds && a->shape == b->shape;
}

/* ---- Regressors ---- */

static double chord(int distance, int pixels) { return 2 * pixels / M_PI * fabs(sin(M_PI * distance / (2.0 * pixels))); }

static void chain_regressors(const struct eegpu_cuts *cuts, const uint64_t *mask, double *logarithm, double *end)
{
    int n = cuts->pixels, turn = 1;
    *logarithm = *end = 0;
    for (int i = 1; i < n; i++) {
        if (eg_bit(mask, (uint64_t)i) == eg_bit(mask, (uint64_t)i - 1))
            continue;
        double own = chord(2 * i, n);
        *logarithm += log(own);
        *end += 1 / (own * own);
        int other = 1;
        for (int k = 1; k < i; k++) {
            if (eg_bit(mask, (uint64_t)k) == eg_bit(mask, (uint64_t)k - 1))
                continue;
            *logarithm -= 2 * turn * other * (log(chord(i - k, n)) - log(chord(i + k, n)));
            *end += 2 / (chord(i - k, n) * chord(i - k, n));
            other = -other;
        }
        turn = -turn;
    }
}

static void regressors_of(const struct eegpu_cuts *cuts, const member *one, double *regressor)
{
    regressor[EG_BOUNDARY] = one->boundary;
    regressor[EG_BONDS] = one->bonds;
    regressor[EG_VOLUME] = one->volume;
    regressor[EG_LOGARITHM] = log(one->volume > 0 ? one->volume : 1);
    regressor[EG_END] = 0;
    if (cuts->height == 1 || cuts->width == 1)
        chain_regressors(cuts, eg_cut_mask(cuts, one->cut), &regressor[EG_LOGARITHM], &regressor[EG_END]);
}

static void average(const struct eegpu_cuts *cuts, const eegpu_record *records, const member *members, size_t count,
                    eg_law_group *group)
{
    double squares = 0;
    *group = (eg_law_group){.first = members->cut,
                            .cuts = count,
                            .volume = members->volume,
                            .boundary = members->boundary,
                            .bonds = members->bonds,
                            .least = INFINITY,
                            .most = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        double regressor[EG_REGRESSORS], s = records[members[i].cut].s_vn;
        regressors_of(cuts, &members[i], regressor);
        for (int j = 0; j < EG_REGRESSORS; j++)
            group->regressor[j] += regressor[j] / (double)count;
        group->s += s / (double)count;
        group->least = fmin(group->least, s);
        group->most = fmax(group->most, s);
    }
    for (size_t i = 0; i < count; i++) {
        double off = records[members[i].cut].s_vn - group->s;
        squares += off * off;
    }
    group->spread = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
}

eegpu_status eg_law_make_groups(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, eg_law *law)
{
    member *members = NULL;
    eegpu_status status = EEGPU_OK;
    law->is_chain = cuts->height == 1 || cuts->width == 1;
    law->is_prefix = law->is_chain;
    EG_TRY(eg_allocate(NULL, count, sizeof *members, "the shapes of the cuts", &members));
    for (size_t i = 0; i < count; i++) {
        const eegpu_record *record = &records[i];
        side own = side_of_cut(cuts, i);
        members[i] = (member){own.shape, record->n_a < record->n_b ? record->n_a : record->n_b, own.boundary, record->bonds, i};
        law->is_prefix = law->is_prefix && record->bonds == 1;
    }
    qsort(members, count, sizeof *members, compare_members);
    EG_TRY(eg_allocate(NULL, count, sizeof *law->groups, "the groups of a fit", &law->groups));
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && same_group(&members[first], &members[last]); last++)
            continue;
        average(cuts, records, members + first, last - first, &law->groups[law->count++]);
    }
done:
    eg_release(NULL, members);
    return status;
}
