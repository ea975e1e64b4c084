"""The table of docs/uneven.md, made of the results of `benchmarks/uneven.py`.

python benchmarks/uneven_report.py
"""

import collections
import statistics

import report_tables
from report_tables import spread

SETTINGS = {"long_tail": "long tail", "open_set": "unknown classes"}
RAREST = 3


def table(results):
    """Markdown: a row for each method of each setting, the best first."""
    groups = collections.defaultdict(dict)
    for result in results:
        at = result["setting"], result["method"]
        groups[at][result["seed"]] = result
    rows = [
        "| unlabeled images | method | accuracy % | of the rarest % | seeds |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for setting, title in SETTINGS.items():
        found = []
        for (where, method), runs in groups.items():
            if where != setting:
                continue
            right = [100 * run["accuracy"] for run in runs.values()]
            rare = [
                100 * statistics.mean(run["recalls"][-RAREST:])
                for run in runs.values()
            ]
            of_rare = spread(rare) if setting == "long_tail" else ""
            row = f"| {title} | {method} | {spread(right)} | {of_rare} "
            found.append((statistics.mean(right), f"{row}| {len(runs)} |"))
        rows += [row for _, row in sorted(found, reverse=True)]
    return "\n".join(rows)


def main(argv=None):
    parser = report_tables.parser(__doc__, "uneven.jsonl", "uneven.md")
    report_tables.rewrite(parser.parse_args(argv), table)


if __name__ == "__main__":
    main()
