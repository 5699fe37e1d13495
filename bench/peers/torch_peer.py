#!/usr/bin/env python3
"""torch on a GPU: Gram + eigvalsh, and svdvals, in double precision. The state is on the GPU before the clock starts."""

from common import Way, serve


def load():
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("torch sees no GPU")
    torch.backends.cuda.matmul.allow_tf32 = False

    def prepare(psi, pixels):
        return torch.from_numpy(psi).to("cuda").reshape((2,) * pixels)

    def matrix(state, region, rest):
        return state.permute(region + rest).reshape(2 ** len(region), -1)

    def entropy(p):
        return -torch.special.xlogy(p.clamp(min=0), p.clamp(min=0)).sum().item()  # item() waits for the GPU

    def gram(state, region, rest):
        m = matrix(state, region, rest)
        return entropy(torch.linalg.eigvalsh(m @ m.T))

    ways = {"torch Gram + eigvalsh": Way(prepare, gram),
            "torch svdvals": Way(prepare, lambda *cut: entropy(torch.linalg.svdvals(matrix(*cut)) ** 2))}
    return [f"torch {torch.__version__}", torch.cuda.get_device_name()], ways


serve(load)
