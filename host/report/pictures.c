/* The table of pictures, and those that are plots: S against sizes, S of prefixes, spectra. Called by html.c and cli/. */
#include "report/pictures.h"

#include <math.h>

#include "report/plot.h"

const char *eg_count_text(uint64_t count, const char *noun, char *text)
{
    snprintf(text, 32, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
    return text;
}

/* The names of the regressors on axes and in formulas. */
static const char *const sizes[EG_REGRESSORS] = {"boundary L_A", "bonds", "volume min(N_A, N_B)", "logarithm x", "end"};
static const char *const symbols[EG_REGRESSORS] = {"L_A", "bonds", "min(N_A, N_B)", "x", "end"};

static void entropy_axis(const eg_law_report *r, eg_axis *axis)
{
    axis->label = r->report.log_base == 1 ? "entropy S (nats)" : "entropy S (bits)";
    axis->least = 0;
}

/* Up to the largest entropy, and as far as lines and bounds go if that is not far above. */
static void close_entropy_axis(eg_plot *plot, double largest)
{
    double all = 0;
    for (int i = 0; i < plot->count; i++)
        for (size_t k = 0; k < plot->series[i].count; k++)
            all = fmax(all, plot->series[i].points[2 * k + 1]);
    plot->y.most = largest < 1e-9 ? fmin(all, 1) : fmin(all, 2.5 * largest);
}

/* ---- S against a size ---- */

static double size_of(const eegpu_record *record, eg_regressor regressor)
{
    int volume = record->n_a < record->n_b ? record->n_a : record->n_b;
    return regressor == EG_BOUNDARY ? record->boundary : regressor == EG_BONDS ? record->bonds : volume;
}

/* The model of this regressor, alone if possible; -1: none was fitted. */
static int model_of(const eg_law *law, eg_regressor regressor)
{
    for (int m = 0; m < EG_LAW_MODELS; m++)
        if (eg_law_models[m].kind != EG_LAW_MIXED && law->fits[m].solved && law->terms[m] > 0 &&
            eg_law_models[m].regressor[0] == regressor)
            return m;
    return -1;
}

/* Of one boundary, say, there is nothing to see. */
static bool scatter_is_there(const eg_law_report *r, int number)
{
    const eg_law *law = &r->study->law;
    bool varies = false;
    for (size_t i = 1; i < law->count; i++)
        varies = varies || law->groups[i].regressor[number] != law->groups[0].regressor[number];
    return varies && (number != EG_LOGARITHM || law->is_chain);
}

static void scatter_caption(const eg_law_report *r, int number, char *text)
{
    if (number == EG_LOGARITHM)
        snprintf(
            text, EG_CAPTION_SIZE,
            "Each point is one shape of A, averaged over its cuts. For one end after l pixels x is log((2N/\u03c0) "
            "sin(\u03c0l/N)). If this is the ground state of a critical chain, the points lie on a line of slope c/6 in nats, c "
            "being the central charge.");
    else
        snprintf(text, EG_CAPTION_SIZE,
                 "Each circle is one cut, each bar the mean over the cuts of one shape: the fit is made to the bars, each counting "
                 "once. Marks fall on one another where cuts agree; what lies far above the entropies is not drawn.%s",
                 r->study->range_count > 0 ? " Theorem 2 has a bound for each cut, which is in the table of all cuts, not here."
                                           : "");
}

/* Coefficients of entropies that are 0 but for rounding. */
static double without_rounding(double value) { return fabs(value) < 1e-12 ? 0 : value; }

static void add_fit(const eg_law_report *r, eg_regressor regressor, double most, eg_plot *plot)
{
    const eg_law *law = &r->study->law;
    double base = r->report.log_base;
    int m = model_of(law, regressor);
    if (m < 0)
        return;
    const eg_fit *fit = &law->fits[m];
    double slope = without_rounding(fit->slope[0] / base), start = without_rounding(fit->intercept / base);
    if (law->terms[m] > 1) {
        eg_series *fitted = eg_plot_series(plot, EG_CROSS, EG_NO_STROKE, 2, "fit with the bonds as well");
        for (size_t i = 0; i < law->count; i++)
            eg_plot_point(plot, fitted, law->groups[i].regressor[regressor], eg_law_value(law, m, &law->groups[i]) / base);
        return;
    }
    char quality[32] = "";
    if (isfinite(fit->r_squared))
        snprintf(quality, sizeof quality, " (R\u00b2 %.3f)", fit->r_squared);
    eg_series *line = eg_plot_series(plot, EG_NO_MARK, EG_SOLID, 2, "fit: S = %s%.4g %s %.4g %s%s", start < 0 ? "\u2212" : "",
                                     fabs(start), slope < 0 ? "\u2212" : "+", fabs(slope), symbols[regressor], quality);
    eg_plot_point(plot, line, plot->x.least, start + slope * plot->x.least);
    eg_plot_point(plot, line, most, start + slope * most);
}

/* The model behind the verdict, where no picture has its line: its values of the shapes, or a curve where they lie on one. */
static void add_best(const eg_law_report *r, double most, eg_plot *plot)
{
    enum { STEPS = 64 };
    const eg_law *law = &r->study->law;
    double base = r->report.log_base;
    int m = law->best;
    if (m < 0 || law->terms[m] == 0 || !law->fits[m].solved)
        return;
    const eg_law_model *model = &eg_law_models[m];
    const eg_fit *fit = &law->fits[m];
    if (model->regressor[0] != EG_LOGARITHM && model->regressor[0] != EG_END)
        return;
    if (!law->is_chain && law->terms[m] == 1 && model->regressor[0] == EG_LOGARITHM) {
        double slope = without_rounding(fit->slope[0] / base), start = without_rounding(fit->intercept / base);
        eg_series *curve =
            eg_plot_series(plot, EG_NO_MARK, EG_DOTTED, 5, "best: S = %s%.4g %s %.4g log min(N_A, N_B) (R\u00b2 %.3f)",
                           start < 0 ? "\u2212" : "", fabs(start), slope < 0 ? "\u2212" : "+", fabs(slope), fit->r_squared);
        for (int i = 0; i <= STEPS; i++) {
            double x = 1 + (most - 1) * i / STEPS;
            eg_plot_point(plot, curve, x, start + slope * log(x));
        }
        return;
    }
    eg_series *fitted =
        eg_plot_series(plot, EG_CROSS, EG_NO_STROKE, 5, "best: values of the model %s (R\u00b2 %.3f)", model->name, fit->r_squared);
    for (size_t i = 0; i < law->count; i++)
        eg_plot_point(plot, fitted, law->groups[i].volume, eg_law_value(law, m, &law->groups[i]) / base);
}

/* Against the volume a curve; against the boundary or the bonds, where none joins them, points: of the largest A that has as
 * many. */
static void add_page(const eg_law_report *r, eg_regressor regressor, double most, eg_plot *plot)
{
    const eegpu_result *result = r->study->result;
    int pixels = r->report.cuts->pixels;
    bool curve = regressor == EG_VOLUME;
    eg_series *page = eg_plot_series(plot, curve ? EG_NO_MARK : EG_TRIANGLE, curve ? EG_DASHED : EG_NO_STROKE, 3, "%s",
                                     curve                      ? "Page: the mean of random states"
                                     : regressor == EG_BOUNDARY ? "Page, of the largest A with that boundary"
                                                                : "Page, of the largest A with as many bonds");
    for (int x = 0; x <= (int)most; x++) {
        double s = NAN;
        for (size_t i = 0; i < result->count && !curve; i++)
            if ((int)size_of(&result->records[i], regressor) == x)
                s = fmax(s, eegpu_page_entropy(result->records[i].n_a, result->records[i].n_b));
        if (curve)
            s = x == 0 ? 0 : eegpu_page_entropy(x, pixels - x);
        eg_plot_point(plot, page, x, s / r->report.log_base);
    }
}

/* The bounds of single cuts are left to the table: marks could not be told which cut is whose. */
static void add_bound(const eg_law_report *r, double most, eg_plot *plot)
{
    if (r->study->range_count > 0)
        return;
    eg_series *bound = eg_plot_series(plot, EG_NO_MARK, EG_DOTTED, 5, "L_A log 2: Theorem 2, were the range r = 1");
    eg_plot_point(plot, bound, 0, 0);
    eg_plot_point(plot, bound, most, most * M_LN2 / r->report.log_base);
}

static double largest_entropy(const eg_law_report *r)
{
    double largest = 0;
    for (size_t i = 0; i < r->study->result->count; i++)
        largest = fmax(largest, r->study->result->records[i].s_vn);
    return largest / r->report.log_base;
}

static void add_cuts(const eg_law_report *r, eg_regressor regressor, double *most, eg_plot *plot)
{
    const eg_study *study = r->study;
    double base = r->report.log_base;
    char count[32];
    if (regressor == EG_LOGARITHM) {
        eg_series *points = eg_plot_series(plot, EG_CIRCLE, EG_NO_STROKE, 1, "%s", eg_count_text(study->law.count, "shape", count));
        plot->x.least = INFINITY;
        for (size_t i = 0; i < study->law.count; i++) {
            double x = study->law.groups[i].regressor[regressor];
            plot->x.least = fmin(plot->x.least, x);
            *most = fmax(*most, x);
            eg_plot_point(plot, points, x, study->law.groups[i].s / base);
        }
        return;
    }
    eg_series *points = eg_plot_series(plot, EG_CIRCLE, EG_NO_STROKE, 1, "%s", eg_count_text(study->result->count, "cut", count));
    for (size_t i = 0; i < study->result->count; i++) {
        const eegpu_record *record = &study->result->records[i];
        *most = fmax(*most, size_of(record, regressor));
        eg_plot_point(plot, points, size_of(record, regressor), record->s_vn / base);
    }
    eg_series *means =
        eg_plot_series(plot, EG_BAR, EG_NO_STROKE, 4, "means of %s", eg_count_text(study->law.count, "shape", count));
    for (size_t i = 0; i < study->law.count; i++)
        eg_plot_point(plot, means, study->law.groups[i].regressor[regressor], study->law.groups[i].s / base);
}

static eegpu_status scatter_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    eg_regressor regressor = (eg_regressor)picture->number;
    char description[EG_CAPTION_SIZE];
    double most = 0, largest = largest_entropy(r);
    eg_plot plot = {.title = picture->heading, .description = description};
    plot.x = (eg_axis){.label = sizes[regressor], .whole = regressor != EG_LOGARITHM};
    entropy_axis(r, &plot.y);
    add_cuts(r, regressor, &most, &plot);
    int fit = plot.count;
    add_fit(r, regressor, most, &plot);
    if (regressor == EG_VOLUME)
        add_best(r, most, &plot);
    int fits = plot.count;
    if (regressor != EG_LOGARITHM)
        add_page(r, regressor, most, &plot);
    if (regressor == EG_BOUNDARY)
        add_bound(r, most, &plot);
    plot.x.most = most;
    close_entropy_axis(&plot, largest);
    int length = snprintf(description, sizeof description, "%s up to %.4g, entropies up to %.6g %ss", sizes[regressor], most,
                          largest, r->report.unit);
    for (; fit < fits; fit++)
        length += snprintf(description + length, sizeof description - (size_t)length, "; %s", plot.series[fit].label);
    snprintf(description + length, sizeof description - (size_t)length, ". The numbers are in the tables.");
    eegpu_status status = eg_plot_write(&plot, svg);
    eg_plot_free(&plot);
    return status;
}

/* ---- Prefixes ---- */

static bool prefix_is_there(const eg_law_report *r, int number)
{
    (void)number;
    return r->gallery->prefix_count > 0;
}

static void prefix_caption(const eg_law_report *r, int number, char *text)
{
    (void)number;
    snprintf(text, EG_CAPTION_SIZE,
             "A is the first k pixels, row by row: the cuts that a matrix product state meets in this order%s.",
             r->gallery->shown_count > 0 && r->gallery->shown[0].spectra == NULL ? ", as far as they are in the file" : "");
}

static eegpu_status prefix_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    const eg_gallery *gallery = r->gallery;
    int pixels = r->report.cuts->pixels;
    double base = r->report.log_base, largest = 0;
    char description[EG_CAPTION_SIZE];
    eg_plot plot = {.title = picture->heading, .description = description};
    plot.x = (eg_axis){.label = "prefix length k (pixels)", .most = pixels, .whole = true};
    entropy_axis(r, &plot.y);
    eg_series *line = eg_plot_series(&plot, EG_CIRCLE, EG_SOLID, 1, "S of the first k pixels");
    for (size_t i = 0; i < gallery->prefix_count; i++) {
        eg_plot_point(&plot, line, gallery->prefix[i].length, gallery->prefix[i].s / base);
        largest = fmax(largest, gallery->prefix[i].s / base);
    }
    eg_series *page = eg_plot_series(&plot, EG_NO_MARK, EG_DASHED, 3, "Page: the mean of random states");
    for (int k = 0; k <= pixels; k++)
        eg_plot_point(&plot, page, k, k == 0 || k == pixels ? 0 : eegpu_page_entropy(k, pixels - k) / base);
    eg_series *bound = eg_plot_series(&plot, EG_NO_MARK, EG_DOTTED, 4, "L_A log 2: Theorem 2, were the range r = 1");
    for (size_t i = 0; i < gallery->prefix_count; i++)
        eg_plot_point(&plot, bound, gallery->prefix[i].length, gallery->prefix[i].boundary * M_LN2 / base);
    close_entropy_axis(&plot, largest);
    snprintf(description, sizeof description, "Entropies of %zu prefixes of a lattice of %d pixels, up to %.6g %ss.",
             gallery->prefix_count, pixels, largest, r->report.unit);
    eegpu_status status = eg_plot_write(&plot, svg);
    eg_plot_free(&plot);
    return status;
}

/* ---- Spectra ---- */

static bool spectrum_is_there(const eg_law_report *r, int number)
{
    (void)number;
    return r->gallery->shown_count > 0 && r->gallery->shown[0].spectra != NULL;
}

static void spectrum_caption(const eg_law_report *r, int number, char *text)
{
    (void)r, (void)number;
    snprintf(text, EG_CAPTION_SIZE,
             "Levels \u2212log p of the cuts drawn above, ascending. Levels that are no more than rounding are left out.");
}

static eegpu_status spectrum_draw(const eg_law_report *r, const eg_picture *picture, const eg_svg *svg)
{
    static const eg_mark marks[EG_SHOWN_CUTS] = {EG_CIRCLE, EG_SQUARE, EG_TRIANGLE};
    double base = r->report.log_base;
    char description[EG_CAPTION_SIZE];
    int length = 0;
    eg_plot plot = {.title = picture->heading, .description = description};
    plot.x = (eg_axis){.label = "level k", .least = 1, .most = 2, .whole = true};
    plot.y = (eg_axis){.label = base == 1 ? "\u2212log p (nats)" : "\u2212log p (bits)"};
    for (int i = 0; i < r->gallery->shown_count; i++) {
        const eegpu_record *record = r->gallery->shown[i].spectra;
        double least = fmax(record->rank_tolerance, 1e-15 * record->p_max);
        eg_series *levels = eg_plot_series(&plot, marks[i], EG_NO_STROKE, i + 1, "cut %zu: S = %.6g %ss", r->gallery->shown[i].cut,
                                           record->s_vn / base, r->report.unit);
        for (size_t k = 0; k < record->spectrum_count && record->spectrum[k] > least; k++) {
            double level = fmax(-log(record->spectrum[k]), 0) / base;
            eg_plot_point(&plot, levels, (double)k + 1, level);
            plot.x.most = fmax(plot.x.most, (double)k + 1);
            plot.y.most = fmax(plot.y.most, level);
        }
        length += snprintf(description + length, 128, "Cut %zu has %zu levels from %.4g on. ", r->gallery->shown[i].cut,
                           levels->count, fmax(-log(record->p_max), 0) / base);
    }
    plot.x.logarithmic = plot.x.most > 60;
    plot.x.label = plot.x.logarithmic ? "level k (logarithmic)" : "level k";
    if (!plot.x.logarithmic)
        plot.x.least = 0;
    eegpu_status status = eg_plot_write(&plot, svg);
    eg_plot_free(&plot);
    return status;
}

#define SCATTER(name, heading, regressor)                                         \
    {                                                                             \
        name, heading, regressor, scatter_is_there, scatter_caption, scatter_draw \
    }
#define SHOWN(name, heading, number)                                              \
    {                                                                             \
        name, heading, number, eg_shown_is_there, eg_shown_caption, eg_shown_draw \
    }

const eg_picture eg_pictures[EG_PICTURES] = {
    SHOWN("cut-1", "A cut of the lattice", 0),
    SHOWN("cut-2", "A second cut", 1),
    SHOWN("cut-3", "A third cut", 2),
    SCATTER("boundary", "Entropy against the boundary", EG_BOUNDARY),
    SCATTER("bonds", "Entropy against the bonds cut", EG_BONDS),
    SCATTER("volume", "Entropy against the volume", EG_VOLUME),
    SCATTER("logarithm", "Entropy against the logarithm of the length", EG_LOGARITHM),
    {"prefix", "Entropy against the prefix length", 0, prefix_is_there, prefix_caption, prefix_draw},
    {"spectrum", "Entanglement spectrum", 0, spectrum_is_there, spectrum_caption, spectrum_draw},
    {"matrix", "The matrix after its exact reductions", 0, eg_matrix_is_there, eg_matrix_caption, eg_matrix_draw},
    {"counter-example", "Why a smaller range will not do", 0, eg_counter_example_is_there, eg_counter_example_caption,
     eg_counter_example_draw},
};
