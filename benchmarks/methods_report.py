"""The table of docs/methods.md: what each method makes of few labels.

Made of a results file of `keras-ssl benchmark --accuracy`. The row "supervised"
learns from the same labeled images alone; "supervised, all labels" is a run of
the same file with many more labels for each class, what a method could hope
for.

    python benchmarks/methods_report.py
"""

import collections
import statistics

import report_tables
from report_tables import spread

TWIN = "supervised"


def groups_of(results):
    """Runs of each method with the fewest labels, and those of the ceiling."""
    fewest = min(result["labels_per_class"] for result in results)
    groups, ceiling = collections.defaultdict(dict), {}
    for result in results:  # of a seed that was run again the last counts
        if result["labels_per_class"] == fewest:
            groups[result["method"]][result["seed"]] = result
        elif result["method"] == TWIN:
            ceiling[result["seed"]] = result
    return groups, ceiling


def accuracies(runs):
    return [100 * run["test_accuracy"] for run in runs.values()]


def row(name, runs, twin):
    """One line: accuracy, what it is above the twin's, cost of a step.

    The gain is over the splits that both were trained on.
    """
    both = [seed for seed in runs if seed in twin]
    gain = ""
    if name != TWIN and both:
        ours, theirs = (
            statistics.mean(accuracies({seed: of[seed] for seed in both}))
            for of in (runs, twin)
        )
        gain = f"{ours - theirs:+.1f}"
    steps = [
        1e3 * run["seconds"] / run["steps"]
        for run in runs.values()
        if run["seconds"] is not None  # the process had been stopped
    ]
    memory = [run["peak_mib"] for run in runs.values()]
    return (
        f"| {name} | {spread(accuracies(runs))} | {gain} | {len(runs)} | "
        f"{statistics.median(steps):.1f} | {max(memory):,} |"
    )


def table(results):
    """Markdown rows, best first; what failed has none."""
    groups, ceiling = groups_of([r for r in results if "failed" not in r])
    rows = [
        "| method | accuracy % | above supervised | seeds | ms / step | MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    if ceiling:
        rows.append(row("supervised, all labels", ceiling, groups[TWIN]))
    best_first = sorted(
        groups, key=lambda name: -statistics.mean(accuracies(groups[name]))
    )
    return "\n".join(
        [*rows, *(row(name, groups[name], groups[TWIN]) for name in best_first)]
    )


def main(argv=None):
    parser = report_tables.parser(__doc__, "methods.jsonl", "methods.md")
    report_tables.rewrite(parser.parse_args(argv), table)


if __name__ == "__main__":
    main()
