/* Convolutional networks on batches of images, layer by layer: pixels, convolutions with their activation, poolings, the
 * classifier. Called for every batch of a network that is evaluated on 2^N images, by host/backend/cuda/networks.c. Neighbouring
 * threads have neighbouring images, so that reads and writes are whole lines and no warp diverges at a border. Of a convolution a
 * thread makes four output channels of a pixel for two images: a number that is read takes part in four products, and four weights,
 * the same for the warp, in eight. A block has all pixels of its images, whose windows overlap, so that most reads should end in
 * the first cache (an estimate, not measured on a device yet). Sums run in the order of the processor's (state/cnn.h) and are not
 * contracted: the bits are the same. */
#include "kernels.h"
#include "launch.h"

#define EG_HOST_DEVICE static __host__ __device__ inline
#include "state/cnn_arithmetic.h"

namespace
{
constexpr unsigned PAIRS = EG_NETWORK_IMAGES / 2, ROWS = 8, THREADS = 256;
constexpr int GROUP = EG_NETWORK_GROUP;

template <bool IS_TANH> __device__ double activate(double x)
{
    if constexpr (IS_TANH)
        return eg_cnn_tanh(x);
    else
        return x < 0 ? 0 : x; /* NaN comes through */
}

/* A row of blocks for each pixel. */
__global__ void __launch_bounds__(THREADS) write_pixels(int pixels, uint64_t first, uint64_t images, double *target)
{
    uint64_t image = (uint64_t)blockIdx.x * THREADS + threadIdx.x, pixel = blockIdx.y;
    if (image < images)
        target[pixel * images + image] = (double)((first + image) >> (pixels - 1 - (int)pixel) & 1);
}

__device__ void add_products(double2 (&sum)[GROUP], double2 x, const double *weight)
{
    for (int o = 0; o < GROUP; o += 2) {
        double2 two = *(const double2 *)(weight + o);
        sum[o].x += two.x * x.x;
        sum[o].y += two.x * x.y;
        sum[o + 1].x += two.y * x.x;
        sum[o + 1].y += two.y * x.y;
    }
}

/* Blocks: by images, and by groups of channels; the threads of a block: by pairs of images, and by pixels. Not more than two blocks
 * at once need fit: that leaves registers for several reads. */
template <bool IS_TANH>
__global__ void __launch_bounds__(PAIRS *ROWS, 2)
    convolve(eg_convolution layer, const double *weight, const double *bias, const double2 *in, double2 *out)
{
    uint64_t pairs = layer.images / 2, pair = (uint64_t)blockIdx.x * PAIRS + threadIdx.x;
    int pixels = layer.height * layer.width, taps = layer.kernel * layer.kernel, first_channel = (int)blockIdx.y * GROUP;
    weight += (uint64_t)first_channel * (uint64_t)(layer.inputs * taps);
    for (int pixel = (int)threadIdx.y; pixel < pixels; pixel += (int)ROWS) {
        eg_cnn_window see = eg_cnn_window_of(layer.height, layer.width, layer.kernel, pixel);
        double2 sum[GROUP];
        for (int o = 0; o < GROUP; o++)
            sum[o].x = sum[o].y = bias[first_channel + o];
        for (int c = 0; c < layer.inputs; c++)
            for (int row = 0; row < see.rows; row++) {
                const double2 *x = in + (uint64_t)(c * pixels + see.first_pixel + row * layer.width) * pairs + pair;
                const double *w = weight + (uint64_t)(c * taps + see.first_tap + row * layer.kernel) * GROUP;
                for (int column = 0; column < see.columns; column++, x += pairs, w += GROUP)
                    add_products(sum, *x, w);
            }
        for (int o = 0; o < GROUP; o++) {
            double2 value;
            value.x = activate<IS_TANH>(sum[o].x);
            value.y = activate<IS_TANH>(sum[o].y);
            out[(uint64_t)((first_channel + o) * pixels + pixel) * pairs + pair] = value;
        }
    }
}

/* NaN is larger than any number. */
__device__ double larger(double largest, double x) { return x > largest || x != x ? x : largest; }

/* A row of blocks for each pixel that is left of each channel. */
__global__ void __launch_bounds__(THREADS) pool(uint64_t images, int height, int width, const double *in, double *out)
{
    uint64_t image = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    int left = (height / 2) * (width / 2), channel = (int)blockIdx.y / left, pixel = (int)blockIdx.y % left;
    int row = pixel / (width / 2) * 2, column = pixel % (width / 2) * 2;
    if (image >= images)
        return;
    const double *corner = in + (uint64_t)((channel * height + row) * width + column) * images + image;
    double largest = larger(corner[0], corner[images]);
    largest = larger(largest, corner[(uint64_t)width * images]);
    out[blockIdx.y * images + image] = larger(largest, corner[(uint64_t)(width + 1) * images]);
}

__global__ void __launch_bounds__(THREADS)
    classify(uint64_t images, uint64_t inputs, const double *weight, const double *bias, const double *in, double *out)
{
    uint64_t image = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    if (image >= images)
        return;
    double sum = *bias;
    for (uint64_t i = 0; i < inputs; i++)
        sum += weight[i] * in[i * images + image];
    out[image] = sum;
}

dim3 blocks(uint64_t images, int rows) { return dim3((unsigned)((images + THREADS - 1) / THREADS), (unsigned)rows); }
} // namespace

cudaError_t eg_launch_network_pixels(int pixels, uint64_t first, uint64_t images, double *target, cudaStream_t stream)
{
    return eg_launch(write_pixels, blocks(images, pixels), dim3(THREADS), 0, stream, pixels, first, images, target);
}

cudaError_t eg_launch_convolve(const eg_convolution *layer, const double *weight, const double *bias, const double *in, double *out,
                               cudaStream_t stream)
{
    dim3 grid((unsigned)(layer->images / EG_NETWORK_IMAGES), (unsigned)((layer->outputs + GROUP - 1) / GROUP));
    return eg_launch(layer->is_tanh ? convolve<true> : convolve<false>, grid, dim3(PAIRS, ROWS), 0, stream, *layer, weight, bias,
                     (const double2 *)in, (double2 *)out);
}

cudaError_t eg_launch_pool(uint64_t images, int channels, int height, int width, const double *in, double *out, cudaStream_t stream)
{
    return eg_launch(pool, blocks(images, channels * (height / 2) * (width / 2)), dim3(THREADS), 0, stream, images, height, width,
                     in, out);
}

cudaError_t eg_launch_classify(uint64_t images, uint64_t inputs, const double *weight, const double *bias, const double *in,
                               double *out, cudaStream_t stream)
{
    return eg_launch(classify, blocks(images, 1), dim3(THREADS), 0, stream, images, inputs, weight, bias, in, out);
}
