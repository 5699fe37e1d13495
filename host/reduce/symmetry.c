/* Tests the candidates of a lattice on a function, one after the other, and generates the group of those that pass. */
#include "reduce/symmetry.h"

#include "state/symmetry.h"

eegpu_status eg_find_symmetries(const eegpu_state *state, int threads, eg_symmetry_group *group)
{
    eegpu_status status = EEGPU_OK;
    eg_symmetry candidates[EG_MAX_SYMMETRIES];
    int image_of_pixel[EG_MAX_PIXELS], count = eg_symmetry_candidates(state->height, state->width, candidates);
    eg_symmetry_group_begin(state->height, state->width, group);
    for (int k = 0; k < count; k++) {
        bool invariant = false;
        if (eg_symmetry_group_has(group, &candidates[k]))
            continue;
        eg_symmetry_pixels(&candidates[k], state->height, state->width, image_of_pixel);
        EG_TRY(eg_state_is_invariant(state, image_of_pixel, candidates[k].exchanges_colours, threads, &invariant));
        if (invariant)
            eg_symmetry_group_add(group, &candidates[k]);
    }
    eg_symmetry_group_name(group, candidates, count);
done:
    return status;
}
