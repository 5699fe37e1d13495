/* Values as text: numbers that read back as the same double, JSON, CSV and XML strings. Used by all writers and by the program's
 * own JSON. Write errors are left to eg_stream_check(). */
#ifndef EG_REPORT_ENCODE_H
#define EG_REPORT_ENCODE_H

#include <stdio.h>

#include "base/status.h"

enum { EG_NUMBER_TEXT_SIZE = 32 };

/* The shortest of 15, 16 or 17 digits that reads back as `value`; "inf", "-inf", "nan". Returns `text`. */
const char *eg_number_text(double value, char *text);

void eg_whole_number(FILE *stream, uint64_t value);  /* in decimal digits */
void eg_json_number(FILE *stream, double value);     /* null when it is not finite */
void eg_json_string(FILE *stream, const char *text); /* NULL: null; bytes that are no UTF-8 become \u00xx */
void eg_csv_string(FILE *stream, const char *text);  /* quoted when it must be */
void eg_xml_string(FILE *stream, const char *text);  /* for HTML and SVG; what XML cannot hold becomes U+FFFD */

/* For people to read: control characters, those that turn the direction of writing, and bytes that are no UTF-8 become '?', so that
 * no text from a file drives the terminal. */
void eg_terminal_string(FILE *stream, const char *text);

/* Columns on the screen of a UTF-8 text of narrow characters. */
int eg_display_width(const char *text);

/* EEGPU_IO if something could not be written to the stream. */
EG_MUST eg_stream_check(FILE *stream, const char *what);

#endif
