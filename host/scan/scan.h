/* The one place that knows the order of the stages: symmetries, plan, journal, trees, spectrum, entropies, records. Comes in: a
 * state, cuts and options, and a device that is open or named; goes out: one record a cut, in the order of the cuts. Called by
 * the public eegpu_scan(), by sweeps and studies, and by the program; it prints nothing. */
#ifndef EG_SCAN_SCAN_H
#define EG_SCAN_SCAN_H

#include "backend/backend.h"
#include "backend/statistics.h"
#include "cut/cut.h"
#include "plan/plan.h"
#include "state/state.h"

struct eegpu_result {
    size_t count;
    eegpu_record *records;
    double **spectra; /* owners of the records' spectra; entries may be NULL */
    uint64_t peak_bytes;
    char device[64];
};

/* The plan that eegpu_scan() would follow, for --dry-run. Free with eg_plan_free(). */
EG_MUST eg_scan_plan(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, eg_plan *plan);

/* From here on a GPU should pay: below, opening it takes longer than the scan (an estimate, not measured on a device yet). */
enum { EG_GPU_FROM_PIXELS = 18 };

/* Would a GPU pay for evaluating networks on all images, where that takes so many operations (eg_cnn_operations()) in all? */
bool eg_networks_pay(int pixels, double operations);

/* The name of the device that eegpu_scan() opens: what was asked for; for `auto` the CPU where a GPU would not pay, else "auto". */
const char *eg_scan_device(const eegpu_state *state, const eegpu_scan_options *options);

/* eegpu_scan(), and where its time went. `statistics` NULL: it is not asked for. */
EG_MUST eg_scan_counted(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options,
                        eg_statistics *statistics, eegpu_result **result);

/* eegpu_scan() on an open device, which may be used again (tests hand in one whose back end has planted faults). */
EG_MUST eg_scan_on(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, eg_device *device,
                   eegpu_result **result);

/* The Schmidt vectors of one cut (paper, eq. 23): f = sum_i a_i f_A^i f_B^i, a_i > 0 descending. Each f_A^i has its largest
 * component real and positive (the first of them, if several). Arrays are the caller's, freed with eg_schmidt_free(). */
typedef struct eg_schmidt {
    bool is_complex;
    uint64_t rank;       /* number of a_i above the tolerance */
    uint64_t rows, cols; /* length of f_A^i and f_B^i */
    double *a;           /* rank */
    double *f_a, *f_b;   /* rank x rows, rank x cols, C order; pairs when complex */
    /* Image sets: which sub-images the rows and columns are (0/1 bytes, rows x N_A and cols x N_B); NULL for dense states,
     * where row r is the sub-image whose bits, lowest-numbered pixel first, are the binary digits of r. */
    unsigned char *row_images, *col_images;
    double error; /* bound on the norm of f/|f| - sum_i a_i f_A^i f_B^i, the dropped ones included */
    eg_budget *budget;
} eg_schmidt;

EG_MUST eg_schmidt_of_cut(const eegpu_state *state, const struct eegpu_cuts *cuts, size_t cut, int threads, eg_schmidt *schmidt);
void eg_schmidt_free(eg_schmidt *schmidt);

#endif
