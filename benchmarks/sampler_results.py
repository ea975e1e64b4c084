"""Results of `sampler.py`, read back and grouped."""

import json

import peers


def read(path):
    """The newest line of each kind, in the order of the file."""
    newest = {}
    for line in path.read_text().splitlines():
        result = json.loads(line)
        key = tuple(
            str(result[name]) for name in ("shape", "draws", "peer", "threads")
        )
        newest[key] = result
    return list(newest.values())


def by_shape(results):
    """Shape -> its results."""
    groups = {}
    for result in results:
        groups.setdefault(tuple(result["shape"]), []).append(result)
    return groups


def timed(results):
    return [result for result in results if "cpu_s_per_1000" in result]


def name_of(result):
    """A peer's label; with its threads if it has any, and marked if weaker."""
    peer = peers.PEERS[result["peer"]]
    name = peer.label if peer.per_image else peer.label + " †"
    if peer.threads == "one":
        return name
    return f"{name}, {counted(result['threads'], 'thread')}"


def counted(number, thing):
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
