/* A study as text for people: the verdict first, then what it rests on. Comes in: a study; goes out: text. It is not meant to be
 * read back. Called by `eegpu law`. */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "report/encode.h"
#include "report/fields.h"
#include "report/law.h"

enum { NAME_COLUMNS = 20 };

/* ---- The law ---- */

static void write_verdict(const eg_law_report *r, FILE *stream)
{
    const eg_law *law = &r->study->law;
    eg_terminal_string(stream, r->source);
    fprintf(stream, ", %dx%d, %zu cuts (", r->report.cuts->height, r->report.cuts->width, r->study->result->count);
    eg_terminal_string(stream, r->report.cuts->family);
    fprintf(stream, ") of %zu shapes, entropies in %ss\n", law->count, r->report.unit);
    if (r->read_from != NULL) {
        fputs("entropies read from ", stream);
        eg_terminal_string(stream, r->read_from);
        fputs("; the range, the parameters and the topological term need the function itself\n", stream);
    }
    fprintf(stream, "\nverdict: %s%s\n  %s\n", eg_law_kind_name(law->verdict), law->verdict == EG_LAW_UNDECIDED ? "" : " law",
            law->reason);
    if (*law->advice != '\0')
        fprintf(stream, "  what would tell: %s\n", law->advice);
}

/* A number and its standard error, both in nats, in the unit of the report. */
static void write_estimate(const eg_law_report *r, double value, double error, FILE *stream)
{
    double base = r->report.log_base;
    fprintf(stream, "%.5g +- ", eg_zero_below(value, eg_law_rounding(r->study)) / base);
    if (isfinite(error))
        fprintf(stream, "%.2g", eg_zero_below(error, 0) / base);
    else
        fputc('-', stream);
}

static void write_fit(const eg_law_report *r, int m, FILE *stream)
{
    const eg_law *law = &r->study->law;
    const eg_fit *fit = &law->fits[m];
    fprintf(stream, "  %-*s", NAME_COLUMNS, eg_law_models[m].name);
    if (!fit->solved) {
        fputs("   cannot be fitted to these cuts\n", stream);
        return;
    }
    if (isfinite(fit->r_squared))
        fprintf(stream, "%9.4f", fit->r_squared);
    else
        fprintf(stream, "%9s", "-");
    if (isfinite(fit->aicc))
        fprintf(stream, "%10.2f", fit->aicc);
    else
        fprintf(stream, "%10s", "-");
    fputs("  ", stream);
    write_estimate(r, fit->intercept, fit->intercept_error, stream);
    for (int j = 0; j < law->terms[m]; j++) {
        fprintf(stream, "  %s ", eg_regressor_name(eg_law_models[m].regressor[j]));
        write_estimate(r, fit->slope[j], fit->slope_error[j], stream);
    }
    if (law->terms[m] > 1)
        fprintf(stream, "  (condition %.1f)", fit->condition);
    fputc('\n', stream);
}

static void write_fits(const eg_law_report *r, FILE *stream)
{
    const eg_law *law = &r->study->law;
    bool conditions = false, named[EG_REGRESSORS] = {false};
    fprintf(stream, "\n  %-*s%9s%10s  %s\n", NAME_COLUMNS, "fit of S against", "R^2", "AICc", "intercept, slopes");
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        if (!eg_law_model_is_shown(law, m))
            continue;
        write_fit(r, m, stream);
        conditions = conditions || (law->fits[m].solved && law->terms[m] > 1);
        for (int j = 0; j < law->terms[m] && law->fits[m].solved; j++)
            named[eg_law_models[m].regressor[j]] = true;
    }
    fputs(
        "  to the means of the shapes; +-: one standard error, - where it is not defined; AICc: of residuals in nats, the smaller "
        "the better\n",
        stream);
    for (int i = 0; i < EG_REGRESSORS; i++)
        if (named[i] && eg_law_regressor_note(law, (eg_regressor)i) != NULL)
            fprintf(stream, "  %s\n", eg_law_regressor_note(law, (eg_regressor)i));
    if (conditions)
        fputs("  condition: of the regressors about their means, scaled to one length; 1: independent, large: hard to tell apart\n",
              stream);
    for (int m = 0; m < EG_LAW_MODELS; m++)
        if (eg_law_models[m].kind == EG_LAW_LOG && law->is_chain && law->fits[m].solved && law->verdict == EG_LAW_LOG)
            fprintf(stream,
                    "  if this is the ground state of a critical chain, its central charge is 6 times that slope in nats: %.4f +- "
                    "%.2g\n",
                    6 * law->fits[m].slope[0], 6 * law->fits[m].slope_error[0]);
}

/* What a table leaves out. */
static void write_rest(size_t count, const char *what, FILE *stream)
{
    if (count > EG_TABLE_MOST)
        fprintf(stream, "  and %zu more %s: --format json has all\n", count - EG_TABLE_MOST, what);
}

static void write_groups(const eg_law_report *r, FILE *stream)
{
    const eg_law *law = &r->study->law;
    double base = r->report.log_base, rounding = eg_law_rounding(r->study);
    fprintf(stream, "\n  shapes (A: %s)\n  %-*s%6s%8s%6s%7s%11s%10s%11s\n", eg_region_legend(&r->report), EG_REGION_COLUMNS,
            "one of them", "cuts", "volume", "L_A", "bonds", "S_vn", "spread", "Page");
    for (size_t i = 0; i < law->count && i < EG_TABLE_MOST && !ferror(stream); i++) {
        const eg_law_group *group = &law->groups[i];
        const eegpu_record *record = eegpu_result_record(r->study->result, group->first);
        char region[EG_REGION_TEXT_SIZE], spread[32];
        double width = eg_zero_below(group->spread, rounding) / base;
        eg_region_text(&r->report, group->first, region);
        snprintf(spread, sizeof spread, width > 0 ? "%.2e" : "0", width);
        fprintf(stream, "  %s%*s%6zu%8d%6d%7d%11.6f%10s%11.6f\n", region, EG_REGION_COLUMNS - eg_display_width(region), "",
                group->cuts, group->volume, group->boundary, group->bonds, eg_zero_below(group->s, rounding) / base, spread,
                eegpu_page_entropy(record->n_a, record->n_b) / base);
    }
    write_rest(law->count, "shapes", stream);
    fputs("  spread: sample standard deviation over the cuts of one shape; Page: the mean of random states\n", stream);
}

/* ---- Range ---- */

/* The pixels of one side of the cut, the others as blanks. */
static void write_row(const struct eegpu_cuts *cuts, const uint64_t *mask, bool in_a, const uint64_t *image, int row, FILE *stream)
{
    for (int column = 0; column < cuts->width; column++) {
        uint64_t pixel = (uint64_t)(row * cuts->width + column);
        fputs(eg_bit(mask, pixel) != in_a ? "  " : eg_bit(image, pixel) ? " #" : " .", stream);
    }
    fputs("     ", stream);
}

static void write_example(const eg_law_report *r, size_t cut, int which, FILE *stream)
{
    const eg_range_side *side = &r->study->ranges[cut].side[which];
    const struct eegpu_cuts *cuts = r->report.cuts;
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    char name = which == 0 ? 'A' : 'B', other = which == 0 ? 'B' : 'A';
    if (side->one == NULL)
        return;
    fprintf(
        stream,
        "  Assumption %d fails at r = %d for cut %zu: two images of %c, equal on its pixels within %d of %c, and an image of %c "
        "with which\n  the first makes f = 1 and the second f = 0, though neither has f = 0 with all images of %c:\n",
        which + 1, side->r - 1, cut, name, side->r - 1, other, other, other);
    if (cuts->width > 40) {
        fputs("  (too wide to draw: see counter_example in --format json)\n", stream);
        return;
    }
    for (int row = 0; row < cuts->height; row++) {
        fputs("   ", stream);
        write_row(cuts, mask, which == 0, side->one, row, stream);
        write_row(cuts, mask, which == 0, side->two, row, stream);
        write_row(cuts, mask, which != 0, side->other, row, stream);
        fputc('\n', stream);
    }
}

static void write_range(const eg_law_report *r, size_t i, FILE *stream)
{
    const eg_range *range = &r->study->ranges[i];
    const eg_range_side *a = &range->side[0], *b = &range->side[1];
    const eegpu_record *record = eegpu_result_record(r->study->result, i);
    char region[EG_REGION_TEXT_SIZE], r_a[16], r_b[16];
    snprintf(r_a, sizeof r_a, "%d%s", a->r, a->trivial ? "*" : "");
    snprintf(r_b, sizeof r_b, "%d%s", b->r, b->trivial ? "*" : "");
    eg_region_text(&r->report, i, region);
    fprintf(stream, "  %5zu  %s%*s%5s%5s%8d%10llu%10llu%8llu%11.6f%12.6f\n", i, region,
            EG_REGION_COLUMNS - eg_display_width(region), "", r_a, r_b, eg_range_pixels(range), (unsigned long long)a->classes,
            (unsigned long long)a->lines, (unsigned long long)range->blocks,
            eg_zero_below(record->s_vn, record->error) / r->report.log_base, eg_range_bound(range) / r->report.log_base);
}

static void write_ranges(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    int largest[2];
    size_t trivial = eg_range_summary(study, largest);
    double least, most;
    eg_effective_ranges(study, &least, &most);
    fprintf(stream, "\nrange: S/(L_A log 2), the effective r, is %.4g to %.4g\n", least, most);
    if (study->range_count == 0)
        return;
    fprintf(stream, "Assumption 1 (rows) holds for every cut with r = %d, Assumption 2 (columns) with r = %d", largest[0],
            largest[1]);
    if (trivial > 0)
        fprintf(stream, "; in %zu of %zu cuts at least one assumption holds only because R_r is the whole side", trivial,
                study->range_count);
    fprintf(stream, "\n  %5s  %-*s%5s%5s%8s%10s%10s%8s%11s%12s\n", "cut", EG_REGION_COLUMNS, "A", "r_A", "r_B", "|R_r|", "classes",
            "rows", "blocks", "S_vn", "|R_r| log 2");
    for (size_t i = 0; i < study->range_count && i < EG_TABLE_MOST && !ferror(stream); i++)
        write_range(r, i, stream);
    write_rest(study->range_count, "cuts", stream);
    if (trivial > 0)
        fputs("  * R_r is the whole side and more than its boundary: the assumption holds trivially and says nothing\n", stream);
    fputs("  |R_r|: pixels of R_r, of the side with fewer; classes: of images of A, restricted to its R_r, whose row of M is not "
          "zero;\n"
          "  rows: different rows of M that are not zero; blocks: independent blocks of M\n",
          stream);
    int64_t widest = eg_widest_cut(study);
    for (int which = 0; which < 2 && widest >= 0; which++)
        write_example(r, (size_t)widest, which, stream);
}

/* ---- Parameters, topological term, theory ---- */

static void write_parameters(const eg_parameters *parameters, FILE *stream)
{
    if (!parameters->known)
        return;
    fprintf(stream, "\nparameters of a matrix product state beside 2^%d = %.0f amplitudes (largest rank)\n  %-14s%22s",
            parameters->pixels, parameters->amplitudes, "order", "exact");
    for (int e = 0; e < EG_EPSILONS; e++)
        fprintf(stream, "%15.0e      ", eg_epsilons[e]);
    fputc('\n', stream);
    for (int i = 0; i < EG_PIXEL_ORDERS; i++) {
        const eg_order_parameters *order = &parameters->order[i];
        fprintf(stream, "  %-14s", eg_pixel_order_name((eg_pixel_order)i));
        if (order->same_as >= 0) {
            fprintf(stream, "%22s\n", "as row-major");
            continue;
        }
        fprintf(stream, "%14.0f (%5llu)", order->count, (unsigned long long)eg_largest_rank(order->rank, parameters->pixels - 1));
        for (int e = 0; e < EG_EPSILONS; e++)
            fprintf(stream, "%13.0f (%5llu)", order->truncated_count[e],
                    (unsigned long long)eg_largest_rank(order->truncated[e], parameters->pixels - 1));
        fputs(order->exact ? "\n" : "  (ranks to rounding)\n", stream);
    }
    fputs("  1e-2 and so on: each cut drops at most that part of the norm; entries of all tensors, gauge freedom not removed\n",
          stream);
}

static void write_combination(const eg_law_report *r, eg_topology_kind kind, FILE *stream)
{
    const eg_topology *topology = &r->study->topology;
    double least, mean, most, base = r->report.log_base, error = 0;
    int side = eg_topology_least_side(kind);
    size_t count = 0;
    const eg_topology_term *largest = NULL;
    if (!eg_topology_summary(topology, kind, &least, &mean, &most)) {
        fprintf(stream, "  %-17s the lattice is too small: at least %dx%d\n", eg_topology_kind_name(kind), side, side);
        return;
    }
    for (size_t i = topology->count; i-- > 0;)
        if (topology->terms[i].kind == kind) {
            largest = &topology->terms[i];
            error = fmax(error, largest->error);
            count++;
        }
    fprintf(stream, "  %-17s %.6f in the window %dx%d at %d,%d", eg_topology_kind_name(kind),
            eg_zero_below(largest->gamma, largest->error) / base, largest->height, largest->width, largest->row, largest->column);
    if (count > 1)
        fprintf(stream, "; %.6f to %.6f over %zu windows, a spread of %.2g", eg_zero_below(least, error) / base,
                eg_zero_below(most, error) / base, count, eg_zero_below(most - least, 2 * error) / base);
    fputc('\n', stream);
}

static void write_topology(const eg_law_report *r, FILE *stream)
{
    if (!r->study->topology.known)
        return;
    fputs("\ntopological term gamma of S = alpha L - gamma; it has a meaning only where the area law holds\n", stream);
    if (r->study->topology.count > 0 && r->study->law.verdict != EG_LAW_AREA)
        fputs("  no meaning here: no area law\n", stream);
    for (int kind = 0; kind < EG_TOPOLOGY_KINDS; kind++)
        write_combination(r, (eg_topology_kind)kind, stream);
    fprintf(stream, "  log 2 = %.6f\n", M_LN2 / r->report.log_base);
}

static void write_theory(const eg_theory *theory, FILE *stream)
{
    if (!theory->known)
        return;
    fputs("\ntheory (in nats)\n", stream);
    for (int i = 0; i < EG_THEORY_CHECKS; i++) {
        const eg_theory_check *check = &theory->checks[i];
        fprintf(stream, "  %-11s%-15s %s\n%29s%s", check->name, eg_check_outcome_name(check->outcome), check->statement, "",
                check->detail);
        if (check->cut >= 0)
            fprintf(stream, " (cut %lld; %zu comparisons)", (long long)check->cut, check->checked);
        fputc('\n', stream);
    }
}

eegpu_status eg_law_write_table(const eg_law_report *report, FILE *stream)
{
    write_verdict(report, stream);
    write_fits(report, stream);
    write_groups(report, stream);
    write_ranges(report, stream);
    write_parameters(&report->study->parameters, stream);
    write_topology(report, stream);
    write_theory(&report->study->theory, stream);
    fprintf(stream, "\nverdict: %s%s, as above\n", eg_law_kind_name(report->study->law.verdict),
            report->study->law.verdict == EG_LAW_UNDECIDED ? "" : " law");
    return eg_stream_check(stream, "the table");
}
