/* A plug-in that works: it has one device, which says how often the plug-in was asked for its back end. */
#include <stdio.h>
#include <stdlib.h>

#include "backend/plugin.h"

extern const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = EG_BACKEND_PLUGIN_ABI;

static const eg_backend_services *program;
static int asked;
static const eg_backend backend;

static eegpu_status open_device(int number, eg_device **device)
{
    char message[4 * EG_MESSAGE_SIZE];
    if (number > 0) {
        snprintf(message, sizeof message, "device %d\nis none; before that: %s %*s", number, program->recall(), 2 * EG_MESSAGE_SIZE,
                 "end");
        program->record(message);
        return EEGPU_NO_DEVICE;
    }
    *device = calloc(1, sizeof **device);
    if (*device == NULL)
        return EEGPU_OUT_OF_MEMORY;
    **device = (eg_device){.backend = &backend, .name = "good:0", .most_lanes = asked};
    return EEGPU_OK;
}

static void close_device(eg_device *device) { free(device); }

static const eg_backend backend = {.name = "good", .open = open_device, .close = close_device};

eg_backend_plugin_function eg_backend_plugin;
const eg_backend *eg_backend_plugin(const eg_backend_services *services)
{
    program = services;
    asked++;
    return &backend;
}
