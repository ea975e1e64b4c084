"""Table and figure of docs/sampler.md, from the results of `sampler.py`.

The newest line of each shape, number of ops, peer and number of threads counts.
The text between the markers in the document is replaced.

    python benchmarks/sampler_report.py
"""

import pathlib

import peers
import report_tables
import sampler_figure
from sampler_results import by_shape, counted, name_of, read, timed


def report(results, figure):
    """The Markdown between the markers."""
    parts = [f"![CPU time of each peer]({figure})"]
    for shape, group in by_shape(results).items():
        parts += [heading(shape, group), table(group), scaling(group)]
    parts.append(footnotes(results))
    return "\n\n".join(part for part in parts if part)


def heading(shape, results):
    size = "x".join(str(side) for side in shape)
    return f"### {size}, {results[0]['images']:,} images"


def table(results):
    """Rows from the cheapest peer to the dearest, at the fewest ops."""
    draws = sorted({result["draws"] for result in results})
    groups = {}
    for result in timed(results):
        groups.setdefault(name_of(result), {})[result["draws"]] = result
    rows = sorted(
        (row for row in groups.values() if draws[0] in row),
        key=lambda row: row[draws[0]]["cpu_s_per_1000"]["median"],
    )
    ours = [
        row[draws[0]]["cpu_s_per_1000"]["median"]
        for row in rows
        if row[draws[0]]["peer"] == "keras_ssl"
    ]
    titles = [
        "",
        *(f"CPU s / 1000 images, {counted(n, 'op')}" for n in draws),
        "times keras_ssl",
        "images / s",
        "first batch, s",
        "memory, MB",
        "delivers",
    ]
    lines = [_line(titles), _line(["---", *["--:"] * (len(titles) - 2), "---"])]
    for row in rows:
        first = row[draws[0]]
        cpu = first["cpu_s_per_1000"]
        ratio = f"{cpu['median'] / min(ours):.1f}" if ours else "-"
        cells = [
            name_of(first),
            *(
                _extent(row[n]["cpu_s_per_1000"]) if n in row else "-"
                for n in draws
            ),
            ratio,
            f"{first['images_per_s']['median']:,.0f}",
            f"{first['first_batch_s']:.2f}",
            f"{first['peak_mb']:.0f}",
            first["delivers"],
        ]
        lines.append(_line(cells))
    return "\n".join(lines)


def _line(cells):
    return f"| {' | '.join(cells)} |"


def _extent(spread):
    low, high = f"{spread['min']:.3g}", f"{spread['max']:.3g}"
    return f"{spread['median']:.3g} ({low}..{high})"


def scaling(results):
    """What further threads bring keras_ssl."""
    speeds = {}
    for result in timed(results):
        if result["peer"] == "keras_ssl":
            of_draws = speeds.setdefault(result["draws"], {})
            of_draws[result["threads"]] = result["images_per_s"]["median"]
    sentences = [
        f"with {counted(threads, 'thread')} and {counted(draws, 'op')} "
        f"{speed / of_threads[1]:.2f} times the images of one thread"
        for draws, of_threads in sorted(speeds.items())
        for threads, speed in sorted(of_threads.items())
        if threads > 1 and 1 in of_threads
    ]
    return "keras_ssl makes " + ", ".join(sentences) + "." if sentences else ""


def footnotes(results):
    newest = results[-1]
    notes = [
        "CPU time is user and system time of all processes of a peer, median "
        f"(smallest..largest) of {counted(newest['rounds'], 'round')} in turns "
        f"of {newest['seconds']:g} s. Images are those of all views. Memory is "
        "the peak above the store and the interpreter with NumPy. The first "
        "batch includes the imports.",
    ]
    shown = {
        result["peer"]: peers.PEERS[result["peer"]] for result in timed(results)
    }
    if any(not peer.per_image for peer in shown.values()):
        notes.append("† a weaker job: one draw of ops for a whole batch.")
    differing = [f"{p.label}: {p.note}" for p in shown.values() if p.note]
    if differing:
        notes.append("Differences: " + "; ".join(differing) + ".")
    missing = {r["peer"]: r for r in results if r["peer"] not in shown}
    for name, result in missing.items():
        why = "skipped" if "skipped" in result else "failed"
        notes.append(f"Not shown: {peers.PEERS[name].label} ({why}).")
    versions = ", ".join(f"{k} {v}" for k, v in newest["versions"].items())
    notes.append(
        f"{newest['cpu']}, {counted(newest['cores'], 'core')}, load "
        f"{newest['load_average'][0]:.1f}, {newest['date']}, commit "
        f"{newest['commit']}, seed {newest['seed']}; "
        f"Python {newest['python']}, {versions}."
    )
    notes.append(f"```\n{newest['command']}\n```")
    return "\n\n".join(notes)


def main():
    parser = report_tables.parser(__doc__, "sampler.jsonl", "sampler.md")
    parser.add_argument(
        "--figure",
        type=pathlib.Path,
        default=report_tables.ROOT / "docs/sampler.svg",
        help="beside the document",
    )
    options = parser.parse_args()
    results = read(options.results)
    text = report(results, options.figure.name)
    report_tables.put(options.document, f"\n{text}\n")
    sampler_figure.draw(results, options.figure)


if __name__ == "__main__":
    main()
