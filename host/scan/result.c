/* The public face of a scan: options, the call, its result. Comes in: a state, cuts and options of the library's user; goes out:
 * records. It checks options and opens the device that they name; the work is done by scan.c. Called by users of the library and
 * by cli/. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scan/scan.h"

eegpu_scan_options eegpu_scan_options_default(void)
{
    return (eegpu_scan_options){.device = "auto", .renyi_count = 3, .renyi = {0, 2, INFINITY}};
}

static eegpu_status check_options(const eegpu_scan_options *options)
{
    if (options->threads < 0)
        return eg_fail(EEGPU_USAGE, "%d threads: give 1 or more, or 0 for all", options->threads);
    if (options->renyi_count < 0 || options->renyi_count > EEGPU_MAX_RENYI)
        return eg_fail(EEGPU_USAGE, "%d Renyi orders: at most %d", options->renyi_count, EEGPU_MAX_RENYI);
    for (int i = 0; i < options->renyi_count; i++)
        if (!(options->renyi[i] >= 0))
            return eg_fail(EEGPU_USAGE, "Renyi order %g: orders are 0 or more, or infinity", options->renyi[i]);
    return EEGPU_OK;
}

const char *eg_scan_device(const eegpu_state *state, const eegpu_scan_options *options)
{
    if (options->device != NULL && strcmp(options->device, "auto") != 0)
        return options->device;
    return state->kind != EG_IMAGES && state->pixels >= EG_GPU_FROM_PIXELS ? "auto" : "cpu";
}

eegpu_status eg_scan_counted(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_scan_options *options,
                             eg_statistics *statistics, eegpu_result **result)
{
    eg_device *device = NULL;
    eegpu_status status = EEGPU_OK;
    *result = NULL;
    EG_TRY(check_options(options));
    EG_TRY(eg_device_open(eg_scan_device(state, options), &device));
    if (statistics != NULL)
        eg_statistics_watch(device, statistics);
    EG_TRY(eg_scan_on(state, cuts, options, device, result));
done:
    eg_device_close(device);
    return status;
}

eegpu_status eegpu_scan(const eegpu_state *state, const eegpu_cuts *cuts, const eegpu_scan_options *options, eegpu_result **result)
{
    eegpu_scan_options defaults = eegpu_scan_options_default();
    return eg_scan_counted(state, cuts, options == NULL ? &defaults : options, NULL, result);
}

size_t eegpu_result_count(const eegpu_result *result) { return result->count; }

const eegpu_record *eegpu_result_record(const eegpu_result *result, size_t cut)
{
    return cut < result->count ? &result->records[cut] : NULL;
}

void eegpu_result_free(eegpu_result *result)
{
    if (result == NULL)
        return;
    for (size_t i = 0; result->spectra != NULL && i < result->count; i++)
        free(result->spectra[i]);
    free(result->spectra);
    free(result->records);
    free(result);
}
