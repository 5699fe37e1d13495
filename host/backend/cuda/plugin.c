/* The plug-in's door: what it exports, its table, and the error record. Messages go to the program's record, since this library has
 * no record of its own; that is why it is linked with base/ but without base/status.c, and with copies of backend/columns.c,
 * vector_set.c, bit_planes.c and state/cnn.c, which know nothing of devices. Called by choose.c through dlsym(). */
#include "backend/plugin.h"

#include <stdio.h>
#include <string.h>

#include "backend/cuda/cuda.h"

#define EG_EXPORT __attribute__((visibility("default")))

static const eg_backend_services *services; /* set before anything else is called */

extern EG_EXPORT const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = EG_BACKEND_PLUGIN_ABI;

EG_EXPORT eg_backend_plugin_function eg_backend_plugin;

const eg_backend *eg_backend_plugin(const eg_backend_services *given)
{
    services = given;
    return &eg_cuda_backend;
}

const eg_backend eg_cuda_backend = {
    .name = EG_CUDA_NAME,
    .open = eg_cuda_open,
    .close = eg_cuda_close,
    .load = eg_cuda_load,
    .open_lane = eg_cuda_open_lane,
    .close_lane = eg_cuda_close_lane,
    .wait = eg_cuda_wait,
    .allocate = eg_cuda_allocate,
    .release = eg_cuda_release,
    .take = eg_cuda_take,
    .fetch = eg_cuda_fetch,
    .gather = eg_cuda_gather,
    .derive_columns = eg_cuda_derive_columns,
    .gram = eg_cuda_gram,
    .gram_bits = eg_cuda_gram_bits,
    .weigh = eg_cuda_weigh,
    .partial_trace = eg_cuda_partial_trace,
    .merge = eg_cuda_merge,
    .invariants = eg_cuda_invariants,
    .eigenvalues = eg_cuda_eigenvalues,
    .singular_values = eg_cuda_singular_values,
    .evaluate_network = eg_cuda_evaluate_network,
};

/* ---- base/status.h; the program makes one line of a message, and cuts it to its length ---- */

eegpu_status eg_fail(eegpu_status status, const char *format, ...)
{
    char text[8 * EG_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        snprintf(text, sizeof text, "an error without words");
    va_end(arguments);
    services->record(text);
    return status;
}

eegpu_status eg_fail_while(eegpu_status status, const char *format, ...)
{
    char text[4 * EG_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return eg_fail(status, "%s%s%s", length > 0 ? text : "", length > 0 ? ": " : "", services->recall());
}

const char *eegpu_error_message(void) { return services->recall(); }

void eg_error_save(char *text) { snprintf(text, EG_MESSAGE_SIZE, "%s", services->recall()); }

void eg_error_restore(const char *text) { services->record(text); }
