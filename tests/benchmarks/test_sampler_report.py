"""The report of the sampler's benchmark, from lines made by hand."""

import json

import pytest

import sampler_report

RUN = {
    "rounds": 5, "seconds": 2.0, "seed": 0, "load_average": [0.5, 0.4, 0.3],
    "command": "python benchmarks/sampler.py --seed 0", "date": "2026-01-02",
    "commit": "abc1234", "cpu": "A processor", "cores": 2, "python": "3.11.7",
    "versions": {"numpy": "2.4.6"},
}  # fmt: skip


def line(peer, cpu, draws=2, threads=1, **changes):
    return {
        "shape": [32, 32, 3], "images": 10000, "draws": draws, "peer": peer,
        "threads": threads, "delivers": "uint8 NHWC", "per_image": True,
        "first_batch_s": 0.5, "peak_mb": 30.4,
        "cpu_s_per_1000": {"median": cpu, "min": cpu / 2, "max": cpu * 2},
        "images_per_s": {"median": 1000 * threads / cpu, "min": 1, "max": 2},
        **RUN, **changes,
    }  # fmt: skip


def skipped(peer):
    kept = ("shape", "images", "draws", "peer", "threads")
    result = {name: line(peer, 1.0)[name] for name in kept}
    return {**result, "skipped": "No module", "install": "pip", **RUN}


LINES = [
    line("opencv", 0.009),  # an older run
    skipped("dali"),
    line("opencv", 0.006),
    line("opencv", 0.008, draws=3),
    line("torchvision_batch", 0.004, per_image=False),
    line("keras_ssl", 0.002),
    line("keras_ssl", 0.002, threads=2),
]


@pytest.fixture
def paths(tmp_path):
    results = tmp_path / "sampler.jsonl"
    results.write_text("".join(json.dumps(one) + "\n" for one in LINES))
    document = tmp_path / "sampler.md"
    document.write_text(
        "before\n\n<!-- table:begin -->old<!-- table:end -->\n\nafter\n"
    )
    return results, document, tmp_path / "sampler.svg"


@pytest.fixture
def text(paths):
    return sampler_report.report(sampler_report.read(paths[0]), "sampler.svg")


def rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines]


def test_rows_go_from_cheap_to_dear(text):
    assert [row[0] for row in rows(text)[2:]] == [
        "keras_ssl, 1 thread",
        "keras_ssl, 2 threads",
        "torchvision v2, whole batch †",
        "OpenCV, whole batches where it can",
    ]


def test_a_row_shows_the_newest_figures(text):
    assert rows(text)[-1] == [
        "OpenCV, whole batches where it can",
        "0.006 (0.003..0.012)",
        "0.008 (0.004..0.016)",
        "3.0",
        "166,667",
        "0.50",
        "30",
        "uint8 NHWC",
    ]


def test_notes_say_what_is_missing_weaker_and_where_it_ran(text):
    assert "2 threads and 2 ops 2.00 times the images of one thread" in text
    assert "† a weaker job" in text
    assert "Not shown: DALI on the CPU (skipped)" in text
    assert "A processor, 2 cores, load 0.5, 2026-01-02, commit abc1234" in text
    assert RUN["command"] in text


def test_table_and_figure_are_written(paths, monkeypatch):
    pytest.importorskip("matplotlib")
    results, document, figure = map(str, paths)
    arguments = ["--results", results, "--document", document]
    monkeypatch.setattr("sys.argv", ["", *arguments, "--figure", figure])
    sampler_report.main()
    assert "| OpenCV, whole batches where it can |" in paths[1].read_text()
    drawn = paths[2].read_text()
    assert "OpenCV, whole batches where it can" in drawn
    assert "keras_ssl" in drawn
    sampler_report.main()
    assert paths[2].read_text() == drawn  # the same bytes again
