/* The scaling of networks' entropy: means, fits, and the channels that give one entropy at different depths. Comes in: one
 * number a network; goes out: eg_cnn_scaling. Called by scan/cnn_sweep.c. Fits go over single networks, not means, so that the
 * spread over seeds is in the residual. */
#include "measure/cnn_scaling.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static const double floor_of_residuals = 1e-10; /* far above rounding, far below any S that matters */

#define ONE(model) (1U << (model))

typedef struct model_row {
    const char *name, *formula;
    int terms;
    unsigned contains; /* the models that it becomes for some values of its parameters: a bit each */
} model_row;

static const model_row models[EG_CNN_MODELS] = {
    [EG_CNN_PAPER] = {"n_c log D", "a + b n_c log D", 1, ONE(EG_CNN_CONSTANT)},
    [EG_CNN_CHANNELS] = {"log D", "a + b log D", 1, ONE(EG_CNN_CONSTANT)},
    [EG_CNN_DEPTH] = {"n_c", "a + b n_c", 1, ONE(EG_CNN_CONSTANT)},
    [EG_CNN_PLANE] = {"log D and n_c", "a + b log D + c n_c", 2, ONE(EG_CNN_CHANNELS) | ONE(EG_CNN_DEPTH) | ONE(EG_CNN_CONSTANT)},
    [EG_CNN_LINES] = {"log D for each n_c", "a_n + b_n log D for each n_c = n", 1,
                      ONE(EG_CNN_PAPER) | ONE(EG_CNN_CHANNELS) | ONE(EG_CNN_DEPTH) | ONE(EG_CNN_PLANE) | ONE(EG_CNN_CONSTANT)},
    [EG_CNN_CONSTANT] = {"constant", "a", 0, 0},
};

const char *eg_cnn_model_name(eg_cnn_model model) { return models[model].name; }
const char *eg_cnn_model_formula(eg_cnn_model model) { return models[model].formula; }

/* ---- Means ------------------------------------------------------------------------------------------------------- */

static int compare_cells(const void *left, const void *right)
{
    const eg_cnn_cell *a = left, *b = right;
    return a->layers != b->layers ? (a->layers > b->layers) - (a->layers < b->layers)
                                  : (a->channels > b->channels) - (a->channels < b->channels);
}

static eg_cnn_cell *cell_of(eg_cnn_scaling *scaling, const eg_cnn_point *point)
{
    for (size_t i = 0; i < scaling->cell_count; i++)
        if (scaling->cells[i].layers == point->layers && scaling->cells[i].channels == point->channels)
            return &scaling->cells[i];
    if (scaling->cell_count == EG_CNN_MOST_CELLS)
        return NULL;
    eg_cnn_cell *cell = &scaling->cells[scaling->cell_count++];
    *cell = (eg_cnn_cell){.layers = point->layers,
                          .channels = point->channels,
                          .parameters = point->parameters,
                          .first_seed = point->seed,
                          .last_seed = point->seed};
    return cell;
}

static bool belongs(const eg_cnn_cell *cell, const eg_cnn_point *point)
{
    return point->layers == cell->layers && point->channels == cell->channels && !point->zero;
}

static void finish_cell(const eg_cnn_point *points, size_t count, eg_cnn_cell *cell)
{
    double number = (double)cell->count, s_squares = 0, density_squares = 0;
    cell->s /= number; /* NAN without networks */
    cell->density /= number;
    cell->page_share /= number;
    for (size_t i = 0; i < count; i++)
        if (belongs(cell, &points[i])) {
            s_squares += (points[i].s - cell->s) * (points[i].s - cell->s);
            density_squares += (points[i].density - cell->density) * (points[i].density - cell->density);
        }
    cell->s_spread = cell->count > 1 ? sqrt(s_squares / (number - 1)) : NAN;
    cell->density_spread = cell->count > 1 ? sqrt(density_squares / (number - 1)) : NAN;
}

static eegpu_status make_cells(const eg_cnn_point *points, size_t count, eg_cnn_scaling *scaling)
{
    for (size_t i = 0; i < count; i++) {
        eg_cnn_cell *cell = cell_of(scaling, &points[i]);
        if (cell == NULL)
            return eg_fail(EEGPU_USAGE, "the scaling of networks: more than %d values of D and n_c together", EG_CNN_MOST_CELLS);
        cell->first_seed = points[i].seed < cell->first_seed ? points[i].seed : cell->first_seed;
        cell->last_seed = points[i].seed > cell->last_seed ? points[i].seed : cell->last_seed;
        if (points[i].zero) {
            cell->zeros++;
            continue;
        }
        cell->count++;
        cell->s += points[i].s;
        cell->density += points[i].density;
        cell->page_share += points[i].page_share;
    }
    qsort(scaling->cells, scaling->cell_count, sizeof *scaling->cells, compare_cells);
    scaling->largest_page_share = NAN;
    for (size_t i = 0; i < scaling->cell_count; i++) {
        finish_cell(points, count, &scaling->cells[i]);
        scaling->largest_page_share = fmax(scaling->largest_page_share, scaling->cells[i].page_share);
    }
    return EEGPU_OK;
}

/* ---- Fits -------------------------------------------------------------------------------------------------------- */

/* The regressors of a model at a network; returns how many. */
static int regressors_of(eg_cnn_model model, const eg_cnn_point *point, double *x)
{
    double depth = point->layers, log_channels = log(point->channels);
    x[0] = model == EG_CNN_PAPER ? depth * log_channels : model == EG_CNN_DEPTH ? depth : log_channels;
    if (models[model].terms == 2)
        x[1] = depth;
    return models[model].terms;
}

/* One model over the networks of `layers` (0: of all). `room` has space for three numbers a network. */
static eegpu_status fit_model(const eg_cnn_point *points, size_t count, eg_cnn_model model, int layers, double *room, eg_fit *fit)
{
    double *y = room, *x = room + count;
    size_t used = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        if (points[i].zero || (layers > 0 && points[i].layers != layers))
            continue;
        y[used++] = points[i].density;
        at += (size_t)regressors_of(model, &points[i], x + at);
    }
    return eg_fit_least_squares(used, models[model].terms, x, y, floor_of_residuals, fit);
}

static void take_fit(const eg_fit *fit, eg_cnn_fit *result)
{
    *result = (eg_cnn_fit){.solved = fit->solved,
                           .parameters = fit->terms + 1,
                           .intercept = fit->intercept,
                           .residual = fit->residual,
                           .r_squared = fit->r_squared,
                           .aicc = fit->aicc};
    for (int j = 0; j < fit->terms && j < 2; j++) {
        result->slope[j] = fit->slope[j];
        result->slope_error[j] = fit->slope_error[j];
    }
}

/* The lines of all n_c as one model: one variance, two parameters a line. */
static void join_lines(const eg_cnn_scaling *scaling, eg_cnn_fit *result)
{
    const eg_cnn_fit *constant = &scaling->fits[EG_CNN_CONSTANT];
    double squares = 0;
    size_t count = 0;
    *result = (eg_cnn_fit){.solved = scaling->line_count > 0, .parameters = 2 * (int)scaling->line_count};
    for (size_t l = 0; l < scaling->line_count; l++) {
        const eg_fit *line = &scaling->lines[l];
        result->solved = result->solved && line->solved;
        squares += line->residual * line->residual * (double)line->count;
        count += line->count;
    }
    if (!result->solved)
        return;
    double total = constant->residual * constant->residual * (double)count;
    result->residual = sqrt(squares / (double)count);
    result->r_squared = total > 0 ? 1 - squares / total : NAN;
    result->aicc = eg_aicc(count, result->parameters + 1, result->residual, floor_of_residuals);
}

static bool can_be_compared(const eg_cnn_scaling *scaling, int model)
{
    if (model == EG_CNN_LINES && scaling->line_count < 2)
        return false; /* that is EG_CNN_CHANNELS */
    return scaling->fits[model].solved && isfinite(scaling->fits[model].aicc);
}

/* The model with the least AICc of those that `excluded` has no bit of; -1: there is none. */
static int least_aicc(const eg_cnn_scaling *scaling, unsigned excluded)
{
    int best = -1;
    for (int m = 0; m < EG_CNN_MODELS; m++)
        if (can_be_compared(scaling, m) && !(excluded & ONE(m)) && (best < 0 || scaling->fits[m].aicc < scaling->fits[best].aicc))
            best = m;
    return best;
}

/* A model that contains the best one is no rival: where the best one is true, so is the other, whose AICc is then worse by no more
 * than its terms. What rivals are left are smaller models, which a true one beats by far, and others. */
static void choose_best(eg_cnn_scaling *scaling)
{
    unsigned excluded = 0, others = 0;
    scaling->best = least_aicc(scaling, 0);
    scaling->second = -1;
    scaling->margin = NAN;
    scaling->decided = false;
    if (scaling->best < 0)
        return;
    for (int m = 0; m < EG_CNN_MODELS; m++) {
        if (m == scaling->best || models[m].contains & ONE(scaling->best))
            excluded |= ONE(m);
        others += m != scaling->best && can_be_compared(scaling, m);
    }
    scaling->second = least_aicc(scaling, excluded);
    if (scaling->second >= 0)
        scaling->margin = scaling->fits[scaling->second].aicc - scaling->fits[scaling->best].aicc;
    scaling->decided = scaling->second < 0 ? others > 0 : scaling->margin >= EG_CNN_LEAST_MARGIN;
}

static eegpu_status make_fits(const eg_cnn_point *points, size_t count, eg_cnn_scaling *scaling)
{
    eegpu_status status;
    eg_fit fit;
    double *room = NULL;
    EG_TRY(eg_allocate(NULL, 3 * (uint64_t)count + 1, sizeof *room, "fitting the entropies of networks", &room));
    for (size_t i = 0; i < scaling->cell_count; i++) {
        int layers = scaling->cells[i].layers;
        if (i > 0 && layers == scaling->cells[i - 1].layers)
            continue;
        EG_TRY(fit_model(points, count, EG_CNN_CHANNELS, layers, room, &scaling->lines[scaling->line_count]));
        scaling->line_layers[scaling->line_count++] = layers;
    }
    for (eg_cnn_model model = 0; model < EG_CNN_MODELS; model++) {
        if (model == EG_CNN_LINES)
            continue;
        EG_TRY(fit_model(points, count, model, 0, room, &fit));
        take_fit(&fit, &scaling->fits[model]);
    }
    join_lines(scaling, &scaling->fits[EG_CNN_LINES]); /* beside the constant one, which is there now */
    choose_best(scaling);
done:
    eg_release(NULL, room);
    return status;
}

/* ---- Channels of equal entropy ----------------------------------------------------------------------------------- */

/* The cells of one n_c, by D. */
typedef struct curve {
    const eg_cnn_cell *cells;
    size_t count;
} curve;

static double standard_error(const eg_cnn_cell *cell) { return cell->density_spread / sqrt((double)cell->count); }

/* The D where the curve, straight between its points in log D, has the value; 0 and INFINITY: below and above all of them;
 * NAN: it has it several times, or the curve does not rise as a whole. */
static double channels_at(const curve *line, double value)
{
    const eg_cnn_cell *cells = line->cells;
    double found = NAN, least = INFINITY, most = -INFINITY;
    int crossings = 0;
    for (size_t i = 0; i < line->count; i++) {
        least = fmin(least, cells[i].density);
        most = fmax(most, cells[i].density);
    }
    if (!(cells[line->count - 1].density > cells[0].density))
        return NAN;
    if (value < least || value > most)
        return value < least ? 0 : INFINITY;
    for (size_t i = 0; i + 1 < line->count; i++) {
        double low = cells[i].density, high = cells[i + 1].density;
        bool last = i + 2 == line->count;
        if ((low <= value && value < high) || (high < value && value <= low) || (last && value == high)) {
            double share = high != low ? (value - low) / (high - low) : 0;
            found = cells[i].channels * pow((double)cells[i + 1].channels / cells[i].channels, share);
            crossings++;
        }
    }
    return crossings == 1 ? found : NAN;
}

static double largest_error(const curve *line)
{
    double largest = 0;
    for (size_t i = 0; i < line->count; i++) {
        double error = standard_error(&line->cells[i]);
        largest = isnan(error) || isnan(largest) ? NAN : fmax(largest, error);
    }
    return largest;
}

static void untold(eg_cnn_match *match, const char *reason)
{
    match->answer = EG_CNN_UNTOLD;
    match->reason = reason;
}

/* What is expected is a number of channels of the sweep at which S is not what it should be. Beyond the sweep nothing is known. */
static bool is_outside(const curve *line, const eg_cnn_match *match)
{
    if (match->expected < line->cells[0].channels || match->expected > line->cells[line->count - 1].channels)
        return false;
    return match->expected < match->least || match->expected > match->most;
}

static void answer(const eg_cnn_cell *target, const curve *line, eg_cnn_match *match)
{
    double error = hypot(standard_error(target), largest_error(line));
    double value = channels_at(line, target->density);
    match->found = value;
    match->least = channels_at(line, target->density - 2 * error);
    match->most = channels_at(line, target->density + 2 * error);
    match->reason = "";
    if (isnan(error)) {
        match->least = match->most = NAN;
        untold(match, "fewer than two networks of a kind have an entropy: the spread is not known");
    } else if (isnan(match->least) || isnan(match->most) || isnan(value)) {
        untold(match, "S does not rise steadily with D there");
    } else if (is_outside(line, match)) {
        match->answer = EG_CNN_FAILS;
    } else if (match->least > 0 && isfinite(match->most)) {
        match->answer = EG_CNN_HOLDS;
    } else if (value == 0) {
        untold(match, "S is larger there already at the smallest D");
    } else if (isinf(value)) {
        untold(match, "S is smaller there even at the largest D");
    } else {
        untold(match, "the spread over seeds reaches beyond the D of the sweep");
    }
}

/* The cells of the n_c of cells[first]; returns where the next n_c begins. */
static size_t take_curve(const eg_cnn_scaling *scaling, size_t first, curve *line)
{
    size_t end = first;
    while (end < scaling->cell_count && scaling->cells[end].layers == scaling->cells[first].layers)
        end++;
    *line = (curve){scaling->cells + first, end - first};
    return end;
}

static bool has_entropies(const curve *line)
{
    for (size_t i = 0; i < line->count; i++)
        if (line->cells[i].count == 0)
            return false;
    return line->count > 1;
}

static void make_matches(eg_cnn_scaling *scaling)
{
    curve base, line;
    size_t next = take_curve(scaling, 0, &base);
    while (next < scaling->cell_count) {
        next = take_curve(scaling, next, &line);
        for (size_t i = 0; i < base.count; i++) {
            const eg_cnn_cell *target = &base.cells[i];
            eg_cnn_match *match = &scaling->matches[scaling->match_count];
            if (target->channels == 1)
                continue; /* log D_0 = 0 says nothing of powers */
            *match = (eg_cnn_match){.layers_0 = target->layers,
                                    .channels_0 = target->channels,
                                    .layers = line.cells->layers,
                                    .found = NAN,
                                    .least = NAN,
                                    .most = NAN};
            match->expected = pow(target->channels, (double)target->layers / line.cells->layers);
            if (target->count == 0 || !has_entropies(&line))
                untold(match, "too few networks there have an entropy, or the sweep has one D only");
            else
                answer(target, &line, match);
            scaling->answers[match->answer]++;
            scaling->match_count++;
        }
    }
}

eegpu_status eg_cnn_scaling_of(const eg_cnn_point *points, size_t count, eg_cnn_scaling *scaling)
{
    eegpu_status status;
    *scaling = (eg_cnn_scaling){.best = -1, .second = -1, .margin = NAN};
    EG_TRY(make_cells(points, count, scaling));
    EG_TRY(make_fits(points, count, scaling));
    if (scaling->cell_count > 0)
        make_matches(scaling);
done:
    return status;
}
