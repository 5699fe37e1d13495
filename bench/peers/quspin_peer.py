#!/usr/bin/env python3
"""QuSpin: ent_entropy of a chain of spins (singular values). Its basis counts the images from the other end: all pixels flipped, which
changes no entropy. Making the basis is not timed."""

from common import Way, serve


def load():
    import quspin
    from quspin.basis import spin_basis_1d

    def prepare(psi, pixels):
        return spin_basis_1d(pixels), psi

    def entropy(state, region, rest):
        basis, psi = state
        return basis.ent_entropy(psi, sub_sys_A=region, density=False)["Sent_A"]

    return [f"QuSpin {quspin.__version__}"], {"QuSpin ent_entropy": Way(prepare, entropy)}


serve(load)
