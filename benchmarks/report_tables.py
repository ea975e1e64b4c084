"""What the report scripts share: a table, made of results, in a document.

Results are JSON lines; the table stands between two markers of the document and
is made anew each time, so that no figure in it was typed by hand.
"""

import argparse
import json
import pathlib
import statistics

ROOT = pathlib.Path(__file__).parents[1]
BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


def parser(description, results, document):
    """Options --results and --document.

    Args:
        description: of the script: its docstring.
        results: file name in `benchmarks/results/`.
        document: file name in `docs/`.
    """
    made = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--results",
        type=pathlib.Path,
        default=ROOT / "benchmarks/results" / results,
    )
    made.add_argument(
        "--document", type=pathlib.Path, default=ROOT / "docs" / document
    )
    return made


def read(path):
    """The lines of a results file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rewrite(options, table):
    """Puts the table of --results between the markers of --document."""
    put(options.document, table(read(options.results)))


def put(document, text):
    """Writes a document again with this text between its markers."""
    whole = document.read_text("utf-8")
    document.write_text(placed(whole, text), "utf-8")


def placed(document, text):
    """The document with the text between its markers."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise SystemExit(f"expected one {BEGIN} and one {END} in the document")
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"


def spread(values):
    """Mean, and standard deviation where there are several."""
    mean = f"{statistics.mean(values):.2f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values):.2f}"
