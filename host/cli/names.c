/* Which file is which: no output may replace an input of the same call, nor another output. Comes in: settings and the names of
 * outputs; goes out: EEGPU_USAGE for two names of one file, whether it exists or is yet to be made. Called by the commands that
 * write, before they open anything. */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cut/cut.h"
#include "state/state.h"

static bool same_entry(const struct stat *first, const struct stat *second)
{
    return first->st_dev == second->st_dev && first->st_ino == second->st_ino;
}

/* Two names of one regular file. */
static bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && S_ISREG(first.st_mode) && same_entry(&first, &second);
}

const char *eg_folder_of(const char *path, char *folder)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, PATH_MAX, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    return slash != NULL ? slash + 1 : path;
}

/* Two names of one file that does not exist yet. */
static bool same_new_file(const char *a, const char *b)
{
    struct stat first, second;
    char folder[PATH_MAX];
    if (strlen(a) >= PATH_MAX || strlen(b) >= PATH_MAX || stat(a, &first) == 0 || stat(b, &second) == 0)
        return false;
    const char *name = eg_folder_of(a, folder);
    bool known = stat(folder, &first) == 0;
    return strcmp(name, eg_folder_of(b, folder)) == 0 && known && stat(folder, &second) == 0 && same_entry(&first, &second);
}

static bool is_standard_output(const char *path) { return strcmp(path, "-") == 0; }

/* Two outputs that cannot both be written. */
static bool clash(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return strcmp(a, "/dev/null") != 0;
    return !is_standard_output(a) && !is_standard_output(b) && (same_file(a, b) || same_new_file(a, b));
}

static bool is_family(const char *name)
{
    size_t count = 0;
    const eg_cut_family *families = eg_cut_families(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(families[i].name, name) == 0)
            return true;
    return false;
}

/* The inputs of the call: SOURCE or the values of its keys, whatever they mean, and a file of regions. Returns how many. */
static int list_inputs(const eg_settings *settings, eg_source_text *parts, const char **inputs)
{
    int count = 0;
    inputs[count++] = settings->source;
    if (!is_family(settings->cuts))
        inputs[count++] = settings->cuts;
    if (eg_source_split(settings->source, parts) == EEGPU_OK) /* else opening it says why not, or it is a plain name */
        for (int i = 0; i < parts->count; i++)
            inputs[count++] = parts->value[i];
    return count;
}

eegpu_status eg_output_names_check(const eg_settings *settings, const eg_output_name *outputs, size_t count)
{
    eg_source_text parts;
    const char *inputs[EG_MAX_KEYS + 2];
    int input_count = list_inputs(settings, &parts, inputs);
    for (size_t i = 0; i < count; i++) {
        const char *path = outputs[i].path;
        for (size_t k = 0; k < i && path != NULL; k++)
            if (outputs[k].path != NULL && clash(path, outputs[k].path))
                return eg_fail(EEGPU_USAGE, "--%s and --%s would both be written to '%s'; give each its own file",
                               outputs[k].option, outputs[i].option, path);
        for (int k = 0; k < input_count && path != NULL && !is_standard_output(path); k++)
            if (same_file(path, inputs[k]))
                return eg_fail(EEGPU_USAGE, "--%s would replace '%s', which this call reads; give it another name",
                               outputs[i].option, inputs[k]);
    }
    return EEGPU_OK;
}

bool eg_source_is_function(const char *source)
{
    struct stat entry;
    char name[EG_MAX_SOURCE_TEXT];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(source, ":"), source);
    return eg_is_function(name) && (stat(source, &entry) != 0 || S_ISDIR(entry.st_mode)); /* a file goes first */
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = path != NULL ? strlen(path) : 0, own = strlen(ending);
    return length > own && strcmp(path + length - own, ending) == 0;
}

eegpu_status eg_table_or_json_check(const eg_settings *settings)
{
    if (settings->format < 0 && ends_in(settings->output, ".csv"))
        return eg_fail(EEGPU_USAGE,
                       "'%s' asks for CSV, which this command does not write: name a .json or .txt file, or give --format",
                       settings->output);
    return EEGPU_OK;
}

bool eg_wants_json(const eg_settings *settings)
{
    enum { AS_JSON = 1 }; /* the second choice of --format table|json */
    return settings->format >= 0 ? settings->format == AS_JSON : ends_in(settings->output, ".json");
}
