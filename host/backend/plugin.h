/* A back end that is loaded at run time: what the program and the plug-in know of each other. The plug-in exports
 * eg_backend_plugin_abi and eg_backend_plugin(), which is called only when the texts agree. It is never unloaded: threads and
 * handlers of the driver may outlive it. The program's side is choose.c, the other is cuda/plugin.c. */
#ifndef EG_BACKEND_PLUGIN_H
#define EG_BACKEND_PLUGIN_H

#include "backend/backend.h"

/* The number at the end rises with every change of backend.h or of a struct in it. */
#define EG_BACKEND_PLUGIN_ABI "eegpu " EEGPU_VERSION ", back end 2"

/* Services of the program: the plug-in has its own copy of base/, but messages must come out of the program's. */
typedef struct eg_backend_services {
    void (*record)(const char *message); /* the message of the calling thread, of any length; what eegpu_error_message() returns */
    const char *(*recall)(void);         /* the message on record */
} eg_backend_services;

/* What the plug-in exports: */
typedef const eg_backend *eg_backend_plugin_function(const eg_backend_services *services);
#define EG_BACKEND_PLUGIN_ABI_SYMBOL "eg_backend_plugin_abi"  /* const char [], EG_BACKEND_PLUGIN_ABI */
#define EG_BACKEND_PLUGIN_FUNCTION_SYMBOL "eg_backend_plugin" /* eg_backend_plugin_function */

/* ---- For the program (choose.c) ---- */

/* Why the last eg_device_open("auto") of the calling thread took the CPU; "" when it took a GPU, and before. */
const char *eg_backend_why_no_gpu(void);

/* The file that the CUDA back end was loaded from; NULL when it was not. */
const char *eg_backend_plugin_path(void);

/* That file, or the one that would be loaded; else where it was looked for, or that this build has none. With or without a
 * driver. */
void eg_backend_plugin_describe(char *text, size_t size);

#endif
