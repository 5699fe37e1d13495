/* A study as text for people: the verdict first, then what it rests on. Comes in: a study; goes out: text. It is not meant to be read back.
 * Called by `eegpu law`. */
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
    fprintf(stream, "%s, %dx%d, %zu cuts (%s) of %zu shapes, entropies in %ss\n", r->source, r->report.cuts->height,
            r->report.cuts->width, r->study->result->count, r->report.cuts->family, law->count, r->report.unit);
    if (r->read_from != NULL)
        fprintf(stream, "entropies read from %s; the range, the parameters and the topological term need the function itself\n",
                r->read_from);
    fprintf(stream, "\nverdict: %s%s\n  %s\n", eg_law_kind_name(law->verdict), law->verdict == EG_LAW_UNDECIDED ? "" : " law",
            law->reason);
    if (*law->advice != '\0')
        fprintf(stream, "  what would tell: %s\n", law->advice);
}

static void write_fit(const eg_law_report *r, int m, FILE *stream)
{
    const eg_law *law = &r->study->law;
    const eg_fit *fit = &law->fits[m];
    double base = r->report.log_base;
    if (eg_law_models[m].only_chains && !law->is_chain)
        return;
    fprintf(stream, "  %-*s", NAME_COLUMNS, eg_law_models[m].name);
    if (!fit->solved) {
        fputs("   cannot be fitted to these cuts\n", stream);
        return;
    }
    if (isnan(fit->r_squared))
        fprintf(stream, "%9s", "-");
    else
        fprintf(stream, "%9.4f", fit->r_squared);
    if (isfinite(fit->aicc))
        fprintf(stream, "%10.2f", fit->aicc);
    else
        fprintf(stream, "%10s", "-");
    fprintf(stream, "  %.5g +- %.2g", fit->intercept / base, fit->intercept_error / base);
    for (int j = 0; j < law->terms[m]; j++)
        fprintf(stream, "  %s %.5g +- %.2g", eg_regressor_name(eg_law_models[m].regressor[j]), fit->slope[j] / base,
                fit->slope_error[j] / base);
    if (law->terms[m] > 1)
        fprintf(stream, "  (condition %.1f)", fit->condition);
    fputc('\n', stream);
}

static void write_fits(const eg_law_report *r, FILE *stream)
{
    fprintf(stream, "\n  %-*s%9s%10s  %s\n", NAME_COLUMNS, "fit of S against", "R^2", "AICc", "intercept, slopes");
    for (int m = 0; m < EG_LAW_MODELS; m++)
        write_fit(r, m, stream);
    const eg_fit *logarithm = NULL;
    for (int m = 0; m < EG_LAW_MODELS; m++)
        if (eg_law_models[m].kind == EG_LAW_LOG && r->study->law.is_chain)
            logarithm = &r->study->law.fits[m];
    if (logarithm != NULL && logarithm->solved && r->study->law.verdict == EG_LAW_LOG)
        fprintf(stream, "  central charge of an open chain, 6 times the slope in nats: %.4f +- %.2g\n", 6 * logarithm->slope[0],
                6 * logarithm->slope_error[0]);
}

static void write_groups(const eg_law_report *r, FILE *stream)
{
    const eg_law *law = &r->study->law;
    double base = r->report.log_base;
    fprintf(stream, "\n  shapes (A: %s)\n  %-*s%6s%8s%6s%7s%11s%10s%11s\n", eg_region_legend(&r->report), EG_REGION_COLUMNS,
            "one of them", "cuts", "volume", "L_A", "bonds", "S_vn", "spread", "Page");
    for (size_t i = 0; i < law->count && !ferror(stream); i++) {
        const eg_law_group *group = &law->groups[i];
        const eegpu_record *record = eegpu_result_record(r->study->result, group->first);
        char region[EG_REGION_TEXT_SIZE];
        eg_region_text(&r->report, group->first, region);
        fprintf(stream, "  %s%*s%6zu%8d%6d%7d%11.6f%10.2e%11.6f\n", region, EG_REGION_COLUMNS - eg_display_width(region), "",
                group->cuts, group->volume, group->boundary, group->bonds, group->s / base, group->spread / base,
                eegpu_page_entropy(record->n_a, record->n_b) / base);
    }
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

static void write_effective(const eg_law_report *r, FILE *stream)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < r->study->result->count; i++) {
        double effective = eg_effective_range(eegpu_result_record(r->study->result, i));
        least = fmin(least, effective);
        most = fmax(most, effective);
    }
    fprintf(stream, "\nrange: S/(L_A log 2), the effective r, is %.4g to %.4g\n", least, most);
}

static void write_ranges(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    int largest[2] = {0, 0};
    size_t trivial = 0;
    write_effective(r, stream);
    if (study->range_count == 0)
        return;
    for (size_t i = 0; i < study->range_count; i++) {
        const eg_range *range = &study->ranges[i];
        for (int which = 0; which < 2; which++)
            largest[which] = range->side[which].r > largest[which] ? range->side[which].r : largest[which];
        trivial += range->side[0].trivial || range->side[1].trivial;
    }
    fprintf(stream, "Assumption 1 (rows) holds for every cut with r = %d, Assumption 2 (columns) with r = %d", largest[0],
            largest[1]);
    if (trivial > 0)
        fprintf(stream, "; for %zu of %zu cuts only because that is all of A or all of B, which says nothing", trivial,
                study->range_count);
    fprintf(stream, "\n  %5s  %-*s%5s%5s%8s%10s%10s%8s%11s%12s\n", "cut", EG_REGION_COLUMNS, "A", "r_A", "r_B", "|R_r|", "classes",
            "rows", "blocks", "S_vn", "|R_r| log 2");
    for (size_t i = 0; i < study->range_count && !ferror(stream); i++) {
        const eg_range *range = &study->ranges[i];
        const eg_range_side *a = &range->side[0];
        char region[EG_REGION_TEXT_SIZE], r_a[16], r_b[16];
        snprintf(r_a, sizeof r_a, "%d%s", a->r, a->trivial ? "*" : "");
        snprintf(r_b, sizeof r_b, "%d%s", range->side[1].r, range->side[1].trivial ? "*" : "");
        eg_region_text(&r->report, i, region);
        fprintf(stream, "  %5zu  %s%*s%5s%5s%8d%10llu%10llu%8llu%11.6f%12.6f\n", i, region,
                EG_REGION_COLUMNS - eg_display_width(region), "", r_a, r_b, a->pixels, (unsigned long long)a->classes,
                (unsigned long long)a->lines, (unsigned long long)range->blocks,
                eegpu_result_record(study->result, i)->s_vn / r->report.log_base, eg_range_bound(range) / r->report.log_base);
    }
    if (trivial > 0)
        fputs("  * all of that side\n", stream);
    int64_t widest = eg_widest_cut(study);
    for (int which = 0; which < 2 && widest >= 0; which++)
        write_example(r, (size_t)widest, which, stream);
}

/* ---- Parameters, topological term, theory ---- */

static uint64_t largest_of(const uint64_t *rank, int count)
{
    uint64_t largest = 1;
    for (int k = 0; k < count; k++)
        largest = rank[k] > largest ? rank[k] : largest;
    return largest;
}

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
        fprintf(stream, "%14.0f (%5llu)", order->count, (unsigned long long)largest_of(order->rank, parameters->pixels - 1));
        for (int e = 0; e < EG_EPSILONS; e++)
            fprintf(stream, "%13.0f (%5llu)", order->truncated_count[e],
                    (unsigned long long)largest_of(order->truncated[e], parameters->pixels - 1));
        fputs(order->exact ? "\n" : "  (ranks to rounding)\n", stream);
    }
    fputs("  1e-2 and so on: each cut drops at most that part of the norm\n", stream);
}

static void write_topology(const eg_law_report *r, FILE *stream)
{
    const eg_topology *topology = &r->study->topology;
    double base = r->report.log_base;
    if (!topology->known)
        return;
    fputs("\ntopological term gamma of S = alpha L - gamma\n", stream);
    for (int kind = 0; kind < EG_TOPOLOGY_KINDS; kind++) {
        double least, mean, most;
        const char *name = eg_topology_kind_name((eg_topology_kind)kind);
        int side = eg_topology_least_side((eg_topology_kind)kind);
        if (!eg_topology_summary(topology, (eg_topology_kind)kind, &least, &mean, &most)) {
            fprintf(stream, "  %-17s the lattice is too small: at least %dx%d\n", name, side, side);
            continue;
        }
        size_t count = 0;
        const eg_topology_term *largest = NULL;
        for (size_t i = topology->count; i-- > 0;)
            if (topology->terms[i].kind == (eg_topology_kind)kind) {
                largest = &topology->terms[i];
                count++;
            }
        fprintf(stream, "  %-17s %.6f in the window %dx%d at %d,%d", name, largest->gamma / base, largest->height, largest->width,
                largest->row, largest->column);
        if (count > 1)
            fprintf(stream, "; %.6f to %.6f over %zu windows", least / base, most / base, count);
        fputc('\n', stream);
    }
    fprintf(stream, "  log 2 = %.6f\n", M_LN2 / base);
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
    return eg_stream_check(stream, "the table");
}
