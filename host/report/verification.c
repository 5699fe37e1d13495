/* The verification of a function, as a table for people or one JSON object. Comes in: what every route found; goes out: text.
 * Entropies are in nats. Called by `eegpu verify`. */
#include "report/verification.h"

#include <math.h>
#include <stdlib.h>
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

static bool is_compared(const eg_verify_outcome *outcome) { return *outcome->quantity != '\0'; }

/* ---- The table ---- */

enum { VALUE_COLUMNS = 16, WORD_COLUMNS = 9 };

/* Of the operations of a device, from number `first` on: those that are wrong one by one, those that were not run in one line.
 * Returns the number behind them. */
static size_t write_operations(const eg_verification *verification, size_t device, size_t first, FILE *stream)
{
    const eg_verify_operation *operations = verification->operations;
    const char *name = verification->devices[device], *reason = NULL;
    char size[EG_VERIFY_TEXT_SIZE];
    size_t i = first, good = 0, left_out = 0;
    for (; i < verification->operation_count && operations[i].device == device; i++) {
        const eg_verify_operation *one = &operations[i];
        good += one->reason == NULL && one->agrees;
        if (one->reason != NULL && one->agrees) {
            reason = left_out++ == 0 ? one->reason : reason;
            continue;
        }
        if (one->reason != NULL)
            fprintf(stream, "FAILED on %s: %s, %s: %s\n", name, one->row->name, eg_verify_size_text(one, size), one->reason);
        else if (!one->agrees)
            fprintf(stream, "WRONG on %s: %s, %s: off by %.3g, at most %.3g is right\n", name, one->row->name,
                    eg_verify_size_text(one, size), one->difference, one->bound);
    }
    fprintf(stream, "operations on %s: %zu of %zu agree with the reference\n", name, good, i - first - left_out);
    if (left_out > 0)
        fprintf(stream, "not run on %s for lack of memory: %zu operations (%s)\n", name, left_out, reason);
    return i;
}

/* What the numbers below are. */
static void write_legend(const eg_report *report, const eg_verification *verification, const eg_verification_view *view,
                         FILE *stream)
{
    fprintf(stream, "%s, %d pixels, entropies in nats\nA: %s\ndevices: ", report->state->source, report->state->pixels,
            eg_region_legend(report));
    for (size_t i = 0; i < verification->device_count; i++)
        fprintf(stream, "%s%s", i > 0 ? " and " : "", verification->devices[i]);
    if (view->no_gpu != NULL)
        fprintf(stream, " only (no GPU: %s)", view->no_gpu);
    fputs("\nroutes: ", stream);
    for (size_t i = 0; i < EG_VERIFY_ROUTES; i++)
        fprintf(stream, "%s\"%s\" %s", i > 0 ? "; " : "", eg_verify_routes[i].name, eg_verify_routes[i].meaning);
    fputs("\nS_vN by every route, - where it was not taken; difference: of the two routes that differ most, for its bound, in what "
          "\"of\"\nnames (s_vn, renyi and its order, rank); bound: the sum of the errors of the two\n",
          stream);
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

static const char *verdict_on(const eg_verify_outcome *outcome)
{
    if (outcome->failed)
        return "FAILED";
    if (is_compared(outcome))
        return outcome->agrees ? "agree" : "DIFFER";
    return outcome->taken == 0   ? "not compared: no route"
           : outcome->taken == 1 ? "not compared: one route only"
                                 : "not compared: no known errors";
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
    const char *verdict = verdict_on(outcome);
    if (!is_compared(outcome))
        fprintf(stream, "%*s%*s  %-*s  %s\n", WORD_COLUMNS + 4, "-", WORD_COLUMNS, "-", WORD_COLUMNS, "-", verdict);
    else
        fprintf(stream, "%*.1e%*.1e  %-*s  %s\n", WORD_COLUMNS + 4, eg_verify_difference(outcome), WORD_COLUMNS,
                eg_verify_bound(outcome), WORD_COLUMNS, outcome->quantity, verdict);
}

/* ---- Which rows ---- */

typedef struct row {
    double weight;
    size_t cut;
} row;

static int by_falling_weight(const void *left, const void *right)
{
    const row *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

/* What differs or failed comes first, what was not compared last. */
static double weight_of(const eg_verify_outcome *outcome)
{
    if (outcome->failed || (is_compared(outcome) && !outcome->agrees))
        return INFINITY;
    return is_compared(outcome) ? eg_verify_share(outcome) : -1;
}

static eegpu_status write_rows(const eg_report *report, const eg_verification *verification, const eg_verification_view *view,
                               FILE *stream)
{
    size_t count = verification->cut_count, shown = 0;
    row *rows = NULL;
    eegpu_status status = eg_allocate(NULL, count, sizeof *rows, "the rows of the table", &rows);
    if (status != EEGPU_OK)
        return status;
    for (size_t cut = 0; cut < count; cut++) {
        rows[cut] = (row){weight_of(&verification->outcomes[cut]), cut};
        shown += rows[cut].weight == INFINITY;
    }
    shown = shown > EG_VERIFICATION_ROWS ? shown : EG_VERIFICATION_ROWS;
    if (view->all || shown > count)
        shown = count;
    if (shown < count) {
        qsort(rows, count, sizeof *rows, by_falling_weight);
        fprintf(stream, "\n%zu of %zu cuts, those that differ most for their bounds (--all shows every cut):", shown, count);
    }
    write_heads(verification, stream);
    for (size_t i = 0; i < shown && !ferror(stream); i++)
        write_cut(report, verification, rows[i].cut, stream);
    eg_release(NULL, rows);
    return EEGPU_OK;
}

/* ---- What routes have left out ---- */

typedef enum gap { LACKS_MEMORY, LACKS_TIME, FAILED, GAPS } gap;

static const char *const gap_words[GAPS] = {"not taken for lack of memory", "not taken for lack of time", "FAILED"};

static bool has_gap(const eg_verification *verification, size_t cut, size_t column, gap which)
{
    const eg_verify_entry *entry = entry_of(verification, cut, column);
    return entry->reason != NULL && which == (entry->failed ? FAILED : entry->no_memory ? LACKS_MEMORY : LACKS_TIME);
}

static bool same_gaps(const eg_verification *verification, size_t left, size_t right, gap which)
{
    for (size_t cut = 0; cut < verification->cut_count; cut++)
        if (has_gap(verification, cut, left, which) != has_gap(verification, cut, right, which))
            return false;
    return which != FAILED; /* every failure has its own reason */
}

/* "cuts 3-5 8", at most so many numbers and spans. */
static void write_numbers(const eg_verification *verification, size_t column, gap which, FILE *stream)
{
    enum { MOST_SPANS = 12 };
    size_t spans = 0, others = 0, count = 0, last = 0;
    for (size_t cut = 0; cut < verification->cut_count; cut++)
        count += has_gap(verification, cut, column, which);
    fputs(count == 1 ? "cut" : "cuts", stream);
    for (size_t cut = 0; cut < verification->cut_count; cut = last + 1) {
        last = cut;
        if (!has_gap(verification, cut, column, which))
            continue;
        while (last + 1 < verification->cut_count && has_gap(verification, last + 1, column, which))
            last++;
        if (spans++ >= MOST_SPANS)
            others += last - cut + 1;
        else if (last > cut)
            fprintf(stream, " %zu-%zu", cut, last);
        else
            fprintf(stream, " %zu", cut);
    }
    if (others > 0)
        fprintf(stream, " and %zu others", others);
}

/* Routes that have left out the same cuts stand in one line; a reason that holds for all is said once, of the first cut. */
static void write_gaps(const eg_verification *verification, gap which, FILE *stream)
{
    char name[EG_VERIFY_TEXT_SIZE];
    bool is_explained = false;
    for (size_t column = 0; column < verification->column_count; column++) {
        const char *reason = NULL;
        bool is_said = false;
        for (size_t cut = verification->cut_count; cut-- > 0;)
            if (has_gap(verification, cut, column, which))
                reason = entry_of(verification, cut, column)->reason;
        for (size_t earlier = 0; earlier < column; earlier++)
            is_said = is_said || same_gaps(verification, earlier, column, which);
        if (reason == NULL || is_said)
            continue;
        fprintf(stream, "%s by %s", gap_words[which], eg_verify_column_text(verification, column, name));
        for (size_t later = column + 1; later < verification->column_count; later++)
            if (same_gaps(verification, column, later, which))
                fprintf(stream, "; %s", eg_verify_column_text(verification, later, name));
        fputs(": ", stream);
        write_numbers(verification, column, which, stream);
        if (which == FAILED || !is_explained)
            fprintf(stream, " (%s)", reason);
        fputc('\n', stream);
        is_explained = true;
    }
}

/* ---- The table's end ---- */

static void write_worst(const eg_verification *verification, FILE *stream)
{
    const eg_verify_outcome *worst = NULL;
    char left[EG_VERIFY_TEXT_SIZE], right[EG_VERIFY_TEXT_SIZE];
    size_t number = 0;
    for (size_t cut = 0; cut < verification->cut_count; cut++) {
        const eg_verify_outcome *one = &verification->outcomes[cut];
        if (is_compared(one) && (worst == NULL || eg_verify_share(one) > eg_verify_share(worst))) {
            worst = one;
            number = cut;
        }
    }
    if (worst == NULL)
        return;
    fprintf(stream, "worst difference for its bound: %.1e, bound %.1e (%s of cut %zu, %s and %s)\n", eg_verify_difference(worst),
            eg_verify_bound(worst), worst->quantity, number, eg_verify_column_text(verification, worst->left, left),
            eg_verify_column_text(verification, worst->right, right));
}

static void write_verdict(const eg_verification *verification, FILE *stream)
{
    if (verification->disagreements > 0)
        fprintf(stream, "%zu DIFFER by more than their errors, or FAILED; ", verification->disagreements);
    fprintf(stream, "%zu of %zu cuts compared and agree, %zu not compared\n", verification->agreeing, verification->cut_count,
            verification->not_compared);
}

eegpu_status eg_verification_write_table(const eg_report *report, const eg_verification *verification,
                                         const eg_verification_view *view, FILE *stream)
{
    eegpu_status status = EEGPU_OK;
    size_t next = 0;
    if (!view->verdict_only) {
        write_legend(report, verification, view, stream);
        for (size_t device = 0; device < verification->device_count; device++)
            next = write_operations(verification, device, next, stream);
        EG_TRY(write_rows(report, verification, view, stream));
        fputc('\n', stream);
        for (gap which = LACKS_MEMORY; which < GAPS; which++)
            write_gaps(verification, which, stream);
        write_worst(verification, stream);
    }
    write_verdict(verification, stream);
    EG_TRY(eg_stream_check(stream, "the table"));
done:
    return status;
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
    bool compared = is_compared(outcome);
    fputs("{\"pixels\":[", stream);
    eg_pixels_write(report, cut, ",", stream);
    fprintf(stream, "],\"n_a\":%d,\"n_b\":%d,\"routes\":[\n", n_a, report->cuts->pixels - n_a);
    for (size_t column = 0; column < verification->column_count; column++) {
        write_entry(report, verification, cut, column, stream);
        fputs(column + 1 < verification->column_count ? ",\n" : "],\n", stream);
    }
    write_member("quantity", compared ? outcome->quantity : NULL, stream);
    write_number("difference", compared ? eg_verify_difference(outcome) : NAN, stream);
    write_number("bound", compared ? eg_verify_bound(outcome) : NAN, stream);
    fprintf(stream, ",\"agrees\":%s}", !compared && !outcome->failed ? "null" : outcome->agrees ? "true" : "false");
}

static void write_head(const eg_report *report, const eg_verification *verification, const eg_verification_view *view, FILE *stream)
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
    fputs("],", stream);
    write_member("no_gpu", view->no_gpu, stream);
    fprintf(stream, ",\"agrees\":%s,\"disagreements\":%zu,\"cuts_agreeing\":%zu,\"cuts_not_compared\":%zu,",
            verification->disagreements > 0    ? "false"
            : eg_verify_is_empty(verification) ? "null"
                                               : "true",
            verification->disagreements, verification->agreeing, verification->not_compared);
    write_member("message", *verification->message != '\0' ? verification->message : NULL, stream);
}

eegpu_status eg_verification_write_json(const eg_report *report, const eg_verification *verification,
                                        const eg_verification_view *view, FILE *stream)
{
    write_head(report, verification, view, stream);
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
