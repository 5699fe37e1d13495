/* What the two files of the plug-ins share: plugin.c asks for values, plugin_child.c gets them out of a user's function, in a
 * process of its own. */
#ifndef EG_STATE_PLUGIN_H
#define EG_STATE_PLUGIN_H

#include "base/process.h"
#include "state/state.h"

/* What a child is at (eg_desk.phase), and why it refused (eg_desk.note). */
enum { EG_PLUGIN_LOADING, EG_PLUGIN_OPENING, EG_PLUGIN_EVALUATING, EG_PLUGIN_CLOSING };
enum { EG_PLUGIN_NOT_BITS = 1 };

enum { EG_PLUGIN_ANY_KIND = -1, EG_PLUGIN_BATCH = 4096 }; /* images of one call, a multiple of 64 */

typedef double eg_plain_function(const unsigned char *pixels, int height, int width);

typedef struct eg_plugin {
    const char *file, *symbol, *argument; /* as asked for; argument NULL: none */
    int asked_kind;                       /* or EG_PLUGIN_ANY_KIND */
    const eegpu_state *state;             /* its lattice */

    eegpu_plugin_kind kind; /* from here to batch: known after eg_plugin_probe */
    bool plain;             /* a function of one image, not an eegpu_plugin */
    uint64_t batch;         /* images of one call; 1 to find the one that crashes */

    /* In a child. */
    const eegpu_plugin *table;
    eg_plain_function *function;
    void *context; /* of the table's functions */
    bool is_open;
    unsigned char *room_end; /* of a batch of values; what is behind cannot be written to */

    /* In the parent: where the values go. */
    uint64_t *bits;
    double *amplitudes;
} eg_plugin;

/* For eg_run_processes(): the first finds out kind and form and gives them as an eg_plugin_form, the second gives the values of
 * a block, bits as words. The third is for the end. */
typedef struct eg_plugin_form {
    eegpu_plugin_kind kind;
    bool plain;
} eg_plugin_form;

eegpu_status eg_plugin_probe(void *plugin, eg_desk *desk);
eegpu_status eg_plugin_work(void *plugin, eg_desk *desk);
void eg_plugin_leave(void *plugin, eg_desk *desk);

/* Bytes of one value as it is handed over (EEGPU_PLUGIN_BITS: in evaluate(), not in the state). */
static inline uint64_t eg_plugin_item(eegpu_plugin_kind kind)
{
    return kind == EEGPU_PLUGIN_BITS ? 1 : kind == EEGPU_PLUGIN_REAL ? sizeof(double) : 2 * sizeof(double);
}

#endif
