/* A study as one JSON object. The names are a contract with readers; entropies are in the report's unit, numbers read back as the
 * same doubles, null where none is known. Called by `eegpu law`. */
#include "report/law.h"

#include <math.h>

#include "base/bits.h"
#include "report/encode.h"
#include "report/fields.h"

static void text_member(const char *separator, const char *name, const char *text, FILE *stream)
{
    fprintf(stream, "%s\"%s\":", separator, name);
    eg_json_string(stream, text);
}

static void number_member(const char *separator, const char *name, double value, FILE *stream)
{
    fprintf(stream, "%s\"%s\":", separator, name);
    eg_json_number(stream, value);
}

/* ---- The law ---- */

static void write_head(const eg_law_report *r, FILE *stream)
{
    const struct eegpu_cuts *cuts = r->report.cuts;
    text_member("{", "eegpu", eegpu_version(), stream);
    text_member(",", "command", r->report.command, stream);
    text_member(",", "source", r->source, stream);
    text_member(",", "read_from", r->read_from, stream);
    fprintf(stream, ",\"lattice\":[%d,%d],\"pixels\":%d", cuts->height, cuts->width, cuts->pixels);
    text_member(",", "unit", r->report.unit, stream);
    text_member(",", "cuts_family", cuts->family, stream);
    text_member(",", "device", r->study->result->device, stream);
}

/* The slopes or their errors by the name of the regressor; null where there was no fit. */
static void write_slopes(const char *name, const eg_law *law, int m, const double *slope, double base, FILE *stream)
{
    fprintf(stream, ",\"%s\":{", name);
    for (int j = 0; j < law->terms[m]; j++)
        number_member(j > 0 ? "," : "", eg_regressor_name(eg_law_models[m].regressor[j]),
                      law->fits[m].solved ? slope[j] / base : NAN, stream);
    fputc('}', stream);
}

static void write_fit(const eg_law_report *r, int m, FILE *stream)
{
    const eg_law *law = &r->study->law;
    const eg_fit *fit = &law->fits[m];
    double base = r->report.log_base, known = fit->solved ? 1 : NAN;
    char formula[EG_FORMULA_SIZE];
    text_member("{", "model", eg_law_models[m].name, stream);
    text_member(",", "formula", eg_law_formula(law, m, formula), stream);
    text_member(",", "law", eg_law_kind_name(eg_law_models[m].kind), stream);
    fprintf(stream, ",\"solved\":%s", fit->solved ? "true" : "false");
    number_member(",", "intercept", known * fit->intercept / base, stream);
    number_member(",", "intercept_error", known * fit->intercept_error / base, stream);
    write_slopes("slopes", law, m, fit->slope, base, stream);
    write_slopes("slope_errors", law, m, fit->slope_error, base, stream);
    number_member(",", "residual", known * fit->residual / base, stream);
    number_member(",", "r_squared", known * fit->r_squared, stream);
    number_member(",", "aicc", known * fit->aicc, stream);
    number_member(",", "condition", known * fit->condition, stream);
    fputc('}', stream);
}

static void write_group(const eg_law_report *r, const eg_law_group *group, FILE *stream)
{
    double base = r->report.log_base;
    fputs("{\"pixels\":[", stream);
    eg_pixels_write(&r->report, group->first, ",", stream);
    fprintf(stream, "],\"cuts\":%zu,\"volume\":%d,\"boundary\":%d,\"bonds\":%d", group->cuts, group->volume, group->boundary,
            group->bonds);
    number_member(",", "logarithm", group->regressor[EG_LOGARITHM], stream);
    number_member(",", "s_vn", group->s / base, stream);
    number_member(",", "spread", group->spread / base, stream);
    number_member(",", "least", group->least / base, stream);
    number_member(",", "most", group->most / base, stream);
    fputc('}', stream);
}

static void write_law(const eg_law_report *r, FILE *stream)
{
    const eg_law *law = &r->study->law;
    text_member(",\n", "verdict", eg_law_kind_name(law->verdict), stream);
    text_member(",", "reason", law->reason, stream);
    text_member(",", "advice", *law->advice != '\0' ? law->advice : NULL, stream);
    text_member(",", "best_model", law->best >= 0 ? eg_law_models[law->best].name : NULL, stream);
    number_member(",", "aicc_margin", law->margin, stream);
    text_member(",", "aicc_unit", "nat", stream); /* of the residuals in it, whatever the unit of the rest */
    number_member(",", "boundary_volume_correlation", law->correlation, stream);
    fputs(",\"fits\":[\n", stream);
    for (int m = 0; m < EG_LAW_MODELS; m++) {
        write_fit(r, m, stream);
        fputs(m + 1 < EG_LAW_MODELS ? ",\n" : "\n", stream);
    }
    fputs("],\"shapes\":[\n", stream);
    for (size_t i = 0; i < law->count; i++) {
        write_group(r, &law->groups[i], stream);
        fputs(i + 1 < law->count ? ",\n" : "\n", stream);
    }
    fputc(']', stream);
}

/* ---- Cuts and ranges ---- */

static void write_image(const char *name, const uint64_t *image, int pixels, FILE *stream)
{
    bool first = true;
    fprintf(stream, ",\"%s\":[", name);
    for (int i = 0; i < pixels; i++)
        if (eg_bit(image, (uint64_t)i)) {
            fprintf(stream, "%s%d", first ? "" : ",", i);
            first = false;
        }
    fputc(']', stream);
}

static void write_side(const char *name, const eg_range_side *side, int pixels, FILE *stream)
{
    fprintf(stream, ",\"%s\":{\"r\":%d,\"depth\":%d,\"pixels\":%d,\"trivial\":%s,\"classes\":%llu,\"lines\":%llu", name, side->r,
            side->depth, side->pixels, side->trivial ? "true" : "false", (unsigned long long)side->classes,
            (unsigned long long)side->lines);
    if (side->one != NULL) {
        fprintf(stream, ",\"counter_example\":{\"r\":%d", side->r - 1);
        write_image("lit_one", side->one, pixels, stream);
        write_image("lit_two", side->two, pixels, stream);
        write_image("lit_other_side", side->other, pixels, stream);
        fputc('}', stream);
    }
    fputc('}', stream);
}

static void write_cut(const eg_law_report *r, size_t cut, FILE *stream)
{
    const eegpu_record *record = eegpu_result_record(r->study->result, cut);
    double base = r->report.log_base;
    fputs("{\"pixels\":[", stream);
    eg_pixels_write(&r->report, cut, ",", stream);
    fprintf(stream, "],\"n_a\":%d,\"n_b\":%d,\"boundary\":%d,\"bonds\":%d", record->n_a, record->n_b, record->boundary,
            record->bonds);
    number_member(",", "s_vn", record->s_vn / base, stream);
    number_member(",", "error", record->error / base, stream);
    number_member(",", "page", eegpu_page_entropy(record->n_a, record->n_b) / base, stream);
    number_member(",", "effective_range", eg_effective_range(record), stream);
    if (r->study->range_count > 0) {
        const eg_range *range = &r->study->ranges[cut];
        fprintf(stream, ",\"r\":%d,\"r_a\":%d,\"r_b\":%d", range->r, range->side[0].r, range->side[1].r);
        number_member(",", "bound", eg_range_bound(range) / base, stream);
        fprintf(stream, ",\"blocks\":%llu", (unsigned long long)range->blocks);
        write_side("assumption_1", &range->side[0], r->report.cuts->pixels, stream);
        write_side("assumption_2", &range->side[1], r->report.cuts->pixels, stream);
    }
    fputc('}', stream);
}

static void write_cuts(const eg_law_report *r, FILE *stream)
{
    const eg_study *study = r->study;
    int largest[2];
    (void)eg_range_summary(study, largest);
    if (study->range_count > 0)
        fprintf(stream, ",\n\"r\":%d,\"r_assumption_1\":%d,\"r_assumption_2\":%d",
                largest[0] > largest[1] ? largest[0] : largest[1], largest[0], largest[1]);
    else
        fputs(",\n\"r\":null", stream);
    fputs(",\"cuts\":[\n", stream);
    for (size_t i = 0; i < study->result->count && !ferror(stream); i++) {
        write_cut(r, i, stream);
        fputs(i + 1 < study->result->count ? ",\n" : "\n", stream);
    }
    fputc(']', stream);
}

/* ---- Parameters, topological term, theory ---- */

static void write_ranks(const char *name, const uint64_t *rank, int count, FILE *stream)
{
    fprintf(stream, ",\"%s\":[", name);
    for (int k = 0; k < count; k++)
        fprintf(stream, "%s%llu", k > 0 ? "," : "", (unsigned long long)rank[k]);
    fputc(']', stream);
}

static void write_order(const eg_parameters *parameters, int number, FILE *stream)
{
    const eg_order_parameters *order = &parameters->order[number];
    text_member("{", "order", eg_pixel_order_name((eg_pixel_order)number), stream);
    if (order->same_as >= 0) {
        text_member(",", "same_as", eg_pixel_order_name((eg_pixel_order)order->same_as), stream);
    } else {
        fprintf(stream, ",\"exact\":%s", order->exact ? "true" : "false");
        write_ranks("ranks", order->rank, parameters->pixels - 1, stream);
        number_member(",", "parameters", order->count, stream);
        fputs(",\"truncated\":[", stream);
        for (int e = 0; e < EG_EPSILONS; e++) {
            number_member(e > 0 ? ",{" : "{", "epsilon", eg_epsilons[e], stream);
            write_ranks("ranks", order->truncated[e], parameters->pixels - 1, stream);
            number_member(",", "parameters", order->truncated_count[e], stream);
            fputc('}', stream);
        }
        fputc(']', stream);
    }
    fputc('}', stream);
}

static void write_parameters(const eg_parameters *parameters, FILE *stream)
{
    if (!parameters->known)
        return;
    number_member(",\n\"parameters\":{", "amplitudes", parameters->amplitudes, stream);
    fputs(",\"orders\":[\n", stream);
    for (int order = 0; order < EG_PIXEL_ORDERS; order++) {
        write_order(parameters, order, stream);
        fputs(order + 1 < EG_PIXEL_ORDERS ? ",\n" : "]}", stream);
    }
}

static void write_topology(const eg_law_report *r, FILE *stream)
{
    const eg_topology *topology = &r->study->topology;
    double base = r->report.log_base;
    if (!topology->known)
        return;
    fputs(",\n\"topological_term\":[", stream);
    for (size_t i = 0; i < topology->count; i++) {
        const eg_topology_term *term = &topology->terms[i];
        text_member(i > 0 ? ",\n{" : "\n{", "combination", eg_topology_kind_name(term->kind), stream);
        fprintf(stream, ",\"window\":[%d,%d],\"row\":%d,\"column\":%d", term->height, term->width, term->row, term->column);
        number_member(",", "gamma", term->gamma / base, stream);
        number_member(",", "error", term->error / base, stream);
        fputc('}', stream);
    }
    fputc(']', stream);
}

static void write_theory(const eg_theory *theory, FILE *stream)
{
    if (!theory->known)
        return;
    fputs(",\n\"theory\":[\n", stream);
    for (int i = 0; i < EG_THEORY_CHECKS; i++) {
        const eg_theory_check *check = &theory->checks[i];
        text_member("{", "name", check->name, stream);
        text_member(",", "statement", check->statement, stream);
        text_member(",", "outcome", eg_check_outcome_name(check->outcome), stream);
        fprintf(stream, ",\"checked\":%zu", check->checked);
        number_member(",", "value_nats", check->value, stream);
        number_member(",", "bound_nats", check->bound, stream);
        number_member(",", "tolerance_nats", check->tolerance, stream);
        number_member(",", "cut", check->cut >= 0 ? (double)check->cut : NAN, stream);
        text_member(",", "detail", check->detail, stream);
        fputs(i + 1 < EG_THEORY_CHECKS ? "},\n" : "}]", stream);
    }
}

eegpu_status eg_law_write_json(const eg_law_report *report, FILE *stream)
{
    write_head(report, stream);
    write_law(report, stream);
    write_cuts(report, stream);
    write_parameters(&report->study->parameters, stream);
    write_topology(report, stream);
    write_theory(&report->study->theory, stream);
    number_member(",\n", "seconds", report->report.seconds, stream);
    fputs("}\n", stream);
    return eg_stream_check(stream, "the JSON");
}
