/* One cut: its matrix in one of its representations, and the way from there to what is left to solve. Comes in: a task of the
 * plan, the loaded function or its parent's product; goes out: a density matrix or distinct columns, then density matrices that
 * wait in its spectrum, and what the record says of the reduction. Called by tree.c; it does not choose the order, and solves
 * only what cannot wait. */
#include <math.h>

#include "base/bits.h"
#include "reduce/sparse.h"
#include "scan/layout.h"
#include "scan/run.h"

void eg_layout_of_region(const eegpu_state *state, const uint64_t *mask, eg_matrix_layout *layout)
{
    layout->row_bits = layout->column_bits = 0;
    for (int pixel = state->pixels - 1; pixel >= 0; pixel--) { /* highest pixel first: it is bit 0 of its side */
        if (eg_bit(mask, (uint64_t)pixel))
            layout->row_bit[layout->row_bits++] = state->bit_of_pixel[pixel];
        else
            layout->column_bit[layout->column_bits++] = state->bit_of_pixel[pixel];
    }
}

/* ---- Making ---- */

/* Index bits of the parent's density matrix whose pixels are in the child: bit 0 is the highest pixel. */
static uint64_t kept_bits(uint64_t parent, uint64_t child)
{
    uint64_t kept = 0;
    for (int bit = 0; parent != 0; bit++) {
        uint64_t highest = UINT64_C(1) << (63 - __builtin_clzll(parent));
        kept |= (uint64_t)((child & highest) != 0) << bit;
        parent ^= highest;
    }
    return kept;
}

eegpu_status eg_product_make(const eg_run *run, const eg_task *task, const eg_product *parent, eg_lane *lane, eg_product *product)
{
    double start = eg_seconds();
    eg_matrix_layout layout;
    eegpu_status status = EEGPU_OK;
    *product = (eg_product){.representation = task->representation};
    eg_spectrum_begin(run->state->budget, &product->spectrum);
    if (task->representation == EG_AS_COLUMNS) {
        EG_TRY(lane->device->backend->derive_columns(lane, parent ? &parent->columns : &run->whole, task->region,
                                                     run->state->budget, &product->columns));
    } else if (task->representation == EG_AS_DENSITY && task->route == EG_ROUTE_GRAM && parent != NULL) {
        uint64_t kept = kept_bits(run->plan->tasks[task->parent].region, task->region);
        EG_TRY(eg_gram_of_parent(lane, &parent->gram, kept, &product->gram));
    } else if (task->representation == EG_AS_DENSITY && task->route == EG_ROUTE_GRAM) {
        eg_layout_of_region(run->state, &task->region, &layout);
        EG_TRY(eg_gram_of_state(lane, &layout, task, &product->gram));
    }
    product->seconds = eg_seconds() - start;
done:
    return status;
}

bool eg_product_is_bulky(const eg_run *run, const eg_product *product)
{
    return product->representation == EG_AS_COLUMNS && eg_product_bytes(product) > run->state->size / 8 / EG_KEPT_PART;
}

uint64_t eg_product_bytes(const eg_product *product)
{
    const eg_vector_set *set = &product->columns.set;
    return product->gram.n * product->gram.n * (product->gram.is_complex ? 16 : 8) + set->capacity * (set->words + 1) * 8;
}

void eg_product_free(eg_lane *lane, eg_product *product)
{
    eg_gram_free(lane, &product->gram);
    eg_columns_free(&product->columns);
    eg_spectrum_free(lane, &product->spectrum);
}

/* ---- Reducing ---- */

static void set_reduced(eegpu_record *record, bool is_region_a, uint64_t rows, uint64_t columns, uint64_t blocks)
{
    record->reduced_rows = is_region_a ? rows : columns;
    record->reduced_cols = is_region_a ? columns : rows;
    record->blocks = blocks;
}

/* The merged matrix stands beside rho for a while, so it must be small: its largest block is what counts. */
static bool is_worth_merging(const eg_row_classes *classes)
{
    if (classes->rows <= EG_MERGE_ALWAYS || classes->count <= classes->rows / 2)
        return true;
    if (classes->blocks < 2)
        return false;
    uint64_t largest = 0, current = 0;
    for (uint64_t b = 0; b < classes->blocks; b++, current = 0) {
        for (uint64_t c = 0; c < classes->count; c++)
            current += classes->block_of_class[c] == b;
        largest = current > largest ? current : largest;
    }
    return largest <= classes->rows / 2;
}

/* rho, with parallel rows of M counted once and independent blocks apart, where there are any. */
static eegpu_status reduce_gram(const eg_run *run, const eg_task *task, const eg_matrix_layout *layout, eg_lane *lane,
                                eg_product *product, eegpu_record *record)
{
    eg_row_classes classes = {0};
    bool is_merged = false;
    eegpu_status status = EEGPU_OK;
    if (!run->options->no_reduce)
        EG_TRY(eg_find_row_classes(run->state, layout, lane->threads, &is_merged, &classes));
    if (is_merged && is_worth_merging(&classes)) {
        set_reduced(record, record->n_a <= record->n_b, classes.count, task->large, classes.blocks);
        EG_TRY(eg_spectrum_add_merged(lane, &product->gram, &classes, run->state->scaled_norm_squared, &product->spectrum));
        eg_gram_free(lane, &product->gram);
    } else {
        EG_TRY(eg_spectrum_add_gram(lane, &product->gram, run->state->scaled_norm_squared, &product->spectrum));
    }
done:
    eg_row_classes_free(&classes);
    return status;
}

static eegpu_status reduce_density(const eg_run *run, const eg_task *task, eg_lane *lane, eg_product *product, eegpu_record *record)
{
    eg_matrix_layout layout;
    eg_layout_of_region(run->state, &task->region, &layout);
    set_reduced(record, record->n_a <= record->n_b, task->small, task->large, 1);
    if (task->route == EG_ROUTE_GRAM)
        return reduce_gram(run, task, &layout, lane, product, record);
    return eg_spectrum_add_state(lane, &layout, task, &product->spectrum);
}

static eegpu_status reduce_columns(const eg_run *run, const eg_task *task, eg_lane *lane, eg_product *product, eegpu_record *record)
{
    eg_bit_matrix matrix = {0};
    uint64_t blocks = 0;
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_bit_matrix_of_columns(&product->columns, run->state->budget, NULL, &matrix));
    eg_columns_free(&product->columns);
    uint64_t rows = matrix.rows, columns = matrix.columns;
    EG_TRY(eg_spectrum_add_counts(lane, task->route, &matrix, run->state->ones, &blocks, &product->spectrum));
    set_reduced(record, record->n_a <= record->n_b, rows, columns, blocks);
done:
    eg_bit_matrix_free(&matrix);
    return status;
}

/* Block b of a split matrix as a dense one with no more rows than columns. */
static eegpu_status fill_block(const eg_sparse_matrix *matrix, const eg_sparse_blocks *blocks, uint64_t b, eg_block *block)
{
    bool flip = blocks->rows[b] > blocks->columns[b];
    const uint32_t *row = flip ? matrix->column : matrix->row, *column = flip ? matrix->row : matrix->column;
    *block = (eg_block){
        .exact = true, .rows = flip ? blocks->columns[b] : blocks->rows[b], .columns = flip ? blocks->rows[b] : blocks->columns[b]};
    eegpu_status status = eg_allocate_zero(matrix->budget, eg_matrix_room(block->rows, block->columns), sizeof *block->entries,
                                           "a block of the matrix of a cut", &block->entries);
    if (status != EEGPU_OK)
        return status;
    for (uint64_t k = blocks->start[b]; k < blocks->start[b + 1]; k++) {
        double entry = sqrt((double)matrix->square[k]);
        block->entries[column[k] * block->rows + row[k]] = entry;
        block->exact = block->exact && entry == floor(entry);
    }
    return EEGPU_OK;
}

static eegpu_status add_blocks(const eg_run *run, eg_route route, const eg_sparse_matrix *matrix, const eg_sparse_blocks *blocks,
                               eg_lane *lane, eg_spectrum *spectrum)
{
    for (uint64_t b = 0; b < blocks->count; b++) {
        eg_block block;
        eegpu_status status = fill_block(matrix, blocks, b, &block);
        if (status == EEGPU_OK)
            status = eg_spectrum_add_block(lane, route, &block, run->state->scaled_norm_squared, spectrum);
        if (status != EEGPU_OK)
            return status;
    }
    return EEGPU_OK;
}

static eegpu_status reduce_sparse(const eg_run *run, const eg_task *task, eg_lane *lane, eg_product *product, eegpu_record *record)
{
    eg_sparse_matrix matrix = {0};
    eg_sparse_blocks blocks = {0};
    eegpu_status status = EEGPU_OK;
    EG_TRY(eg_sparse_of_cut(run->state, eg_cut_mask(run->cuts, task->cut), &matrix));
    record->rows = (double)matrix.rows;
    record->cols = (double)matrix.columns;
    if (!run->options->no_reduce) {
        EG_TRY(eg_sparse_merge(&matrix));
        EG_TRY(eg_sparse_split(&matrix, &blocks));
    } else {
        EG_TRY(eg_sparse_whole(&matrix, &blocks));
    }
    set_reduced(record, true, matrix.rows, matrix.columns, blocks.count);
    EG_TRY(add_blocks(run, task->route, &matrix, &blocks, lane, &product->spectrum));
done:
    eg_sparse_blocks_free(&blocks);
    eg_sparse_free(&matrix);
    return status;
}

eegpu_status eg_product_reduce(eg_run *run, const eg_task *task, eg_lane *lane, eg_product *product)
{
    eegpu_record *record = &run->result->records[task->cut];
    eg_stage_mark mark = eg_stage_begin(run->device);
    double start = eg_seconds();
    eegpu_status status;
    record->rows = exp2(record->n_a);
    record->cols = exp2(record->n_b);
    for (int i = 0; run->options->renyi_asked && i < run->options->renyi_count; i++)
        if (run->options->renyi[i] == 0)
            product->spectrum.most_rank_steps = INFINITY; /* the rank itself was asked for */
    if (task->representation == EG_AS_SPARSE)
        status = reduce_sparse(run, task, lane, product, record);
    else if (task->representation == EG_AS_COLUMNS)
        status = reduce_columns(run, task, lane, product, record);
    else
        status = reduce_density(run, task, lane, product, record);
    product->seconds += eg_seconds() - start;
    eg_stage_end(run->device, EG_STAGE_REDUCE, mark);
    return status;
}
