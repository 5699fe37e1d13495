/* What the forest of regions saves: all contiguous cuts of a random function, with every matrix made from the amplitudes and with
 * all but the roots made by partial traces. Prints total time, the eigensolver's share, and the rest; one thread, so that shares
 * add up. Usage: bench_forest [HxW = 4x6] [real|complex = real] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "scan/scan.h"

static double solver_seconds;

static eegpu_status timed_eigenvalues(eg_lane *lane, const eg_eigen_problem *problems, size_t count, size_t *failed)
{
    double start = eg_seconds();
    eegpu_status status = eg_backend_cpu.eigenvalues(lane, problems, count, failed);
    solver_seconds += eg_seconds() - start;
    return status;
}

/* Seconds outside of the solver; the entropies go into `entropies`. */
static eegpu_status measure(const eegpu_state *state, const eegpu_cuts *cuts, bool with_forest, double *rest, double *entropies)
{
    eg_backend backend = eg_backend_cpu;
    eegpu_scan_options options = eegpu_scan_options_default();
    eegpu_result *result = NULL;
    eg_device *device = NULL;
    backend.eigenvalues = timed_eigenvalues;
    options.threads = 1;
    options.no_reduce = !with_forest;
    solver_seconds = 0;
    eegpu_status status = eg_device_open("cpu", &device);
    if (status != EEGPU_OK)
        return status;
    device->backend = &backend;
    double start = eg_seconds();
    status = eg_scan_on(state, cuts, &options, device, &result);
    eg_device_close(device);
    double total = eg_seconds() - start;
    if (status != EEGPU_OK)
        return status;
    *rest = total - solver_seconds;
    for (size_t i = 0; i < eegpu_result_count(result); i++)
        entropies[i] = eegpu_result_record(result, i)->s_vn;
    printf("%s forest: %.2f s, eigenvalues %.2f s, everything else %.2f s\n", with_forest ? "with   " : "without", total,
           solver_seconds, *rest);
    eegpu_result_free(result);
    return EEGPU_OK;
}

int main(int argument_count, char **arguments)
{
    eegpu_open_options open = eegpu_open_options_default();
    eegpu_state *state = NULL;
    eegpu_cuts *cuts = NULL;
    double *entropies = NULL, rest[2], largest = 0;
    char source[64];
    eegpu_status status = EEGPU_OK;
    snprintf(source, sizeof source, "random:kind=%.20s", argument_count > 2 ? arguments[2] : "real");
    EG_TRY(eg_parse_lattice(argument_count > 1 ? arguments[1] : "4x6", "the lattice", &open.height, &open.width));
    EG_TRY(eegpu_state_open(source, &open, &state));
    EG_TRY(eegpu_cuts_create(open.height, open.width, "contiguous", 0, &cuts));
    size_t count = eegpu_cuts_count(cuts);
    EG_TRY(eg_allocate(NULL, 2 * count, sizeof *entropies, "the entropies", &entropies));
    printf("%s on %dx%d, %zu contiguous cuts, one thread\n", source, open.height, open.width, count);
    EG_TRY(measure(state, cuts, false, &rest[0], entropies));
    EG_TRY(measure(state, cuts, true, &rest[1], entropies + count));
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(entropies[i] - entropies[count + i]));
    printf("everything but the eigenvalues: %.1f times faster; largest difference of an entropy %.1e\n", rest[0] / rest[1],
           largest);
done:
    if (status != EEGPU_OK)
        fprintf(stderr, "bench_forest: %s\n", eegpu_error_message());
    eg_release(NULL, entropies);
    eegpu_cuts_free(cuts);
    eegpu_state_close(state);
    return status != EEGPU_OK;
}
