/* `eegpu info`: what was found on this machine. Goes out: one line a fact, or the same as a JSON object. Called by main.c. */
#include <string.h>

#include "backend/backend.h"
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
    const char *text; /* FACT_TEXT: NULL is left out, or null */
    uint64_t number;
    bool flag;
} fact;

static void write_fact(const fact *one, bool json, FILE *stream)
{
    if (json) {
        fprintf(stream, "\"%s\":", one->key);
        if (one->kind == FACT_TEXT)
            eg_json_string(stream, one->text);
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

static const char *device_text(const char *name, char *text, size_t size)
{
    const eg_backend *backend = NULL;
    snprintf(text, size, "%s", eg_backend_choose(name, &backend) == EEGPU_OK ? "ready" : eg_backend_why_no_gpu());
    return text;
}

eegpu_status eg_command_info(const eg_settings *settings)
{
    eegpu_blas_info blas = {0};
    char memory[24], processors[16], cpu[EG_MESSAGE_SIZE], cuda[EG_MESSAGE_SIZE], reason[EG_MESSAGE_SIZE] = "";
    uint64_t available = eg_memory_available();
    int count = eg_processor_count();
    eg_output output = {0};
    eegpu_status status;
    EG_TRY(eg_output_open("-", &output));
    bool has_blas = eegpu_blas_describe(&blas) == EEGPU_OK;
    if (!has_blas)
        snprintf(reason, sizeof reason, "none: %s", eegpu_error_message());
    snprintf(processors, sizeof processors, "%d", count);
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
        {"device_cpu", "device cpu", FACT_TEXT, device_text("cpu", cpu, sizeof cpu), 0, false},
        {"device_cuda", "device cuda", FACT_TEXT, device_text("cuda", cuda, sizeof cuda), 0, false},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (settings->json)
            fputs(i == 0 ? "{" : ",\n ", output.stream);
        else if (!has_blas && strncmp(facts[i].key, "blas_", 5) == 0)
            continue;
        write_fact(&facts[i], settings->json, output.stream);
    }
    fputs(settings->json ? "}\n" : "", output.stream);
    EG_TRY(eg_output_commit(&output));
done:
    eg_output_discard(&output);
    return status;
}
