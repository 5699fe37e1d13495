/* Chooses the cuts that are shown, scans them and the prefixes, and gathers the raster. Called by `eegpu law`. */
#include "scan/gallery.h"

#include <math.h>
#include <stdlib.h>

#include "base/bits.h"
#include "reduce/bit_matrix.h"
#include "reduce/sparse.h"

/* Larger matrices are not gathered for a picture: a second or so of work. */
#define RASTER_MOST_ENTRIES (UINT64_C(1) << 26)

/* ---- Which cuts ---- */

static void show(eg_gallery *gallery, int64_t cut, const char *why)
{
    for (int i = 0; i < gallery->shown_count; i++)
        if ((int64_t)gallery->shown[i].cut == cut)
            return;
    if (cut >= 0 && gallery->shown_count < EG_SHOWN_CUTS)
        gallery->shown[gallery->shown_count++] = (eg_shown_cut){.cut = (size_t)cut, .why = why};
}

/* The cut whose smaller side comes nearest to `size`, of those the one with the fewest bonds. */
static int64_t cut_of_size(const eegpu_result *result, int size)
{
    int64_t best = -1;
    int best_off = 0, best_bonds = 0;
    for (size_t i = 0; i < result->count; i++) {
        const eegpu_record *record = &result->records[i];
        int off = abs((record->n_a < record->n_b ? record->n_a : record->n_b) - size);
        if (best < 0 || off < best_off || (off == best_off && record->bonds < best_bonds)) {
            best = (int64_t)i;
            best_off = off;
            best_bonds = record->bonds;
        }
    }
    return best;
}

/* The range is all of a side, which says nothing. */
static bool is_trivial(const eg_range *range)
{
    const eg_range_side *side = &range->side[range->side[1].r > range->side[0].r];
    return side->trivial;
}

static void choose(const struct eegpu_cuts *cuts, const eg_study *study, eg_gallery *gallery)
{
    const eegpu_result *result = study->result;
    int64_t largest = -1, widest = -1;
    for (size_t i = 0; i < result->count; i++)
        if (result->records[i].s_vn > result->records[i].error &&
            (largest < 0 || result->records[i].s_vn > result->records[largest].s_vn * (1 + 1e-9) + 1e-12))
            largest = (int64_t)i;
    for (size_t i = 0; i < study->range_count; i++)
        if (study->ranges[i].r > 1 && !is_trivial(&study->ranges[i]) &&
            (widest < 0 || study->ranges[i].r > study->ranges[widest].r))
            widest = (int64_t)i;
    show(gallery, cut_of_size(result, cuts->pixels / 2), "the most even cut with the fewest bonds");
    show(gallery, largest, "the largest entropy");
    show(gallery, widest, "the largest range r that is not trivial");
    show(gallery, cut_of_size(result, (cuts->pixels + 2) / 4), "about a quarter of the pixels, with the fewest bonds");
}

static eegpu_status scan_shown(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                               eg_gallery *gallery)
{
    eegpu_scan_options own = *options;
    int none = 0;
    eegpu_status status;
    own.keep_spectra = true;
    own.journal = NULL;
    EG_TRY(eegpu_cuts_from_pixels(cuts->height, cuts->width, &none, 1, &gallery->cuts));
    gallery->cuts->count = 0;
    for (int i = 0; i < gallery->shown_count; i++)
        EG_TRY(eg_cuts_append(gallery->cuts, eg_cut_mask(cuts, gallery->shown[i].cut)));
    EG_TRY(eegpu_scan(state, gallery->cuts, &own, &gallery->result));
    for (int i = 0; i < gallery->shown_count; i++)
        gallery->shown[i].spectra = &gallery->result->records[i];
done:
    return status;
}

/* ---- Prefixes ---- */

/* The length if A or B is the first pixels of the lattice; else 0. */
static int prefix_length(const struct eegpu_cuts *cuts, size_t cut)
{
    const uint64_t *mask = eg_cut_mask(cuts, cut);
    bool first = eg_bit(mask, 0);
    int length = 0;
    while (length < cuts->pixels && eg_bit(mask, (uint64_t)length) == first)
        length++;
    for (int pixel = length; pixel < cuts->pixels; pixel++)
        if (eg_bit(mask, (uint64_t)pixel) == first)
            return 0;
    return length < cuts->pixels ? length : 0;
}

/* Of the first pixels, whichever side of the cut they were. */
static int prefix_boundary(const struct eegpu_cuts *cuts, int length)
{
    int boundary = 0;
    for (int pixel = length > cuts->width ? length - cuts->width : 0; pixel < length; pixel++)
        boundary += pixel + cuts->width < cuts->pixels || (pixel == length - 1 && length % cuts->width != 0);
    return boundary;
}

static int by_length(const void *left, const void *right)
{
    return ((const eg_prefix_point *)left)->length - ((const eg_prefix_point *)right)->length;
}

static eegpu_status keep_prefixes(const struct eegpu_cuts *cuts, const eegpu_result *result, eg_gallery *gallery)
{
    size_t count = 0;
    eegpu_status status =
        eg_allocate(NULL, (uint64_t)cuts->pixels, sizeof *gallery->prefix, "the entropies of prefix cuts", &gallery->prefix);
    if (status != EEGPU_OK)
        return status;
    bool *seen = calloc((size_t)cuts->pixels + 1, sizeof *seen);
    if (seen == NULL)
        return eg_fail(EEGPU_OUT_OF_MEMORY, "no room for %d lengths of prefix cuts", cuts->pixels);
    for (size_t i = 0; i < result->count; i++) {
        int length = prefix_length(cuts, i);
        if (length == 0 || seen[length])
            continue;
        seen[length] = true;
        gallery->prefix[count++] =
            (eg_prefix_point){.length = length, .boundary = prefix_boundary(cuts, length), .s = result->records[i].s_vn};
    }
    free(seen);
    gallery->prefix_count = count >= 2 ? count : 0;
    qsort(gallery->prefix, count, sizeof *gallery->prefix, by_length);
    return EEGPU_OK;
}

static eegpu_status scan_prefixes(const eegpu_state *state, const eegpu_scan_options *options, eg_gallery *gallery)
{
    eegpu_scan_options own = *options;
    eegpu_cuts *cuts = NULL;
    eegpu_result *result = NULL;
    eegpu_status status = EEGPU_OK;
    own.journal = NULL;
    if (state->pixels < 3)
        return EEGPU_OK;
    EG_TRY(eegpu_cuts_create(state->height, state->width, "prefix", 0, &cuts));
    EG_TRY(eegpu_scan(state, cuts, &own, &result));
    EG_TRY(keep_prefixes(cuts, result, gallery));
done:
    eegpu_result_free(result);
    eegpu_cuts_free(cuts);
    return status;
}

/* ---- Raster ---- */

static eegpu_status raster_begin(uint64_t rows, uint64_t columns, uint64_t blocks, eg_raster *raster)
{
    raster->rows = rows;
    raster->columns = columns;
    raster->blocks = blocks;
    raster->height = (int)(rows < EG_RASTER_SIDE ? rows : EG_RASTER_SIDE);
    raster->width = (int)(columns < EG_RASTER_SIDE ? columns : EG_RASTER_SIDE);
    return eg_allocate_zero(NULL, (uint64_t)raster->height * (uint64_t)raster->width, sizeof *raster->part, "a raster",
                            &raster->part);
}

static void raster_count(eg_raster *raster, uint64_t row, uint64_t column)
{
    uint64_t height = (uint64_t)raster->height, width = (uint64_t)raster->width;
    raster->part[row * height / raster->rows * width + column * width / raster->columns] += 1;
}

/* Lines that fall into box i of `boxes`: from ceil(i * lines / boxes) on. */
static double lines_of_box(int i, int boxes, uint64_t lines)
{
    uint64_t n = (uint64_t)boxes, at = (uint64_t)i;
    return (double)(eg_ceil_div((at + 1) * lines, n) - eg_ceil_div(at * lines, n));
}

static void raster_end(eg_raster *raster)
{
    for (int y = 0; y < raster->height; y++)
        for (int x = 0; x < raster->width; x++)
            raster->part[y * raster->width + x] /=
                lines_of_box(y, raster->height, raster->rows) * lines_of_box(x, raster->width, raster->columns);
}

/* The smaller side of the cut gives the vectors; if that is B, the matrix comes out turned over. */
static eegpu_status raster_of_bits(const eegpu_state *state, const uint64_t *mask, eg_raster *raster)
{
    uint64_t one = 1, pixels = mask[0] & eg_low_mask(state->pixels);
    bool turned = 2 * eg_popcount(pixels) > state->pixels;
    eg_columns whole = {0}, columns = {0};
    eg_bit_matrix matrix = {0};
    eg_bit_blocks blocks = {0};
    eegpu_status status;
    eg_columns_of_state(state, &one, &whole);
    EG_TRY(eg_columns_derive(&whole, turned ? ~pixels & eg_low_mask(state->pixels) : pixels, state->budget, NULL, &columns));
    EG_TRY(eg_bit_matrix_of_columns(&columns, state->budget, NULL, &matrix));
    EG_TRY(eg_bit_matrix_split(&matrix, &blocks));
    EG_TRY(raster_begin(turned ? matrix.columns : matrix.rows, turned ? matrix.rows : matrix.columns, blocks.count, raster));
    for (uint64_t i = 0; i < matrix.rows; i++)
        for (uint64_t j = 0; j < matrix.columns; j++)
            if (eg_bit(matrix.bits + blocks.row[i] * matrix.words, blocks.column[j]))
                raster_count(raster, turned ? j : i, turned ? i : j);
    raster_end(raster);
done:
    eg_bit_blocks_free(&blocks);
    eg_bit_matrix_free(&matrix);
    eg_columns_free(&columns);
    return status;
}

static eegpu_status raster_of_images(const eegpu_state *state, const uint64_t *mask, eg_raster *raster)
{
    eg_sparse_matrix matrix = {0};
    eg_sparse_blocks blocks = {0};
    uint64_t row = 0, column = 0;
    eegpu_status status;
    EG_TRY(eg_sparse_of_cut(state, mask, &matrix));
    EG_TRY(eg_sparse_merge(&matrix));
    EG_TRY(eg_sparse_split(&matrix, &blocks));
    EG_TRY(raster_begin(matrix.rows, matrix.columns, blocks.count, raster));
    for (uint64_t b = 0; b < blocks.count; b++) {
        for (uint64_t k = blocks.start[b]; k < blocks.start[b + 1]; k++)
            raster_count(raster, row + matrix.row[k], column + matrix.column[k]);
        row += blocks.rows[b];
        column += blocks.columns[b];
    }
    raster_end(raster);
done:
    eg_sparse_blocks_free(&blocks);
    eg_sparse_free(&matrix);
    return status;
}

/* Of the first of the shown cuts whose matrix is small enough; amplitudes of any value have none. */
static eegpu_status make_raster(const eegpu_state *state, const struct eegpu_cuts *cuts, eg_gallery *gallery)
{
    for (int i = 0; i < gallery->shown_count && state->kind != EG_AMPLITUDES; i++) {
        const eegpu_record *record = gallery->shown[i].spectra;
        const uint64_t *mask = eg_cut_mask(cuts, gallery->shown[i].cut);
        if ((double)record->reduced_rows * (double)record->reduced_cols > (double)RASTER_MOST_ENTRIES)
            continue;
        gallery->raster.cut = gallery->shown[i].cut;
        return state->kind == EG_IMAGES ? raster_of_images(state, mask, &gallery->raster)
                                        : raster_of_bits(state, mask, &gallery->raster);
    }
    return EEGPU_OK;
}

eegpu_status eg_gallery_make(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                             const eg_study *study, eg_gallery *gallery)
{
    eegpu_status status = EEGPU_OK;
    *gallery = (eg_gallery){.shown_count = 0};
    choose(cuts, study, gallery);
    if (state == NULL) {
        status = keep_prefixes(cuts, study->result, gallery);
        goto done;
    }
    EG_TRY(scan_shown(state, cuts, options, gallery));
    EG_TRY(scan_prefixes(state, options, gallery));
    EG_TRY(make_raster(state, cuts, gallery));
done:
    return status == EEGPU_OK || status == EEGPU_INTERRUPTED ? status : eg_fail_while(status, "what the pictures show");
}

void eg_gallery_free(eg_gallery *gallery)
{
    eegpu_result_free(gallery->result);
    eegpu_cuts_free(gallery->cuts);
    eg_release(NULL, gallery->prefix);
    eg_release(NULL, gallery->raster.part);
    *gallery = (eg_gallery){.shown_count = 0};
}
