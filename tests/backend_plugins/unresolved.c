/* A plug-in that cannot be loaded: it needs a function that no library has. */
#include "backend/plugin.h"

extern const char eg_backend_plugin_abi[];
const char eg_backend_plugin_abi[] = EG_BACKEND_PLUGIN_ABI;

const eg_backend *eg_test_function_of_no_library(void);
eg_backend_plugin_function eg_backend_plugin;
const eg_backend *eg_backend_plugin(const eg_backend_services *services)
{
    return services != NULL ? eg_test_function_of_no_library() : NULL;
}
