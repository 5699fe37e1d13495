/* Which symmetries of its lattice a function has. Comes in: a state; goes out: the group of them, with names, for cut/symmetry.h to
 * find cuts whose spectra are the same. Called by scan/. */
#ifndef EG_REDUCE_SYMMETRY_H
#define EG_REDUCE_SYMMETRY_H

#include "cut/symmetry.h"

/* One exact pass for each candidate that those found before do not imply; most of the passes that fail end at once. */
EG_MUST eg_find_symmetries(const eegpu_state *state, int threads, eg_symmetry_group *group);

#endif
