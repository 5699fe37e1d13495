/* The points of the fits of law.c: cuts of one shape as one. */
#ifndef EG_MEASURE_GROUPS_H
#define EG_MEASURE_GROUPS_H

#include "measure/law.h"

/* Fill the groups of a law whose other members are zero; law->groups is the law's, also after a failure. */
EG_MUST eg_law_make_groups(const struct eegpu_cuts *cuts, const eegpu_record *records, size_t count, eg_law *law);

#endif
