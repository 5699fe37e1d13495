/* What this process may use of the machine: processors and memory, the limits of control groups (containers, batch systems)
 * included. Comes in: /proc and /sys. Goes out: two numbers. Called by the defaults of --threads and --memory. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"

enum { PATH_SIZE = 4096 };

static const char groups_root[] = "/sys/fs/cgroup";

/* The first line of a small file of the kernel; false if there is none. */
static bool read_line(const char *directory, const char *name, char *line, int size)
{
    char path[PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *stream = fopen(path, "re");
    bool good = stream != NULL && fgets(line, size, stream) != NULL;
    if (stream != NULL)
        fclose(stream);
    return good;
}

/* A limit such as "1073741824"; "max" and nonsense are no limit. */
static bool read_number(const char *directory, const char *name, uint64_t *value)
{
    char line[128], *end;
    if (!read_line(directory, name, line, sizeof line) || line[0] < '0' || line[0] > '9')
        return false;
    *value = strtoull(line, &end, 10);
    return true;
}

/* The value behind a key at the start of a line of a file, such as "MemAvailable:"; false if it is not there. */
static bool read_keyed(const char *directory, const char *name, const char *key, uint64_t *value)
{
    char path[PATH_SIZE + 64], line[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *stream = fopen(path, "re");
    bool found = false;
    while (stream != NULL && !found && fgets(line, sizeof line, stream) != NULL)
        if ((found = strncmp(line, key, strlen(key)) == 0))
            *value = strtoull(line + strlen(key), NULL, 10);
    if (stream != NULL)
        fclose(stream);
    return found;
}

static bool list_has(char *list, const char *word)
{
    for (char *rest = list, *item; (item = strsep(&rest, ",")) != NULL;)
        if (strcmp(item, word) == 0)
            return true;
    return false;
}

/* The directory of this process's group for a controller, below *root; the second version of control groups has one tree
 * for all controllers. */
static void find_group(const char *controller, char *root, char *directory)
{
    char line[PATH_SIZE];
    snprintf(root, PATH_SIZE, "%s", groups_root);
    snprintf(directory, PATH_SIZE, "%s", groups_root);
    FILE *stream = fopen("/proc/self/cgroup", "re");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        (void)strsep(&rest, ":");
        char *controllers = strsep(&rest, ":");
        if (controllers == NULL || rest == NULL)
            continue;
        bool own_tree = list_has(controllers, controller);
        if (own_tree)
            snprintf(root, PATH_SIZE, "%s/%s", groups_root, controller);
        if (own_tree || *controllers == '\0')
            snprintf(directory, PATH_SIZE, "%.64s%.3900s", root, rest);
        if (own_tree)
            break;
    }
    if (stream != NULL)
        fclose(stream);
}

/* Ask every group from this process's own up to the root: the tightest limit counts. */
static void visit_groups(const char *controller, void (*visit)(const char *directory, void *answer), void *answer)
{
    char root[PATH_SIZE], directory[PATH_SIZE];
    find_group(controller, root, directory);
    while (strlen(directory) > strlen(root)) {
        visit(directory, answer);
        *strrchr(directory, '/') = '\0';
    }
    visit(root, answer);
}

static void memory_of_group(const char *directory, void *answer)
{
    static const struct {
        const char *limit, *usage, *cache;
    } files[] = {{"memory.max", "memory.current", "inactive_file "},
                 {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "}};
    uint64_t *least = answer;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        uint64_t limit, usage = 0, cache = 0;
        if (!read_number(directory, files[i].limit, &limit))
            continue;
        (void)read_number(directory, files[i].usage, &usage);
        (void)read_keyed(directory, "memory.stat", files[i].cache, &cache);
        usage -= cache < usage ? cache : usage; /* cached files give way */
        uint64_t left = usage < limit ? limit - usage : 0;
        *least = left < *least ? left : *least;
    }
}

uint64_t eg_memory_available(void)
{
    uint64_t available = 0;
    if (read_keyed("/proc", "meminfo", "MemAvailable:", &available))
        available *= 1024;
    else {
        long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
        available = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    }
    visit_groups("memory", memory_of_group, &available);
    return available;
}

static void processors_of_group(const char *directory, void *answer)
{
    char line[128];
    uint64_t quota = 0, period = 0;
    int *least = answer;
    if (read_line(directory, "cpu.max", line, sizeof line)) {
        char *end;
        quota = line[0] == 'm' ? 0 : strtoull(line, &end, 10);
        period = quota > 0 ? strtoull(end, NULL, 10) : 0;
    } else if (!read_number(directory, "cpu.cfs_quota_us", &quota) || !read_number(directory, "cpu.cfs_period_us", &period)) {
        return;
    }
    if (quota == 0 || period == 0)
        return;
    uint64_t processors = quota / period + (quota % period != 0);
    *least = processors < (uint64_t)*least ? (int)processors : *least;
}

int eg_processor_count(void)
{
    int count = 0;
    for (size_t room = 1024; count == 0 && room <= 1 << 20; room *= 4) { /* the set of a big machine may need more room */
        cpu_set_t *set = CPU_ALLOC(room);
        if (set == NULL)
            break;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE(room), set) == 0)
            count = CPU_COUNT_S(CPU_ALLOC_SIZE(room), set);
        CPU_FREE(set);
    }
    if (count <= 0)
        count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (count <= 0)
        count = 1;
    visit_groups("cpu", processors_of_group, &count);
    return count > 0 ? count : 1;
}
