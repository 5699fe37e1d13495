/* Where the time of a scan went (`scan --stats`): the stages of backend/statistics.h as a table for people or as a member of the
 * JSON. Comes in: a report with statistics; goes out: text on a stream. Called by the writers and the program. */
#ifndef EG_REPORT_STAGES_H
#define EG_REPORT_STAGES_H

#include "report/report.h"

/* A line a stage: share of the time, seconds, GB/s, GFLOP/s; then how much of the scan the stages explain. */
void eg_stages_write(const eg_report *report, FILE *stream);

/* ,"stages":[...],"explained":... ; nothing without statistics. */
void eg_stages_json(const eg_report *report, FILE *stream);

#endif
