/* All that `eegpu law` measures of a function: the scan, then what measure/ makes of it, with the further scans that this needs.
 * Comes in: a state and cuts, or the result of an earlier scan; goes out: a study. Called by cli/. */
#ifndef EG_SCAN_STUDY_H
#define EG_SCAN_STUDY_H

#include "measure/law.h"
#include "measure/parameters.h"
#include "measure/range.h"
#include "measure/theory.h"
#include "measure/topology.h"
#include "scan/scan.h"

/* Parts of a study; the scan and the law are always there. */
enum { EG_STUDY_RANGE = 1, EG_STUDY_PARAMETERS = 2, EG_STUDY_TOPOLOGY = 4, EG_STUDY_THEORY = 8 };

typedef struct eg_study {
    eegpu_result *result;
    eg_law law;
    size_t range_count; /* 0: not measured; else one a cut */
    eg_range *ranges;
    eg_parameters parameters; /* known = false: not measured, likewise below */
    eg_topology topology;
    eg_theory theory;
} eg_study;

/* How long a study will take at least, in seconds: from shapes alone, but the function's symmetries are looked for. */
EG_MUST eg_study_foresee(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, int parts,
                         double *seconds);

/* Free with eg_study_free(), also after a failure. */
EG_MUST eg_study_function(const eegpu_state *state, const struct eegpu_cuts *cuts, const eegpu_scan_options *options, int parts,
                          eg_study *study);

/* Of a result that was read from a file, the law alone; `images` as in law.h. The study takes the result. */
EG_MUST eg_study_of_result(const struct eegpu_cuts *cuts, eegpu_result *result, uint64_t images, eg_study *study);

void eg_study_free(eg_study *study);

#endif
