/* A scan as a table for people: a head, one line a cut with a picture of the region and a bar, a summary. Comes in: a report;
 * goes out: text no wider than report->columns where that can be had by leaving columns out. Numbers have no more digits than
 * their error allows. Called through eg_writers(). It is not meant to be read back: CSV and JSON are. */
#include <math.h>
#include <string.h>

#include "report/encode.h"
#include "report/fields.h"
#include "scan/scan.h"

enum { MAX_COLUMNS = 12 + EEGPU_MAX_RENYI, CELL_SIZE = 4 * EG_REGION_COLUMNS, BAR_COLUMNS = 8, MOST_DIGITS = 11 };

typedef enum form { FORM_INDEX, FORM_REGION, FORM_FIELD, FORM_ERROR, FORM_BAR } form;

/* `keep`: when the line is too long the column with the least goes first; 9: never. `error` names the field that limits the
 * digits. */
typedef struct table_column {
    const char *field, *head;
    form form;
    int keep, digits;
    const char *error;
    int order;         /* number of the Renyi order */
    int before, after; /* widths left and right of the decimal point */
    char head_text[32];
} table_column;

typedef struct table_layout {
    const eg_report *report;
    int count;
    table_column columns[MAX_COLUMNS];
    double largest; /* S_vn */
} table_layout;

static const table_column prototypes[] = {
    {.head = "cut", .form = FORM_INDEX, .keep = 9},
    {.head = "region", .form = FORM_REGION, .keep = 8},
    {.head = "N_A", .field = "n_a", .form = FORM_FIELD, .keep = 7},
    {.head = "N_B", .field = "n_b", .form = FORM_FIELD, .keep = 2},
    {.head = "L_A", .field = "boundary", .form = FORM_FIELD, .keep = 5},
    {.head = "bonds", .field = "bonds", .form = FORM_FIELD, .keep = 3},
    {.head = "S_vn", .field = "s_vn", .form = FORM_FIELD, .keep = 9, .digits = MOST_DIGITS, .error = "error"},
    {.head = "+-", .field = "error", .form = FORM_ERROR, .keep = 7},
    {.head = "S_", .field = "renyi", .form = FORM_FIELD, .keep = 4, .digits = 8, .error = "renyi_error"},
    {.head = "rank", .field = "rank", .form = FORM_FIELD, .keep = 6},
    {.head = "p_max", .field = "p_max", .form = FORM_FIELD, .keep = 1, .digits = 6},
    {.head = "", .field = "s_vn", .form = FORM_BAR, .keep = 0},
};

/* Decimals that the error allows. */
static int decimals_within(double error, int most)
{
    if (!(error > 0))
        return most; /* no bound is known, or the value is exact */
    double digits = floor(-log10(error));
    return digits < 0 ? 0 : digits > most ? most : (int)digits;
}

static double number_of(const eg_report *report, const eegpu_record *record, const char *field, int order)
{
    return eg_field_read(report, record, eg_field_named(field), order).number;
}

/* A bar of BAR_COLUMNS for `share` in [0,1], in eighths of a character where that is possible. */
static void bar_text(bool unicode, double share, char *text)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    int parts = unicode ? 8 : 1;
    int filled = share > 0 ? (int)lround(share * BAR_COLUMNS * parts) : 0;
    *text = '\0';
    for (; filled >= parts; filled -= parts)
        text = stpcpy(text, unicode ? "\u2588" : "=");
    strcpy(text, eighths[filled]);
}

static void cell_text(const table_layout *table, const table_column *column, const eegpu_record *record, char *text)
{
    const eg_report *report = table->report;
    if (column->form == FORM_INDEX) {
        snprintf(text, CELL_SIZE, "%zu", record->cut);
        return;
    }
    if (column->form == FORM_REGION) {
        eg_region_text(report, record->cut, text);
        return;
    }
    eg_cell cell = eg_field_read(report, record, eg_field_named(column->field), column->order);
    if (column->form == FORM_BAR)
        bar_text(report->unicode, cell.number / table->largest, text);
    else if (column->form == FORM_ERROR)
        snprintf(text, CELL_SIZE, "%.0e", cell.number);
    else if (cell.kind == EG_CELL_WHOLE)
        snprintf(text, CELL_SIZE, "%llu", (unsigned long long)cell.whole);
    else if (isnan(cell.number))
        strcpy(text, "-");
    else {
        double error = column->error != NULL ? number_of(report, record, column->error, column->order) : 0;
        snprintf(text, CELL_SIZE, "%.*f", decimals_within(error, column->digits), cell.number);
    }
}

static bool is_left_aligned(const table_column *column) { return column->form == FORM_REGION || column->form == FORM_BAR; }

/* Split a cell's width at its decimal point. */
static void split_width(const table_column *column, const char *text, int *before, int *after)
{
    const char *point = column->form == FORM_FIELD ? strchr(text, '.') : NULL;
    *after = is_left_aligned(column) ? eg_display_width(text) : point != NULL ? eg_display_width(point) : 0;
    *before = is_left_aligned(column) ? 0 : eg_display_width(text) - *after;
}

static int column_width(const table_column *column) { return column->before + column->after; }

static void add_column(table_layout *table, const table_column *prototype, int order)
{
    table_column *column = &table->columns[table->count++];
    char text[EG_NUMBER_TEXT_SIZE];
    *column = *prototype;
    column->order = order;
    if (table->report->options->renyi_asked && strcmp(column->head, "S_") == 0)
        column->keep = 6; /* wanted more than what one can count */
    snprintf(column->head_text, sizeof column->head_text, "%s%s", column->head,
             strcmp(column->head, "S_") == 0 ? eg_order_text(table->report, order, text) : "");
}

static void choose_columns(table_layout *table)
{
    const eegpu_scan_options *options = table->report->options;
    for (size_t i = 0; i < sizeof prototypes / sizeof *prototypes; i++) {
        bool is_renyi = prototypes[i].field != NULL && strcmp(prototypes[i].field, "renyi") == 0;
        for (int order = 0; order < (is_renyi ? options->renyi_count : 1); order++)
            if (!is_renyi || options->renyi_asked || options->renyi[order] == 2)
                add_column(table, &prototypes[i], order);
    }
}

static void measure_columns(table_layout *table)
{
    const eg_report *report = table->report;
    for (int i = 0; i < table->count; i++) {
        table_column *column = &table->columns[i];
        for (size_t k = 0; k < eegpu_result_count(report->result); k++) {
            char text[CELL_SIZE];
            int before, after;
            cell_text(table, column, eegpu_result_record(report->result, k), text);
            split_width(column, text, &before, &after);
            column->before = before > column->before ? before : column->before;
            column->after = after > column->after ? after : column->after;
        }
        int missing = eg_display_width(column->head_text) - column_width(column);
        if (missing > 0)
            *(is_left_aligned(column) ? &column->after : &column->before) += missing;
    }
}

/* Leave columns out, the least wanted first (of equals the last), until a line fits. */
static void drop_columns(table_layout *table)
{
    int room = table->report->columns > 0 ? table->report->columns : 100;
    for (;;) {
        int width = 0, least = 0;
        for (int i = 0; i < table->count; i++) {
            width += column_width(&table->columns[i]) + (i > 0 ? 2 : 0);
            if (table->columns[i].keep <= table->columns[least].keep)
                least = i;
        }
        if (width <= room || table->columns[least].keep == 9)
            return;
        table->count--;
        memmove(&table->columns[least], &table->columns[least + 1], (size_t)(table->count - least) * sizeof(table_column));
    }
}

/* The head (record NULL) or one line; nothing stands behind the last cell. */
static void write_line(const table_layout *table, const eegpu_record *record, FILE *stream)
{
    int pending = 0;
    for (int i = 0; i < table->count; i++) {
        const table_column *column = &table->columns[i];
        char text[CELL_SIZE];
        int before = 0, after = 0, left;
        if (record != NULL) {
            cell_text(table, column, record, text);
            split_width(column, text, &before, &after);
            left = column->before - before;
        } else {
            strcpy(text, column->head_text);
            after = eg_display_width(text);
            left = is_left_aligned(column) ? 0 : column_width(column) - after;
        }
        if (*text != '\0')
            fprintf(stream, "%*s%s", pending + left, "", text);
        pending = *text != '\0' ? column_width(column) - left - before - after + 2 : pending + column_width(column) + 2;
    }
    fputc('\n', stream);
}

static void write_head(const eg_report *report, FILE *stream)
{
    eegpu_state_info info = eegpu_state_describe(report->state);
    eegpu_blas_info blas = {0};
    fprintf(stream, "%s on %dx%d (%d pixels), ", report->state->source, info.height, info.width, info.pixels);
    if (report->state->kind == EG_AMPLITUDES)
        fprintf(stream, "%s amplitudes", info.is_complex ? "complex" : "real");
    else
        fprintf(stream, report->state->kind == EG_BITS ? "f = 1 on %llu images" : "%llu distinct images",
                (unsigned long long)info.ones);
    fprintf(stream, ", norm %.12g\n", info.norm);
    fprintf(stream, "entropies in %s; device %s", report->unit, report->result->device);
    if (eegpu_blas_describe(&blas) == EEGPU_OK)
        fprintf(stream, ", BLAS kernels %s", blas.kernels);
    fprintf(stream, "; threads %d\n", eg_report_threads(report));
    fprintf(stream, "region: %s\n\n", eg_region_legend(report));
}

static void write_summary(const eg_report *report, FILE *stream)
{
    size_t count = eegpu_result_count(report->result), largest = 0;
    double least_ratio = INFINITY, most_ratio = 0, error = 0;
    for (size_t i = 0; i < count; i++) {
        const eegpu_record *record = eegpu_result_record(report->result, i);
        if (record->s_vn > eegpu_result_record(report->result, largest)->s_vn)
            largest = i;
        error = record->error > error ? record->error : error;
        if (record->boundary > 0) {
            double ratio = record->s_vn / (record->boundary * M_LN2);
            least_ratio = fmin(least_ratio, ratio);
            most_ratio = fmax(most_ratio, ratio);
        }
    }
    char region[EG_REGION_TEXT_SIZE];
    const eegpu_record *record = eegpu_result_record(report->result, largest);
    double s_vn = number_of(report, record, "s_vn", 0), s_error = number_of(report, record, "error", 0);
    fprintf(stream, "\nlargest S_vn  %.*f %s, cut %zu: %s\n", decimals_within(s_error, MOST_DIGITS), s_vn, report->unit,
            record->cut, eg_region_text(report, record->cut, region));
    if (most_ratio >= least_ratio)
        fprintf(stream, "S_vn / (L_A log 2)  %.4f to %.4f  (an area law of range r: at most r)\n", least_ratio, most_ratio);
    fprintf(stream, "largest error %.1e %s; %zu cut%s in %.3g s\n", error / report->log_base, report->unit, count,
            count == 1 ? "" : "s", report->seconds);
}

eegpu_status eg_table_write(const eg_report *report, FILE *stream)
{
    table_layout table = {.report = report};
    size_t count = eegpu_result_count(report->result);
    write_head(report, stream);
    if (count > 0) {
        for (size_t i = 0; i < count; i++)
            table.largest = fmax(table.largest, number_of(report, eegpu_result_record(report->result, i), "s_vn", 0));
        table.largest = table.largest > 0 ? table.largest : 1;
        choose_columns(&table);
        measure_columns(&table);
        drop_columns(&table);
        write_line(&table, NULL, stream);
        for (size_t i = 0; i < count && !ferror(stream); i++)
            write_line(&table, eegpu_result_record(report->result, i), stream);
        write_summary(report, stream);
    }
    return eg_stream_check(stream, "the table");
}
