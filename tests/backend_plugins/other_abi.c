/* A plug-in of another version: its function must not be called. */
#include <stdlib.h>

#include "backend/plugin.h"

extern const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = "eegpu 0.0.1, back end 0";

eg_backend_plugin_function eg_backend_plugin;
const eg_backend *eg_backend_plugin(const eg_backend_services *services)
{
    (void)services;
    abort();
}
