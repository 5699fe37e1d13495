#!/usr/bin/env python3
"""Prefix cuts of a random real state of 1xN pixels: eegpu against NumPy, the same entropies on the same threads.

usage: numpy_prefix.py [--eegpu PROGRAM] [--state FILE.npy] [--pixels 22] [--threads N] [--repeats 3] [--methods svd,gram]

NumPy does it two ways, cut by cut, smaller side first: svd(compute_uv=False), and Gram matrix + eigvalsh. Its entropies must agree
with eegpu's to 1e-8 before any time is printed. A time is the smallest of the repeats after one warm-up; eegpu's is the wall clock of the
whole program, start and reading of the file included, as the file is read before NumPy's clock starts.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eegpu", default="build/release/eegpu", help="the program")
    parser.add_argument("--state", help="amplitudes to take instead of random ones, real, shape (2^N,)")
    parser.add_argument("--pixels", type=int, default=22)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", default="gram,svd", help="which of NumPy's ways to time")
    return parser.parse_args()


def has_avx512():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
            flags = next((line for line in stream if line.startswith("flags")), "")
    except OSError:
        return False
    return all(name in flags.split() for name in ("avx512f", "avx512dq", "avx512bw", "avx512vl"))


arguments = parse_arguments()
# What a BLAS reads when it is loaded must be there before NumPy is.
if has_avx512():
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = str(arguments.threads)

import numpy  # noqa: E402


def entropy(p):
    p = p[p > 0]
    return float(-(p * numpy.log(p)).sum())


def by_svd(psi, cut):
    matrix = psi.reshape(2**cut, -1)
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    return entropy(numpy.linalg.svd(matrix, compute_uv=False) ** 2)


def by_gram(psi, cut):
    matrix = psi.reshape(2**cut, -1)
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    return entropy(numpy.linalg.eigvalsh(matrix @ matrix.T))


def by_numpy(one_cut, psi, pixels):
    return numpy.array([one_cut(psi, cut) for cut in range(1, pixels)])


def by_eegpu(path, pixels):
    command = [arguments.eegpu, "scan", path, "--lattice", f"1x{pixels}", "--cuts", "prefix", "--device", "cpu",
               "--threads", str(arguments.threads), "--format", "json", "--quiet"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    cuts = sorted(json.loads(done.stdout)["cuts"], key=lambda cut: cut["n_a"])
    assert [cut["n_a"] for cut in cuts] == list(range(1, pixels)), "not the prefix cuts"
    return numpy.array([cut["s_vn"] for cut in cuts])


def timed(function):
    """Entropies, and the smallest time of the repeats after a warm-up."""
    values, times = function(), []
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return values, min(times)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.state
        if path is None:
            path = os.path.join(folder, "psi.npy")
            subprocess.run([arguments.eegpu, "make", "random:kind=real,seed=1", "--lattice", f"1x{arguments.pixels}", "-o", path],
                           check=True)
        psi = numpy.load(path).reshape(-1).astype(float)
        pixels = psi.size.bit_length() - 1
        psi /= numpy.linalg.norm(psi)
        ways = {"svd": ("NumPy svd", by_svd), "gram": ("NumPy Gram + eigvalsh", by_gram)}
        results = [("eegpu", *timed(lambda: by_eegpu(path, pixels)))]
        for name in arguments.methods.split(","):
            label, one_cut = ways[name]
            results.append((label, *timed(lambda: by_numpy(one_cut, psi, pixels))))

    version = subprocess.run([arguments.eegpu, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    print(f"{version}; NumPy {numpy.__version__}, Python {platform.python_version()}; {platform.machine()}, "
          f"{arguments.threads} threads, OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '(its own choice)')}")
    blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    print(f"NumPy's BLAS: {blas.get('name', 'unknown')} {blas.get('version', '')}")
    worst = max(float(abs(values - results[0][1]).max()) for _, values, _ in results[1:])
    print(f"1x{pixels}, {pixels - 1} prefix cuts: max |dS| = {worst:.2e}")
    if not worst < 1e-8:
        sys.exit("the entropies differ: no times are given")
    for label, _, seconds in results:
        print(f"{label:24s} {seconds:9.3f} s   {seconds / results[0][2]:7.2f} x eegpu")


main()
