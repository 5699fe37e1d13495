/* The fields of a record in the order of the JSON: name, unit, where it is written, how it is read. Comes in: a record; goes
 * out: one value in the unit of the report. Called by the writers. It writes no text but the names of Renyi orders. */
#include "report/fields.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "report/encode.h"

static eg_cell get_int(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_WHOLE, .whole = (uint64_t) * (const int *)value};
}

static eg_cell get_whole(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_WHOLE, .whole = *(const uint64_t *)value};
}

static eg_cell get_number(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_NUMBER, .number = *(const double *)value};
}

static eg_cell get_word(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_WORD, .word = *(const char *const *)value};
}

static eg_cell get_flag(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_FLAG, .flag = *(const bool *)value};
}

static eg_cell get_same_as(const eg_report *report, const void *value)
{
    (void)report;
    int64_t cut = *(const int64_t *)value;
    return cut < 0 ? (eg_cell){.kind = EG_CELL_NONE} : (eg_cell){.kind = EG_CELL_WHOLE, .whole = (uint64_t)cut};
}

static eg_cell get_pixels(const eg_report *report, const void *value)
{
    (void)report;
    return (eg_cell){.kind = EG_CELL_PIXELS, .whole = *(const size_t *)value};
}

static eg_cell get_unit(const eg_report *report, const void *value)
{
    (void)value;
    return (eg_cell){.kind = EG_CELL_WORD, .word = report->unit};
}

#define AT(member) offsetof(eegpu_record, member)
#define BOTH (EG_IN_JSON | EG_IN_CSV)

static const eg_field fields[] = {
    {"pixels", EG_PLAIN, false, BOTH, AT(cut), get_pixels},
    {"n_a", EG_PLAIN, false, BOTH, AT(n_a), get_int},
    {"n_b", EG_PLAIN, false, BOTH, AT(n_b), get_int},
    {"boundary", EG_PLAIN, false, BOTH, AT(boundary), get_int},
    {"bonds", EG_PLAIN, false, BOTH, AT(bonds), get_int},
    {"s_vn", EG_ENTROPY, false, BOTH, AT(s_vn), get_number},
    {"error", EG_ENTROPY, false, BOTH, AT(error), get_number},
    {"unit", EG_PLAIN, false, EG_IN_CSV, AT(cut), get_unit}, /* of the JSON it stands at the top */
    {"renyi", EG_ENTROPY, true, BOTH, AT(renyi), get_number},
    {"rank", EG_PLAIN, false, BOTH, AT(rank), get_whole},
    {"p_max", EG_PLAIN, false, BOTH, AT(p_max), get_number},
    {"purity", EG_PLAIN, false, BOTH, AT(purity), get_number},
    {"rows", EG_PLAIN, false, BOTH, AT(rows), get_number},
    {"cols", EG_PLAIN, false, BOTH, AT(cols), get_number},
    {"reduced_rows", EG_PLAIN, false, BOTH, AT(reduced_rows), get_whole},
    {"reduced_cols", EG_PLAIN, false, BOTH, AT(reduced_cols), get_whole},
    {"blocks", EG_PLAIN, false, BOTH, AT(blocks), get_whole},
    {"method", EG_PLAIN, false, BOTH, AT(method), get_word},
    {"device", EG_PLAIN, false, BOTH, AT(device), get_word},
    {"seconds", EG_PLAIN, false, BOTH | EG_CSV_LAST, AT(seconds), get_number},
    {"renyi_error", EG_ENTROPY, true, BOTH, AT(renyi_error), get_number},
    {"rank_exact", EG_PLAIN, false, BOTH, AT(rank_exact), get_flag},
    {"rank_doubt", EG_PLAIN, false, BOTH, AT(rank_doubt), get_number},
    {"rank_tolerance", EG_PLAIN, false, BOTH, AT(rank_tolerance), get_number},
    {"cut", EG_PLAIN, false, BOTH, AT(cut), get_whole},
    {"same_as", EG_PLAIN, false, BOTH, AT(same_as), get_same_as},
};

const eg_field *eg_fields(size_t *count)
{
    *count = sizeof fields / sizeof *fields;
    return fields;
}

const eg_field *eg_field_named(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

eg_cell eg_field_read(const eg_report *report, const eegpu_record *record, const eg_field *field, int order)
{
    const char *value = (const char *)record + field->offset;
    if (field->every_order)
        value += (size_t)order * sizeof(double);
    eg_cell cell = field->get(report, value);
    if (field->unit == EG_ENTROPY)
        cell.number /= report->log_base;
    return cell;
}

const char *eg_order_text(const eg_report *report, int order, char *text)
{
    return eg_number_text(report->options->renyi[order], text);
}

void eg_pixels_write(const eg_report *report, size_t cut, const char *separator, FILE *stream)
{
    int pixels[EG_MAX_PIXELS];
    int count = eegpu_cuts_pixels(report->cuts, cut, pixels);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? separator : "", stream);
        eg_whole_number(stream, (uint64_t)pixels[i]);
    }
}

int eg_report_threads(const eg_report *report)
{
    return report->options->threads > 0 ? report->options->threads : eg_processor_count();
}
