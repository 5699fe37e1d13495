"""What bench/compare-peers and the peers' scripts have in common: the cases, the environment, and the other end of the driver's pipe.

A peer's script gives serve() its versions and its ways to the entropy of one cut; serve() reads the state, computes, and times. All
results go to the driver, which compares them before it shows a time. Only the workers need NumPy, the driver does not.
"""

import collections
import contextlib
import ctypes
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

TOLERANCE = 1e-8  # of an entropy, in nats

# targets: how many times faster than the way of that name; "best": than the fastest of all ways
Case = collections.namedtuple("Case", "name source lattice cuts targets")
CASES = (
    Case("random real 1x16, prefix", "random:kind=real,seed=1", "1x16", "prefix", {}),
    Case("random real 1x22, prefix", "random:kind=real,seed=1", "1x22", "prefix", {"best": 2, "NumPy svd": 10}),
    Case("random real 4x5, contiguous", "random:kind=real,seed=1", "4x5", "contiguous", {"best": 5}),
    Case("connected 4x6, contiguous", "connected", "4x6", "contiguous", {"best": 100}),
    Case("random real 4x4, all bipartitions", "random:kind=real,seed=1", "4x4", "all", {"best": 3}),
    Case("connected 4x4, all bipartitions", "connected", "4x4", "all", {"best": 20}),
)
QUICK_CASES = (
    Case("random real 1x8, prefix", "random:kind=real,seed=1", "1x8", "prefix", {}),
    Case("connected 3x3, contiguous", "connected", "3x3", "contiguous", {}),
)

# script: where it computes
PEERS = {"numpy_scipy": "cpu", "quimb_peer": "cpu", "quspin_peer": "cpu", "qutip_peer": "cpu", "qiskit_peer": "cpu",
         "torch_peer": "cuda", "cupy_peer": "cuda"}

# prepare(psi, pixels): the state as the library wants it, not timed; entropy(state, region, rest): in nats, of the region, the smaller
# side; side_by_side: cuts on as many Python threads as there are threads, BLAS on one
Way = collections.namedtuple("Way", "prepare entropy side_by_side", defaults=(False,))


def has_avx512():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
            flags = next((line for line in stream if line.startswith("flags")), "").split()
    except OSError:
        return False
    return all(name in flags for name in ("avx512f", "avx512dq", "avx512bw", "avx512vl"))


def environment(threads):
    """For eegpu and all peers alike. What a BLAS reads when it is loaded must be there before the process starts."""
    variables = dict(os.environ, OMP_WAIT_POLICY="passive", OMP_DYNAMIC="false")
    if has_avx512():
        variables.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    for name in ("OPENBLAS", "MKL", "OMP", "NUMBA", "BLIS", "NUMEXPR"):
        variables[name + "_NUM_THREADS"] = str(threads)
    return variables


def loaded_blas():
    """The OpenBLAS libraries of this process as they name themselves, with their kernels."""
    with open("/proc/self/maps", encoding="utf-8") as stream:
        paths = sorted({line.split(None, 5)[5].strip() for line in stream if "openblas" in line and "/" in line})
    names = []
    for path in paths:
        library = ctypes.CDLL(path)
        for form in ("scipy_openblas_get_{}64_", "scipy_openblas_get_{}", "openblas_get_{}64_", "openblas_get_{}"):
            if hasattr(library, form.format("config")):
                config = getattr(library, form.format("config"))
                config.restype = ctypes.c_char_p
                words = config().decode().split()
                names.append(f"{' '.join(words[:2])}, kernels {words[-2 if words[-1].startswith('MAX') else -1]}")
                break
    return names


class Job:
    """The cuts of one state by one way of one peer."""

    def __init__(self, way, state_file, cuts_file, threads):
        import numpy

        psi = numpy.load(state_file).reshape(-1).astype(float)
        psi /= numpy.linalg.norm(psi)
        with open(cuts_file, encoding="ascii") as stream:
            regions = json.load(stream)
        self.pixels = psi.size.bit_length() - 1
        self.regions = [self.smaller_side_first(region) for region in regions]
        self.state, self.entropy = way.prepare(psi, self.pixels), way.entropy
        self.workers = threads if way.side_by_side else 1
        self.pool = ThreadPoolExecutor(threads) if way.side_by_side else None
        self.groups = [range(len(regions))]  # what is computed, and how many cuts each group stands for
        self.weights = [len(regions)]

    def smaller_side_first(self, region):
        rest = [pixel for pixel in range(self.pixels) if pixel not in set(region)]
        return (region, rest) if len(region) <= len(rest) else (rest, region)

    def one(self, cut):
        return float(self.entropy(self.state, *self.regions[cut]))

    def many(self, cuts):
        return list(map(self.one, cuts) if self.pool is None else self.pool.map(self.one, cuts))

    def plan(self, limit, say):
        """Times a cut of each size; where all of them would take longer than the limit, a few of each size stand for the others."""
        sizes = collections.defaultdict(list)
        for cut, (region, _) in enumerate(self.regions):
            sizes[len(region)].append(cut)
        seconds = {}
        for size in sorted(sizes):
            say(trying=size)
            seconds[size] = min(timed(self.one, sizes[size][len(sizes[size]) // 2])[0] for _ in range(2 if size < 10 else 1))
        in_all = sum(seconds[size] * len(cuts) for size, cuts in sizes.items()) / self.workers
        if in_all > limit:
            self.groups, self.weights = [], []
            for size, cuts in sorted(sizes.items()):
                share = limit / 4 * len(cuts) / in_all  # cuts of this size that fit into a quarter of the limit
                count = min(len(cuts), max(self.workers, round(share)))
                self.groups.append([cuts[(2 * k + 1) * len(cuts) // (2 * count)] for k in range(count)])
                self.weights.append(len(cuts))
        elif self.pool is not None:  # the largest first, so that no thread is left with a large one at the end
            self.groups = [sorted(self.groups[0], key=lambda cut: -len(self.regions[cut][0]))]
        return in_all > limit

    def run(self):
        """Seconds for all cuts (some of them foreseen if there are several groups), the cuts computed, and their entropies."""
        total, values = 0, []
        for group, weight in zip(self.groups, self.weights):
            seconds, entropies = timed(self.many, group)
            total += seconds * weight / len(group)
            values += entropies
        return total, [cut for group in self.groups for cut in group], values


def timed(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def work(way, state_file, cuts_file, threads, limit, say):
    job = Job(way, state_file, cuts_file, int(threads))
    say(blas=loaded_blas())
    estimated = job.plan(float(limit), say)
    say(planned=True)
    seconds, cuts, values = job.run()
    say(seconds=seconds, cuts=cuts, entropies=values, estimated=estimated)
    for _ in sys.stdin:  # a line for every repeat
        say(seconds=job.run()[0])


def serve(load):
    """main() of a peer's script: `SCRIPT --describe`, or `SCRIPT WAY STATE CUTS THREADS LIMIT`. load() imports the library and returns
    the versions and the ways by name. Every line written is a JSON object."""
    pipe = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever the library prints

    def say(**fields):
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(fields), file=pipe, flush=True)

    try:
        versions, ways = load()
        if sys.argv[1] == "--describe":
            say(versions=versions, ways={name: way.side_by_side for name, way in ways.items()})
        else:
            work(ways[sys.argv[1]], *sys.argv[2:], say)
    except ImportError as error:
        say(absent=f"not installed ({error})")
    except Exception as error:  # the driver shows it and goes on with the other peers
        say(absent=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
