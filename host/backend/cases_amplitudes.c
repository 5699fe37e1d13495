/* Cases of what moves amplitudes: load and gather, in several orders of the bits. See cases.h. */
#include "backend/case_table.h"

/* Which bits are rows: the low ones (nothing moves), the high ones (a transposition), every second one from the top down; the last
 * with only the second quarter of the columns; the last panel by panel, with the function loaded anew. */
enum { IDENTITY, TRANSPOSED, MIXED, QUARTER, STREAMED };

enum { STREAMED_PANELS_BITS = 2 };

static uint64_t unit_of(const eg_case *row) { return row->is_complex ? 2 : 1; }

/* Rows take half of the bits. */
static void set_layout(int variant, int bits, eg_matrix_layout *layout)
{
    *layout = (eg_matrix_layout){0};
    int rows = bits / 2;
    for (int t = 0; t < bits; t++) {
        int bit = variant == IDENTITY ? t : variant == TRANSPOSED ? (t + bits - rows) % bits : bits - 1 - t;
        bool is_row = variant < MIXED ? t < rows : t % 2 == 1;
        if (is_row)
            layout->row_bit[layout->row_bits++] = bit;
        else
            layout->column_bit[layout->column_bits++] = bit;
    }
}

static eegpu_status prepare(eg_instance *instance)
{
    set_layout(instance->row->variant, instance->size, &instance->layout);
    uint64_t columns = UINT64_C(1) << instance->layout.column_bits;
    bool is_part = instance->row->variant >= QUARTER && columns >= 4;
    instance->count = is_part ? columns >> STREAMED_PANELS_BITS : columns;
    instance->first = is_part && instance->row->variant == QUARTER ? instance->count : 0;
    return eg_case_room(instance, 0, (instance->count << instance->layout.row_bits) * unit_of(instance->row));
}

static eegpu_status run(eg_instance *instance)
{
    return instance->backend->gather(instance->lane, &instance->layout, instance->first, instance->count, instance->device[0]);
}

static eegpu_status collect(eg_instance *instance)
{
    return eg_case_collect_numbers(instance, 0, (instance->count << instance->layout.row_bits) * unit_of(instance->row));
}

static eegpu_status run_streamed(eg_instance *instance)
{
    uint64_t columns = UINT64_C(1) << instance->layout.column_bits;
    eegpu_status status = instance->backend->load(instance->place->device, instance->place->loaded, instance->place->threads);
    for (uint64_t first = 0; first < columns && status == EEGPU_OK; first += instance->count)
        status = instance->backend->gather(instance->lane, &instance->layout, first, instance->count, instance->device[0]);
    return status;
}

static eegpu_status collect_streamed(eg_instance *instance)
{
    uint64_t columns = UINT64_C(1) << instance->layout.column_bits;
    uint64_t part = (instance->count << instance->layout.row_bits) * unit_of(instance->row);
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_case_collect_room(instance, part * (columns / instance->count)));
    for (uint64_t first = 0; first < columns; first += instance->count) {
        double *to = (double *)instance->result + part * (first / instance->count);
        EG_TRY(instance->backend->gather(instance->lane, &instance->layout, first, instance->count, instance->device[0]));
        EG_TRY(instance->backend->fetch(instance->lane, instance->device[0], part * sizeof *to, to));
    }
done:
    return status;
}

static eg_case_cost cost(const eg_case *row, int size)
{
    double numbers = (double)(UINT64_C(1) << size) * (double)unit_of(row), share = row->variant == QUARTER ? 0.25 : 1;
    return (eg_case_cost){.bytes = share * 16 * numbers};
}

static eg_case_cost cost_of_bits(const eg_case *row, int size)
{
    return (eg_case_cost){.bytes = (8 + 0.125) * (double)(UINT64_C(1) << size)};
}

#define REAL "random:seed=7"
#define COMPLEX "random:kind=complex,seed=7"
#define BITS "randomset:seed=7"

const eg_case eg_amplitude_cases[] = {
    {EG_CASE_OF_COPYING,
     "pixels",
     REAL,
     false,
     IDENTITY,
     EG_RATE_BYTES,
     {2, 9, 12},
     {20, 24, 26, 28, 29, 30},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost},
    {"permute",
     "pixels",
     REAL,
     false,
     TRANSPOSED,
     EG_RATE_BYTES,
     {2, 3, 9, 12},
     {20, 24, 26, 28, 29, 30},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost},
    {"permute mixed",
     "pixels",
     REAL,
     false,
     MIXED,
     EG_RATE_BYTES,
     {2, 5, 11, 13},
     {20, 24, 26, 28, 29, 30},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost},
    {"permute complex",
     "pixels",
     COMPLEX,
     true,
     MIXED,
     EG_RATE_BYTES,
     {2, 5, 11, 12},
     {20, 24, 26, 28, 29},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost},
    {"permute bits",
     "pixels",
     BITS,
     false,
     MIXED,
     EG_RATE_BYTES,
     {4, 7, 11, 13},
     {20, 24, 26, 28, 30},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost_of_bits},
    {"gather a quarter",
     "pixels",
     REAL,
     false,
     QUARTER,
     EG_RATE_BYTES,
     {5, 12},
     {26, 28, 30},
     prepare,
     NULL,
     run,
     collect,
     NULL,
     cost},
    {"load and gather",
     "pixels",
     REAL,
     false,
     STREAMED,
     EG_RATE_BYTES,
     {5, 12},
     {20, 24, 26, 28, 30},
     prepare,
     NULL,
     run_streamed,
     collect_streamed,
     NULL,
     cost},
    {"load and gather complex",
     "pixels",
     COMPLEX,
     true,
     STREAMED,
     EG_RATE_BYTES,
     {4, 11},
     {26, 28},
     prepare,
     NULL,
     run_streamed,
     collect_streamed,
     NULL,
     cost},
    {0},
};
