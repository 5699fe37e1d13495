/* Shortage of memory on the emulated CUDA device, of both kinds: pinned memory of the host, and memory of the device, which
 * another lane is about to free or another program took after the device was opened. The numbers of calls are those of a new
 * process. */
#include "device_cases.h"

enum { PIXELS = 14, NUMBERS = 1 << PIXELS };

typedef struct opened {
    eg_device *device;
    eg_lane *lane;
    eegpu_state *state;
} opened;

static bool open_all(const char *device, opened *all)
{
    *all = (opened){0};
    all->state = open_source("product", 1, PIXELS);
    return all->state != NULL && CHECK_OK(eg_device_open(device, &all->device)) &&
           CHECK_OK(all->device->backend->open_lane(all->device, 1, &all->lane));
}

static void close_all(opened *all)
{
    if (all->lane != NULL)
        all->device->backend->close_lane(all->lane);
    eg_device_close(all->device);
    eegpu_state_close(all->state);
}

/* Load the function and look at it: the device's panel is the whole of it, in order. */
static void check_loaded(opened *all, bool is_held)
{
    static double numbers[NUMBERS];
    const eg_backend *backend = all->device->backend;
    eg_matrix_layout layout = {.row_bits = PIXELS - 1, .column_bits = 1, .column_bit = {PIXELS - 1}};
    double *panel = NULL;
    for (int bit = 0; bit < PIXELS - 1; bit++)
        layout.row_bit[bit] = bit;
    CHECK(all->state->kind != EG_BITS && !all->state->is_born && !all->state->is_complex);
    CHECK_OK(backend->load(all->device, all->state, 1));
    CHECK(all->device->is_held == is_held);
    unsetenv("EEGPU_EMULATED_TAKEN");
    if (CHECK_OK(backend->allocate(all->lane, NUMBERS, sizeof *panel, "a panel", &panel)) &&
        CHECK_OK(backend->gather(all->lane, &layout, 0, 2, panel)) &&
        CHECK_OK(backend->fetch(all->lane, panel, sizeof numbers, numbers)))
        CHECK(memcmp(numbers, all->state->amplitudes, sizeof numbers) == 0);
    backend->release(all->lane, panel);
}

/* Of the calls of cudaMallocHost two are for the first number that a device is given, here and when main() looks for it; then come
 * two for the function. When the second of these fails, both halves are made again, and smaller. The next lane gives up: it wants
 * the smallest halves. */
static void test_pinned_memory(void)
{
    opened all;
    eg_lane *other = NULL;
    double *numbers = NULL;
    setenv("EEGPU_EMULATED_FAIL", "cudaMallocHost:6", 1);
    if (open_all("emulated", &all)) {
        check_loaded(&all, true);
        setenv("EEGPU_EMULATED_FAIL", "cudaMallocHost:9", 1);
        CHECK_OK(all.device->backend->open_lane(all.device, 1, &other));
        CHECK_OK(eg_allocate(NULL, 1, sizeof *numbers, "a number", &numbers));
        CHECK_FAILS(all.device->backend->take(other, NULL, sizeof *numbers, "a number", &numbers), EEGPU_OUT_OF_MEMORY,
                    "no pinned memory of the host for uploads to the GPU: 512 bytes");
        CHECK(numbers == NULL);
        all.device->backend->close_lane(other);
    }
    unsetenv("EEGPU_EMULATED_FAIL");
    close_all(&all);
}

static void test_taken_after_opening(void)
{
    opened all;
    if (open_all("emulated", &all)) {
        setenv("EEGPU_EMULATED_TAKEN", "2147450000", 1); /* 33,648 bytes are left */
        check_loaded(&all, false);
        check_loaded(&all, true);
    }
    close_all(&all);
}

/* What a lane has freed is there when its work is done, and another lane that needs it waits for that. */
static void test_freed_by_another_lane(void)
{
    opened all;
    eg_lane *other = NULL;
    void *first = NULL, *second = NULL;
    setenv("EEGPU_EMULATED_MEMORY", "4000000", 1);
    setenv("EEGPU_EMULATED_LAZY", "1", 1);
    if (open_all("emulated", &all) && CHECK_OK(all.device->backend->open_lane(all.device, 1, &other))) {
        CHECK_OK(all.device->backend->allocate(other, 2500000, 1, "much", &first));
        all.device->backend->release(other, first);
        CHECK_OK(all.device->backend->allocate(all.lane, 2500000, 1, "as much", &second));
        all.device->backend->release(all.lane, second);
        all.device->backend->close_lane(other);
    }
    close_all(&all);
    unsetenv("EEGPU_EMULATED_LAZY");
    unsetenv("EEGPU_EMULATED_MEMORY");
}

int main(void)
{
    static const CU_TestInfo tests[] = {{"pinned memory", test_pinned_memory},
                                        {"memory taken after opening", test_taken_after_opening},
                                        {"memory freed by another lane", test_freed_by_another_lane},
                                        CU_TEST_INFO_NULL};
    int missing = device_is_missing("emulated", "EEGPU_REQUIRE_EMULATION");
    return missing != 0 ? missing : run_suite("emulated memory", tests);
}
