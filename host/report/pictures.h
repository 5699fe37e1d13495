/* The pictures of a study, one row each. Comes in: a study with its gallery; goes out: SVG and words. Called by html.c and for
 * files of their own. A new picture is one row in pictures.c. */
#ifndef EG_REPORT_PICTURES_H
#define EG_REPORT_PICTURES_H

#include "report/law.h"
#include "report/svg.h"

enum { EG_CAPTION_SIZE = 768 };

typedef struct eg_picture {
    const char *name; /* NAME.svg, and the beginning of ids on a page */
    const char *heading;
    int number; /* which regressor, shown cut, ...: the business of the functions */
    bool (*is_there)(const eg_law_report *report, int number);
    void (*caption)(const eg_law_report *report, int number, char *text); /* EG_CAPTION_SIZE bytes: how to read it */
    eegpu_status (*draw)(const eg_law_report *report, const struct eg_picture *picture, const eg_svg *svg);
} eg_picture;

enum { EG_PICTURES = 11 };
extern const eg_picture eg_pictures[EG_PICTURES];

/* "1 cut", "2 cuts" into `text` (32 bytes); returns `text`. */
const char *eg_count_text(uint64_t count, const char *noun, char *text);

/* ---- pictures_lattice.c ---- */

bool eg_shown_is_there(const eg_law_report *report, int number);
void eg_shown_caption(const eg_law_report *report, int number, char *text);
eegpu_status eg_shown_draw(const eg_law_report *report, const eg_picture *picture, const eg_svg *svg);

bool eg_counter_example_is_there(const eg_law_report *report, int number);
void eg_counter_example_caption(const eg_law_report *report, int number, char *text);
eegpu_status eg_counter_example_draw(const eg_law_report *report, const eg_picture *picture, const eg_svg *svg);

/* ---- pictures_matrix.c ---- */

bool eg_matrix_is_there(const eg_law_report *report, int number);
void eg_matrix_caption(const eg_law_report *report, int number, char *text);
eegpu_status eg_matrix_draw(const eg_law_report *report, const eg_picture *picture, const eg_svg *svg);

#endif
