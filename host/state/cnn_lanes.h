/* The inner loops of a convolutional network for one width of vectors. Included once an instruction set by cnn_kernels.c, which
 * defines LANES (doubles in a vector), TARGET (the attribute) and NAMED(x); no guard is meant. Vectors run across images, so that
 * each image's sums have the same order, and the same bits, at every width. */

typedef double NAMED(lanes) __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t NAMED(masks) __attribute__((vector_size(LANES * sizeof(double))));
#define lanes NAMED(lanes)
#define masks NAMED(masks)

/* Four output channels of one pixel for two vectors of images. */
#define BEGIN(o) lanes left##o = zero + bias[o], right##o = left##o;
#define STEP(o)                \
    left##o += weight[o] * *x; \
    right##o += weight[o] * *(x + 1);
#define END(o)                                              \
    *(lanes *)(void *)(out + o * channel_stride) = left##o; \
    *(lanes *)(void *)(out + o * channel_stride + LANES) = right##o;
#define EACH(WHAT) WHAT(0) WHAT(1) WHAT(2) WHAT(3)

TARGET static inline void NAMED(convolve_pixel)(const eg_cnn_layer *layer, int kernel, const eg_cnn_window *see,
                                                const double *weights, const double *bias, const double *in, double *out)
{
    const lanes zero = {0};
    uint64_t channel_stride = (uint64_t)layer->height * (uint64_t)layer->width * EG_CNN_BATCH;
    uint64_t row_stride = (uint64_t)layer->width * EG_CNN_BATCH;
    EACH(BEGIN)
    for (int c = 0; c < layer->inputs; c++, in += channel_stride, weights += kernel * kernel * EG_CNN_GROUP)
        for (int row = 0; row < see->rows; row++) {
            const lanes *x = (const lanes *)(const void *)(in + (uint64_t)row * row_stride);
            const double *weight = weights + (see->first_tap + row * kernel) * EG_CNN_GROUP;
            for (int column = 0; column < see->columns; column++, x += EG_CNN_BATCH / LANES, weight += EG_CNN_GROUP) {
                EACH(STEP)
            }
        }
    EACH(END)
}

TARGET static void NAMED(convolve)(const eg_cnn_layer *layer, int channels, int kernel, const double *in, double *out)
{
    int pixels = layer->height * layer->width;
    uint64_t group_weights = (uint64_t)layer->inputs * (uint64_t)(kernel * kernel) * EG_CNN_GROUP;
    for (int first = 0; first < channels; first += EG_CNN_GROUP)
        for (int pixel = 0; pixel < pixels; pixel++) {
            eg_cnn_window see = eg_cnn_window_of(layer->height, layer->width, kernel, pixel);
            const double *weights = layer->packed_weight + (uint64_t)(first / EG_CNN_GROUP) * group_weights;
            for (uint64_t image = 0; image < EG_CNN_BATCH; image += 2 * LANES)
                NAMED(convolve_pixel)
            (layer, kernel, &see, weights, layer->packed_bias + first, in + (uint64_t)see.first_pixel * EG_CNN_BATCH + image,
             out + ((uint64_t)first * (uint64_t)pixels + (uint64_t)pixel) * EG_CNN_BATCH + image);
        }
}

/* a where the mask is set, else b. */
TARGET static inline void NAMED(choose)(const masks *mask, const lanes *a, const lanes *b, lanes *result)
{
    *result = (lanes)((*mask & (masks)*a) | (~*mask & (masks)*b));
}

/* eg_cnn_tanh() in vectors. */
TARGET static inline void NAMED(tanh)(lanes *value)
{
    static const double series[EG_CNN_TANH_TERMS] = EG_CNN_TANH_SERIES;
    const double round_to_whole = EG_CNN_ROUND_TO_WHOLE;
    const lanes zero = {0}, most = zero + EG_CNN_TANH_ONE;
    masks sign = (masks)*value & INT64_MIN;
    lanes x = (lanes)((masks)*value ^ sign);
    masks large = x > most;
    NAMED(choose)(&large, &most, &x, &x);
    x = 2 * x;
    lanes whole = x * EG_CNN_INVERSE_LOG2 + round_to_whole;
    lanes power = (lanes)(((masks)whole + 1023) << 52), n = whole - round_to_whole;
    lanes r = (x - n * EG_CNN_LOG2_HIGH) - n * EG_CNN_LOG2_LOW, sum = zero + series[0];
    for (int k = 1; k < EG_CNN_TANH_TERMS; k++)
        sum = sum * r + series[k];
    lanes minus_one = power * (r + r * r * sum) + (power - 1);
    *value = (lanes)((masks)(minus_one / (minus_one + 2)) | sign);
}

TARGET static void NAMED(activate)(eg_cnn_activation activation, uint64_t count, double *values)
{
    const lanes zero = {0};
    for (lanes *x = (lanes *)(void *)values, *end = x + count / LANES; x < end; x++)
        if (activation == EG_CNN_TANH) {
            NAMED(tanh)(x);
        } else {
            masks negative = *x < zero; /* NaN is not: it must come through */
            *x = (lanes)(~negative & (masks)*x);
        }
}

TARGET static inline void NAMED(keep_larger)(lanes *largest, const lanes *x)
{
    masks take = (*x > *largest) | (*x != *x);
    NAMED(choose)(&take, x, largest, largest);
}

TARGET static void NAMED(pool)(int channels, int height, int width, const double *in, double *out)
{
    const lanes *from = (const lanes *)(const void *)in;
    lanes *to = (lanes *)(void *)out;
    const int step = EG_CNN_BATCH / LANES;
    for (int c = 0; c < channels; c++)
        for (int row = 0; row < height / 2; row++)
            for (int column = 0; column < width / 2; column++)
                for (int v = 0; v < step; v++) {
                    const lanes *corner = from + (int64_t)((c * height + 2 * row) * width + 2 * column) * step + v;
                    lanes largest = *corner;
                    NAMED(keep_larger)(&largest, corner + step);
                    NAMED(keep_larger)(&largest, corner + (int64_t)width * step);
                    NAMED(keep_larger)(&largest, corner + (int64_t)(width + 1) * step);
                    *to++ = largest;
                }
}

TARGET static void NAMED(classify)(uint64_t inputs, const double *weight, double bias, const double *in, double *out)
{
    const lanes zero = {0};
    for (uint64_t image = 0; image < EG_CNN_BATCH; image += 2 * LANES) {
        lanes left = zero + bias, right = left;
        for (uint64_t i = 0; i < inputs; i++) {
            const lanes *x = (const lanes *)(const void *)(in + i * EG_CNN_BATCH + image);
            left += weight[i] * *x;
            right += weight[i] * *(x + 1);
        }
        *(lanes *)(void *)(out + image) = left;
        *(lanes *)(void *)(out + image + LANES) = right;
    }
}

#undef BEGIN
#undef STEP
#undef END
#undef EACH
#undef lanes
#undef masks
