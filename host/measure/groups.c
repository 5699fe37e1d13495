/* Cuts of one shape as one point of a fit. Comes in: cuts and records; goes out: the groups of an eg_law with their regressors. Called by
 * law.c. */
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

/* A number of the set of pixels on one side that does not change when the set is moved; `turn` is one of the 8 symmetries of the square. */
static uint64_t moved_shape(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a, int turn)
{
    int top = INT32_MAX, left = INT32_MAX;
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
            } else {
                sum += mix((uint64_t)(y - top) << 32 | (uint64_t)(x - left));
            }
        }
    return sum;
}

static uint64_t shape_of_side(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a)
{
    uint64_t least = UINT64_MAX;
    for (int turn = 0; turn < 8; turn++) {
        uint64_t shape = moved_shape(cuts, mask, in_a, turn);
        least = shape < least ? shape : least;
    }
    return least;
}

/* Of the smaller side; of two equal ones the smaller number. */
static uint64_t shape_of_cut(const struct eegpu_cuts *cuts, const uint64_t *mask, int n_a, int n_b)
{
    if (n_a != n_b)
        return shape_of_side(cuts, mask, n_a < n_b);
    uint64_t a = shape_of_side(cuts, mask, true), b = shape_of_side(cuts, mask, false);
    return a < b ? a : b;
}

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
    EG_TRY(eg_allocate(NULL, count, sizeof *members, "the shapes of the cuts", &members));
    for (size_t i = 0; i < count; i++) {
        const eegpu_record *record = &records[i];
        members[i] = (member){shape_of_cut(cuts, eg_cut_mask(cuts, i), record->n_a, record->n_b),
                              record->n_a < record->n_b ? record->n_a : record->n_b, record->boundary, record->bonds, i};
    }
    qsort(members, count, sizeof *members, compare_members);
    EG_TRY(eg_allocate(NULL, count, sizeof *law->groups, "the groups of a fit", &law->groups));
    law->is_chain = cuts->height == 1 || cuts->width == 1;
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && same_group(&members[first], &members[last]); last++)
            continue;
        average(cuts, records, members + first, last - first, &law->groups[law->count++]);
    }
done:
    eg_release(NULL, members);
    return status;
}
