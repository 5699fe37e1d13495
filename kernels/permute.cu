/* The matrix of a cut: panel[place] = source[index of place] * factor[0] * factor[1], 2^bits numbers, reals or pairs. Called for
 * every panel of a gather. Device memory is read once and written once, in segments of 256 bytes or more on both sides where the
 * lowest bits of the index are in the map; permute.h says how. Reals whose pairs stay together move as pairs. */
#include "permute.h"

namespace
{
struct scaled_reals {
    const double *number;
    double factor[2];
    __device__ double operator[](uint64_t index) const { return number[index] * factor[0] * factor[1]; }
};

struct scaled_pairs {
    const double2 *number;
    double factor[2];
    __device__ double2 operator[](uint64_t index) const
    {
        double2 value = number[index];
        return {value.x * factor[0] * factor[1], value.y * factor[0] * factor[1]};
    }
};

/* The same map for pairs of neighbours, whose bit 0 is bit 0 on both sides. */
eg_index_map map_of_pairs(const eg_index_map *map)
{
    eg_index_map pairs = {};
    pairs.bits = map->bits - 1;
    pairs.base = map->base >> 1;
    for (int t = 0; t < pairs.bits; t++)
        pairs.bit[t] = map->bit[t + 1] - 1;
    return pairs;
}
} // namespace

cudaError_t eg_launch_permute(bool is_complex, const double *source, const eg_index_map *map, const double factor[2], double *panel,
                              cudaStream_t stream)
{
    bool is_aligned = ((uintptr_t)source | (uintptr_t)panel) % sizeof(double2) == 0;
    bool is_paired = !is_complex && is_aligned && map->bits > 0 && map->bit[0] == 0;
    if (!is_complex && !is_paired)
        return eg_launch_tiles(scaled_reals{source, {factor[0], factor[1]}}, map, panel, stream);
    eg_index_map pairs = is_paired ? map_of_pairs(map) : *map;
    return eg_launch_tiles(scaled_pairs{(const double2 *)source, {factor[0], factor[1]}}, &pairs, (double2 *)panel, stream);
}
