/* Fits and the verdict. Every model of the table is fitted to the same groups; the law of the model with the least AICc is the verdict if no
 * model of another law comes near, if the model describes the entropies, and if S grows with what it names. Everything else is
 * undecided, with what would tell. Called by `eegpu law`. */
#include "measure/law.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "measure/groups.h"

const eg_law_model eg_law_models[EG_LAW_MODELS] = {
    {"constant", "S = c", EG_LAW_AREA, 0, {0, 0}, false},
    {"boundary", "S = c + a L_A", EG_LAW_AREA, 1, {EG_BOUNDARY, 0}, false},
    {"bonds", "S = c + a bonds", EG_LAW_AREA, 1, {EG_BONDS, 0}, false},
    {"saturating", "S = c + a sum 1/d^2 + b bonds", EG_LAW_AREA, 2, {EG_END, EG_BONDS}, true},
    {"volume", "S = c + a min(N_A, N_B)", EG_LAW_VOLUME, 1, {EG_VOLUME, 0}, false},
    {"logarithm", "S = c + a logarithm + b bonds", EG_LAW_LOG, 2, {EG_LOGARITHM, EG_BONDS}, false},
    {"boundary and volume", "S = c + a L_A + b min(N_A, N_B)", EG_LAW_MIXED, 2, {EG_BOUNDARY, EG_VOLUME}, false},
};

const char *eg_law_kind_name(eg_law_kind kind)
{
    static const char *const names[] = {"area", "volume", "log", "undecided", "mixed"};
    return names[kind];
}

const char *eg_regressor_name(eg_regressor regressor)
{
    static const char *const names[] = {"boundary", "bonds", "volume", "logarithm", "end"};
    return names[regressor];
}

static bool varies(const eg_law *law, eg_regressor regressor)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < law->count; i++) {
        least = fmin(least, law->groups[i].regressor[regressor]);
        most = fmax(most, law->groups[i].regressor[regressor]);
    }
    return most - least > 1e-9 * (1 + fabs(most));
}

/* The bonds belong to the logarithm only on chains, where they are the number of ends. */
static int terms_of(const eg_law *law, const eg_law_model *model)
{
    bool second = model->terms == 2 && varies(law, model->regressor[1]);
    if (model->kind == EG_LAW_LOG && !law->is_chain)
        second = false;
    return model->kind == EG_LAW_MIXED || second ? model->terms : model->terms > 0 ? 1 : 0;
}

static eegpu_status fit_all(eg_law *law, double floor)
{
    double *x = NULL, *y = NULL;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_allocate(NULL, law->count * 2, sizeof *x, "the regressors of a fit", &x));
    EG_TRY(eg_allocate(NULL, law->count, sizeof *y, "the entropies of a fit", &y));
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        const eg_law_model *model = &eg_law_models[m];
        int terms = law->terms[m] = terms_of(law, model);
        law->fits[m] = (eg_fit){.aicc = INFINITY, .r_squared = NAN, .condition = INFINITY};
        if (model->only_chains && !law->is_chain)
            continue;
        for (size_t i = 0; i < law->count; i++) {
            y[i] = law->groups[i].s;
            for (int j = 0; j < terms; j++)
                x[i * (size_t)terms + (size_t)j] = law->groups[i].regressor[model->regressor[j]];
        }
        EG_TRY(eg_fit_least_squares(law->count, terms, x, y, floor, &law->fits[m]));
    }
done:
    eg_release(NULL, x);
    eg_release(NULL, y);
    return status;
}

/* ---- The verdict ---- */

static int best_of_kind(const eg_law *law, eg_law_kind kind, bool other_kinds)
{
    int best = -1;
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        bool counts = eg_law_models[m].kind != EG_LAW_MIXED && (eg_law_models[m].kind == kind) != other_kinds;
        if (counts && law->fits[m].solved && isfinite(law->fits[m].aicc) && (best < 0 || law->fits[m].aicc < law->fits[best].aicc))
            best = m;
    }
    return best;
}

static double correlation_of(const eg_law *law, eg_regressor a, eg_regressor b)
{
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < law->count; i++) {
        mean_a += law->groups[i].regressor[a] / (double)law->count;
        mean_b += law->groups[i].regressor[b] / (double)law->count;
    }
    for (size_t i = 0; i < law->count; i++) {
        double x = law->groups[i].regressor[a] - mean_a, y = law->groups[i].regressor[b] - mean_b;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

/* Where other cuts can tell, which; where S depends on more than sizes, no family of cuts would. */
static eg_law_kind undecided(eg_law *law, bool other_cuts_tell)
{
    snprintf(law->advice, sizeof law->advice, "%s",
             !other_cuts_tell ? "no family of cuts: look at the spread of each shape and at the cuts one by one"
             : law->is_chain
                 ? "a longer chain, with --cuts prefix (N pixels give N/2 lengths, and 6 are few)"
                 : "--cuts contiguous without --max-size on a larger lattice, 4x5 or more, where regions of one boundary "
                   "differ in volume");
    return EG_LAW_UNDECIDED;
}

/* All entropies are the same: nothing to fit. */
static bool is_flat(eg_law *law, double floor)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < law->count; i++) {
        least = fmin(least, law->groups[i].least);
        most = fmax(most, law->groups[i].most);
    }
    if (most - least > 100 * floor || law->count < 2)
        return false;
    law->best = 0;
    law->margin = NAN;
    if (most <= 100 * floor)
        snprintf(law->reason, sizeof law->reason, "S = 0 for every cut: a product of functions of single pixels (Theorem 1)");
    else
        snprintf(law->reason, sizeof law->reason,
                 "S is the same, %.6g nats, for every cut: it is bounded and grows with neither boundary nor volume", most);
    return true;
}

/* Nothing is left to explain once the constant or the bonds are taken out. */
static bool is_nearly_flat(eg_law *law)
{
    enum { CONSTANT = 0, BONDS = 2, FACTOR = 4 };
    double mean = 0;
    for (size_t i = 0; i < law->count; i++)
        mean += law->groups[i].s / (double)law->count;
    if (law->groups[law->count - 1].volume < FACTOR * law->groups[0].volume)
        return false;
    for (int m = CONSTANT; m <= BONDS; m += BONDS - CONSTANT) {
        if (!law->fits[m].solved || law->fits[m].residual > EG_LAW_FLAT * mean)
            continue;
        law->best = m;
        int rival = best_of_kind(law, EG_LAW_AREA, true);
        law->margin = rival >= 0 ? law->fits[rival].aicc - law->fits[m].aicc : NAN;
        snprintf(law->reason, sizeof law->reason,
                 "the model %s describes S to %.2g of its mean while the volume grows from %d to %d: no room for another law",
                 eg_law_models[m].name, law->fits[m].residual / mean, law->groups[0].volume, law->groups[law->count - 1].volume);
        return true;
    }
    return false;
}

static const char *const what_grows[] = {"boundary", "volume", "logarithm"};

static eg_law_kind decide(eg_law *law)
{
    int best = best_of_kind(law, EG_LAW_MIXED, true), rival;
    const eg_fit *fit;
    law->best = best;
    if (best < 0) {
        snprintf(law->reason, sizeof law->reason, "no model could be fitted to %zu different cuts", law->count);
        return undecided(law, true);
    }
    fit = &law->fits[best];
    eg_law_kind kind = eg_law_models[best].kind;
    rival = best_of_kind(law, kind, true);
    if (rival < 0) {
        snprintf(law->reason, sizeof law->reason,
                 "only boundary or bonds vary between these cuts, so that volume and boundary cannot be told apart");
        return undecided(law, true);
    }
    law->margin = law->fits[rival].aicc - fit->aicc;
    if (law->terms[best] == 0 && law->fits[best].residual > 0.1 * fabs(fit->intercept)) {
        snprintf(
            law->reason, sizeof law->reason,
            "S varies by %.2g of its mean, and neither boundary nor volume nor a logarithm explains it: it depends on which cut",
            fit->residual / fabs(fit->intercept));
        return undecided(law, false);
    }
    if (law->terms[best] > 0 && fit->r_squared < EG_LAW_LEAST_R_SQUARED) {
        snprintf(law->reason, sizeof law->reason,
                 "the best model, %s, explains only R^2 = %.3f of how S varies: S depends on more than boundary and volume",
                 eg_law_models[best].name, fit->r_squared);
        return undecided(law, false);
    }
    if (law->margin < EG_LAW_LEAST_MARGIN) {
        snprintf(
            law->reason, sizeof law->reason,
            "%s (%s law) and %s (%s law) fit nearly alike: AICc differs by %.2f, less than %.0f; the correlation of boundary and "
            "volume over these cuts is %.2f",
            eg_law_models[best].name, eg_law_kind_name(kind), eg_law_models[rival].name,
            eg_law_kind_name(eg_law_models[rival].kind), law->margin, EG_LAW_LEAST_MARGIN, law->correlation);
        return undecided(law, true);
    }
    bool grows = kind == EG_LAW_AREA ? true : fit->slope[0] > 2 * fit->slope_error[0];
    if (!grows) {
        snprintf(law->reason, sizeof law->reason, "%s fits best, but S does not grow with it: slope %.3g +- %.2g",
                 eg_law_models[best].name, fit->slope[0], fit->slope_error[0]);
        return undecided(law, true);
    }
    if (law->terms[best] == 0)
        snprintf(law->reason, sizeof law->reason, "S stays at %.4g +- %.2g nats while the volume grows (AICc ahead of %s by %.1f)",
                 fit->intercept, fit->residual, eg_law_models[rival].name, law->margin);
    else
        snprintf(law->reason, sizeof law->reason,
                 "S follows the %s: the model %s has R^2 = %.4f and is ahead of %s by %.1f in AICc", what_grows[kind],
                 eg_law_models[best].name, fit->r_squared, eg_law_models[rival].name, law->margin);
    return kind;
}

eegpu_status eg_law_of_records(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, eg_law *law)
{
    double floor = 1e-12;
    eegpu_status status = EEGPU_OK;
    *law = (eg_law){.best = -1, .margin = NAN, .correlation = NAN};
    if (count == 0)
        return eg_fail(EEGPU_USAGE, "fitting a law: there are no cuts; choose another --cuts or a larger --max-size");
    for (size_t i = 0; i < count; i++)
        floor = fmax(floor, records[i].error);
    EG_TRY(eg_law_make_groups(cuts, records, count, law));
    EG_TRY(fit_all(law, floor));
    law->correlation = correlation_of(law, EG_BOUNDARY, EG_VOLUME);
    if (is_flat(law, floor)) {
        law->verdict = EG_LAW_AREA;
    } else if (law->count < EG_LAW_LEAST_GROUPS) {
        snprintf(law->reason, sizeof law->reason, "too few different cuts: %zu shapes, at least %d are needed", law->count,
                 EG_LAW_LEAST_GROUPS);
        law->verdict = undecided(law, true);
    } else {
        law->verdict = is_nearly_flat(law) ? EG_LAW_AREA : decide(law);
    }
done:
    if (status != EEGPU_OK)
        eg_law_free(law);
    return status;
}

void eg_law_free(eg_law *law)
{
    eg_release(NULL, law->groups);
    *law = (eg_law){.best = -1};
}
