/* A plug-in whose function gives nothing. */
#include "backend/plugin.h"

extern const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = EG_BACKEND_PLUGIN_ABI;

eg_backend_plugin_function eg_backend_plugin;
const eg_backend *eg_backend_plugin(const eg_backend_services *services)
{
    (void)services;
    return NULL;
}
