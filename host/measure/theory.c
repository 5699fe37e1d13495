/* The checks, one function each, in a table. Comes in: records and ranges; goes out: outcomes with numbers. Called by
 * scan/study.c. */
#include "measure/theory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"

typedef struct evidence {
    const struct eegpu_cuts *cuts;
    const eegpu_record *records, *complements, *halves, *pixels;
    const eg_range *ranges;
    eg_theory_network network;
} evidence;

const char *eg_check_outcome_name(eg_check_outcome outcome)
{
    static const char *const names[] = {"holds", "broken", "not applicable"};
    return names[outcome];
}

/* One more cut with value <= bound + tolerance; the one with the least room is kept. */
static void note(eg_theory_check *check, size_t cut, double value, double bound, double tolerance)
{
    double room = bound + tolerance - value;
    if (!(room >= 0))
        check->outcome = EG_CHECK_BROKEN;
    if (check->checked++ > 0 && room >= check->bound + check->tolerance - check->value)
        return;
    check->value = value;
    check->bound = bound;
    check->tolerance = tolerance;
    check->cut = (int64_t)cut;
}

static int smaller_side(const eegpu_record *record) { return record->n_a < record->n_b ? record->n_a : record->n_b; }

static void same_both_sides(const evidence *e, eg_theory_check *check)
{
    for (size_t i = 0; i < e->cuts->count; i++)
        note(check, i, fabs(e->records[i].s_vn - e->complements[i].s_vn), 0, e->records[i].error + e->complements[i].error);
    snprintf(check->detail, sizeof check->detail,
             "the largest difference: %.3g nats; both are solved from the smaller side: a check of eegpu", check->value);
}

static void at_most_log_dimension(const evidence *e, eg_theory_check *check)
{
    for (size_t i = 0; i < e->cuts->count; i++)
        note(check, i, e->records[i].s_vn, smaller_side(&e->records[i]) * M_LN2, e->records[i].error);
    snprintf(check->detail, sizeof check->detail, "the nearest: S = %.6g of at most %.6g nats", check->value, check->bound);
}

static void subadditive(const evidence *e, eg_theory_check *check)
{
    for (size_t i = 0; i < e->cuts->count; i++) {
        const eegpu_record *whole = &e->records[i], *first = &e->halves[2 * i], *second = first + 1;
        double tolerance = whole->error + first->error + second->error;
        if (whole->n_a < 2)
            continue;
        note(check, i, whole->s_vn, first->s_vn + second->s_vn, tolerance);
        note(check, i, fabs(first->s_vn - second->s_vn), whole->s_vn, tolerance);
    }
    if (check->checked == 0)
        check->outcome = EG_CHECK_NOT_APPLICABLE;
    snprintf(check->detail, sizeof check->detail,
             check->checked > 0 ? "the nearest: %.6g at most %.6g nats" : "no region of two pixels or more", check->value,
             check->bound);
}

static void products_have_none(const evidence *e, eg_theory_check *check)
{
    double single = 0, single_error = 0, sum = 0, sum_error = 0;
    for (int pixel = 0; pixel < e->cuts->pixels; pixel++) {
        const eegpu_record *record = &e->pixels[pixel];
        if (record->s_vn > single) {
            single = record->s_vn;
            single_error = record->error;
        }
        sum += record->s_vn;
        sum_error += record->error;
    }
    /* Not more than its pixels have together, which is 0 for a product. */
    for (size_t i = 0; i < e->cuts->count; i++)
        note(check, i, e->records[i].s_vn, sum, sum_error + e->records[i].error);
    if (single <= 10 * single_error + 1e-12)
        snprintf(check->detail, sizeof check->detail, "f is a product of functions of single pixels; largest S of a cut %.3g nats",
                 check->value);
    else
        snprintf(
            check->detail, sizeof check->detail,
            "f is no product, a single pixel has S = %.6g nats: what is checked is that no cut has more than its pixels together",
            single);
}

static void at_most_range(const evidence *e, eg_theory_check *check)
{
    int largest = 0;
    size_t trivial = 0, known = 0;
    for (size_t i = 0; e->ranges != NULL && i < e->cuts->count; i++) {
        if (!e->ranges[i].known)
            continue;
        for (int side = 0; side < 2; side++)
            note(check, i, e->records[i].s_vn, e->ranges[i].side[side].pixels * M_LN2, e->records[i].error);
        largest = e->ranges[i].r > largest ? e->ranges[i].r : largest;
        trivial += e->ranges[i].side[0].trivial && e->ranges[i].side[1].trivial;
        known++;
    }
    if (check->checked == 0) {
        check->outcome = EG_CHECK_NOT_APPLICABLE;
        snprintf(check->detail, sizeof check->detail, "the assumptions are about functions of values 0 and 1");
        return;
    }
    snprintf(check->detail, sizeof check->detail,
             "r up to %d; the nearest: S = %.6g of at most %.6g nats; says no more than Property 2 for %zu of %zu cuts, where R_r "
             "is all of "
             "either side",
             largest, check->value, check->bound, trivial, known);
}

static void about_networks(const evidence *e, eg_theory_check *check)
{
    double most = 0, scale = e->network.layers * log(e->network.channels > 0 ? e->network.channels : 1);
    check->outcome = EG_CHECK_NOT_APPLICABLE;
    if (e->network.channels == 0) {
        snprintf(check->detail, sizeof check->detail, "f is no network with known D and n_c; over many networks: eegpu cnn");
        return;
    }
    for (size_t i = 0; i < e->cuts->count; i++)
        most = fmax(most, e->records[i].s_vn / e->records[i].boundary);
    snprintf(check->detail, sizeof check->detail,
             "D = %d, n_c = %d: the largest S / L_A = %.6g beside n_c log D = %.6g nats, a scaling without a constant; over many "
             "networks: "
             "eegpu cnn",
             e->network.channels, e->network.layers, most, scale);
}

static const struct {
    const char *name, *statement;
    void (*check)(const evidence *e, eg_theory_check *check);
} rows[EG_THEORY_CHECKS] = {
    {"Property 1", "S(A) = S(B): both sides of a cut have the same entropy", same_both_sides},
    {"Property 2", "S <= min(N_A, N_B) log 2", at_most_log_dimension},
    {"Property 3", "read as subadditivity: |S(A1) - S(A2)| <= S(A) <= S(A1) + S(A2) for the two halves of A", subadditive},
    {"Theorem 1", "a product of functions of single pixels has S = 0 for every cut: S <= sum over single pixels of S",
     products_have_none},
    {"Theorem 2", "S <= |R_r| log 2, r the smallest range for which Assumption 1 (of B: Assumption 2) holds", at_most_range},
    {"Theorem 3", "S / L_A of a convolutional network of n_c layers with D channels grows as n_c log D", about_networks},
};

eegpu_status eg_theory_cuts(const struct eegpu_cuts *cuts, struct eegpu_cuts **helpers)
{
    int pixels[EG_MAX_PIXELS];
    eegpu_status status = EEGPU_OK;
    *helpers = NULL;
    for (size_t i = 0; i < cuts->count; i++) {
        uint64_t mask[EG_MAX_PIXELS / 64] = {0};
        for (int pixel = 0; pixel < cuts->pixels; pixel++)
            if (!eg_bit(eg_cut_mask(cuts, i), (uint64_t)pixel))
                mask[pixel / 64] |= UINT64_C(1) << pixel % 64;
        EG_TRY(eg_cuts_add(cuts->height, cuts->width, mask, helpers));
    }
    for (size_t i = 0; i < cuts->count; i++) {
        int count = eegpu_cuts_pixels(cuts, i, pixels), half = count / 2;
        for (int part = 0; part < 2; part++) {
            uint64_t mask[EG_MAX_PIXELS / 64] = {0};
            int from = part == 1 ? half : 0, to = part == 0 && half > 0 ? half : count; /* of one pixel both are all */
            for (int k = from; k < to; k++)
                mask[pixels[k] / 64] |= UINT64_C(1) << pixels[k] % 64;
            EG_TRY(eg_cuts_add(cuts->height, cuts->width, mask, helpers));
        }
    }
    for (int pixel = 0; pixel < cuts->pixels; pixel++) {
        uint64_t mask[EG_MAX_PIXELS / 64] = {0};
        mask[pixel / 64] = UINT64_C(1) << pixel % 64;
        EG_TRY(eg_cuts_add(cuts->height, cuts->width, mask, helpers));
    }
done:
    if (status != EEGPU_OK) {
        eegpu_cuts_free(*helpers);
        *helpers = NULL;
    }
    return status;
}

void eg_theory_check_all(const struct eegpu_cuts *cuts, const eegpu_record *records, const eegpu_record *helpers,
                         const eg_range *ranges, eg_theory_network network, eg_theory *theory)
{
    evidence e = {cuts, records, helpers, helpers + cuts->count, helpers + 3 * cuts->count, ranges, network};
    *theory = (eg_theory){.known = true};
    for (int i = 0; i < EG_THEORY_CHECKS; i++) {
        eg_theory_check *check = &theory->checks[i];
        *check = (eg_theory_check){.name = rows[i].name, .statement = rows[i].statement, .value = NAN, .bound = NAN, .cut = -1};
        rows[i].check(&e, check);
        theory->broken += check->outcome == EG_CHECK_BROKEN;
    }
}
