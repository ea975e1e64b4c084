"""The table of steps."""

import steps_report


def run(backend, step_ms, method="vat", commit="a1"):
    return {
        "method": method,
        "backend": backend,
        "step_ms": step_ms,
        "weights": 1234,
        "commit": commit,
    }


def test_the_fastest_backend_is_bold():
    steps = {"torch": 3.14, "jax": 2.0, "tensorflow": 1000.0}
    results = [run(backend, step) for backend, step in steps.items()]
    assert steps_report.table(results).splitlines()[2:] == [
        "| vat | 1,234 | 1,000.0 | **2.0** | 3.1 |"
    ]


def test_what_was_measured_at_another_time_is_marked():
    results = [
        run(backend, step, method, commit)
        for method, commit, step in [
            ("vat", "a1", 1.0), ("vat", "b2", 5.0), ("ict", "b2", 6.0)
        ]
        for backend in ("tensorflow", "jax", "torch")
    ]  # fmt: skip
    names = [
        row.split("|")[1].strip()
        for row in steps_report.table(results).splitlines()
    ]
    assert names[2:] == ["vat", "ict*"]
    assert "**1.0**" in steps_report.table(results)
