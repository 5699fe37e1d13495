/* Finds OpenBLAS, corrects its idea of the CPU, and hands out its functions. Comes in: the environment and the CPU; goes out: a
 * table of functions, and for `eegpu info` what was loaded. Called by cpu.c and lapack.c; a library that was loaded stays.
 *
 * OpenBLAS 0.3.21 (Debian 12) does not know many CPUs and then falls back to kernels of 2004, which loses a factor of 5. The
 * kernels are fixed when the library is loaded, so: load, ask for their name, and if this CPU has wider vectors than they use,
 * unload, set OPENBLAS_CORETYPE and load again. A user's own OPENBLAS_CORETYPE is respected, with advice. */
#include "backend/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const library_names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};

/* Vector width classes: what a kernel family uses, what a CPU has. */
enum { WIDTH_UNKNOWN = -1, WIDTH_SSE, WIDTH_AVX, WIDTH_AVX2, WIDTH_AVX512 };

static const struct {
    const char *kernels;
    int width;
} kernel_widths[] = {
    {"Katmai", WIDTH_SSE},        {"Coppermine", WIDTH_SSE},
    {"Northwood", WIDTH_SSE},     {"Prescott", WIDTH_SSE},
    {"Banias", WIDTH_SSE},        {"Atom", WIDTH_SSE},
    {"Core2", WIDTH_SSE},         {"Penryn", WIDTH_SSE},
    {"Dunnington", WIDTH_SSE},    {"Nehalem", WIDTH_SSE},
    {"Athlon", WIDTH_SSE},        {"Opteron", WIDTH_SSE},
    {"Opteron_SSE3", WIDTH_SSE},  {"Barcelona", WIDTH_SSE},
    {"Nano", WIDTH_SSE},          {"Bobcat", WIDTH_SSE},
    {"Sandybridge", WIDTH_AVX},   {"Bulldozer", WIDTH_AVX},
    {"Piledriver", WIDTH_AVX},    {"Steamroller", WIDTH_AVX},
    {"Excavator", WIDTH_AVX2},    {"Haswell", WIDTH_AVX2},
    {"Zen", WIDTH_AVX2},          {"SkylakeX", WIDTH_AVX512},
    {"Cooperlake", WIDTH_AVX512}, {"Sapphirerapids", WIDTH_AVX512},
};

static struct {
    pthread_once_t once;
    pthread_mutex_t serial_lock;
    eegpu_status status;
    char message[EG_MESSAGE_SIZE];
    eg_blas functions;
    eegpu_blas_info info;
    char library[512], config[256], kernels[64], advice[512];
    int threads;
} loaded = {.once = PTHREAD_ONCE_INIT, .serial_lock = PTHREAD_MUTEX_INITIALIZER, .threads = 1};

static int kernel_width(const char *kernels)
{
    for (size_t i = 0; i < sizeof kernel_widths / sizeof *kernel_widths; i++)
        if (strcasecmp(kernels, kernel_widths[i].kernels) == 0)
            return kernel_widths[i].width;
    return WIDTH_UNKNOWN;
}

static int cpu_width(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return WIDTH_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return WIDTH_AVX2;
#endif
    return WIDTH_UNKNOWN;
}

static void *open_library(void)
{
    const char *asked = getenv("EEGPU_BLAS");
    const char *const *names = asked ? &asked : library_names;
    size_t count = asked ? 1 : sizeof library_names / sizeof *library_names;
    void *handle = NULL;
    for (size_t i = 0; i < count && handle == NULL; i++) {
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL && i == 0)
            snprintf(loaded.message, sizeof loaded.message, "%s", dlerror());
    }
    return handle;
}

static const char *core_name(void *handle)
{
    char *(*get)(void) = (char *(*)(void))dlsym(handle, "openblas_get_corename");
    return get ? get() : "unknown";
}

/* Load again with the kernels for this CPU when the ones in use are narrower than it is. Returns the handle to use. */
static void *correct_kernels(void *handle)
{
    int have = kernel_width(core_name(handle)), want = cpu_width();
    if (want == WIDTH_UNKNOWN || have == WIDTH_UNKNOWN || have >= want)
        return handle;
    const char *better = want == WIDTH_AVX512 ? "SkylakeX" : "Haswell";
    const char *chosen = getenv("OPENBLAS_CORETYPE");
    if (chosen != NULL && *chosen) {
        snprintf(loaded.advice, sizeof loaded.advice,
                 "OPENBLAS_CORETYPE=%.40s makes OpenBLAS slower than this CPU allows: unset it, or set it to %s", chosen, better);
        return handle;
    }
    char was[64];
    snprintf(was, sizeof was, "%s", core_name(handle));
    dlclose(handle);
    setenv("OPENBLAS_CORETYPE", better, 1);
    handle = open_library();
    unsetenv("OPENBLAS_CORETYPE");
    if (handle != NULL && kernel_width(core_name(handle)) >= want)
        loaded.info.corrected = true;
    else
        snprintf(loaded.advice, sizeof loaded.advice,
                 "OpenBLAS took this CPU for a %s and is several times slower than it could be: start with OPENBLAS_CORETYPE=%s",
                 was, better);
    return handle;
}

static eegpu_status find_functions(void *handle)
{
    const struct {
        const char *symbol;
        void *slot;
        bool required;
    } table[] = {
        {"dsyrk_", &loaded.functions.dsyrk, true},
        {"zherk_", &loaded.functions.zherk, true},
        {"dsytrd_", &loaded.functions.dsytrd, true},
        {"zhetrd_", &loaded.functions.zhetrd, true},
        {"dsyevd_2stage_", &loaded.functions.dsyevd_2stage, true},
        {"zheevd_2stage_", &loaded.functions.zheevd_2stage, true},
        {"dgesdd_", &loaded.functions.dgesdd, true},
        {"zgesdd_", &loaded.functions.zgesdd, true},
        {"openblas_set_num_threads", &loaded.functions.set_threads, false},
        {"openblas_get_corename", &loaded.functions.get_corename, false},
        {"openblas_get_config", &loaded.functions.get_config, false},
        {"openblas_get_parallel", &loaded.functions.get_parallel, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        void *symbol = dlsym(handle, table[i].symbol);
        if (symbol == NULL && table[i].required)
            return eg_fail(
                EEGPU_NO_DEVICE,
                "loading the BLAS: %s has no %s (a BLAS without LAPACK); install libopenblas0-pthread or name a full library in "
                "EEGPU_BLAS",
                loaded.library, table[i].symbol);
        memcpy(table[i].slot, &symbol, sizeof symbol);
    }
    return EEGPU_OK;
}

static void describe(void *handle)
{
    Dl_info where;
    void *symbol = dlsym(handle, "dsyrk_");
    if (symbol != NULL && dladdr(symbol, &where) && where.dli_fname)
        snprintf(loaded.library, sizeof loaded.library, "%s", where.dli_fname);
    else
        snprintf(loaded.library, sizeof loaded.library, "%s",
                 getenv("EEGPU_BLAS") ? getenv("EEGPU_BLAS") : "the OpenBLAS that was found");
}

static void load_once(void)
{
    void *handle = open_library();
    if (handle != NULL)
        handle = correct_kernels(handle);
    if (handle == NULL) {
        char reason[400];
        snprintf(reason, sizeof reason, "%.399s", loaded.message);
        loaded.status =
            eg_fail(EEGPU_NO_DEVICE,
                    "loading the BLAS: %s; install OpenBLAS (Debian, Ubuntu: apt install libopenblas0-pthread) or name a "
                    "library in EEGPU_BLAS",
                    reason);
        eg_error_save(loaded.message);
        return;
    }
    describe(handle);
    loaded.status = find_functions(handle);
    if (loaded.status != EEGPU_OK) {
        eg_error_save(loaded.message);
        return;
    }
    eg_blas *blas = &loaded.functions;
    blas->serialised = blas->get_parallel == NULL ? getenv("EEGPU_BLAS") != NULL : blas->get_parallel() == 0;
    if (blas->set_threads)
        blas->set_threads(1);
    snprintf(loaded.kernels, sizeof loaded.kernels, "%s", blas->get_corename ? blas->get_corename() : "unknown");
    snprintf(loaded.config, sizeof loaded.config, "%s", blas->get_config ? blas->get_config() : "unknown");
    loaded.info.library = loaded.library;
    loaded.info.config = loaded.config;
    loaded.info.kernels = loaded.kernels;
    loaded.info.advice = loaded.advice;
    loaded.info.serialised = blas->serialised;
}

eegpu_status eg_blas_load(const eg_blas **blas)
{
    pthread_once(&loaded.once, load_once);
    *blas = &loaded.functions;
    if (loaded.status != EEGPU_OK)
        eg_error_restore(loaded.message);
    return loaded.status;
}

eegpu_status eegpu_blas_describe(eegpu_blas_info *info)
{
    const eg_blas *blas = NULL;
    eegpu_status status = eg_blas_load(&blas);
    if (status == EEGPU_OK)
        *info = loaded.info;
    return status;
}

void eg_blas_enter(const eg_blas *blas)
{
    if (blas->serialised)
        pthread_mutex_lock(&loaded.serial_lock);
}

void eg_blas_leave(const eg_blas *blas)
{
    if (blas->serialised)
        pthread_mutex_unlock(&loaded.serial_lock);
}

void eg_blas_set_threads(int threads)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const eg_blas *blas = NULL;
    if (eg_blas_load(&blas) != EEGPU_OK || blas->set_threads == NULL)
        return;
    pthread_mutex_lock(&lock); /* who finds the number right must find it set */
    if (loaded.threads != threads)
        blas->set_threads(threads);
    loaded.threads = threads;
    pthread_mutex_unlock(&lock);
}
