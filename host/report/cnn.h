/* What `eegpu cnn` found, as a table or JSON. Comes in: the sweep and what was asked. */
#ifndef EG_REPORT_CNN_H
#define EG_REPORT_CNN_H

#include <stdio.h>

#include "scan/cnn_sweep.h"

typedef struct eg_cnn_report {
    const char *command;
    const struct eegpu_cuts *cuts;
    const eg_cnn_sweep_options *options;
    const eg_cnn_sweep *sweep;
    double log_base; /* 1 for nats, log 2 for bits: S, S/L and what is fitted to them are divided by it */
    const char *unit;
} eg_cnn_report;

EG_MUST eg_cnn_write_table(const eg_cnn_report *report, FILE *stream);
EG_MUST eg_cnn_write_json(const eg_cnn_report *report, FILE *stream);

#endif
