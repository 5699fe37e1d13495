/* The ground floor: messages, memory, threads, progress, files. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "check.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Messages ---- */

static void test_message(void)
{
    CHECK_EQUAL(eg_fail(EEGPU_IO, "reading %s: %d", "x.npy", 7), EEGPU_IO);
    CHECK(strcmp(eegpu_error_message(), "reading x.npy: 7") == 0);
    CHECK_EQUAL(eg_fail_while(EEGPU_IO, "cut %d", 3), EEGPU_IO);
    CHECK(strcmp(eegpu_error_message(), "cut 3: reading x.npy: 7") == 0);
    CHECK_EQUAL(eg_fail(EEGPU_USAGE, "again: %s", eegpu_error_message()), EEGPU_USAGE);
    CHECK(strcmp(eegpu_error_message(), "again: cut 3: reading x.npy: 7") == 0);
}

static void test_message_is_one_line(void)
{
    (void)eg_fail(EEGPU_IO, "reading %s", "a\nb\r\tc\x1b[31m\x7f-\xc3\xa9");
    CHECK(strcmp(eegpu_error_message(), "reading a?b??c?[31m?-\xc3\xa9") == 0);
}

static void test_long_message(void)
{
    char name[6000];
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = "\xc3\xa9"[i % 2]; /* a character of two bytes: none may be cut in half */
    name[sizeof name - 2] = 'z';
    name[sizeof name - 1] = '\0';
    for (int shift = 0; shift < 4; shift++) {
        (void)eg_fail(EEGPU_IO, "%.*s%s: the reason", shift, "abcd", name);
        const char *message = eegpu_error_message();
        size_t length = strlen(message), bytes = 0, leads = 0;
        CHECK(length < EG_MESSAGE_SIZE && length > EG_MESSAGE_SIZE - 8);
        CHECK(strcmp(message + length - 13, "z: the reason") == 0);
        CHECK(strstr(message, "[...]") != NULL);
        for (const char *c = message; *c; c++) {
            bytes += (unsigned char)*c >= 0x80;
            leads += (unsigned char)*c == 0xc3;
        }
        CHECK_EQUAL(bytes, 2 * leads);
    }
    for (int i = 0; i < 20; i++)
        (void)eg_fail_while(EEGPU_IO, "%s", name);
    CHECK(strlen(eegpu_error_message()) < EG_MESSAGE_SIZE);
    CHECK(strstr(eegpu_error_message(), "the reason") != NULL);
}

static void *fail_elsewhere(void *text)
{
    (void)eg_fail(EEGPU_IO, "elsewhere");
    eg_error_save(text);
    return NULL;
}

static void test_message_per_thread(void)
{
    char text[EG_MESSAGE_SIZE];
    pthread_t thread;
    (void)eg_fail(EEGPU_IO, "here");
    CHECK_EQUAL(pthread_create(&thread, NULL, fail_elsewhere, text), 0);
    pthread_join(thread, NULL);
    CHECK(strcmp(eegpu_error_message(), "here") == 0);
    eg_error_restore(text);
    CHECK(strcmp(eegpu_error_message(), "elsewhere") == 0);
}

static void test_meanings(void)
{
    CHECK(strcmp(eegpu_status_meaning(EEGPU_OK), "success") == 0);
    CHECK(strcmp(eegpu_status_meaning(EEGPU_INTERRUPTED), "stopped on request") == 0);
    CHECK(strcmp(eegpu_status_meaning((eegpu_status)99), "an unknown status") == 0);
    CHECK(strcmp(eegpu_version(), EEGPU_VERSION) == 0);
}

/* ---- Bits ---- */

static void test_bits(void)
{
    CHECK(eg_low_mask(0) == 0 && eg_low_mask(1) == 1 && eg_low_mask(63) == UINT64_MAX >> 1 && eg_low_mask(64) == UINT64_MAX);
    CHECK(eg_deposit(5, 0xF0F0) == 0x50 && eg_deposit(UINT64_MAX, 0xF0F0) == 0xF0F0 && eg_deposit(UINT64_MAX, 0) == 0);
    CHECK(eg_ceil_div(0, 3) == 0 && eg_ceil_div(6, 3) == 2 && eg_ceil_div(UINT64_MAX, 2) == UINT64_C(1) << 63);
    CHECK(eg_bit((uint64_t[]){0, 4}, 66) && !eg_bit((uint64_t[]){0, 4}, 65));
}

/* ---- Memory ---- */

static void test_allocate(void)
{
    static const uint64_t sizes[] = {0, 1, 63, 64, 65, 4096, 5 << 20, 9 << 20};
    eg_budget budget;
    eg_budget_init(&budget, 64 << 20);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *bytes = NULL;
        if (!CHECK_OK(eg_allocate_zero(&budget, sizes[i], 1, "a test", &bytes)))
            continue;
        CHECK_EQUAL((uintptr_t)bytes % 64, 0);
        CHECK(budget.used >= sizes[i] && budget.used <= sizes[i] + 256);
        uint64_t sum = 0;
        for (uint64_t k = 0; k < sizes[i]; k++)
            sum += bytes[k];
        CHECK_EQUAL(sum, 0);
        memset(bytes, 1, sizes[i]);
        eg_release(&budget, bytes);
        CHECK_EQUAL(budget.used, 0);
    }
    CHECK(budget.peak >= 9 << 20);
    eg_release(&budget, NULL);
    double *numbers = NULL;
    CHECK_OK(eg_allocate(NULL, 10, sizeof *numbers, "a test", &numbers));
    CHECK(numbers != NULL);
    eg_release(NULL, numbers);
}

static void test_budget(void)
{
    eg_budget budget;
    void *first = NULL, *second = NULL;
    eg_budget_init(&budget, 1 << 20);
    CHECK_EQUAL(eg_budget_free(&budget), 1 << 20);
    CHECK_OK(eg_allocate(&budget, 700, 1024, "the first", &first));
    CHECK(eg_budget_free(&budget) < 400 * 1024);
    CHECK_FAILS(eg_allocate(&budget, 700, 1024, "the Gram matrix", &second), EEGPU_OUT_OF_MEMORY, "the Gram matrix");
    CHECK(second == NULL);
    CHECK(strstr(eegpu_error_message(), "700.1 KiB (716864 bytes)") != NULL);
    CHECK(strstr(eegpu_error_message(), "of the limit of 1.0 MiB") != NULL);
    CHECK(strstr(eegpu_error_message(), "--memory") != NULL);
    eg_release(&budget, first);
    CHECK_OK(eg_allocate(&budget, 700, 1024, "the second", &second));
    eg_release(&budget, second);

    void *third = NULL;
    CHECK_FAILS(eg_allocate(NULL, UINT64_MAX, 16, "too much", &third), EEGPU_OUT_OF_MEMORY, "addressed");
    CHECK_FAILS(eg_allocate(NULL, INT64_MAX, 1, "too much", &third), EEGPU_OUT_OF_MEMORY, "too much");
    CHECK(third == NULL);

    eg_budget_init(&budget, 0);
    CHECK(budget.limit > 0 && budget.limit <= eg_memory_available() / 2 * 3);
    budget.limit = 0;
    CHECK(eg_budget_free(&budget) == UINT64_MAX);
    CHECK_OK(eg_allocate(&budget, 1, 1, "unlimited", &third));
    eg_release(&budget, third);
}

static eegpu_status take_and_give(void *context, uint64_t first, uint64_t last, int worker)
{
    eg_budget *budget = context;
    (void)first, (void)last, (void)worker;
    void *block = NULL;
    if (eg_allocate(budget, 1000, 1, "a block", &block) == EEGPU_OK)
        *(volatile char *)block = 1;
    if (budget->used > budget->limit)
        return eg_fail(EEGPU_NUMERICS, "the limit was passed");
    eg_release(budget, block);
    return EEGPU_OK;
}

static void test_budget_of_threads(void)
{
    eg_budget budget;
    eg_budget_init(&budget, 3500); /* three blocks at once */
    CHECK_OK(eg_parallel_for(8, 20000, 1, take_and_give, &budget));
    CHECK_EQUAL(budget.used, 0);
    CHECK(budget.peak > 0 && budget.peak <= 3500);
}

static void test_bytes_text(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},          {1, "1 byte"},           {1023, "1023 bytes"},
                 {1024, "1.0 KiB"},       {1536 << 20, "1.5 GiB"}, {(1 << 20) - 1, "1.0 MiB"},
                 {UINT64_MAX, "16.0 EiB"}};
    char text[24];
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(strcmp(eg_bytes_text(cases[i].bytes, text), cases[i].text) == 0);
}

static void test_machine(void)
{
    cpu_set_t before, one;
    CHECK(eg_memory_available() > 1 << 20);
    CHECK(eg_processor_count() >= 1);
    CHECK_EQUAL(sched_getaffinity(0, sizeof before, &before), 0);
    int first = 0;
    while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        CHECK_EQUAL(eg_processor_count(), 1);
    (void)sched_setaffinity(0, sizeof before, &before);
}

/* ---- Loops over threads ---- */

typedef struct visits {
    atomic_int seen[1000];
    atomic_int calls, bad;
    uint64_t grain, fails_at, also_at;
    int threads;
} visits;

static eegpu_status visit(void *context, uint64_t first, uint64_t last, int worker)
{
    visits *v = context;
    atomic_fetch_add(&v->calls, 1);
    if (worker < 0 || worker >= v->threads || first >= last || last - first > v->grain || first % v->grain != 0)
        atomic_fetch_add(&v->bad, 1);
    for (uint64_t i = first; i < last; i++) {
        atomic_fetch_add(&v->seen[i], 1);
        if (i == v->fails_at || i == v->also_at)
            return eg_fail(EEGPU_NUMERICS, "item %" PRIu64 " failed", i);
    }
    return EEGPU_OK;
}

static void test_parallel_visits_all(void)
{
    static const uint64_t counts[] = {0, 1, 2, 7, 64, 1000}, grains[] = {1, 3, 64, 1000, UINT64_MAX};
    static const int threads[] = {1, 2, 3, 16};
    for (size_t c = 0; c < COUNT(counts); c++)
        for (size_t g = 0; g < COUNT(grains); g++)
            for (size_t t = 0; t < COUNT(threads); t++) {
                visits v = {.grain = grains[g], .fails_at = UINT64_MAX, .also_at = UINT64_MAX, .threads = threads[t]};
                CHECK_OK(eg_parallel_for(threads[t], counts[c], grains[g], visit, &v));
                int wrong = v.bad;
                for (uint64_t i = 0; i < COUNT(v.seen); i++)
                    wrong += v.seen[i] != (i < counts[c]);
                CHECK_EQUAL(wrong, 0);
                CHECK_EQUAL(v.calls, eg_ceil_div(counts[c], grains[g]));
            }
    visits v = {.grain = 1, .fails_at = UINT64_MAX, .also_at = UINT64_MAX, .threads = 1};
    CHECK_OK(eg_parallel_for(0, 10, 0, visit, &v));
    CHECK_EQUAL(v.calls, 10);
}

static void test_parallel_failure(void)
{
    for (int round = 0; round < 50; round++) {
        visits v = {.grain = 1, .fails_at = 40, .also_at = 44, .threads = 4};
        CHECK_FAILS(eg_parallel_for(4, 1000, 1, visit, &v), EEGPU_NUMERICS, "item 40 failed"); /* the lowest, always */
        CHECK(v.calls < 1000);
    }
    visits v = {.grain = 1, .fails_at = 3, .also_at = 5, .threads = 1};
    CHECK_FAILS(eg_parallel_for(1, 1000, 1, visit, &v), EEGPU_NUMERICS, "item 3 failed");
    CHECK_EQUAL(v.calls, 4);
}

/* ---- Progress ---- */

typedef struct reports {
    atomic_int inside, overlaps, calls;
    double last, first_time, last_time;
    bool went_back;
    int stop_after;
} reports;

static bool note(void *user, const char *stage, double fraction)
{
    reports *r = user;
    if (atomic_fetch_add(&r->inside, 1) != 0)
        atomic_fetch_add(&r->overlaps, 1);
    r->went_back |= fraction < r->last || fraction < 0 || fraction > 1 || strcmp(stage, "counting") != 0;
    r->last = fraction;
    r->last_time = eg_seconds();
    if (atomic_fetch_add(&r->calls, 1) == 0)
        r->first_time = r->last_time;
    atomic_fetch_sub(&r->inside, 1);
    return r->stop_after == 0 || r->calls < r->stop_after;
}

static eegpu_status work_on(void *context, uint64_t first, uint64_t last, int worker)
{
    (void)worker;
    if (first % 10 == 0)
        usleep(300);
    return eg_progress_add(context, (double)(last - first));
}

static void test_progress(void)
{
    eg_progress progress;
    reports r = {0};
    eg_progress_begin(&progress, note, &r, "counting", 2000);
    CHECK_OK(eg_parallel_for(4, 2000, 1, work_on, &progress));
    CHECK(r.last <= 1);
    eg_progress_end(&progress);
    CHECK_NEAR(r.last, 1, 0);
    CHECK(!r.went_back);
    CHECK_EQUAL(r.overlaps, 0);
    CHECK(r.calls >= 2 && r.calls <= 2 + 20 * (r.last_time - r.first_time));
    CHECK_NEAR(progress.done, 2000, 0);
}

static void test_progress_stops(void)
{
    eg_progress progress;
    reports r = {.stop_after = 1};
    eg_progress_begin(&progress, note, &r, "counting", 10);
    CHECK_FAILS(eg_parallel_for(4, 2000, 1, work_on, &progress), EEGPU_INTERRUPTED, "counting: stopped on request");
    CHECK_FAILS(eg_progress_add(&progress, 1), EEGPU_INTERRUPTED, "stopped");
    eg_progress_end(&progress);
    CHECK_EQUAL(r.calls, 1); /* what was stopped does not report its end */
}

static void test_progress_of_nobody(void)
{
    eg_progress progress;
    reports r = {0};
    eg_progress_begin(&progress, NULL, NULL, "silent", 10);
    CHECK_OK(eg_progress_add(&progress, 1));
    eg_progress_end(&progress);
    CHECK_OK(eg_progress_add(NULL, 1));
    eg_progress_begin(&progress, note, &r, "counting", 0); /* nothing foreseen, more done than foreseen */
    CHECK_OK(eg_progress_add(&progress, 5));
    eg_progress_end(&progress);
    CHECK(!r.went_back && r.last == 1);
}

/* ---- Files ---- */

static char folder[256];

static const char *in_folder(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/eegpu-test-XXXXXX", base != NULL && *base ? base : "/tmp");
    CHECK(mkdtemp(folder) != NULL);
}

static int entries(void)
{
    char command[512];
    int count = -1;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *stream = popen(command, "r");
    if (stream == NULL || fscanf(stream, "%d", &count) != 1)
        count = -1;
    if (stream != NULL)
        pclose(stream);
    return count;
}

static bool contains(const char *path, const char *text)
{
    char found[64] = "";
    FILE *stream = fopen(path, "r");
    bool read = stream != NULL && fgets(found, sizeof found, stream) != NULL;
    if (stream != NULL)
        fclose(stream);
    return read ? strcmp(found, text) == 0 : *text == '\0';
}

static void put(const char *path, const char *text)
{
    eg_output output = {0};
    CHECK_OK(eg_output_open(path, &output));
    fputs(text, output.stream);
    CHECK_OK(eg_output_commit(&output));
    eg_output_discard(&output); /* nothing more to do */
    CHECK(output.stream == NULL && output.path == NULL);
}

static void test_output(void)
{
    struct stat file;
    eg_output output = {0};
    make_folder();
    const char *path = in_folder("out.csv");
    mode_t before = umask(027);
    CHECK_OK(eg_output_open(path, &output));
    fputs("one", output.stream);
    fflush(output.stream);
    CHECK_EQUAL(access(path, F_OK), -1);
    CHECK_OK(eg_output_commit(&output));
    umask(before);
    CHECK(contains(path, "one"));
    CHECK(stat(path, &file) == 0 && (file.st_mode & 07777) == 0640);

    CHECK_EQUAL(chmod(path, 0604), 0);
    CHECK_OK(eg_output_open(path, &output));
    fputs("two", output.stream);
    CHECK(contains(path, "one"));
    eg_output_discard(&output);
    CHECK(contains(path, "one"));
    CHECK_EQUAL(entries(), 1);
    put(path, "three");
    CHECK(contains(path, "three"));
    CHECK(stat(path, &file) == 0 && (file.st_mode & 07777) == 0604);
    CHECK_EQUAL(entries(), 1);

    const char *link = in_folder("link");
    CHECK_EQUAL(symlink("out.csv", link), 0);
    put(link, "four");
    CHECK(contains(path, "four"));
    CHECK(lstat(link, &file) == 0 && S_ISLNK(file.st_mode));
    CHECK_EQUAL(unlink(link), 0);
    CHECK_EQUAL(unlink(path), 0);
    CHECK_EQUAL(rmdir(folder), 0);
}

static void test_output_elsewhere(void)
{
    eg_output output = {0};
    struct stat file;
    make_folder();
    put("/dev/null", "nothing");
    CHECK(stat("/dev/null", &file) == 0 && S_ISCHR(file.st_mode));
    CHECK_OK(eg_output_open("-", &output));
    CHECK(output.stream == stdout && output.path == NULL);
    CHECK_OK(eg_output_commit(&output));
    eg_output_discard(&output);
    CHECK(fflush(stdout) == 0);
    if (access("/dev/full", W_OK) == 0) {
        CHECK_OK(eg_output_open("/dev/full", &output));
        fputs("text", output.stream);
        CHECK_FAILS(eg_output_commit(&output), EEGPU_IO, "'/dev/full'");
        CHECK(strstr(eegpu_error_message(), "space") != NULL);
        CHECK_OK(eg_output_open("/dev/full", &output));
        for (int i = 0; i < 100000; i++)
            fputc('x', output.stream); /* fails before the end already */
        CHECK_FAILS(eg_output_commit(&output), EEGPU_IO, "'/dev/full'");
        CHECK(stat("/dev/full", &file) == 0 && S_ISCHR(file.st_mode));
    }
    const char *pipe = in_folder("pipe");
    CHECK_EQUAL(mkfifo(pipe, 0600), 0);
    int reader = open(pipe, O_RDONLY | O_NONBLOCK);
    put(pipe, "through");
    char text[16] = "";
    CHECK_EQUAL(read(reader, text, sizeof text - 1), 7);
    CHECK(strcmp(text, "through") == 0);
    close(reader);
    CHECK(stat(pipe, &file) == 0 && S_ISFIFO(file.st_mode));
    CHECK_EQUAL(unlink(pipe), 0);
    CHECK_EQUAL(rmdir(folder), 0);
}

static void test_output_refused(void)
{
    eg_output output = {0};
    make_folder();
    CHECK_FAILS(eg_output_open("", &output), EEGPU_USAGE, "empty");
    CHECK_FAILS(eg_output_open(folder, &output), EEGPU_IO, "is a directory");
    CHECK_FAILS(eg_output_open(in_folder("no/such/file"), &output), EEGPU_IO, "no/such/file'");
    CHECK(output.stream == NULL && output.path == NULL && output.temporary == NULL);
    put(in_folder("file"), "x");
    CHECK_FAILS(eg_output_open(in_folder("file/below"), &output), EEGPU_IO, "file/below'");
    if (geteuid() != 0) {
        CHECK_EQUAL(chmod(in_folder("file"), 0400), 0);
        CHECK_FAILS(eg_output_open(in_folder("file"), &output), EEGPU_IO, "Permission denied");
    }
    CHECK_EQUAL(unlink(in_folder("file")), 0);
    CHECK_OK(eg_output_open(in_folder("file"), &output));
    CHECK_EQUAL(mkdir(in_folder("file"), 0700), 0); /* the target became a directory meanwhile */
    CHECK_FAILS(eg_output_commit(&output), EEGPU_IO, "/file'");
    CHECK_EQUAL(rmdir(in_folder("file")), 0);
    CHECK_EQUAL(entries(), 0);
    CHECK_EQUAL(rmdir(folder), 0);
}

static void test_temporaries_removed(void)
{
    eg_output outputs[3] = {0};
    make_folder();
    for (size_t i = 0; i < COUNT(outputs); i++)
        CHECK_OK(eg_output_open(in_folder((const char *[]){"a", "b", "c"}[i]), &outputs[i]));
    CHECK_OK(eg_output_commit(&outputs[1]));
    CHECK_EQUAL(entries(), 3);
    eg_output_remove_temporaries();
    CHECK_EQUAL(entries(), 1);
    CHECK(access(in_folder("b"), F_OK) == 0);
    eg_output_discard(&outputs[0]);
    CHECK_FAILS(eg_output_commit(&outputs[2]), EEGPU_IO, "/c'");
    CHECK_EQUAL(unlink(in_folder("b")), 0);
    for (int round = 0; round < 100; round++) { /* slots are used again */
        CHECK_OK(eg_output_open(in_folder("a"), &outputs[0]));
        eg_output_discard(&outputs[0]);
    }
    CHECK_EQUAL(rmdir(folder), 0);
}

static void test_mapping(void)
{
    eg_mapping mapping = {0};
    make_folder();
    put(in_folder("data"), "12345");
    CHECK_OK(eg_map_file(in_folder("data"), &mapping));
    CHECK(mapping.size == 5 && memcmp(mapping.bytes, "12345", 5) == 0);
    eg_unmap(&mapping);
    CHECK(mapping.bytes == NULL && mapping.size == 0);
    eg_unmap(&mapping);
    put(in_folder("data"), "");
    CHECK_FAILS(eg_map_file(in_folder("data"), &mapping), EEGPU_BAD_INPUT, "is empty");
    CHECK_FAILS(eg_map_file(folder, &mapping), EEGPU_IO, "is a directory");
    CHECK_FAILS(eg_map_file("/dev/null", &mapping), EEGPU_IO, "not a regular file");
    CHECK_EQUAL(unlink(in_folder("data")), 0);
    CHECK_FAILS(eg_map_file(in_folder("data"), &mapping), EEGPU_IO, "No such file");
    CHECK_EQUAL(mkfifo(in_folder("data"), 0600), 0);
    CHECK_FAILS(eg_map_file(in_folder("data"), &mapping), EEGPU_IO, "not a regular file"); /* and does not wait */
    CHECK_EQUAL(unlink(in_folder("data")), 0);
    CHECK_EQUAL(rmdir(folder), 0);
}

EG_SUITE("base", {"a message", test_message}, {"a message is one line", test_message_is_one_line},
         {"a long message keeps its ends", test_long_message}, {"one message a thread", test_message_per_thread},
         {"meanings and version", test_meanings}, {"bits", test_bits}, {"aligned memory", test_allocate},
         {"a memory budget", test_budget}, {"a budget shared by threads", test_budget_of_threads},
         {"sizes as text", test_bytes_text}, {"processors and memory", test_machine}, {"every item once", test_parallel_visits_all},
         {"the first failure", test_parallel_failure}, {"progress", test_progress}, {"progress stops", test_progress_stops},
         {"progress without a listener", test_progress_of_nobody}, {"outputs", test_output},
         {"outputs to devices and pipes", test_output_elsewhere}, {"outputs refused", test_output_refused},
         {"temporaries removed", test_temporaries_removed}, {"mapped files", test_mapping})
