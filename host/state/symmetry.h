/* Does a symmetry leave a function unchanged? Comes in: a state, where each pixel goes, and whether dark and lit change places;
 * goes out: yes or no, exact. Called by reduce/symmetry.c. Knows nothing of lattices and groups: cut/symmetry.h does. */
#ifndef EG_STATE_SYMMETRY_H
#define EG_STATE_SYMMETRY_H

#include "state/state.h"

/* *invariant = f(g s) = f(s) for all images s, with (g s)_{image_of_pixel[i]} = s_i, the colours exchanged after that if
 * `exchange_colours`. Numbers are compared for equality, a sign or a phase is a difference. One pass that ends soon after the first
 * difference, without buffers of note. EEGPU_USAGE: image_of_pixel is not a permutation of the pixels. */
EG_MUST eg_state_is_invariant(const eegpu_state *state, const int *image_of_pixel, bool exchange_colours, int threads,
                              bool *invariant);

#endif
