#!/usr/bin/env python3
"""Qiskit: partial_trace of a Statevector, then entropy of the density matrix. Pixel 0, the most significant bit, is its last qubit."""

import math

from common import Way, serve


def load():
    import qiskit
    from qiskit.quantum_info import Statevector, entropy, partial_trace

    def prepare(psi, pixels):
        return Statevector(psi)

    def entropy_of_cut(state, region, rest):
        last = len(region) + len(rest) - 1
        return entropy(partial_trace(state, [last - pixel for pixel in rest]), base=math.e)

    return [f"Qiskit {qiskit.__version__}"], {"Qiskit partial_trace + entropy": Way(prepare, entropy_of_cut)}


serve(load)
