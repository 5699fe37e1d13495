#!/usr/bin/env python3
"""CuPy: Gram + eigvalsh, and svd, in double precision. The state is on the GPU before the clock starts."""

from common import Way, serve


def load():
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 1:
        raise RuntimeError("CuPy sees no GPU")

    def prepare(psi, pixels):
        return cupy.asarray(psi).reshape((2,) * pixels)

    def matrix(state, region, rest):
        return cupy.ascontiguousarray(state.transpose(region + rest)).reshape(2 ** len(region), -1)

    def entropy(p):
        p = p[p > 0]
        return -float((p * cupy.log(p)).sum())  # float() waits for the GPU

    def gram(state, region, rest):
        m = matrix(state, region, rest)
        return entropy(cupy.linalg.eigvalsh(m @ m.T))

    ways = {"CuPy Gram + eigvalsh": Way(prepare, gram),
            "CuPy svd": Way(prepare, lambda *cut: entropy(cupy.linalg.svd(matrix(*cut), compute_uv=False) ** 2))}
    return [f"CuPy {cupy.__version__}"], ways


serve(load)
