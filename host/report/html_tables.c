/* The tables of the page, each a section with a heading. Called by html.c. */
#include <math.h>

#include "report/encode.h"
#include "report/fields.h"
#include "report/html.h"

/* The names of columns; those that begin with '<' hold words and are aligned to the left. */
static void open_table(const char *id, const char *heading, const char *caption, const char *const *columns, size_t count,
                       FILE *stream)
{
    fprintf(stream,
            "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
            "aria-labelledby=\"%s\">\n<table>\n<caption>%s</caption>\n<thead><tr>",
            id, id, heading, id, caption);
    for (size_t i = 0; i < count; i++) {
        bool is_word = columns[i][0] == '<';
        fprintf(stream, "<th scope=\"col\"%s>%s</th>", is_word ? " class=\"word\"" : "", columns[i] + is_word);
    }
    fputs("</tr></thead>\n<tbody>\n", stream);
}

static void note(const char *text, FILE *stream)
{
    fputs("<p class=\"note\">", stream);
    eg_xml_string(stream, text);
    fputs("</p>\n", stream);
}

static void close_rows(FILE *stream) { fputs("</tbody>\n</table>\n</div>\n", stream); }

/* With what explains the columns; "": nothing. */
static void close_table(const char *text, FILE *stream)
{
    close_rows(stream);
    if (*text != '\0')
        note(text, stream);
    fputs("</section>\n", stream);
}

/* A number with a true minus sign; a dash where none is known. */
static void cell(double value, const char *text, FILE *stream)
{
    if (isfinite(value))
        fprintf(stream, "<td>%s%s</td>", *text == '-' ? "\u2212" : "", text + (*text == '-'));
    else
        fputs("<td>\u2013</td>", stream);
}

static void number(double value, int decimals, FILE *stream)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    cell(value, text, stream);
}

static void small(double value, int decimals, FILE *stream)
{
    char text[64];
    if (value == 0)
        snprintf(text, sizeof text, "0");
    else
        snprintf(text, sizeof text, "%.*e", decimals, value);
    cell(value, text, stream);
}

static void whole(uint64_t value, FILE *stream) { fprintf(stream, "<td>%llu</td>", (unsigned long long)value); }

static void row_header(const char *text, FILE *stream)
{
    fputs("<tr><th scope=\"row\" class=\"word\">", stream);
    eg_xml_string(stream, text);
    fputs("</th>", stream);
}

/* The picture of a region for the eye, its pixels for the ear. */
static void region(const eg_law_report *r, size_t cut, FILE *stream)
{
    eg_report report = r->report;
    char text[EG_REGION_TEXT_SIZE];
    report.unicode = true;
    eg_region_text(&report, cut, text);
    fputs("<td class=\"word at\"><code aria-hidden=\"true\">", stream);
    eg_xml_string(stream, text);
    fputs("</code><span class=\"heard\">pixels ", stream);
    if (report.cuts->pixels <= 64)
        eg_pixels_write(&report, cut, " ", stream);
    else
        eg_xml_string(stream, text);
    fputs("</span></td>", stream);
}

/* ---- The law ---- */

/* A coefficient and its standard error in nats; a dash for an error that is not defined. */
static void estimate(const eg_law_report *r, double value, double error, FILE *stream)
{
    double base = r->report.log_base;
    value = eg_zero_below(value, eg_law_rounding(r->study)) / base;
    fprintf(stream, "%s%.5g \u00b1 ", value < 0 ? "\u2212" : "", fabs(value));
    if (isfinite(error))
        fprintf(stream, "%.2g", eg_zero_below(error, 0) / base);
    else
        fputs("\u2013", stream);
}

static void write_fit(const eg_law_report *r, int m, FILE *stream)
{
    const eg_law *law = &r->study->law;
    const eg_fit *fit = &law->fits[m];
    char formula[EG_FORMULA_SIZE];
    row_header(eg_law_models[m].name, stream);
    fputs("<td class=\"word\">", stream);
    eg_xml_string(stream, eg_law_formula(law, m, formula));
    fputs("</td>", stream);
    if (!fit->solved) {
        fputs("<td colspan=\"5\" class=\"word\">cannot be fitted to these cuts</td></tr>\n", stream);
        return;
    }
    number(fit->r_squared, 4, stream);
    number(fit->aicc, 2, stream);
    fputs("<td>", stream);
    estimate(r, fit->intercept, fit->intercept_error, stream);
    fputs("</td><td class=\"word long\">", stream);
    for (int j = 0; j < law->terms[m]; j++) {
        fprintf(stream, "%s%s ", j > 0 ? "; " : "", eg_regressor_name(eg_law_models[m].regressor[j]));
        estimate(r, fit->slope[j], fit->slope_error[j], stream);
    }
    fprintf(stream, "%s</td>", law->terms[m] == 0 ? "\u2013" : "");
    number(law->terms[m] > 1 ? fit->condition : NAN, 1, stream);
    fputs("</tr>\n", stream);
}

void eg_html_fits(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {"<model", "<formula", "R\u00b2", "AICc", "intercept c", "<slopes", "condition"};
    const eg_law *law = &r->study->law;
    bool named[EG_REGRESSORS] = {false};
    open_table(
        "fits", "Fits",
        "Least squares over the shapes, each counting once; \u00b1 is one standard error. The smaller the AICc (of residuals "
        "in nats), the better.",
        columns, sizeof columns / sizeof *columns, stream);
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        if (!eg_law_model_is_shown(law, m))
            continue;
        write_fit(r, m, stream);
        for (int j = 0; j < law->terms[m]; j++)
            named[eg_law_models[m].regressor[j]] = true;
    }
    close_rows(stream);
    for (int i = 0; i < EG_REGRESSORS; i++)
        if (named[i] && eg_law_regressor_note(law, (eg_regressor)i) != NULL)
            note(eg_law_regressor_note(law, (eg_regressor)i), stream);
    note("condition: of the regressors about their means, scaled to one length; 1: independent, large: hard to tell apart", stream);
    fputs("</section>\n", stream);
}

void eg_html_shapes(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {"cuts",   "<one of them", "volume", "L_A",  "bonds",
                                          "mean S", "spread",       "least",  "most", "Page"};
    const eg_law *law = &r->study->law;
    double base = r->report.log_base, rounding = eg_law_rounding(r->study);
    size_t shown = law->count < EG_HTML_MOST_CUTS ? law->count : EG_HTML_MOST_CUTS;
    char caption[384], first[96] = "";
    if (shown < law->count)
        snprintf(first, sizeof first, "The first %zu of %zu; all of them: eegpu law --format json. ", shown, law->count);
    snprintf(caption, sizeof caption,
             "%sCuts whose smaller sides are one shape, moved, turned or mirrored, with the same boundary and bonds. Entropies in "
             "%ss. A: %s.",
             first, r->report.unit, eg_region_legend(&(eg_report){.cuts = r->report.cuts, .unicode = true}));
    open_table("shapes", "Shapes", caption, columns, sizeof columns / sizeof *columns, stream);
    for (size_t i = 0; i < shown && !ferror(stream); i++) {
        const eg_law_group *group = &law->groups[i];
        const eegpu_record *record = &r->study->result->records[group->first];
        fprintf(stream, "<tr><th scope=\"row\">%zu</th>", group->cuts);
        region(r, group->first, stream);
        whole((uint64_t)group->volume, stream);
        whole((uint64_t)group->boundary, stream);
        whole((uint64_t)group->bonds, stream);
        number(eg_zero_below(group->s, rounding) / base, 6, stream);
        small(eg_zero_below(group->spread, rounding) / base, 2, stream);
        number(eg_zero_below(group->least, rounding) / base, 6, stream);
        number(eg_zero_below(group->most, rounding) / base, 6, stream);
        number(eegpu_page_entropy(record->n_a, record->n_b) / base, 6, stream);
        fputs("</tr>\n", stream);
    }
    close_table(
        "spread: sample standard deviation over the cuts of one shape; least and most: of these cuts; Page: the mean of random "
        "states",
        stream);
}

/* ---- Parameters, topological term, theory ---- */

void eg_html_parameters(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {
        "<order of the pixels", "exact", "largest rank", "to 1e-2", "rank", "to 1e-4", "rank", "to 1e-8", "rank"};
    const eg_parameters *parameters = &r->study->parameters;
    int cuts = parameters->pixels - 1;
    char caption[256];
    if (!parameters->known)
        return;
    snprintf(caption, sizeof caption,
             "Numbers in a matrix product state beside 2^%d = %.0f amplitudes, exactly and when each cut drops at most that part "
             "of the norm.",
             parameters->pixels, parameters->amplitudes);
    open_table("parameters", "Parameters needed", caption, columns, sizeof columns / sizeof *columns, stream);
    for (int i = 0; i < EG_PIXEL_ORDERS; i++) {
        const eg_order_parameters *order = &parameters->order[i];
        row_header(eg_pixel_order_name((eg_pixel_order)i), stream);
        if (order->same_as >= 0) {
            fprintf(stream, "<td colspan=\"8\" class=\"word\">as %s</td></tr>\n",
                    eg_pixel_order_name((eg_pixel_order)order->same_as));
            continue;
        }
        number(order->count, 0, stream);
        whole(eg_largest_rank(order->rank, cuts), stream);
        for (int e = 0; e < EG_EPSILONS; e++) {
            number(order->truncated_count[e], 0, stream);
            whole(eg_largest_rank(order->truncated[e], cuts), stream);
        }
        fputs("</tr>\n", stream);
    }
    close_table("Entries of all tensors, gauge freedom not removed: a function without structure needs more of them than it has "
                "amplitudes.",
                stream);
}

/* How far the windows of a combination differ. */
static void window_spread(const eg_law_report *r, eg_topology_kind kind, FILE *stream)
{
    const eg_topology *topology = &r->study->topology;
    double least, mean, most, error = 0, base = r->report.log_base;
    char text[160];
    for (size_t i = 0; i < topology->count; i++)
        error = fmax(error, topology->terms[i].error);
    if (!eg_topology_summary(topology, kind, &least, &mean, &most))
        return;
    snprintf(text, sizeof text, "%s: %.6f to %.6f over the windows, a spread of %.2g", eg_topology_kind_name(kind),
             eg_zero_below(least, error) / base, eg_zero_below(most, error) / base, eg_zero_below(most - least, 2 * error) / base);
    note(text, stream);
}

void eg_html_topology(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {"<combination", "<window", "gamma", "error"};
    const eg_topology *topology = &r->study->topology;
    double base = r->report.log_base;
    char caption[320], window[64];
    if (!topology->known)
        return;
    snprintf(caption, sizeof caption,
             "gamma of S = alpha L \u2212 gamma, in %ss; log 2 is %.6f. It has a meaning only where the area "
             "law holds%s.%s",
             r->report.unit, M_LN2 / base, r->study->law.verdict != EG_LAW_AREA ? ": no meaning here, no area law" : "",
             topology->count == 0 ? " The lattice is too small for any window: at least 4 \u00d7 4." : "");
    open_table("topology", "Topological term", caption, columns, sizeof columns / sizeof *columns, stream);
    for (size_t i = 0; i < topology->count; i++) {
        const eg_topology_term *term = &topology->terms[i];
        row_header(eg_topology_kind_name(term->kind), stream);
        snprintf(window, sizeof window, "%d \u00d7 %d at row %d, column %d", term->height, term->width, term->row, term->column);
        fprintf(stream, "<td class=\"word\">%s</td>", window);
        number(eg_zero_below(term->gamma, term->error) / base, 6, stream);
        small(term->error / base, 1, stream);
        fputs("</tr>\n", stream);
    }
    close_rows(stream);
    for (int kind = 0; kind < EG_TOPOLOGY_KINDS; kind++)
        window_spread(r, (eg_topology_kind)kind, stream);
    fputs("</section>\n", stream);
}

void eg_html_theory(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {"<statement", "<outcome", "<what it says", "<numbers (nats)", "comparisons"};
    const eg_theory *theory = &r->study->theory;
    if (!theory->known)
        return;
    open_table("theory", "Theory", "The paper\u2019s properties and theorems on the numbers of this function.", columns,
               sizeof columns / sizeof *columns, stream);
    for (int i = 0; i < EG_THEORY_CHECKS; i++) {
        const eg_theory_check *check = &theory->checks[i];
        row_header(check->name, stream);
        fputs("<td class=\"word\">", stream);
        eg_xml_string(stream, eg_check_outcome_name(check->outcome));
        fputs("</td><td class=\"word long\">", stream);
        eg_xml_string(stream, check->statement);
        fputs("</td><td class=\"word long\">", stream);
        eg_xml_string(stream, check->detail);
        if (check->cut >= 0)
            fprintf(stream, " (cut %lld)", (long long)check->cut);
        fprintf(stream, "</td><td>%zu</td></tr>\n", check->checked);
    }
    close_table("", stream);
}

/* ---- All cuts ---- */

static void write_cut(const eg_law_report *r, size_t i, FILE *stream)
{
    const eegpu_record *record = &r->study->result->records[i];
    double base = r->report.log_base;
    fprintf(stream, "<tr><th scope=\"row\">%zu</th>", i);
    region(r, i, stream);
    whole((uint64_t)record->n_a, stream);
    whole((uint64_t)record->n_b, stream);
    whole((uint64_t)record->boundary, stream);
    whole((uint64_t)record->bonds, stream);
    number(eg_zero_below(record->s_vn, record->error) / base, 6, stream);
    small(record->error / base, 1, stream);
    number(eegpu_page_entropy(record->n_a, record->n_b) / base, 6, stream);
    number(eg_zero_below(eg_effective_range(record), record->error), 4, stream);
    if (r->study->range_count > 0) {
        const eg_range *range = &r->study->ranges[i];
        for (int which = 0; which < 2; which++)
            fprintf(stream, "<td>%d%s</td>", range->side[which].r, range->side[which].trivial ? "*" : "");
        number(eg_range_bound(range) / base, 6, stream);
        whole(range->side[0].classes, stream);
        whole(range->side[0].lines, stream);
        whole(range->blocks, stream);
    }
    fputs("</tr>\n", stream);
}

void eg_html_cuts(const eg_law_report *r, FILE *stream)
{
    static const char *const columns[] = {"cut",         "<A",      "N_A",  "N_B",           "L_A", "bonds",
                                          "S_vn",        "error",   "Page", "S/(L_A log 2)", "r_A", "r_B",
                                          "|R_r| log 2", "classes", "rows", "blocks"};
    enum { ALWAYS = 10 };
    size_t count = r->study->result->count, shown = count < EG_HTML_MOST_CUTS ? count : EG_HTML_MOST_CUTS;
    bool ranges = r->study->range_count > 0;
    char caption[512], first[96] = "";
    if (shown < count)
        snprintf(first, sizeof first, "The first %zu of %zu; all of them: eegpu law --format json. ", shown, count);
    snprintf(caption, sizeof caption, "%sEntropies and bounds in %ss; error is a bound on rounding.%s A: %s.", first,
             r->report.unit, ranges ? " r_A and r_B: the ranges of the two sides." : "",
             eg_region_legend(&(eg_report){.cuts = r->report.cuts, .unicode = true}));
    open_table("cuts", "All cuts", caption, columns, ranges ? sizeof columns / sizeof *columns : ALWAYS, stream);
    for (size_t i = 0; i < shown && !ferror(stream); i++)
        write_cut(r, i, stream);
    close_table(
        !ranges ? ""
                : "* R_r is the whole side and more than its boundary: the assumption holds trivially and says nothing. |R_r|: "
                  "pixels of R_r, of the side with fewer; classes: of images of A, restricted to its R_r, whose row of M is not "
                  "zero; rows: different rows of M that are not zero; blocks: independent blocks of M.",
        stream);
}
