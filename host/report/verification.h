/* What `eegpu verify` found, as a table or JSON. Comes in: a report without a result, and a verification. */
#ifndef EG_REPORT_VERIFICATION_H
#define EG_REPORT_VERIFICATION_H

#include "report/report.h"
#include "scan/verify.h"

EG_MUST eg_verification_write_table(const eg_report *report, const eg_verification *verification, FILE *stream);
EG_MUST eg_verification_write_json(const eg_report *report, const eg_verification *verification, FILE *stream);

#endif
