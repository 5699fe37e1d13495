/* Devices by name, and the loader of back ends that are plug-ins. Comes in: cpu, cuda, cuda:K or auto; goes out: an open device, or
 * the exact reason why there is none. Plug-ins are looked for in the absolute folders of EEGPU_PLUGIN_PATH, where they are
 * installed, and beside the running program; never in the current folder; in a build without CUDA in EEGPU_PLUGIN_PATH only. Called
 * by scan/ and cli/. For tests there is one kind more, "emulated", which is found in EEGPU_PLUGIN_PATH only. */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/plugin.h"
#include "base/text.h"

#ifdef EEGPU_HAVE_CUDA
enum { BUILT_WITH_CUDA = true };
#else
enum { BUILT_WITH_CUDA = false };
#endif

enum { MOST_DEVICES = 1024 };

typedef struct kind {
    const char *name, *file;
    bool needs_driver, is_built; /* not built by this build, or for tests: EEGPU_PLUGIN_PATH alone */
    const eg_backend *backend;   /* once loaded */
    char path[PATH_MAX];
} kind;

enum { CUDA, EMULATED, KINDS };

static kind kinds[KINDS] = {[CUDA] = {"cuda", "eegpu_cuda.so", true, BUILT_WITH_CUDA, NULL, ""},
                            [EMULATED] = {"emulated", "eegpu_emulated.so", false, false, NULL, ""}};
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local char why_no_gpu[EG_MESSAGE_SIZE];

/* ---- Where a plug-in is. CMake gives EEGPU_PLUGIN_FOLDER, where they are installed, and EEGPU_LIBRARY_FOLDER, the folder of
 * libraries below a prefix ---- */

typedef struct search {
    const char *file;
    char path[PATH_MAX], looked_in[EG_MESSAGE_SIZE / 2];
    bool found;
} search;

static void look_in(search *where, const char *folder)
{
    size_t length = strlen(where->looked_in);
    if (where->found || folder[0] != '/')
        return;
    snprintf(where->looked_in + length, sizeof where->looked_in - length, "%s%s", length > 0 ? ", " : "", folder);
    where->found = (size_t)snprintf(where->path, sizeof where->path, "%s/%s", folder, where->file) < sizeof where->path &&
                   access(where->path, F_OK) == 0;
}

static void look_beside_program(search *where)
{
    static const char *const below[] = {"/../lib/eegpu", "/../" EEGPU_LIBRARY_FOLDER "/eegpu", ""};
    char program[PATH_MAX - 256], folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return;
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        if (i > 0 && strcmp(below[i], below[i - 1]) == 0)
            continue;
        snprintf(folder, sizeof folder, "%s%s", program, below[i]);
        look_in(where, folder);
    }
}

static void find_plugin(const kind *which, search *where)
{
    const char *path = secure_getenv("EEGPU_PLUGIN_PATH");
    char folders[8 * PATH_MAX], *rest = folders;
    *where = (search){.file = which->file};
    snprintf(folders, sizeof folders, "%s", path != NULL ? path : "");
    for (char *folder; (folder = strsep(&rest, ":")) != NULL;)
        look_in(where, folder);
    if (which->is_built) {
        look_in(where, EEGPU_PLUGIN_FOLDER);
        look_beside_program(where);
    }
}

/* ---- Loading ---- */

/* Cheap, and the usual reason on a machine without a GPU. The handle stays: the plug-in will want it. */
static eegpu_status check_driver(void)
{
    if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != NULL)
        return EEGPU_OK;
    const char *why = dlerror();
    return eg_fail(EEGPU_NO_DEVICE, "there is no NVIDIA driver here (%s)", why != NULL ? why : "libcuda.so.1 cannot be loaded");
}

static eegpu_status check_found(const search *where)
{
    if (where->found)
        return EEGPU_OK;
    return eg_fail(EEGPU_NO_DEVICE, "no plug-in %s in %s; install it, or name its folder in EEGPU_PLUGIN_PATH", where->file,
                   where->looked_in[0] != '\0' ? where->looked_in : "EEGPU_PLUGIN_PATH");
}

static eegpu_status check_abi(const char *path, const char *abi)
{
    if (abi == NULL)
        return eg_fail(EEGPU_NO_DEVICE, "'%s' is no plug-in of eegpu: it has no %s", path, EG_BACKEND_PLUGIN_ABI_SYMBOL);
    if (strcmp(abi, EG_BACKEND_PLUGIN_ABI) != 0)
        return eg_fail(EEGPU_NO_DEVICE,
                       "plug-in '%s' is of another version ('%.80s', needed is '%s'); install program and plug-in from one build",
                       path, abi, EG_BACKEND_PLUGIN_ABI);
    return EEGPU_OK;
}

static void record_message(const char *message) { (void)eg_fail(EEGPU_OK, "%s", message); }

static const eg_backend_services services = {record_message, eegpu_error_message};

static eegpu_status call_plugin(const char *path, void *library, const eg_backend **backend)
{
    void *symbol = dlsym(library, EG_BACKEND_PLUGIN_FUNCTION_SYMBOL);
    eg_backend_plugin_function *function;
    memcpy(&function, &symbol, sizeof function); /* the form in which C allows it */
    *backend = symbol != NULL ? function(&services) : NULL;
    if (*backend != NULL)
        return EEGPU_OK;
    return eg_fail(EEGPU_NO_DEVICE, "plug-in '%s' gives no back end (%s)", path,
                   symbol != NULL ? "it returned none" : "it has no " EG_BACKEND_PLUGIN_FUNCTION_SYMBOL);
}

/* With this variable cuBLAS replaces double precision by integer arithmetic of as many bits as other variables say, whatever mode
 * its handles are in: Gram matrices would be inexact, and those checks that compare them with themselves would pass. Whether the
 * process has cuBLAS already, which looks at the variable when it starts, is not known here, so to change it would be no help. */
static eegpu_status check_arithmetic(void)
{
    const char *value = getenv("CUBLAS_EMULATE_DOUBLE_PRECISION");
    if (value == NULL || *value == '\0' || strcmp(value, "0") == 0)
        return EEGPU_OK;
    return eg_fail(
        EEGPU_NO_DEVICE,
        "CUBLAS_EMULATE_DOUBLE_PRECISION=%.20s lets cuBLAS put other arithmetic in the place of double precision, and results "
        "would be inexact; unset it",
        value);
}

static eegpu_status load_plugin(const char *path, const eg_backend **backend)
{
    eegpu_status status = check_arithmetic();
    if (status != EEGPU_OK)
        return status;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *why = dlerror();
        bool is_missing = why != NULL && strstr(why, "cannot open shared object file") != NULL;
        return eg_fail(EEGPU_NO_DEVICE, "plug-in '%s' cannot be loaded (%s)%s", path, why != NULL ? why : "for no known reason",
                       is_missing ? "; install the libraries of CUDA, or name their folder in LD_LIBRARY_PATH" : "");
    }
    EG_TRY(check_abi(path, dlsym(library, EG_BACKEND_PLUGIN_ABI_SYMBOL)));
    EG_TRY(call_plugin(path, library, backend));
done:
    return status;
}

static const char *const without_cuda = "this build was made without CUDA (EEGPU_CUDA=OFF)";

static eegpu_status find_and_load(kind *which)
{
    eegpu_status status;
    search where;
    find_plugin(which, &where);
    if (!where.found && which->needs_driver && !which->is_built)
        return eg_fail(EEGPU_NO_DEVICE, "%s", without_cuda);
    if (which->needs_driver)
        EG_TRY(check_driver());
    EG_TRY(check_found(&where));
    EG_TRY(load_plugin(where.path, &which->backend));
    snprintf(which->path, sizeof which->path, "%s", where.path);
done:
    return status;
}

/* Once for each kind; what failed is tried again the next time. */
static eegpu_status get_backend(kind *which, const eg_backend **backend)
{
    eegpu_status status = EEGPU_OK;
    pthread_mutex_lock(&kinds_lock);
    if (which->backend == NULL)
        status = find_and_load(which);
    *backend = which->backend;
    pthread_mutex_unlock(&kinds_lock);
    return status;
}

const char *eg_backend_plugin_path(void)
{
    pthread_mutex_lock(&kinds_lock);
    const char *path = kinds[CUDA].backend != NULL ? kinds[CUDA].path : NULL;
    pthread_mutex_unlock(&kinds_lock);
    return path;
}

void eg_backend_plugin_describe(char *text, size_t size)
{
    const kind *which = &kinds[CUDA];
    const char *loaded = eg_backend_plugin_path();
    search where;
    find_plugin(which, &where);
    if (loaded != NULL || where.found)
        snprintf(text, size, "%s", loaded != NULL ? loaded : where.path);
    else
        snprintf(text, size, "%s%s%s", which->is_built ? "" : without_cuda,
                 where.looked_in[0] == '\0' ? ""
                 : which->is_built          ? "not found in "
                                            : "; not found in ",
                 where.looked_in);
}

/* ---- Devices ---- */

static eegpu_status open_number(kind *which, int number, eg_device **device)
{
    const eg_backend *backend = NULL;
    eegpu_status status;
    EG_TRY(get_backend(which, &backend));
    EG_TRY(backend->open(number, device));
done:
    return status;
}

/* The first GPU that works, else the CPU. */
static eegpu_status open_any(eg_device **device)
{
    why_no_gpu[0] = '\0';
    if (open_number(&kinds[CUDA], 0, device) == EEGPU_OK)
        return EEGPU_OK;
    snprintf(why_no_gpu, sizeof why_no_gpu, "%s", eegpu_error_message());
    return eg_backend_cpu.open(0, device);
}

const char *eg_backend_why_no_gpu(void) { return why_no_gpu; }

static eegpu_status open_kind(kind *which, const char *name, eg_device **device)
{
    int64_t number = 0;
    size_t length = strlen(which->name);
    eegpu_status status = EEGPU_OK;
    if (name[length] == ':')
        status = eg_parse_integer(name + length + 1, "the number of a device", 0, MOST_DEVICES - 1, &number);
    if (status != EEGPU_OK)
        return eg_fail_while(status, "device '%s'", name);
    status = open_number(which, (int)number, device);
    if (status != EEGPU_OK)
        return eg_fail(status, "device '%s': %s; use --device cpu", name, eegpu_error_message());
    return EEGPU_OK;
}

eegpu_status eg_device_open(const char *name, eg_device **device)
{
    if (name == NULL || strcmp(name, "auto") == 0)
        return open_any(device);
    if (strcmp(name, "cpu") == 0)
        return eg_backend_cpu.open(0, device);
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i].name);
        if (strncmp(name, kinds[i].name, length) == 0 && (name[length] == '\0' || name[length] == ':'))
            return open_kind(&kinds[i], name, device);
    }
    return eg_fail(EEGPU_USAGE, "device '%s' is none of auto, cpu, cuda, cuda:K", name);
}

void eg_device_close(eg_device *device)
{
    if (device != NULL)
        device->backend->close(device);
}
