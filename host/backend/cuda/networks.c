/* Convolutional networks on the GPU. Comes in: a network and a range of images; goes out: their amplitudes, with the bits of the
 * CPU's. The weights are sent once a call; batches of images go through the layers on the device, in two rooms that take turns, and
 * the amplitudes of many batches are fetched together and go to their place while the device is at the next ones. Called through
 * the table of plugin.c. */
#include "backend/cuda/cuda.h"
#include "base/bits.h"

_Static_assert((int)EG_NETWORK_GROUP == (int)EG_CNN_GROUP, "host and kernels pack alike");

typedef struct evaluation {
    eg_lane *lane;
    cudaStream_t stream;
    const eg_cnn *network;
    uint64_t images, piece; /* in a batch, and fetched together; the second is a multiple of the first */
    double *numbers;        /* network->numbers, on the device like what follows */
    double *now, *next;     /* a batch, and room for the next layer's */
    double *values;
} evaluation;

/* Powers of two: of batches the largest that fits, as long as there are images for it; of pieces one that takes parts of a second
 * and fits half of the staging. */
static eegpu_status choose_sizes(evaluation *job, uint64_t count)
{
    const double operations_in_a_piece = 1e12;
    const uint64_t most_bytes = EG_NETWORK_PIECE * sizeof(double);
    uint64_t bytes_an_image = job->network->room / EG_CNN_BATCH * sizeof(double), bytes = count * sizeof(double), most = 0;
    eegpu_status status;
    EG_TRY(eg_cuda_prepare_fetches(job->lane, bytes < most_bytes ? bytes : most_bytes, &most));
    most = most < most_bytes ? most / sizeof(double) : EG_NETWORK_PIECE;
    job->images = EG_NETWORK_IMAGES;
    while (job->images < count && 2 * job->images <= most && 2 * job->images * bytes_an_image <= EG_NETWORK_BYTES)
        job->images *= 2;
    job->piece = job->images;
    while (job->piece < count && 2 * job->piece <= most &&
           2 * (double)job->piece * eg_cnn_operations(&job->network->shape) <= operations_in_a_piece)
        job->piece *= 2;
done:
    return status;
}

static eegpu_status make_room(evaluation *job)
{
    eegpu_status status;
    uint64_t room = job->network->room / EG_CNN_BATCH * job->images;
    EG_TRY(eg_cuda_allocate(job->lane, room, sizeof(double), "a batch of images in a network", &job->now));
    EG_TRY(eg_cuda_allocate(job->lane, room, sizeof(double), "a batch of images in a network", &job->next));
    EG_TRY(eg_cuda_allocate(job->lane, job->piece, sizeof(double), "the amplitudes of a network", &job->values));
done:
    return status;
}

/* The same array on the device. */
static const double *on_device(const evaluation *job, const double *array)
{
    return job->numbers + (array - job->network->numbers);
}

static void take_turns(evaluation *job)
{
    double *swap = job->now;
    job->now = job->next;
    job->next = swap;
}

static eegpu_status run_layer(evaluation *job, const eg_cnn_layer *layer)
{
    eegpu_status status;
    const eg_cnn_shape *shape = &job->network->shape;
    eg_convolution convolution = {.images = job->images,
                                  .inputs = layer->inputs,
                                  .outputs = shape->channels,
                                  .height = layer->height,
                                  .width = layer->width,
                                  .kernel = shape->kernel,
                                  .is_tanh = shape->activation == EG_CNN_TANH};
    EG_TRY(eg_cuda_check(eg_launch_convolve(&convolution, on_device(job, layer->packed_weight), on_device(job, layer->packed_bias),
                                            job->now, job->next, job->stream),
                         "a convolution of a network"));
    take_turns(job);
    if (!layer->pooled)
        goto done;
    EG_TRY(
        eg_cuda_check(eg_launch_pool(job->images, shape->channels, layer->height, layer->width, job->now, job->next, job->stream),
                      "a pooling of a network"));
    take_turns(job);
done:
    return status;
}

/* Images past the last one of a range are evaluated with the others of their batch, and not fetched. */
static eegpu_status run_batch(evaluation *job, uint64_t first, double *values)
{
    eegpu_status status;
    const eg_cnn *network = job->network;
    const eg_cnn_shape *shape = &network->shape;
    uint64_t inputs = (uint64_t)shape->channels * (uint64_t)(network->height * network->width);
    EG_TRY(eg_cuda_check(eg_launch_network_pixels(shape->height * shape->width, first, job->images, job->now, job->stream),
                         "writing images for a network"));
    for (int l = 0; l < shape->layers; l++)
        EG_TRY(run_layer(job, &network->layer[l]));
    EG_TRY(eg_cuda_check(eg_launch_classify(job->images, inputs, on_device(job, network->classifier_weight),
                                            on_device(job, network->classifier_bias), job->now, values, job->stream),
                         "the last layer of a network"));
done:
    return status;
}

typedef struct piece {
    uint64_t first, images; /* of the range */
    int half;               /* of the staging */
} piece;

static eegpu_status begin_piece(evaluation *job, uint64_t first, const piece *now)
{
    eegpu_status status = EEGPU_OK;
    for (uint64_t batch = 0; batch < now->images; batch += job->images)
        EG_TRY(run_batch(job, first + now->first + batch, job->values + batch));
    EG_TRY(eg_cuda_begin_fetch(job->lane, job->values, now->images * sizeof(double), now->half));
done:
    return status;
}

static eegpu_status end_piece(const evaluation *job, const piece *now, eg_progress *progress, double *amplitudes)
{
    eegpu_status status;
    EG_TRY(eg_cuda_end_fetch(job->lane, now->images * sizeof(double), now->half, amplitudes + now->first));
    EG_TRY(eg_progress_add(progress, (double)now->images));
done:
    return status;
}

eegpu_status eg_cuda_evaluate_network(eg_lane *lane, const eg_cnn *network, uint64_t first, uint64_t count, eg_budget *budget,
                                      eg_progress *progress, double *amplitudes)
{
    eegpu_status status;
    evaluation job = {.lane = lane, .stream = eg_cuda_lane_of(lane)->stream, .network = network};
    piece last = {0};
    (void)budget; /* all rooms are the device's */
    EG_TRY(eg_cuda_enter(lane->device));
    EG_TRY(eg_cuda_put(lane, network->numbers, network->total * sizeof(double), "the weights of a network", &job.numbers));
    EG_TRY(choose_sizes(&job, count)); /* after the upload, which may have made the staging larger */
    EG_TRY(make_room(&job));
    for (uint64_t start = 0; start < count; start += job.piece) {
        piece now = {start, count - start < job.piece ? count - start : job.piece, 1 - last.half};
        EG_TRY(begin_piece(&job, first, &now));
        if (last.images > 0)
            EG_TRY(end_piece(&job, &last, progress, amplitudes));
        last = now;
    }
    EG_TRY(end_piece(&job, &last, progress, amplitudes));
done:
    if (status != EEGPU_OK)
        (void)cudaStreamSynchronize(job.stream); /* a half may be on its way with no event to say so */
    eg_cuda_release(lane, job.values);
    eg_cuda_release(lane, job.next);
    eg_cuda_release(lane, job.now);
    eg_cuda_release(lane, job.numbers);
    return status;
}
