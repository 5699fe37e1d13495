/* What `eegpu verify` found, as a table or JSON. Comes in: a report without a result, a verification, and how much of it to show.
 * Called by `eegpu verify`. */
#ifndef EG_REPORT_VERIFICATION_H
#define EG_REPORT_VERIFICATION_H

#include "report/report.h"
#include "scan/verify.h"

enum { EG_VERIFICATION_ROWS = 20 };

typedef struct eg_verification_view {
    const char *no_gpu; /* why there is none; NULL: none was looked for, or there is one */
    bool all;           /* a row for every cut; else for those that differ or failed, and EG_VERIFICATION_ROWS in all */
    bool verdict_only;  /* of the table its last line alone */
} eg_verification_view;

EG_MUST eg_verification_write_table(const eg_report *report, const eg_verification *verification, const eg_verification_view *view,
                                    FILE *stream);
EG_MUST eg_verification_write_json(const eg_report *report, const eg_verification *verification, const eg_verification_view *view,
                                   FILE *stream);

#endif
