/* The JSON of a scan, read back. Comes in: a file; goes out: cuts and a result with what the laws need. Called by `eegpu law`. */
#ifndef EG_REPORT_SCAN_READ_H
#define EG_REPORT_SCAN_READ_H

#include "scan/scan.h"

typedef struct eg_scan_file {
    eegpu_cuts *cuts;           /* with the family that was scanned */
    eegpu_result *result;       /* records: cut, n_a, n_b, boundary, bonds, s_vn, error (in nats), same_as; the rest is 0 */
    uint64_t images;            /* on how many the function is not 0; 0: not said */
    char source[1024], unit[8]; /* of the file; the records are in nats in any case */
} eg_scan_file;

/* EEGPU_IO: it cannot be read. EEGPU_BAD_INPUT: truncated, of another version, not a scan, numbers that contradict each other. Free
 * with eg_scan_file_free(). */
EG_MUST eg_scan_file_read(const char *path, eg_scan_file *file);
void eg_scan_file_free(eg_scan_file *file);

#endif
