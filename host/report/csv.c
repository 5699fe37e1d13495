/* A scan as CSV: a header, then one line a cut, the same columns in each, `seconds` last. Comes in: a report; goes out: text.
 * Numbers read back as the same doubles; what is not known is an empty cell. Called through eg_writers(). */
#include "report/encode.h"
#include "report/fields.h"

static void write_cell(const eg_report *report, eg_cell cell, FILE *stream)
{
    char text[EG_NUMBER_TEXT_SIZE];
    switch (cell.kind) {
    case EG_CELL_NONE:
        break;
    case EG_CELL_NUMBER:
        if (cell.number == cell.number)
            fputs(eg_number_text(cell.number, text), stream);
        break;
    case EG_CELL_WHOLE:
        fprintf(stream, "%llu", (unsigned long long)cell.whole);
        break;
    case EG_CELL_WORD:
        eg_csv_string(stream, cell.word != NULL ? cell.word : "");
        break;
    case EG_CELL_FLAG:
        fputs(cell.flag ? "true" : "false", stream);
        break;
    case EG_CELL_PIXELS:
        fputc('"', stream);
        eg_pixels_write(report, (size_t)cell.whole, " ", stream);
        fputc('"', stream);
        break;
    }
}

/* One column of the header (record NULL) or of a line. */
static void write_column(const eg_report *report, const eegpu_record *record, const eg_field *field, int order, FILE *stream)
{
    char text[EG_NUMBER_TEXT_SIZE];
    if (record != NULL)
        write_cell(report, eg_field_read(report, record, field, order), stream);
    else if (field->every_order)
        fprintf(stream, "%s_%s", field->name, eg_order_text(report, order, text));
    else
        fputs(field->name, stream);
}

static void write_line(const eg_report *report, const eegpu_record *record, FILE *stream)
{
    size_t count = 0;
    const eg_field *fields = eg_fields(&count);
    bool first = true;
    for (int last = 0; last <= 1; last++) {
        for (size_t i = 0; i < count; i++) {
            if (!(fields[i].places & EG_IN_CSV) || ((fields[i].places & EG_CSV_LAST) != 0) != last)
                continue;
            int orders = fields[i].every_order ? report->options->renyi_count : 1;
            for (int order = 0; order < orders; order++) {
                if (!first)
                    fputc(',', stream);
                first = false;
                write_column(report, record, &fields[i], order, stream);
            }
        }
    }
    fputc('\n', stream);
}

eegpu_status eg_csv_write(const eg_report *report, FILE *stream)
{
    write_line(report, NULL, stream);
    for (size_t i = 0; i < eegpu_result_count(report->result) && !ferror(stream); i++)
        write_line(report, eegpu_result_record(report->result, i), stream);
    return eg_stream_check(stream, "the CSV");
}
