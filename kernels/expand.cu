/* Packed bits as numbers for the matrix units, and their integer Gram back into 64 bits.
 * expand: in: rows in panels of 16 (kernels.h); out: target[i * 64 * words + c], one byte (0, 1) or half (0.0, 1.0) a bit. A block
 * reads 16 rows x 16 words at once and writes each row's 1024 numbers in 64-bit pieces: `target` is aligned to 8 bytes.
 * add: gram(i, j) += factor * counts(i, j), n x n, i >= j, `counts` with its own leading dimension; integers, none negative. Called
 * by host/backend/. */
#include "kernels.h"
#include "launch.h"

namespace
{
constexpr unsigned PANEL = EG_KERNEL_PANEL_ROWS, STEP = 16, BLOCK_THREADS = 256;
constexpr uint64_t MOST_BLOCKS = uint64_t(1) << 20, HALF_ONE = 0x3c00;

/* A number is WIDTH bits wide and `one` is what a set bit becomes. */
template <unsigned WIDTH, uint64_t one>
__global__ void __launch_bounds__(BLOCK_THREADS)
    expand(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed, uint64_t *target)
{
    constexpr unsigned NUMBERS = 64 / WIDTH, PIECES = STEP * WIDTH; /* numbers in a piece; pieces of one row of a tile */
    __shared__ uint64_t tile[STEP][PANEL];
    uint64_t steps = (words + STEP - 1) / STEP, panels = (rows + PANEL - 1) / PANEL;
    for (uint64_t item = blockIdx.x; item < panels * steps; item += gridDim.x) {
        uint64_t panel = item / steps, word = item % steps * STEP;
        for (unsigned e = threadIdx.x; e < STEP * PANEL; e += BLOCK_THREADS)
            if (word + e / PANEL < words)
                tile[e / PANEL][e % PANEL] = packed[(panel * panel_words + first + word) * PANEL + e];
        __syncthreads();
        for (unsigned e = threadIdx.x; e < PANEL * PIECES; e += BLOCK_THREADS) {
            unsigned i = e / PIECES, piece = e % PIECES, w = piece / WIDTH;
            uint64_t row = panel * PANEL + i, numbers = 0;
            if (row >= rows || word + w >= words)
                continue;
            uint64_t bits = tile[w][i] >> (piece % WIDTH * NUMBERS);
            for (unsigned k = 0; k < NUMBERS; k++)
                numbers |= (bits >> k & 1) * one << (WIDTH * k);
            target[(row * words + word) * WIDTH + piece] = numbers;
        }
        __syncthreads();
    }
}

template <unsigned WIDTH, uint64_t one>
cudaError_t launch_expand(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed, void *target,
                          cudaStream_t stream)
{
    uint64_t items = (rows + PANEL - 1) / PANEL * ((words + STEP - 1) / STEP);
    return eg_launch(expand<WIDTH, one>, dim3(eg_blocks(items, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, rows, panel_words,
                     first, words, packed, (uint64_t *)target);
}

template <class Number>
__global__ void __launch_bounds__(BLOCK_THREADS)
    add(uint64_t n, const Number *counts, uint64_t stride, uint64_t factor, uint64_t *gram)
{
    for (uint64_t j = blockIdx.x; j < n; j += gridDim.x)
        for (uint64_t i = j + threadIdx.x; i < n; i += BLOCK_THREADS)
            gram[j * n + i] += factor * (uint64_t)counts[j * stride + i];
}
} // namespace

cudaError_t eg_launch_expand_bytes(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                   int8_t *target, cudaStream_t stream)
{
    return launch_expand<8, 1>(rows, panel_words, first, words, packed, target, stream);
}

cudaError_t eg_launch_expand_halves(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                    uint16_t *target, cudaStream_t stream)
{
    return launch_expand<16, HALF_ONE>(rows, panel_words, first, words, packed, target, stream);
}

cudaError_t eg_launch_add_integers(uint64_t n, const int32_t *counts, uint64_t stride, uint64_t factor, uint64_t *gram,
                                   cudaStream_t stream)
{
    return eg_launch(add<int32_t>, dim3(eg_blocks(n, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, n, counts, stride, factor,
                     gram);
}

cudaError_t eg_launch_add_floats(uint64_t n, const float *counts, uint64_t stride, uint64_t factor, uint64_t *gram,
                                 cudaStream_t stream)
{
    return eg_launch(add<float>, dim3(eg_blocks(n, MOST_BLOCKS)), dim3(BLOCK_THREADS), 0, stream, n, counts, stride, factor, gram);
}
