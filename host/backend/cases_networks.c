/* Cases of networks evaluated on all images of a lattice; all are compared bit by bit. See cases.h. */
#include "backend/case_table.h"

/* ReLU, channels that fill groups, nothing dropped; or tanh with a wide kernel, an incomplete group of channels and a pooling. */
enum { PLAIN, POOLED };

/* As square as the number of pixels allows. */
static eg_cnn_shape shape_of(const eg_case *row, int pixels)
{
    eg_cnn_shape shape = {.channels = 8, .layers = 3, .kernel = 3, .activation = EG_CNN_RELU};
    if (row->variant == POOLED)
        shape = (eg_cnn_shape){.channels = 6, .layers = 2, .pools = 1, .kernel = 5, .activation = EG_CNN_TANH};
    shape.height = 1;
    for (int h = 2; h * h <= pixels; h++)
        shape.height = pixels % h == 0 ? h : shape.height;
    shape.width = pixels / shape.height;
    return shape;
}

static eegpu_status prepare(eg_instance *instance)
{
    eegpu_status status = EEGPU_OK;
    eg_cnn_shape shape = shape_of(instance->row, instance->size);
    EG_TRY(eg_cnn_create(&shape, instance->budget, &instance->network));
    eg_cnn_draw(instance->network, EG_CNN_HE, 7);
    EG_TRY(eg_case_collect_room(instance, UINT64_C(1) << instance->size));
done:
    return status;
}

static eegpu_status run(eg_instance *instance)
{
    return instance->backend->evaluate_network(instance->lane, instance->network, 0, UINT64_C(1) << instance->size,
                                               instance->budget, NULL, instance->result);
}

/* They are on the host already. */
static eegpu_status collect(eg_instance *instance) { return EEGPU_OK; }

static eg_case_cost cost(const eg_case *row, int size)
{
    eg_cnn_shape shape = shape_of(row, size);
    double images = (double)(UINT64_C(1) << size);
    return (eg_case_cost){.bytes = 8 * images, .operations = 2 * images * eg_cnn_products(&shape)};
}

const eg_case eg_network_cases[] = {
    {.name = "network relu",
     .unit = "pixels",
     .variant = PLAIN,
     .rate = EG_RATE_FLOPS,
     .small = {1, 5, 8, 10},
     .large = {16, 20, 24, 26},
     .prepare = prepare,
     .run = run,
     .collect = collect,
     .cost = cost},
    {.name = "network tanh",
     .unit = "pixels",
     .variant = POOLED,
     .rate = EG_RATE_FLOPS,
     .small = {4, 6, 9},
     .large = {16, 20, 24, 26},
     .prepare = prepare,
     .run = run,
     .collect = collect,
     .cost = cost},
    {0},
};
