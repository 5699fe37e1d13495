/* The table of the formats of `--format`, the default first. A new format is one row and one file. */
#include "report/fields.h"

static const eg_writer writers[] = {
    {"table", "for people: a picture of every cut and the main numbers", eg_table_write, eg_plan_table_write},
    {"csv", "one line a cut, every field", eg_csv_write, eg_plan_csv_write},
    {"json", "one object, every field and how it was computed", eg_json_write, eg_plan_json_write},
};

const eg_writer *eg_writers(size_t *count)
{
    *count = sizeof writers / sizeof *writers;
    return writers;
}
