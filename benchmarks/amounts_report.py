"""The table of docs/choosing.md: accuracy against the number of labels.

Made of results of `benchmarks/accuracy.py` for several --labels-per-class.

    python benchmarks/amounts_report.py
"""

import collections

import report_tables
from report_tables import spread


def table(results):
    """Markdown: a row for each method, a column for each number of labels."""
    cells, seeds = collections.defaultdict(dict), set()
    for result in results:
        at = result["method"], result["labels_per_class"]
        cells[at][result["seed"]] = 100 * result["test_accuracy"]
        seeds.add(result["seed"])
    amounts = sorted({amount for _, amount in cells})
    # only splits that every cell has
    common = [s for s in sorted(seeds) if all(s in c for c in cells.values())]
    rows = [
        f"| {len(common)} split{'s' * (len(common) != 1)} | "
        + " | ".join(map(str, amounts))
        + " |",
        "| --- |" + " ---: |" * len(amounts),
    ]
    for method in dict.fromkeys(method for method, _ in cells):
        scores = [
            spread([cells[method, amount][seed] for seed in common])
            for amount in amounts
        ]
        rows.append(f"| {method} | " + " | ".join(scores) + " |")
    return "\n".join(rows)


def main(argv=None):
    parser = report_tables.parser(__doc__, "amounts.jsonl", "choosing.md")
    report_tables.rewrite(parser.parse_args(argv), table)


if __name__ == "__main__":
    main()
