/* `eegpu info`: what was found on this machine. Goes out: one line a fact, or the same as a JSON object. Called by main.c. */
#include <limits.h>
#include <string.h>

#include "backend/plugin.h"
#include "backend/tuning.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "report/encode.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

/* `label` for people, `key` for programs. */
typedef struct fact {
    const char *key, *label;
    enum { FACT_TEXT, FACT_NUMBER, FACT_FLAG } kind;
    const char *text; /* NULL is left out, or null */
    uint64_t number;
    bool flag;
} fact;

static void write_fact(const fact *one, bool json, FILE *stream)
{
    if (json) {
        fprintf(stream, "\"%s\":", one->key);
        if (one->kind == FACT_TEXT)
            eg_json_string(stream, one->text);
        else if (one->kind == FACT_NUMBER && one->text == NULL)
            fputs("null", stream);
        else if (one->kind == FACT_NUMBER)
            fprintf(stream, "%llu", (unsigned long long)one->number);
        else
            fputs(one->flag ? "true" : "false", stream);
    } else if (one->kind == FACT_FLAG) {
        fprintf(stream, "%-20s %s\n", one->label, one->flag ? "yes" : "no");
    } else if (one->text != NULL && *one->text != '\0') {
        fprintf(stream, "%-20s %s\n", one->label, one->text);
    }
}

/* "ready", or why not; what is known of the device into `facts`. The GPU is asked for as `auto` does, which tells the bare
 * reason. */
static void describe_device(const char *name, char *text, size_t size, eg_device_facts *facts)
{
    eg_device *device = NULL;
    bool is_there = eg_device_open(name, &device) == EEGPU_OK;
    const char *why = !is_there ? eegpu_error_message() : strcmp(name, "auto") == 0 ? eg_backend_why_no_gpu() : "";
    snprintf(text, size, "%s", *why == '\0' ? "ready" : why);
    *facts = is_there ? device->facts : (eg_device_facts){0};
    eg_device_close(device);
}

/* NULL for what is not known. */
static const char *known(const char *text) { return text != NULL && *text != '\0' ? text : NULL; }

static void write_facts(const fact *facts, size_t count, bool json, bool has_blas, FILE *stream)
{
    for (size_t i = 0; i < count; i++) {
        if (json)
            fputs(i == 0 ? "{" : ",\n ", stream);
        else if (!has_blas && strncmp(facts[i].key, "blas_", 5) == 0)
            continue;
        write_fact(&facts[i], json, stream);
    }
    fputs(json ? "}\n" : "", stream);
}

eegpu_status eg_command_info(const eg_settings *settings)
{
    eegpu_blas_info blas = {0};
    char memory[24], processors[16], cpu[EG_MESSAGE_SIZE], cuda[EG_MESSAGE_SIZE], reason[EG_MESSAGE_SIZE] = "", total[24],
                                                                                  unused[24];
    char plugin[PATH_MAX];
    uint64_t available = eg_memory_available();
    int count = eg_processor_count();
    eg_output output = {0};
    eg_device_facts none, gpu;
    eegpu_status status;
    EG_TRY(eg_output_open("-", &output));
    bool has_blas = eegpu_blas_describe(&blas) == EEGPU_OK;
    if (!has_blas)
        snprintf(reason, sizeof reason, "none: %s", eegpu_error_message());
    snprintf(processors, sizeof processors, "%d", count);
    describe_device("cpu", cpu, sizeof cpu, &none);
    describe_device("auto", cuda, sizeof cuda, &gpu);
    eg_backend_plugin_describe(plugin, sizeof plugin);
    const char *gpu_total = gpu.memory > 0 ? eg_bytes_text(gpu.memory, total) : NULL;
    const char *gpu_free = gpu.memory > 0 ? eg_bytes_text(gpu.memory_free, unused) : NULL;
    const char *tuning_path = has_blas && eg_tuning_read()->in_use ? eg_tuning_read()->path : NULL;
    const fact facts[] = {
        {"eegpu", "eegpu", FACT_TEXT, eegpu_version(), 0, false},
        {"compiler", "compiler", FACT_TEXT, COMPILER, 0, false},
        {"processors", "processors", FACT_NUMBER, processors, (uint64_t)count, false},
        {"memory_available", "memory available", FACT_NUMBER, eg_bytes_text(available, memory), available, false},
        {"blas", "BLAS", FACT_TEXT,
         has_blas         ? blas.config
         : settings->json ? NULL
                          : reason,
         0, false},
        {"blas_library", "BLAS library", FACT_TEXT, blas.library, 0, false},
        {"blas_kernels", "BLAS kernels", FACT_TEXT, blas.kernels, 0, false},
        {"blas_advice", "BLAS advice", FACT_TEXT, has_blas ? blas.advice : reason, 0, false},
        {"blas_corrected", "kernels corrected", FACT_FLAG, NULL, 0, blas.corrected},
        {"blas_serialised", "calls one at a time", FACT_FLAG, NULL, 0, blas.serialised},
        {"blas_eigenvalues", "eigenvalue drivers", FACT_TEXT, has_blas ? eg_tuning_read()->remark : NULL, 0, false},
        {"blas_eigenvalues_table", "their table", FACT_TEXT, tuning_path, 0, false},
        {"device_cpu", "device cpu", FACT_TEXT, cpu, 0, false},
        {"device_cuda", "device cuda", FACT_TEXT, cuda, 0, false},
        {"gpu_model", "GPU", FACT_TEXT, known(gpu.model), 0, false},
        {"gpu_memory", "GPU memory", FACT_NUMBER, gpu_total, gpu.memory, false},
        {"gpu_memory_free", "GPU memory free", FACT_NUMBER, gpu_free, gpu.memory_free, false},
        {"gpu_capability", "compute capability", FACT_TEXT, known(gpu.capability), 0, false},
        {"gpu_driver", "NVIDIA driver", FACT_TEXT, known(gpu.driver), 0, false},
        {"gpu_runtime", "CUDA runtime", FACT_TEXT, known(gpu.runtime), 0, false},
        {"gpu_blas", "cuBLAS", FACT_TEXT, known(gpu.blas), 0, false},
        {"gpu_solver", "cuSOLVER", FACT_TEXT, known(gpu.solver), 0, false},
        {"gpu_plugin", "CUDA plug-in", FACT_TEXT, plugin, 0, false},
    };
    write_facts(facts, sizeof facts / sizeof *facts, settings->json, has_blas, output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}
