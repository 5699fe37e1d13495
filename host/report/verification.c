/* The verification of a function, as a table for people or one JSON object. Comes in: what every route found; goes out: text. Entropies
 * are in nats. Called by `eegpu verify`. */
#include "report/verification.h"

#include <math.h>
#include <string.h>

#include "report/encode.h"
#include "report/fields.h"

static const eg_verify_entry *entry_of(const eg_verification *verification, size_t cut, size_t column)
{
    return &verification->entries[cut * verification->column_count + column];
}

static const eg_verify_route *route_of(size_t column) { return &eg_verify_routes[column % EG_VERIFY_ROUTES]; }

static const char *device_of(const eg_verification *verification, size_t column)
{
    return verification->devices[column / EG_VERIFY_ROUTES];
}

/* ---- The table ---- */

enum { VALUE_COLUMNS = 16, WORD_COLUMNS = 9 };

static void write_operations(const eg_verification *verification, FILE *stream)
{
    size_t first = 0;
    for (size_t device = 0; device < verification->device_count; device++) {
        size_t checked = 0, good = 0;
        for (size_t i = first; i < verification->operation_count && verification->operations[i].device == device; i++) {
            const eg_verify_operation *one = &verification->operations[i];
            first = i + 1;
            checked += one->reason == NULL || !one->agrees;
            good += one->reason == NULL && one->agrees;
            if (one->reason != NULL)
                fprintf(stream, "%s on %s: %s\n", one->agrees ? "not run" : "FAILED", verification->devices[device], one->reason);
            else if (!one->agrees)
                fprintf(stream, "WRONG on %s: %s, %d %s: off by %.3g, at most %.3g is right\n", verification->devices[device],
                        one->row->name, one->size, one->row->unit, one->difference, one->bound);
        }
        fprintf(stream, "operations on %s: %zu of %zu agree with the reference\n", verification->devices[device], good, checked);
    }
}

static void write_heads(const eg_verification *verification, FILE *stream)
{
    fprintf(stream, "\n%5s  %-*s", "", EG_REGION_COLUMNS, "");
    for (size_t column = 0; column < verification->column_count; column++)
        fprintf(stream, "%*s", VALUE_COLUMNS, device_of(verification, column));
    fprintf(stream, "\n%5s  %-*s", "cut", EG_REGION_COLUMNS, "A");
    for (size_t column = 0; column < verification->column_count; column++)
        fprintf(stream, "%*s", VALUE_COLUMNS, route_of(column)->name);
    fprintf(stream, "%*s%*s  %-*s  %s\n", WORD_COLUMNS + 4, "difference", WORD_COLUMNS, "bound", WORD_COLUMNS, "of", "verdict");
}

static void write_cut(const eg_report *report, const eg_verification *verification, size_t cut, FILE *stream)
{
    const eg_verify_outcome *outcome = &verification->outcomes[cut];
    char region[EG_REGION_TEXT_SIZE];
    eg_region_text(report, cut, region);
    fprintf(stream, "%5zu  %s%*s", cut, region, EG_REGION_COLUMNS - eg_display_width(region), "");
    for (size_t column = 0; column < verification->column_count; column++) {
        const eg_verify_entry *entry = entry_of(verification, cut, column);
        if (entry->reason != NULL)
            fprintf(stream, "%*s", VALUE_COLUMNS, entry->failed ? "FAILED" : "-");
        else
            fprintf(stream, "%*.*f", VALUE_COLUMNS, VALUE_COLUMNS - 5, entry->record.s_vn);
    }
    const char *verdict = outcome->failed              ? "FAILED"
                          : !outcome->agrees           ? "DIFFER"
                          : *outcome->quantity == '\0' ? "one route only"
                                                       : "agree";
    if (*outcome->quantity == '\0')
        fprintf(stream, "%*s%*s  %-*s  %s\n", WORD_COLUMNS + 4, "-", WORD_COLUMNS, "-", WORD_COLUMNS, "-", verdict);
    else
        fprintf(stream, "%*.1e%*.1e  %-*s  %s\n", WORD_COLUMNS + 4, eg_verify_difference(outcome), WORD_COLUMNS,
                eg_verify_bound(outcome), WORD_COLUMNS, outcome->quantity, verdict);
}

/* The cuts that a route has not taken, or for which it failed: their numbers, and the reason of the first. */
static void write_untaken(const eg_verification *verification, size_t column, bool failed, FILE *stream)
{
    enum { MOST_NUMBERS = 12 };
    const char *reason = NULL;
    size_t count = 0;
    for (size_t cut = 0; cut < verification->cut_count; cut++) {
        const char *own = entry_of(verification, cut, column)->reason;
        if (own == NULL || entry_of(verification, cut, column)->failed != failed)
            continue;
        if (count == 0)
            fprintf(stream, "%s %s on %s: cut", failed ? "FAILED by" : "not taken by", route_of(column)->name,
                    device_of(verification, column));
        if (count++ < MOST_NUMBERS)
            fprintf(stream, " %zu", cut);
        reason = reason != NULL ? reason : own;
    }
    if (count > MOST_NUMBERS)
        fprintf(stream, " and %zu others", count - MOST_NUMBERS);
    if (count > 0)
        fprintf(stream, " (%s)\n", reason);
}

eegpu_status eg_verification_write_table(const eg_report *report, const eg_verification *verification, FILE *stream)
{
    fprintf(stream, "%s, %d pixels, entropies in nats\nA: %s\n", report->state->source, report->state->pixels,
            eg_region_legend(report));
    write_operations(verification, stream);
    write_heads(verification, stream);
    for (size_t cut = 0; cut < verification->cut_count && !ferror(stream); cut++)
        write_cut(report, verification, cut, stream);
    fputc('\n', stream);
    for (size_t column = 0; column < verification->column_count; column++)
        for (int failed = 0; failed < 2; failed++)
            write_untaken(verification, column, failed == 1, stream);
    if (verification->disagreements == 0)
        fprintf(stream, "all agree within their errors\n");
    else
        fprintf(stream, "%zu DIFFER by more than their errors, or FAILED\n", verification->disagreements);
    return eg_stream_check(stream, "the table");
}

/* ---- JSON ---- */

static void write_member(const char *name, const char *text, FILE *stream)
{
    fprintf(stream, "\"%s\":", name);
    eg_json_string(stream, text);
}

static void write_number(const char *name, double value, FILE *stream)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_number(stream, value);
}

static void write_orders(const eg_report *report, const char *name, const double *values, FILE *stream)
{
    char text[EG_NUMBER_TEXT_SIZE];
    fprintf(stream, ",\"%s\":{", name);
    for (int order = 0; order < report->options->renyi_count; order++) {
        fprintf(stream, "%s\"%s\":", order > 0 ? "," : "", eg_order_text(report, order, text));
        eg_json_number(stream, values[order]);
    }
    fputc('}', stream);
}

static void write_operation(const eg_verification *verification, const eg_verify_operation *one, FILE *stream)
{
    fputc('{', stream);
    write_member("name", one->row->name, stream);
    fprintf(stream, ",\"size\":%d,", one->size);
    write_member("device", verification->devices[one->device], stream);
    if (one->reason != NULL) {
        fprintf(stream, ",\"taken\":%s,", one->agrees ? "false" : "true");
        write_member("reason", one->reason, stream);
        fprintf(stream, ",\"agrees\":%s", one->agrees ? "null" : "false");
    } else {
        fputs(",\"taken\":true", stream);
        write_number("difference", one->difference, stream);
        write_number("bound", one->bound, stream);
        fprintf(stream, ",\"agrees\":%s", one->agrees ? "true" : "false");
    }
    fputc('}', stream);
}

static void write_entry(const eg_report *report, const eg_verification *verification, size_t cut, size_t column, FILE *stream)
{
    const eg_verify_entry *entry = entry_of(verification, cut, column);
    fputc('{', stream);
    write_member("method", route_of(column)->method, stream);
    fputc(',', stream);
    write_member("reduce", route_of(column)->reduce, stream);
    fputc(',', stream);
    write_member("device", device_of(verification, column), stream);
    if (entry->reason != NULL) {
        fprintf(stream, ",\"taken\":%s,\"failed\":%s,", entry->failed ? "true" : "false", entry->failed ? "true" : "false");
        write_member("reason", entry->reason, stream);
    } else {
        fputs(",\"taken\":true,\"failed\":false", stream);
        write_number("s_vn", entry->record.s_vn, stream);
        write_number("error", entry->record.error, stream);
        write_orders(report, "renyi", entry->record.renyi, stream);
        write_orders(report, "renyi_error", entry->record.renyi_error, stream);
        fprintf(stream, ",\"rank\":%llu,\"rank_exact\":%s", (unsigned long long)entry->record.rank,
                entry->record.rank_exact ? "true" : "false");
        write_number("seconds", entry->record.seconds, stream);
    }
    fputc('}', stream);
}

static void write_cut_object(const eg_report *report, const eg_verification *verification, size_t cut, FILE *stream)
{
    const eg_verify_outcome *outcome = &verification->outcomes[cut];
    int n_a = eg_cut_size(report->cuts, cut);
    bool is_compared = *outcome->quantity != '\0';
    fputs("{\"pixels\":[", stream);
    eg_pixels_write(report, cut, ",", stream);
    fprintf(stream, "],\"n_a\":%d,\"n_b\":%d,\"routes\":[\n", n_a, report->cuts->pixels - n_a);
    for (size_t column = 0; column < verification->column_count; column++) {
        write_entry(report, verification, cut, column, stream);
        fputs(column + 1 < verification->column_count ? ",\n" : "],\n", stream);
    }
    write_member("quantity", is_compared ? outcome->quantity : NULL, stream);
    write_number("difference", is_compared ? eg_verify_difference(outcome) : NAN, stream);
    write_number("bound", is_compared ? eg_verify_bound(outcome) : NAN, stream);
    fprintf(stream, ",\"agrees\":%s}", outcome->agrees ? "true" : "false");
}

static void write_head(const eg_report *report, const eg_verification *verification, FILE *stream)
{
    fputc('{', stream);
    write_member("eegpu", eegpu_version(), stream);
    fputc(',', stream);
    write_member("command", report->command, stream);
    fputc(',', stream);
    write_member("source", report->state->source, stream);
    fprintf(stream, ",\"lattice\":[%d,%d],\"pixels\":%d,", report->state->height, report->state->width, report->state->pixels);
    write_member("unit", report->unit, stream);
    fprintf(stream, ",\"bit_order\":\"%s\",\"devices\":[", report->state->bit_order == EEGPU_LSB ? "lsb" : "msb");
    for (size_t i = 0; i < verification->device_count; i++) {
        fputs(i > 0 ? "," : "", stream);
        eg_json_string(stream, verification->devices[i]);
    }
    fprintf(stream, "],\"agrees\":%s,\"disagreements\":%zu,", verification->disagreements == 0 ? "true" : "false",
            verification->disagreements);
    write_member("message", verification->disagreements > 0 ? verification->message : NULL, stream);
}

eegpu_status eg_verification_write_json(const eg_report *report, const eg_verification *verification, FILE *stream)
{
    write_head(report, verification, stream);
    fputs(",\"operations\":[\n", stream);
    for (size_t i = 0; i < verification->operation_count; i++) {
        write_operation(verification, &verification->operations[i], stream);
        fputs(i + 1 < verification->operation_count ? ",\n" : "\n", stream);
    }
    fputs("],\"cuts\":[\n", stream);
    for (size_t cut = 0; cut < verification->cut_count && !ferror(stream); cut++) {
        write_cut_object(report, verification, cut, stream);
        fputs(cut + 1 < verification->cut_count ? ",\n" : "\n", stream);
    }
    fputs("],", stream);
    write_member("cuts_family", report->cuts->family, stream);
    fprintf(stream, ",\"threads\":%d", eg_report_threads(report));
    write_number("seconds", report->seconds, stream);
    fputs("}\n", stream);
    return eg_stream_check(stream, "the JSON");
}
