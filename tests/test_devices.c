/* Devices by name, and the loader of plug-ins: all that can go wrong without a GPU, and a plug-in that works. The tiny plug-ins are
 * in backend_plugins/; they are loaded as the kind "emulated", which wants no driver, by way of symbolic links. */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

#include "backend/plugin.h"
#include "check.h"
#include "temporary.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A new folder with the plug-in `name` under the file name of the kind "emulated"; NULL: an empty folder. */
static const char *folder_with(const char *name)
{
    static char folder[1024];
    static int number;
    char link[1100], target[1024];
    snprintf(folder, sizeof folder, "%s-%d", temporary_path("plugins"), number++);
    CHECK(mkdir(folder, 0700) == 0);
    snprintf(link, sizeof link, "%s/eegpu_emulated.so", folder);
    snprintf(target, sizeof target, "%s/%s/eegpu_cuda.so", BACKEND_PLUGIN_FOLDER, name != NULL ? name : "");
    if (name != NULL)
        CHECK(symlink(target, link) == 0);
    return folder;
}

static void remove_folder(const char *folder)
{
    char file[1100];
    snprintf(file, sizeof file, "%s/eegpu_emulated.so", folder);
    unlink(file);
    CHECK(rmdir(folder) == 0);
}

static void check_refused(const char *name, eegpu_status status, const char *fragment)
{
    eg_device *device = NULL;
    CHECK_FAILS(eg_device_open(name, &device), status, fragment);
    CHECK(device == NULL);
    eg_device_close(device);
    if (status == EEGPU_NO_DEVICE)
        CHECK(strstr(eegpu_error_message(), "; use --device cpu") != NULL);
}

static void test_names(void)
{
    static const char *const bad[] = {"", "tpu", "CPU", "cpu:0", "cpu ", "cudax", "cuda1", "auto:0", "emulatedx", "gpu"};
    static const char *const bad_numbers[] = {"cuda:", "cuda:x", "cuda:-1", "cuda:1024", "cuda: 0", "cuda:0x", "emulated:x"};
    for (size_t i = 0; i < COUNT(bad); i++)
        check_refused(bad[i], EEGPU_USAGE, "none of auto, cpu, cuda, cuda:K");
    for (size_t i = 0; i < COUNT(bad_numbers); i++) {
        check_refused(bad_numbers[i], EEGPU_USAGE, "the number of a device");
        CHECK(strstr(eegpu_error_message(), bad_numbers[i]) != NULL);
    }
}

static void test_cpu(void)
{
    eg_device *device = NULL;
    if (CHECK_OK(eg_device_open("cpu", &device)))
        CHECK(strcmp(device->name, "cpu") == 0 && device->backend == &eg_backend_cpu);
    eg_device_close(device);
    eg_device_close(NULL);
}

static bool has_driver(void) { return dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != NULL; }

static void test_no_driver(void)
{
    char text[4096];
    if (has_driver())
        return; /* then the reason is another one */
    unsetenv("EEGPU_PLUGIN_PATH");
    check_refused("cuda", EEGPU_NO_DEVICE, "device 'cuda': ");
    CHECK(strstr(eegpu_error_message(), "NVIDIA driver") != NULL || strstr(eegpu_error_message(), "EEGPU_CUDA=OFF") != NULL);
    setenv("EEGPU_PLUGIN_PATH", BACKEND_PLUGIN_FOLDER "/other_abi", 1); /* found, but not loaded */
    check_refused("cuda:1", EEGPU_NO_DEVICE, "device 'cuda:1': there is no NVIDIA driver here");
    eg_backend_plugin_describe(text, sizeof text);
    CHECK(strcmp(text, BACKEND_PLUGIN_FOLDER "/other_abi/eegpu_cuda.so") == 0);
    setenv("EEGPU_PLUGIN_PATH", "/nowhere:/nor/here", 1);
    eg_backend_plugin_describe(text, sizeof text);
    CHECK(strstr(text, "/nowhere, /nor/here") != NULL || strstr(text, "eegpu_cuda.so") != NULL);
    CHECK(eg_backend_plugin_path() == NULL);
    unsetenv("EEGPU_PLUGIN_PATH");
}

static void test_auto(void)
{
    static const char *const names[] = {"auto", NULL};
    for (size_t i = 0; i < COUNT(names); i++) {
        eg_device *device = NULL;
        if (!CHECK_OK(eg_device_open(names[i], &device)))
            continue;
        const char *why = eg_backend_why_no_gpu();
        bool is_cpu = strcmp(device->name, "cpu") == 0;
        CHECK(is_cpu == (*why != '\0') && strstr(why, "--device cpu") == NULL);
        CHECK(has_driver() || is_cpu);
        eg_device_close(device);
    }
}

static void test_broken_plugins(void)
{
    static const struct {
        const char *plugin, *fragment;
    } cases[] = {
        {NULL, "no plug-in eegpu_emulated.so in "},
        {"no_such_file", "no plug-in eegpu_emulated.so in "},
        {"no_symbols", "is no plug-in of eegpu: it has no eg_backend_plugin_abi"},
        {"unresolved", "cannot be loaded ("},
        {"unresolved", "eg_test_function_of_no_library"},
        {"other_abi", "is of another version ('eegpu 0.0.1, back end 0', needed is '" EG_BACKEND_PLUGIN_ABI "')"},
        {"no_function", "gives no back end (it has no eg_backend_plugin)"},
        {"no_backend", "gives no back end (it returned none)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *folder = folder_with(cases[i].plugin);
        setenv("EEGPU_PLUGIN_PATH", folder, 1);
        check_refused("emulated", EEGPU_NO_DEVICE, cases[i].fragment);
        CHECK(strstr(eegpu_error_message(), folder) != NULL);
        remove_folder(folder);
    }
}

static void test_no_library(void)
{
    char file[1100];
    const char *folder = folder_with(NULL);
    snprintf(file, sizeof file, "%s/eegpu_emulated.so", folder);
    FILE *stream = fopen(file, "w");
    CHECK(stream != NULL && fputs("no library\n", stream) >= 0);
    if (stream != NULL)
        fclose(stream);
    setenv("EEGPU_PLUGIN_PATH", folder, 1);
    check_refused("emulated", EEGPU_NO_DEVICE, "cannot be loaded (");
    CHECK(strstr(eegpu_error_message(), file) != NULL);
    remove_folder(folder);
}

/* Only the absolute folders that are named are looked in. */
static void test_current_folder(void)
{
    char here[1024];
    const char *folder = folder_with("good");
    CHECK(getcwd(here, sizeof here) != NULL && chdir(folder) == 0);
    static const char *const paths[] = {"", ".", ":", "./", "::.:"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        setenv("EEGPU_PLUGIN_PATH", paths[i], 1);
        check_refused("emulated", EEGPU_NO_DEVICE, "no plug-in eegpu_emulated.so in EEGPU_PLUGIN_PATH");
    }
    unsetenv("EEGPU_PLUGIN_PATH");
    check_refused("emulated", EEGPU_NO_DEVICE, "no plug-in");
    CHECK(chdir(here) == 0);
    remove_folder(folder);
}

/* cuBLAS must not be let near a variable that makes it inexact: the plug-in, which would work, is not loaded. */
static void test_emulated_arithmetic(void)
{
    static const char *const values[] = {"1", "yes", "2"};
    const char *folder = folder_with("good");
    setenv("EEGPU_PLUGIN_PATH", folder, 1);
    for (size_t i = 0; i < COUNT(values); i++) {
        setenv("CUBLAS_EMULATE_DOUBLE_PRECISION", values[i], 1);
        check_refused("emulated", EEGPU_NO_DEVICE, "device 'emulated': CUBLAS_EMULATE_DOUBLE_PRECISION=");
        CHECK(strstr(eegpu_error_message(), values[i]) != NULL);
    }
    unsetenv("CUBLAS_EMULATE_DOUBLE_PRECISION");
    remove_folder(folder);
}

/* ---- A plug-in that works; from here on it is loaded ---- */

enum { THREADS = 8 };

static void *open_in_thread(void *argument)
{
    eg_device **device = argument;
    if (eg_device_open("emulated", device) != EEGPU_OK)
        *device = NULL;
    return NULL;
}

static void test_loaded_once(void)
{
    pthread_t threads[THREADS];
    eg_device *devices[THREADS] = {NULL};
    char path[4096];
    const char *folder = folder_with("good");
    snprintf(path, sizeof path, ":nowhere:/nowhere:%s", folder);
    setenv("EEGPU_PLUGIN_PATH", path, 1);
    setenv("CUBLAS_EMULATE_DOUBLE_PRECISION", "0", 1);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, open_in_thread, &devices[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(devices[i] != NULL && strcmp(devices[i]->name, "good:0") == 0 && devices[i]->most_lanes == 1);
        eg_device_close(devices[i]);
    }
    unsetenv("EEGPU_PLUGIN_PATH"); /* it stays loaded */
    unsetenv("CUBLAS_EMULATE_DOUBLE_PRECISION");
    eg_device *device = NULL;
    CHECK_OK(eg_device_open("emulated:0", &device));
    eg_device_close(device);
    CHECK(eg_backend_plugin_path() == NULL); /* that of CUDA */
    remove_folder(folder);
}

/* A plug-in's messages are made one line, and of their length, by the program. */
static void test_messages(void)
{
    eg_device *device = NULL;
    CHECK_EQUAL(eg_device_open("tpu", &device), EEGPU_USAGE);
    check_refused("emulated:3", EEGPU_NO_DEVICE, "device 'emulated:3': device 3?is none; before that: device 'tpu' is none of");
}

EG_SUITE("devices", {"names that are none", test_names}, {"the CPU", test_cpu}, {"no driver", test_no_driver},
         {"auto never fails", test_auto}, {"plug-ins that are broken", test_broken_plugins},
         {"a file that is no library", test_no_library}, {"the current folder is not looked in", test_current_folder},
         {"arithmetic that is not double precision", test_emulated_arithmetic}, {"a plug-in is loaded once", test_loaded_once},
         {"messages of a plug-in", test_messages})
