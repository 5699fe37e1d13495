#!/usr/bin/env python3
"""quimb: entropy_subsys (partial trace and eigenvalues), its approximation for large subsystems switched off."""

import math

from common import Way, serve


def load():
    import quimb

    def prepare(psi, pixels):
        return quimb.qu(psi, qtype="ket", dtype=float), [2] * pixels

    def entropy(state, region, rest):
        return quimb.entropy_subsys(*state, region, approx_thresh=None) * math.log(2)

    return [f"quimb {quimb.__version__}"], {"quimb entropy_subsys": Way(prepare, entropy)}


serve(load)
