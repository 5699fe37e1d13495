#!/usr/bin/env python3
"""NumPy and SciPy, as one writes it oneself: the state as a matrix, its singular values, or the eigenvalues of its Gram matrix.

SciPy's ways are left out, not an error, where only NumPy is there.
"""

import platform

from common import Way, serve


def load():
    import numpy

    def tensor(psi, pixels):
        return psi.reshape((2,) * pixels)

    def matrix(state, region, rest):
        return state.transpose(region + rest).reshape(2 ** len(region), -1)

    def entropy(p):
        p = p[p > 0]
        return -(p * numpy.log(p)).sum()

    def gram(state, region, rest):
        m = matrix(state, region, rest)
        return entropy(numpy.linalg.eigvalsh(m @ m.T))

    versions = [f"Python {platform.python_version()}", f"NumPy {numpy.__version__}"]
    ways = {
        "NumPy Gram + eigvalsh": Way(tensor, gram),
        "NumPy Gram + eigvalsh, cuts side by side": Way(tensor, gram, True),
        "NumPy svd": Way(tensor, lambda *cut: entropy(numpy.linalg.svd(matrix(*cut), compute_uv=False) ** 2)),
    }
    try:
        import scipy.linalg
    except ImportError:
        return versions, ways

    def scipy_gram(state, region, rest):
        m = matrix(state, region, rest)
        return entropy(scipy.linalg.eigvalsh(m @ m.T, overwrite_a=True, check_finite=False))

    def scipy_svd(state, region, rest):
        return entropy(scipy.linalg.svdvals(matrix(state, region, rest), check_finite=False) ** 2)

    ways |= {"SciPy Gram + eigvalsh": Way(tensor, scipy_gram), "SciPy svdvals": Way(tensor, scipy_svd)}
    return versions + [f"SciPy {scipy.__version__}"], ways


serve(load)
