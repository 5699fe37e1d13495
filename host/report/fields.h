/* The one list of the fields of a record. A new field is one row in fields.c; table, CSV and JSON read it from there. */
#ifndef EG_REPORT_FIELDS_H
#define EG_REPORT_FIELDS_H

#include "report/report.h"

/* What the text of a field looks like. */
typedef enum eg_cell_kind { EG_CELL_NONE, EG_CELL_NUMBER, EG_CELL_WHOLE, EG_CELL_WORD, EG_CELL_FLAG, EG_CELL_PIXELS } eg_cell_kind;

/* EG_ENTROPY: held in nats, divided by the report's log_base when read. */
typedef enum eg_unit { EG_PLAIN, EG_ENTROPY } eg_unit;

enum { EG_IN_JSON = 1, EG_IN_CSV = 2, EG_CSV_LAST = 4 };

typedef struct eg_cell {
    eg_cell_kind kind;
    double number;
    uint64_t whole;
    const char *word;
    bool flag;
} eg_cell;

typedef struct eg_field {
    const char *name;
    eg_unit unit;
    bool every_order; /* one value a Renyi order */
    int places;       /* EG_IN_JSON | EG_IN_CSV | EG_CSV_LAST */
    size_t offset;    /* of the value in eegpu_record */
    /* The value at `offset` of a record, as it stands. */
    eg_cell (*get)(const eg_report *report, const void *value);
} eg_field;

const eg_field *eg_fields(size_t *count);
const eg_field *eg_field_named(const char *name); /* NULL: there is none */

/* A field of a record in the unit of the report. `order` is the number of the Renyi order, ignored by other fields. */
eg_cell eg_field_read(const eg_report *report, const eegpu_record *record, const eg_field *field, int order);

/* "0", "0.5", "inf". */
const char *eg_order_text(const eg_report *report, int order, char *text);

/* The pixels of a cut with `separator` between them. */
void eg_pixels_write(const eg_report *report, size_t cut, const char *separator, FILE *stream);

int eg_report_threads(const eg_report *report);

/* ---- The writers behind eg_writers() ---- */

EG_MUST eg_table_write(const eg_report *report, FILE *stream);
EG_MUST eg_csv_write(const eg_report *report, FILE *stream);
EG_MUST eg_json_write(const eg_report *report, FILE *stream);
EG_MUST eg_plan_table_write(const eg_report *report, const eg_plan *plan, FILE *stream);
EG_MUST eg_plan_csv_write(const eg_report *report, const eg_plan *plan, FILE *stream);
EG_MUST eg_plan_json_write(const eg_report *report, const eg_plan *plan, FILE *stream);

/* ---- Regions ---- */

enum { EG_REGION_COLUMNS = 24, EG_REGION_TEXT_SIZE = 4 * EG_REGION_COLUMNS };

/* A cut in at most EG_REGION_COLUMNS columns: a picture where the lattice is small, else a rectangle ("2x3 at 0,4") or a list. */
const char *eg_region_text(const eg_report *report, size_t cut, char *text);
const char *eg_region_legend(const eg_report *report); /* how to read it */

/* `regions`, bool (cuts, H, W), into an archive. */
struct eg_npz;
EG_MUST eg_regions_add(const eg_report *report, struct eg_npz *archive);

#endif
