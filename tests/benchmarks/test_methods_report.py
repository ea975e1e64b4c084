"""The table of all methods from results of their trainings."""

import json

import methods_report


def run(method, seed, accuracy, labels_per_class=2):
    return {
        "method": method, "seed": seed, "labels_per_class": labels_per_class,
        "test_accuracy": accuracy, "seconds": 5.0, "steps": 1000,
        "peak_mib": 900 + seed,
    }  # fmt: skip


RUNS = [
    run("supervised", 0, 0.70),
    run("supervised", 1, 0.74),
    run("vat", 0, 0.71),
    run("fixmatch", 0, 0.5),
    run("fixmatch", 0, 0.9),  # again
    run("fixmatch", 1, 0.94) | {"seconds": None},  # had been stopped
    run("supervised", 0, 0.99, 120),
]


def test_the_best_is_first_below_the_ceiling_and_gains_are_paired():
    assert methods_report.table(RUNS).splitlines()[2:] == [
        "| supervised, all labels | 99.00 | +29.0 | 1 | 5.0 | 900 |",
        "| fixmatch | 92.00 ± 2.83 | +20.0 | 2 | 5.0 | 901 |",
        "| supervised | 72.00 ± 2.83 |  | 2 | 5.0 | 901 |",
        "| vat | 71.00 | +1.0 | 1 | 5.0 | 900 |",
    ]


def test_it_takes_the_place_of_the_table_before(tmp_path):
    document, results = tmp_path / "methods.md", tmp_path / "results.jsonl"
    document.write_text(
        "Before.\n<!-- table:begin -->\nold\n<!-- table:end -->\nAfter.\n"
    )
    results.write_text("".join(json.dumps(line) + "\n" for line in RUNS))
    methods_report.main(
        ["--results", str(results), "--document", str(document)]
    )
    text = document.read_text()
    assert "| fixmatch |" in text
    assert "old" not in text
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
