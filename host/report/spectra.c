/* The spectra of a scan as an archive of arrays. Comes in: a scan that kept its spectra; goes out: p_0000, p_0001, ... and
 * regions. Called by the program for --spectrum. The numbers of the cuts have as many digits as the largest needs, at least 4. */
#include "base/bits.h"
#include "report/fields.h"
#include "state/npy.h"

eegpu_status eg_regions_add(const eg_report *report, struct eg_npz *archive)
{
    const struct eegpu_cuts *cuts = report->cuts;
    uint64_t pixels = (uint64_t)cuts->pixels;
    uint64_t shape[3] = {cuts->count, (uint64_t)cuts->height, (uint64_t)cuts->width};
    unsigned char *regions = NULL;
    eegpu_status status;
    EG_TRY(eg_allocate(report->state->budget, cuts->count, pixels, "the regions of the archive", &regions));
    for (size_t cut = 0; cut < cuts->count; cut++)
        for (uint64_t pixel = 0; pixel < pixels; pixel++)
            regions[cut * pixels + pixel] = eg_bit(eg_cut_mask(cuts, cut), pixel);
    EG_TRY(eg_npz_add(archive, "regions", "|b1", 3, shape, regions, cuts->count * pixels));
done:
    eg_release(report->state->budget, regions);
    return status;
}

eegpu_status eg_write_spectra(const eg_report *report, FILE *stream)
{
    eg_npz *archive = NULL;
    eegpu_status status;
    EG_TRY(eg_npz_begin(stream, &archive));
    for (size_t i = 0; i < eegpu_result_count(report->result); i++) {
        const eegpu_record *record = eegpu_result_record(report->result, i);
        uint64_t count = record->spectrum_count;
        char name[32];
        snprintf(name, sizeof name, "p_%04zu", i);
        EG_TRY(eg_npz_add(archive, name, "<f8", 1, &count, record->spectrum, count * sizeof(double)));
    }
    EG_TRY(eg_regions_add(report, archive));
    status = eg_npz_end(archive);
    archive = NULL;
done:
    eg_npz_abandon(archive);
    return status;
}
