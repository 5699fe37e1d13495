/* A scan as one JSON object, one cut a line. Comes in: a report; goes out: text. The names and their order are a contract with
 * readers: new ones come after the old ones. Numbers read back as the same doubles; null where none is known. Called through
 * eg_writers(). */
#include "report/encode.h"
#include "report/fields.h"
#include "report/stages.h"
#include "scan/scan.h"

static void write_cell(const eg_report *report, eg_cell cell, FILE *stream)
{
    switch (cell.kind) {
    case EG_CELL_NONE:
        fputs("null", stream);
        break;
    case EG_CELL_NUMBER:
        eg_json_number(stream, cell.number);
        break;
    case EG_CELL_WHOLE:
        eg_whole_number(stream, cell.whole);
        break;
    case EG_CELL_WORD:
        eg_json_string(stream, cell.word);
        break;
    case EG_CELL_FLAG:
        fputs(cell.flag ? "true" : "false", stream);
        break;
    case EG_CELL_PIXELS:
        fputc('[', stream);
        eg_pixels_write(report, (size_t)cell.whole, ",", stream);
        fputc(']', stream);
        break;
    }
}

static void write_orders(const eg_report *report, const eegpu_record *record, const eg_field *field, FILE *stream)
{
    char text[EG_NUMBER_TEXT_SIZE];
    fputc('{', stream);
    for (int order = 0; order < report->options->renyi_count; order++) {
        fputs(order > 0 ? ",\"" : "\"", stream);
        fputs(eg_order_text(report, order, text), stream);
        fputs("\":", stream);
        write_cell(report, eg_field_read(report, record, field, order), stream);
    }
    fputc('}', stream);
}

static void write_record(const eg_report *report, const eegpu_record *record, FILE *stream)
{
    size_t count = 0;
    const eg_field *fields = eg_fields(&count);
    bool first = true;
    fputc('{', stream);
    for (size_t i = 0; i < count; i++) {
        if (!(fields[i].places & EG_IN_JSON))
            continue;
        eg_cell cell = {.kind = EG_CELL_NONE};
        if (!fields[i].every_order && (cell = eg_field_read(report, record, &fields[i], 0)).kind == EG_CELL_NONE)
            continue; /* such as same_as of a cut that was computed itself */
        fputs(first ? "\"" : ",\"", stream);
        fputs(fields[i].name, stream);
        fputs("\":", stream);
        first = false;
        if (fields[i].every_order)
            write_orders(report, record, &fields[i], stream);
        else
            write_cell(report, cell, stream);
    }
    fputc('}', stream);
}

/* What was asked: the part that scans and dry runs have in common. */
static void write_head(const eg_report *report, FILE *stream)
{
    eegpu_state_info info = eegpu_state_describe(report->state);
    fputs("{\"eegpu\":", stream);
    eg_json_string(stream, eegpu_version());
    fputs(",\"command\":", stream);
    eg_json_string(stream, report->command);
    fputs(",\"source\":", stream);
    eg_json_string(stream, report->state->source);
    fprintf(stream, ",\"lattice\":[%d,%d],\"pixels\":%d,\"unit\":", info.height, info.width, info.pixels);
    eg_json_string(stream, report->unit);
    fprintf(stream, ",\"bit_order\":\"%s\"", report->state->bit_order == EEGPU_LSB ? "lsb" : "msb");
}

static void write_string_member(const char *name, const char *text, FILE *stream)
{
    fprintf(stream, ",\"%s\":", name);
    eg_json_string(stream, text);
}

/* How it was computed. */
static void write_tail(const eg_report *report, FILE *stream)
{
    eegpu_state_info info = eegpu_state_describe(report->state);
    eegpu_blas_info blas = {0};
    bool has_blas = eegpu_blas_describe(&blas) == EEGPU_OK;
    write_string_member("kind", info.kind, stream);
    fprintf(stream, ",\"complex\":%s,\"ones\":%llu", info.is_complex ? "true" : "false", (unsigned long long)info.ones);
    write_string_member("cuts_family", report->cuts->family, stream);
    write_string_member("blas", has_blas ? blas.config : NULL, stream);
    write_string_member("blas_kernels", has_blas ? blas.kernels : NULL, stream);
    fprintf(stream, ",\"threads\":%d,\"seconds\":", eg_report_threads(report));
    eg_json_number(stream, report->seconds);
    fprintf(stream, ",\"peak_bytes\":%llu", (unsigned long long)report->result->peak_bytes);
    eg_stages_json(report, stream);
    fputs("}\n", stream);
}

eegpu_status eg_json_write(const eg_report *report, FILE *stream)
{
    size_t count = eegpu_result_count(report->result);
    write_head(report, stream);
    write_string_member("device", report->result->device, stream);
    fputs(",\"norm\":", stream);
    eg_json_number(stream, report->state->norm);
    fputs(",\"cuts\":[\n", stream);
    for (size_t i = 0; i < count && !ferror(stream); i++) {
        write_record(report, eegpu_result_record(report->result, i), stream);
        fputs(i + 1 < count ? ",\n" : "\n", stream);
    }
    fputc(']', stream);
    write_tail(report, stream);
    return eg_stream_check(stream, "the JSON");
}

eegpu_status eg_plan_json_write(const eg_report *report, const eg_plan *plan, FILE *stream)
{
    write_head(report, stream);
    fputs(",\"dry_run\":true,\"tasks\":[\n", stream);
    for (size_t i = 0; i < plan->count && !ferror(stream); i++) {
        const eg_task *task = &plan->tasks[i];
        fprintf(stream, "{\"cut\":%zu,\"pixels\":[", task->cut);
        eg_pixels_write(report, task->cut, ",", stream);
        fprintf(stream, "],\"method\":\"%s\",\"small\":%llu,\"large\":%llu,\"panel\":%llu,\"bytes\":%llu,\"flops\":",
                eg_route_name(task->route), (unsigned long long)task->small, (unsigned long long)task->large,
                (unsigned long long)task->panel, (unsigned long long)task->bytes);
        eg_json_number(stream, task->flops);
        if (task->parent >= 0)
            fprintf(stream, ",\"from\":%zu", plan->tasks[task->parent].cut);
        fprintf(stream, ",\"wide\":%s}%s\n", task->wide ? "true" : "false", i + 1 < plan->count ? "," : "");
    }
    fprintf(stream, "],\"threads\":%d,\"peak_bytes\":%llu,\"flops\":", plan->threads, (unsigned long long)plan->peak_bytes);
    eg_json_number(stream, plan->flops);
    fputs(",\"seconds\":", stream);
    eg_json_number(stream, plan->seconds);
    fputs("}\n", stream);
    return eg_stream_check(stream, "the JSON");
}
