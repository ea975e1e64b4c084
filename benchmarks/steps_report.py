"""The table of docs/devices.md: a step of every method on every backend.

Made of results of `keras-ssl benchmark --methods ... --out`.

    python benchmarks/steps_report.py
"""

import report_tables

BACKENDS = ("tensorflow", "jax", "torch")


def table(results):
    """Markdown: a row for each method, the fastest backend in bold.

    Of a method measured more than once the first lines count. A star marks
    rows of another commit than the first row's: the document tells in what
    else they differ.
    """
    found = {(r["method"], r["backend"]): r for r in reversed(results)}
    home = results[0]["commit"]
    rows = [
        "| method | weights | TensorFlow, ms | JAX, ms | PyTorch, ms |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for method in dict.fromkeys(result["method"] for result in results):
        lines = [found[method, backend] for backend in BACKENDS]
        steps = [line["step_ms"] for line in lines]
        cells = [
            f"**{step:,.1f}**" if step == min(steps) else f"{step:,.1f}"
            for step in steps
        ]
        weights = f"{lines[0]['weights']:,}"
        name = method if lines[0]["commit"] == home else f"{method}*"
        rows.append(f"| {name} | {weights} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main(argv=None):
    parser = report_tables.parser(__doc__, "steps.jsonl", "devices.md")
    report_tables.rewrite(parser.parse_args(argv), table)


if __name__ == "__main__":
    main()
