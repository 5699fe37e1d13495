/* Fits and the verdict. Every model of the table is fitted to the same groups; the law of the model with the least AICc is the
 * verdict if no model of another law comes near, if the model describes the entropies, and if S grows with what it names. That S
 * grows with nothing is believed only where growth can be ruled out, not where it is just not seen. Everything else is undecided,
 * with what would tell. Called by `eegpu law`. */
#include "measure/law.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "measure/groups.h"

const eg_law_model eg_law_models[EG_LAW_MODELS] = {
    {"constant", EG_LAW_AREA, 0, {0, 0}, false},
    {"boundary", EG_LAW_AREA, 1, {EG_BOUNDARY, 0}, false},
    {"bonds", EG_LAW_AREA, 1, {EG_BONDS, 0}, false},
    {"saturating", EG_LAW_AREA, 2, {EG_END, EG_BONDS}, true},
    {"volume", EG_LAW_VOLUME, 1, {EG_VOLUME, 0}, false},
    {"logarithm", EG_LAW_LOG, 2, {EG_LOGARITHM, EG_BONDS}, false},
    {"boundary and volume", EG_LAW_MIXED, 2, {EG_BOUNDARY, EG_VOLUME}, false},
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

double eg_law_value(const eg_law *law, int model, const eg_law_group *group)
{
    double s = law->fits[model].intercept;
    for (int j = 0; j < law->terms[model]; j++)
        s += law->fits[model].slope[j] * group->regressor[eg_law_models[model].regressor[j]];
    return s;
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

/* On chains the logarithm comes with the bonds: a model that has all of another fits no worse, and is no rival of it. */
static bool contains(const eg_law *law, int large, int small)
{
    return law->terms[small] == 1 && law->terms[large] == 2 &&
           eg_law_models[large].regressor[1] == eg_law_models[small].regressor[0];
}

/* The best model of a law (`is_rival`: of all others), without those that contain model `inner` (-1: all count); -1: none. Mixed
 * models are no law. */
static int best_of(const eg_law *law, eg_law_kind kind, bool is_rival, int inner)
{
    int best = -1;
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        bool counts = eg_law_models[m].kind != EG_LAW_MIXED && (eg_law_models[m].kind == kind) != is_rival &&
                      (inner < 0 || !contains(law, m, inner));
        if (counts && law->fits[m].solved && isfinite(law->fits[m].aicc) && (best < 0 || law->fits[m].aicc < law->fits[best].aicc))
            best = m;
    }
    return best;
}

static int best_of_all(const eg_law *law) { return best_of(law, EG_LAW_MIXED, true, -1); }

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
typedef enum advice { OTHER_CUTS, NO_CUTS, MORE_IMAGES } advice;

EG_FORMAT(3, 4) static eg_law_kind undecided(eg_law *law, advice what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(law->reason, sizeof law->reason, format, arguments);
    va_end(arguments);
    snprintf(law->advice, sizeof law->advice, "%s",
             what == MORE_IMAGES ? "no family of cuts: a function that is not 0 on more images, such as a larger sample"
             : what == NO_CUTS   ? "no family of cuts: look at the spread of each shape and at the cuts one by one"
             : !law->is_chain    ? "--cuts contiguous without --max-size on a larger lattice, 4x5 or more, where regions of one "
                                   "boundary differ in volume"
             : law->is_prefix    ? "a longer chain, with --cuts prefix (N pixels give N/2 lengths, and 6 are few)"
                              : "--cuts prefix: one end moves while the boundary stays (N pixels give N/2 lengths, and 6 are few)");
    return EG_LAW_UNDECIDED;
}

static double mean_entropy(const eg_law *law)
{
    double mean = 0;
    for (size_t i = 0; i < law->count; i++)
        mean += law->groups[i].s / (double)law->count;
    return mean;
}

static bool has_wide_volumes(const eg_law *law)
{
    enum { FACTOR = 4 };
    return law->groups[law->count - 1].volume >= FACTOR * law->groups[0].volume;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* A single large error must not hide what all the others say. */
static eegpu_status median_error(const eegpu_record *records, size_t count, double *median)
{
    double *errors = NULL;
    eegpu_status status = eg_allocate(NULL, count, sizeof *errors, "the errors of the entropies", &errors);
    if (status != EEGPU_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        errors[i] = records[i].error;
    qsort(errors, count, sizeof *errors, by_size);
    *median = errors[count / 2];
    eg_release(NULL, errors);
    return EEGPU_OK;
}

/* All entropies are 0, each within its own error, or all the same: nothing to fit. */
static bool is_flat(const eegpu_record *records, size_t count, double median, eg_law *law)
{
    enum { ERRORS = 10 };
    double least = INFINITY, most = 0;
    bool is_zero = true;
    for (size_t i = 0; i < count; i++) {
        least = fmin(least, records[i].s_vn);
        most = fmax(most, records[i].s_vn);
        is_zero = is_zero && records[i].s_vn <= fmin(ERRORS * records[i].error, 1e-6);
    }
    if (law->count < 2 || (!is_zero && (most - least > ERRORS * median || !has_wide_volumes(law))))
        return false;
    law->best = 0;
    law->margin = NAN;
    if (is_zero)
        snprintf(law->reason, sizeof law->reason,
                 "S = 0 for every cut, within its error: a product of functions of single pixels (Theorem 1)");
    else
        snprintf(law->reason, sizeof law->reason,
                 "S is the same, %.6g nats, for every cut: it is bounded and grows with neither boundary nor volume", most);
    return true;
}

/* No cut has a larger rank R than those of the smallest regions: S <= log R whatever their size. */
static bool is_bounded_by_rank(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, eg_law *law)
{
    uint64_t of_smallest = 0, of_all = 0;
    for (size_t i = 0; i < count; i++) {
        int size = eg_cut_size(cuts, i), volume = size < cuts->pixels - size ? size : cuts->pixels - size;
        if (records[i].rank == 0)
            return false; /* not known: entropies that were read */
        of_all = records[i].rank > of_all ? records[i].rank : of_all;
        if (volume == law->groups[0].volume && records[i].rank > of_smallest)
            of_smallest = records[i].rank;
    }
    if (of_all > of_smallest || !has_wide_volumes(law))
        return false;
    law->best = best_of(law, EG_LAW_AREA, false, -1);
    law->margin = NAN;
    snprintf(
        law->reason, sizeof law->reason,
        "no cut has a rank above %llu, that of the smallest regions, while the volume grows from %d to %d: S <= log %llu = %.4g "
        "nats, however S comes near to it",
        (unsigned long long)of_all, law->groups[0].volume, law->groups[law->count - 1].volume, (unsigned long long)of_all,
        log((double)of_all));
    return true;
}

/* Values of what the model names that differ; counted up to as many as are needed. */
static size_t count_values(const eg_law *law, eg_regressor regressor)
{
    size_t values = 0;
    for (size_t i = 0; i < law->count && values < EG_LAW_LEAST_VALUES; i++) {
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = fabs(law->groups[i].regressor[regressor] - law->groups[j].regressor[regressor]) >
                     1e-9 * fabs(law->groups[i].regressor[regressor]);
        values += is_new;
    }
    return values;
}

/* How much a term of a model may add to S over these cuts, as a part of its mean: its slope and `errors` standard errors of it,
 * times how much the regressor varies. */
static double possible_growth(const eg_law *law, int m, int term, double errors)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < law->count; i++) {
        double value = law->groups[i].regressor[eg_law_models[m].regressor[term]];
        least = fmin(least, value);
        most = fmax(most, value);
    }
    if (!law->fits[m].solved)
        return INFINITY;
    return (fabs(law->fits[m].slope[term]) + errors * law->fits[m].slope_error[term]) * (most - least) / mean_entropy(law);
}

static int model_of(eg_law_kind kind, eg_regressor regressor)
{
    int m = 0;
    while (eg_law_models[m].kind != kind || eg_law_models[m].regressor[0] != regressor)
        m++;
    return m;
}

/* The best model of another law that does not contain model m; -1: none. */
static int rival_of(const eg_law *law, int m) { return best_of(law, eg_law_models[m].kind, true, m); }

/* The model of another law that contains model m and whose other term may add too much; -1: none. */
static int unsettled_extension(const eg_law *law, int m)
{
    for (int k = 0; k < EG_LAW_MODELS; k++)
        if (eg_law_models[k].kind != eg_law_models[m].kind && eg_law_models[k].kind != EG_LAW_MIXED && contains(law, k, m) &&
            law->fits[k].solved && possible_growth(law, k, 0, 2) > EG_LAW_MOST_GROWTH)
            return k;
    return -1;
}

/* Nothing is left to explain once the constant or the bonds are taken out, and no other law does nearly as well. */
static bool is_nearly_flat(eg_law *law)
{
    enum { TIMES = 3 };
    const double floor = 1e-12;
    double mean = mean_entropy(law);
    for (int m = 0; m < EG_LAW_MODELS && has_wide_volumes(law); m++) {
        const eg_law_model *model = &eg_law_models[m];
        bool may = model->terms == 0 ||
                   (model->terms == 1 && model->regressor[0] == EG_BONDS && count_values(law, EG_BONDS) >= EG_LAW_LEAST_VALUES);
        if (!may || !law->fits[m].solved || law->fits[m].residual > EG_LAW_FLAT * mean)
            continue;
        int rival = rival_of(law, m);
        bool is_near = rival >= 0 && law->fits[rival].residual < TIMES * fmax(law->fits[m].residual, floor);
        if (model->terms > 0 && (is_near || unsettled_extension(law, m) >= 0))
            continue;
        law->best = m;
        law->margin = rival >= 0 ? law->fits[rival].aicc - law->fits[m].aicc : NAN;
        snprintf(law->reason, sizeof law->reason,
                 "the model %s describes S to %.2g of its mean while the volume grows from %d to %d: no room for another law",
                 model->name, law->fits[m].residual / mean, law->groups[0].volume, law->groups[law->count - 1].volume);
        return true;
    }
    return false;
}

static eg_law_kind decide_constant(eg_law *law, int rival)
{
    const eg_fit *fit = &law->fits[law->best];
    double growth = possible_growth(law, model_of(EG_LAW_VOLUME, EG_VOLUME), 0, 2), share = fit->residual / fabs(fit->intercept);
    if (growth > EG_LAW_MOST_GROWTH)
        return undecided(
            law, OTHER_CUTS,
            "S varies by %.2g of its mean, and so few shapes (%zu) leave room for a growth with the volume by %.2g of it", share,
            law->count, growth);
    if (share > 0.1)
        return undecided(
            law, NO_CUTS,
            "S varies by %.2g of its mean, and neither boundary nor volume nor a logarithm explains it: it depends on which cut",
            share);
    snprintf(law->reason, sizeof law->reason,
             "S stays at %.4g +- %.2g nats while the volume grows: by at most %.2g of that (AICc ahead of %s by %.1f)",
             fit->intercept, fit->residual, growth, eg_law_models[rival].name, law->margin);
    return EG_LAW_AREA;
}

/* The best model and its best rival explain alike much. */
static eg_law_kind undecided_between(eg_law *law, int rival)
{
    const eg_law_model *model = &eg_law_models[law->best], *other = &eg_law_models[rival];
    double residual = law->fits[law->best].residual, of_rival = law->fits[rival].residual;
    char correlation[80] = "";
    if (isfinite(law->correlation))
        snprintf(correlation, sizeof correlation, "; the correlation of boundary and volume over these cuts is %.2f",
                 law->correlation);
    if (law->margin < EG_LAW_LEAST_MARGIN)
        return undecided(law, OTHER_CUTS,
                         "%s (%s law) and %s (%s law) fit nearly alike: AICc differs by %.2f, residuals are %.3g and %.3g nats%s",
                         model->name, eg_law_kind_name(model->kind), other->name, eg_law_kind_name(other->kind), law->margin,
                         residual, of_rival, correlation);
    return undecided(
        law, OTHER_CUTS, "%s (%s law) fits best, but leaves residuals of %.3g nats, not much less than the %.3g of %s (%s law)%s",
        model->name, eg_law_kind_name(model->kind), residual, of_rival, other->name, eg_law_kind_name(other->kind), correlation);
}

/* An area law with a growth in the volume beside it that is certain and not small is none. */
static bool grows_with_volume_too(const eg_law *law)
{
    int mixed = model_of(EG_LAW_MIXED, EG_BOUNDARY);
    const eg_fit *fit = &law->fits[mixed];
    return eg_law_models[law->best].kind == EG_LAW_AREA && fit->solved && fit->slope[1] > 0 &&
           fit->aicc <= law->fits[law->best].aicc - EG_LAW_LEAST_MARGIN && possible_growth(law, mixed, 1, -2) > EG_LAW_MOST_GROWTH;
}

/* The best model has a regressor. */
static eg_law_kind decide_growing(eg_law *law, int rival)
{
    static const char *const what_grows[] = {"boundary", "volume", "logarithm"};
    const eg_law_model *model = &eg_law_models[law->best];
    const eg_fit *fit = &law->fits[law->best];
    size_t values = count_values(law, model->regressor[0]);
    int extension = unsettled_extension(law, law->best);
    if (fit->r_squared < EG_LAW_LEAST_R_SQUARED)
        return undecided(law, NO_CUTS,
                         "the best model, %s, explains only R^2 = %.3f of how S varies: S depends on more than boundary and volume",
                         model->name, fit->r_squared);
    if (values < EG_LAW_LEAST_VALUES)
        return undecided(law, OTHER_CUTS, "%s fits best, but these cuts have only %zu values of it: at least %d are needed",
                         model->name, values, EG_LAW_LEAST_VALUES);
    if (rival >= 0 && (law->margin < EG_LAW_LEAST_MARGIN || fit->residual > EG_LAW_MOST_RESIDUAL * law->fits[rival].residual))
        return undecided_between(law, rival);
    if (extension >= 0)
        return undecided(law, OTHER_CUTS, "%s fits best, but these cuts leave room for %s beside it, by %.2g of the mean of S",
                         model->name, eg_law_models[extension].name, possible_growth(law, extension, 0, 2));
    if (grows_with_volume_too(law))
        return undecided(law, OTHER_CUTS,
                         "%s alone fits best, but boundary and volume together by far better: beside the boundary S grows with the "
                         "volume, by %.3g +- %.2g nats a pixel",
                         model->name, law->fits[model_of(EG_LAW_MIXED, EG_BOUNDARY)].slope[1],
                         law->fits[model_of(EG_LAW_MIXED, EG_BOUNDARY)].slope_error[1]);
    if (model->regressor[0] != EG_END && !(fit->slope[0] > 2 * fit->slope_error[0]))
        return undecided(law, OTHER_CUTS, "%s fits best, but S does not grow with it: slope %.3g +- %.2g", model->name,
                         fit->slope[0], fit->slope_error[0]);
    int length = snprintf(law->reason, sizeof law->reason, "S follows the %s: the model %s has R^2 = %.4f", what_grows[model->kind],
                          model->name, fit->r_squared);
    if (rival >= 0)
        snprintf(law->reason + length, sizeof law->reason - (size_t)length, " and is ahead of %s by %.1f in AICc",
                 eg_law_models[rival].name, law->margin);
    return model->kind;
}

static eg_law_kind decide(eg_law *law)
{
    int best = law->best = best_of_all(law), rival;
    if (best < 0)
        return undecided(law, OTHER_CUTS, "no model could be fitted to %zu different cuts", law->count);
    if (best_of(law, eg_law_models[best].kind, true, -1) < 0)
        return undecided(law, OTHER_CUTS,
                         "only boundary or bonds vary between these cuts, so that volume and boundary cannot be told apart");
    rival = rival_of(law, best);
    law->margin = rival >= 0 ? law->fits[rival].aicc - law->fits[best].aicc : NAN;
    return law->terms[best] == 0 ? decide_constant(law, rival) : decide_growing(law, rival);
}

/* A sample of K images has S <= log K whatever the regions. */
static eg_law_kind unless_few_images(uint64_t images, eg_law *law)
{
    double most = 0, limit = log((double)images);
    for (size_t i = 0; i < law->count; i++)
        most = fmax(most, law->groups[i].most);
    bool is_full = images > 1 && most >= EG_LAW_FULL * limit && limit < law->groups[law->count - 1].volume * M_LN2;
    if (!is_full || (law->verdict != EG_LAW_AREA && law->verdict != EG_LAW_LOG))
        return law->verdict;
    return undecided(law, MORE_IMAGES,
                     "%s fits best, but S comes to %.4g nats where the %llu images on which the function is not 0 allow log %llu = "
                     "%.4g at most, and the regions %.4g: their number ends its growth",
                     eg_law_models[law->best].name, most, (unsigned long long)images, (unsigned long long)images, limit,
                     law->groups[law->count - 1].volume * M_LN2);
}

eegpu_status eg_law_of_records(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, uint64_t images,
                               eg_law *law)
{
    double median = 0;
    eegpu_status status = EEGPU_OK;
    *law = (eg_law){.best = -1, .margin = NAN, .correlation = NAN};
    if (count == 0)
        return eg_fail(EEGPU_USAGE, "fitting a law: there are no cuts; choose another --cuts or a larger --max-size");
    EG_TRY(median_error(records, count, &median));
    EG_TRY(eg_law_make_groups(cuts, records, count, law));
    EG_TRY(fit_all(law, fmax(1e-12, median)));
    law->correlation = correlation_of(law, EG_BOUNDARY, EG_VOLUME);
    if (is_flat(records, count, median, law))
        law->verdict = EG_LAW_AREA;
    else if (law->count < EG_LAW_LEAST_GROUPS)
        law->verdict = undecided(law, OTHER_CUTS, "too few different cuts: %zu shapes, at least %d are needed", law->count,
                                 EG_LAW_LEAST_GROUPS);
    else if (is_bounded_by_rank(cuts, records, count, law))
        law->verdict = EG_LAW_AREA;
    else {
        law->verdict = is_nearly_flat(law) ? EG_LAW_AREA : decide(law);
        law->verdict = unless_few_images(images, law);
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
