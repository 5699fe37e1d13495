#!/usr/bin/env python3
"""The same spectra by the libraries that people use on a GPU today: torch and CuPy, where python3 has them.

    bench/peers/gpu_spectra.py RESULT.json [--largest N]

Adds "peers" to the timings in RESULT.json: eigenvalues of n x n Gram matrices and singular values of random n x n matrices of
doubles, n = 512, 1024, ... up to N, and prints them. A series ends when one run takes more than 20 seconds.
"""

import argparse
import json
import statistics
import time

RUNS = 3
LONG = 20  # seconds


def torch_cases():
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("torch sees no GPU")
    make = lambda n: torch.randn(n, n, dtype=torch.float64, device="cuda")
    name = "torch " + torch.__version__
    yield name + " eigvalsh", make, lambda m: m @ m.T, torch.linalg.eigvalsh, torch.cuda.synchronize
    yield name + " svdvals", make, lambda m: m, torch.linalg.svdvals, torch.cuda.synchronize


def cupy_cases():
    import cupy

    make = lambda n: cupy.random.standard_normal((n, n))
    name, wait = "CuPy " + cupy.__version__, cupy.cuda.Device().synchronize
    yield name + " eigvalsh", make, lambda m: m @ m.T, cupy.linalg.eigvalsh, wait
    yield name + " svd", make, lambda m: m, lambda m: cupy.linalg.svd(m, compute_uv=False), wait


def measure(function, matrix, wait):
    times = []
    for run in range(RUNS + 1):  # the first one is for warming up
        wait()
        start = time.perf_counter()
        function(matrix)
        wait()
        times.append(time.perf_counter() - start)
        if times[-1] > LONG / RUNS:
            break
    times = times[1:] or times
    return {"min": min(times), "median": statistics.median(times), "runs": len(times)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--largest", type=int, default=8192)
    arguments = parser.parse_args()
    with open(arguments.file, encoding="utf-8") as file:
        result = json.load(file)
    peers = []
    for cases in (torch_cases, cupy_cases):
        try:
            for name, make, prepare, function, wait in cases():
                n, took = 512, 0
                while n <= arguments.largest and took <= LONG / 8:
                    seconds = measure(function, prepare(make(n)), wait)
                    took = seconds["median"]
                    peers.append({"name": name, "size": n, "seconds": seconds})
                    print(f"{name:<28} {n:6d} rows  median {took:.4g} s of {seconds['runs']}")
                    n *= 2
        except Exception as error:  # a library that is absent or fails is no reason to lose the other's timings
            print(f"gpu_spectra: {cases.__name__.split('_')[0]} left out: {error}")
    result["peers"] = peers
    with open(arguments.file, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
