"""A table of results takes its place in a document, and nothing else does."""

import json

import pytest

import report_tables

pytestmark = pytest.mark.once
DOCUMENT = f"before\n{report_tables.BEGIN}\nold\n{report_tables.END}\nafter\n"


def test_the_document_keeps_its_prose():
    once = report_tables.placed(DOCUMENT, "new")
    assert once == DOCUMENT.replace("old", "new")
    assert report_tables.placed(once, "new") == once


@pytest.mark.parametrize("text", ["prose", DOCUMENT + report_tables.END])
def test_a_document_without_its_two_markers_is_refused(text):
    with pytest.raises(SystemExit, match="expected one .*table:begin"):
        report_tables.placed(text, "new")


def test_the_table_is_made_of_the_lines_of_the_results(tmp_path):
    results, document = tmp_path / "a.jsonl", tmp_path / "a.md"
    results.write_text("".join(json.dumps({"n": n}) + "\n" for n in (1, 2)))
    document.write_text(DOCUMENT)
    parser = report_tables.parser("text", "none.jsonl", "none.md")
    options = parser.parse_args(
        ["--results", str(results), "--document", str(document)]
    )
    report_tables.rewrite(options, lambda lines: f"{[x['n'] for x in lines]}")
    assert document.read_text() == DOCUMENT.replace("old", "[1, 2]")


def test_a_mean_has_a_deviation_where_there_are_several():
    assert report_tables.spread([1.0]) == "1.00"
    assert report_tables.spread([1.0, 3.0]) == "2.00 ± 1.41"
