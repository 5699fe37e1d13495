#!/usr/bin/env python3
"""QuTiP: ptrace of a ket, then entropy_vn of the density matrix."""

from common import Way, serve


def load():
    import qutip

    def prepare(psi, pixels):
        return qutip.Qobj(psi.reshape(-1, 1), dims=[[2] * pixels, [1]])

    def entropy(state, region, rest):
        return qutip.entropy_vn(state.ptrace(region))

    return [f"QuTiP {qutip.__version__}"], {"QuTiP ptrace + entropy_vn": Way(prepare, entropy)}


serve(load)
