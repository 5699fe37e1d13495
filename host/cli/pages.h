/* The page and the pictures of `eegpu law`: --html FILE and --svg FOLDER. Comes in: settings, then a report; goes out: files,
 * opened before work starts and put in place together. Called by cmd_law.c. */
#ifndef EG_CLI_PAGES_H
#define EG_CLI_PAGES_H

#include "base/file.h"
#include "cli/options.h"
#include "report/pictures.h"

typedef struct eg_pages {
    eg_output html, svg[EG_PICTURES];
    const char *folder;       /* of the pictures; NULL: none are wanted */
    const char *made_folder;  /* made here; else NULL */
    bool absent[EG_PICTURES]; /* this report has no such picture */
} eg_pages;

static inline bool eg_pages_wanted(const eg_settings *settings) { return settings->html != NULL || settings->svg != NULL; }

/* `output` is where the result goes: no two files may be one. Makes the folder of --svg if there is none. */
EG_MUST eg_pages_open(const eg_settings *settings, const char *output, eg_pages *pages);
EG_MUST eg_pages_write(const eg_law_report *report, eg_pages *pages);
EG_MUST eg_pages_commit(eg_pages *pages); /* also removes pictures of an earlier report that this one does not have */
void eg_pages_discard(eg_pages *pages);   /* also after commit: does nothing then */

#endif
