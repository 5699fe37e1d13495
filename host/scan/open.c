/* The public face of opening a function. Comes in: SOURCE and options of the library's user; goes out: a state. All is done by
 * state/, but for networks, whose evaluation is put on the device that the options name. Called by users of the library and by
 * cli/. */
#include <string.h>

#include "base/parallel.h"
#include "scan/scan.h"

bool eg_networks_pay(int pixels, double operations)
{
    const double worth_opening = 1e11; /* some seconds of a core: an estimate, not measured on a device yet */
    return pixels >= EG_GPU_FROM_PIXELS || operations >= worth_opening;
}

typedef struct opening {
    const char *device;
    int threads;
} opening;

static eegpu_status evaluate_on_device(void *user, const eg_cnn *network, uint64_t count, eg_budget *budget, eg_progress *progress,
                                       double *amplitudes)
{
    eegpu_status status;
    const opening *asked = user;
    eg_device *device = NULL;
    eg_lane *lane = NULL;
    bool is_auto = asked->device == NULL || strcmp(asked->device, "auto") == 0;
    const eg_cnn_shape *shape = &network->shape;
    bool pays = eg_networks_pay(shape->height * shape->width, eg_cnn_operations(shape) * (double)count);
    EG_TRY(eg_device_open(!is_auto ? asked->device : pays ? "auto" : "cpu", &device));
    EG_TRY(device->backend->open_lane(device, asked->threads, &lane));
    EG_TRY(device->backend->evaluate_network(lane, network, 0, count, budget, progress, amplitudes));
done:
    if (lane != NULL)
        device->backend->close_lane(lane);
    eg_device_close(device);
    return status;
}

eegpu_status eegpu_state_open(const char *source, const eegpu_open_options *options, eegpu_state **state)
{
    eegpu_open_options defaults = eegpu_open_options_default();
    if (options == NULL)
        options = &defaults;
    opening asked = {options->device, options->threads > 0 ? options->threads : eg_processor_count()};
    eg_network_evaluator evaluator = {evaluate_on_device, &asked};
    return eg_state_open(source, options, &evaluator, state);
}
