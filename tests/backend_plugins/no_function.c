/* A plug-in of the right version without its function. */
#include "backend/plugin.h"

extern const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = EG_BACKEND_PLUGIN_ABI;
