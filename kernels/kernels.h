/* The launchers of the device kernels: all that host code sees of this folder. Comes in: device pointers and shapes; goes out: work
 * on `stream`, and the launch's error. A launcher neither allocates nor waits, and checks nothing: its callers have. Matrices are
 * column-major, complex numbers pairs of doubles at multiples of 16 bytes, indices 64 bits wide. Arrays that are read on the host
 * are named so. */
#ifndef EG_KERNELS_KERNELS_H
#define EG_KERNELS_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Amplitudes ---- */

enum { EG_MOST_INDEX_BITS = 40 };

/* Where the number at a place comes from: bit t of the place is bit bit[t] of the index, and `base` is or-ed to the index. The
 * bit[t] are different and none of them is set in base. */
typedef struct eg_index_map {
    int bits; /* 2^bits places */
    int bit[EG_MOST_INDEX_BITS];
    uint64_t base;
} eg_index_map;

/* panel[place] = source[index] * factor[0] * factor[1], both reals or both complex; `map` and `factor` are read on the host.
 * (permute.cu) */
cudaError_t eg_launch_permute(bool is_complex, const double *source, const eg_index_map *map, const double factor[2], double *panel,
                              cudaStream_t stream);

/* The same from packed bits (index i is bit i % 64 of source[i / 64]) to 0.0 and 1.0. (permute_bits.cu) */
cudaError_t eg_launch_permute_bits(const uint64_t *source, const eg_index_map *map, double *panel, cudaStream_t stream);

/* target[i] = source[i], `count` of them. (widen.cu) */
cudaError_t eg_launch_widen(const float *source, uint64_t count, double *target, cudaStream_t stream);

/* Numbers first .. first + count - 1 of the stream EG_RANDOM_AMPLITUDES under `seed`, with the bits of state/random.h. `first` and
 * `count` are even. (random.cu) */
cudaError_t eg_launch_random(uint64_t seed, uint64_t first, uint64_t count, double *target, cudaStream_t stream);

/* ---- Hermitian matrices, lower triangles ---- */

/* child(i, j) = sum over t of parent(i t, j t): the bits `kept` of the parent's index stay, in their order. Each sum runs over
 * rising t, so that it has the bits of the CPU. (partial_trace.cu) */
cudaError_t eg_launch_partial_trace(bool is_complex, int parent_bits, uint64_t kept, const double *parent, double *child,
                                    cudaStream_t stream);

enum { EG_INVARIANT_SCRATCH = 2048 }; /* doubles */

/* result[0] = trace, result[1] = squared Frobenius norm; always summed in the same order. (invariants.cu) */
cudaError_t eg_launch_invariants(bool is_complex, uint64_t n, const double *matrix, double *scratch, double *result,
                                 cudaStream_t stream);

/* merged(i, j) = matrix(row[i], row[j]) * sqrt(weight[i] * weight[j]), count x count; row[] in any order. (merge.cu) */
cudaError_t eg_launch_merge(bool is_complex, uint64_t n, const double *matrix, uint64_t count, const uint32_t *row,
                            const double *weight, double *merged, cudaStream_t stream);

/* ---- Integer Gram matrices: rows packed in panels of 16, word by word: word w of row i of panel p is packed[(p * panel_words + w)
 * * 16
 * + i]; rows past the last are zero ---- */

enum { EG_KERNEL_PANEL_ROWS = 16 };

/* gram(i, j) += factor * popcount(row i & row j) over words first .. first + words - 1, for i >= j. (popcount.cu) */
cudaError_t eg_launch_count_pairs(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                  uint64_t factor, uint64_t *gram, cudaStream_t stream);

/* Bit c of row i as the number target[i * 64 * words + c]: bytes 0 or 1, or halves 0.0 or 1.0 (their bits). (expand.cu) */
cudaError_t eg_launch_expand_bytes(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                   int8_t *target, cudaStream_t stream);
cudaError_t eg_launch_expand_halves(uint64_t rows, uint64_t panel_words, uint64_t first, uint64_t words, const uint64_t *packed,
                                    uint16_t *target, cudaStream_t stream);

/* gram(i, j) += factor * counts(i, j), n x n, i >= j; `counts` has leading dimension stride >= n, `gram` n. (expand.cu) */
cudaError_t eg_launch_add_integers(uint64_t n, const int32_t *counts, uint64_t stride, uint64_t factor, uint64_t *gram,
                                   cudaStream_t stream);
cudaError_t eg_launch_add_floats(uint64_t n, const float *counts, uint64_t stride, uint64_t factor, uint64_t *gram,
                                 cudaStream_t stream);

enum { EG_WEIGH_WORDS = 18 }; /* of `sums`: 6 of results, the rest scratch */

/* In place, i >= j: the integer K(i, j) becomes the double that reduce's D^1/2 K D^1/2 has: (double)K when all weights are 1, on
 * the diagonal (double)K * (double)w, else (double)K * sqrt((double)(w_i * w_j)), products of integers in 128 bits. sums[0..1] =
 * sum of K_ii w_i, sums[2..3] = sum over all (i, j) of K_ij^2 w_i w_j, sums[4..5] = sum over all (i, j) of K_ij w_i w_j: 128-bit
 * integers, low word first, exact modulo 2^128. `sums` has EG_WEIGH_WORDS words, zeroed by the launcher. (weigh.cu) */
cudaError_t eg_launch_weigh(uint64_t n, bool all_ones, const uint64_t *weight, uint64_t *counts, uint64_t *sums,
                            cudaStream_t stream);

/* ---- Distinct vectors of packed bits ---- */

/* Vectors of 2^parent_bits bits (at least one word each), `count` of them, cut into vectors of 2^child_bits bits, child_bits >= 6:
 * bit number r of a child is the parent's bit whose number has bit child_bit[j] (read on the host, different from one another)
 * where r has bit j. Child number v * 2^(parent_bits - child_bits) + x belongs to parent v and has the binary digits of x at the
 * parent's other bits, lowest first. (split.cu) */
cudaError_t eg_launch_split(uint64_t count, int parent_bits, const uint64_t *parents, int child_bits, const int *child_bit,
                            uint64_t *children, cudaStream_t stream);

/* hash[i] of vector i, a function of its bits and of nothing else; 0 if and only if the vector is zero. Only bits of `mask` (not 0)
 * are used to tell vectors apart, for tests. (hash.cu) */
cudaError_t eg_launch_hash(uint64_t count, uint64_t words, const uint64_t *vectors, uint64_t mask, uint64_t *hash,
                           cudaStream_t stream);

#define EG_NO_VECTOR UINT32_MAX

/* Into an open-addressed table of vector numbers, all EG_NO_VECTOR before, at most half in use: of equal vectors (compared in full)
 * the one with the lowest number stays. Zero vectors are left out. (distinct.cu) */
cudaError_t eg_launch_insert(uint64_t count, uint64_t words, const uint64_t *vectors, const uint64_t *hash, uint64_t slot_mask,
                             uint32_t *slots, cudaStream_t stream);

/* leader[i]: the lowest vector equal to i, EG_NO_VECTOR for zero ones; sum[leader[i]] += weight[i >> shift], `sum` zero before.
 * (distinct.cu) */
cudaError_t eg_launch_find(uint64_t count, uint64_t words, const uint64_t *vectors, const uint64_t *hash, uint64_t slot_mask,
                           const uint32_t *slots, const uint64_t *weight, int shift, uint32_t *leader, uint64_t *sum,
                           cudaStream_t stream);

enum { EG_LEADER_BLOCK = 1024 };

/* found[b]: how many i of block b (of EG_LEADER_BLOCK numbers) lead, leader[i] == i. (collect.cu) */
cudaError_t eg_launch_count_leaders(uint64_t count, const uint32_t *leader, uint32_t *found, cudaStream_t stream);

/* The leading vectors and their sums in rising order, those of block b from place start[b] on. (collect.cu) */
cudaError_t eg_launch_collect(uint64_t count, uint64_t words, const uint64_t *vectors, const uint32_t *leader, const uint64_t *sum,
                              const uint32_t *start, uint64_t *to_vectors, uint64_t *to_sums, cudaStream_t stream);

/* ---- Convolutional networks (network.cu): number of image j at [(channel * pixels + pixel) * images + j]; `images` is a multiple
 * of EG_NETWORK_IMAGES, everything at multiples of 16 bytes. The order of sums is that of state/cnn.h ---- */

enum { EG_NETWORK_IMAGES = 64, EG_NETWORK_GROUP = 4 };

/* The pixels of images first, first + 1, ... as one channel of 0.0 and 1.0: pixel i is bit pixels - 1 - i. */
cudaError_t eg_launch_network_pixels(int pixels, uint64_t first, uint64_t images, double *target, cudaStream_t stream);

typedef struct eg_convolution {
    uint64_t images;
    int inputs, outputs, height, width, kernel; /* channels in and out; the kernel is odd */
    bool is_tanh;                               /* else ReLU */
} eg_convolution;

/* A convolution that keeps the size, and its activation. `layer` is read on the host. weight: (groups of outputs, inputs, kernel,
 * kernel, EG_NETWORK_GROUP), bias: (groups, EG_NETWORK_GROUP); all channels of the last group are written. */
cudaError_t eg_launch_convolve(const eg_convolution *layer, const double *weight, const double *bias, const double *in, double *out,
                               cudaStream_t stream);

/* 2x2 max-pooling, stride 2. */
cudaError_t eg_launch_pool(uint64_t images, int channels, int height, int width, const double *in, double *out,
                           cudaStream_t stream);

/* out[j] = bias + sum of weight[i] in[i * images + j], i < inputs. */
cudaError_t eg_launch_classify(uint64_t images, uint64_t inputs, const double *weight, const double *bias, const double *in,
                               double *out, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
