/* The matrix of a cut of a 0/1 function: panel[place] = bit `index of place` of packed words, as 0.0 or 1.0, 2^bits of them. Called
 * for every panel of a gather. The words are 1/64 of what is written: the threads of a warp read one word, or the few that their 32
 * indices lie in; permute.h does the rest. */
#include "permute.h"

namespace
{
struct packed_bits {
    const uint64_t *word;
    __device__ double operator[](uint64_t index) const { return (double)(uint32_t)(word[index / 64] >> index % 64 & 1); }
};
} // namespace

cudaError_t eg_launch_permute_bits(const uint64_t *source, const eg_index_map *map, double *panel, cudaStream_t stream)
{
    return eg_launch_tiles(packed_bits{source}, map, panel, stream);
}
