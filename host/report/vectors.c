/* The Schmidt vectors of every cut as an archive of arrays. Comes in: a state and cuts; goes out: a_k, fa_k, fb_k with
 * f = sum_i a[i] fa[i] fb[i] (paper, eq. 23), of image sets the sub-images that rows and columns are, and regions. Called by
 * the program for --vectors. One cut is held in memory at a time. */
#include "report/fields.h"
#include "scan/scan.h"
#include "state/npy.h"

/* One array "<stem>_<cut>". */
static eegpu_status add(eg_npz *archive, const char *stem, size_t cut, const char *descr, int item_size, int axes,
                        const uint64_t *shape, const void *data)
{
    char name[48];
    uint64_t bytes = (uint64_t)item_size;
    for (int axis = 0; axis < axes; axis++)
        bytes *= shape[axis]; /* the array is in memory: no overflow */
    snprintf(name, sizeof name, "%s_%04zu", stem, cut);
    return eg_npz_add(archive, name, descr, axes, shape, data, bytes);
}

static eegpu_status add_cut(const eg_report *report, size_t cut, int threads, eg_npz *archive)
{
    eg_schmidt schmidt = {0};
    eegpu_status status;
    EG_TRY(eg_schmidt_of_cut(report->state, report->cuts, cut, threads, &schmidt));
    const char *descr = schmidt.is_complex ? "<c16" : "<f8";
    int item_size = schmidt.is_complex ? 16 : 8;
    uint64_t n_a = (uint64_t)eg_cut_size(report->cuts, cut), n_b = (uint64_t)report->cuts->pixels - n_a;
    EG_TRY(add(archive, "a", cut, "<f8", 8, 1, &schmidt.rank, schmidt.a));
    EG_TRY(add(archive, "fa", cut, descr, item_size, 2, (uint64_t[]){schmidt.rank, schmidt.rows}, schmidt.f_a));
    EG_TRY(add(archive, "fb", cut, descr, item_size, 2, (uint64_t[]){schmidt.rank, schmidt.cols}, schmidt.f_b));
    if (schmidt.row_images != NULL)
        EG_TRY(add(archive, "images_a", cut, "|u1", 1, 2, (uint64_t[]){schmidt.rows, n_a}, schmidt.row_images));
    if (schmidt.col_images != NULL)
        EG_TRY(add(archive, "images_b", cut, "|u1", 1, 2, (uint64_t[]){schmidt.cols, n_b}, schmidt.col_images));
done:
    eg_schmidt_free(&schmidt);
    return status;
}

eegpu_status eg_write_vectors(const eg_report *report, int threads, eg_progress *progress, FILE *stream)
{
    eg_npz *archive = NULL;
    eegpu_status status;
    EG_TRY(eg_npz_begin(stream, &archive));
    for (size_t cut = 0; cut < report->cuts->count; cut++) {
        EG_TRY(add_cut(report, cut, threads, archive));
        EG_TRY(eg_progress_add(progress, 1));
    }
    EG_TRY(eg_regions_add(report, archive));
    status = eg_npz_end(archive);
    archive = NULL;
done:
    eg_npz_abandon(archive);
    return status;
}
