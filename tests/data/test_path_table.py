"""Tables of image files: columns, gaps, and what is wrong with them."""

import sys

import pytest

from keras_ssl.data import path_table

BOTH = ("path", "label")


def test_rows_of_a_csv_file_count_from_its_folder(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("﻿label,path\ncat,a/1.png\n,2.png\ndog,\n", "utf-8")
    assert path_table.is_table(table)
    assert path_table.read(table, BOTH) == [
        (str(tmp_path / "a/1.png"), "cat"),
        (str(tmp_path / "2.png"), None),
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["cat", None, ""], ["cat", None, None]),
        ([3, None, 0], ["3", None, "0"]),
        ([3.0, float("nan"), 0.0], ["3", None, "0"]),
    ],
)
def test_a_parquet_file_says_the_same(tmp_path, labels, expected):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = tmp_path / "own.PARQUET"
    columns = {"path": ["1.png", "/2.png", "3.png"], "label": labels}
    parquet.write_table(pyarrow.table(columns), table)
    paths = [str(tmp_path / "1.png"), "/2.png", str(tmp_path / "3.png")]
    assert path_table.read(table, BOTH) == list(
        zip(paths, expected, strict=True)
    )
    columns.pop("label")
    parquet.write_table(pyarrow.table(columns), table)
    assert [label for _, label in path_table.read(table, ("path",))] == [
        None
    ] * 3
    with pytest.raises(ValueError, match="expected the columns path, label"):
        path_table.read(table, BOTH)


def test_what_is_no_table(tmp_path):
    assert not path_table.is_table(tmp_path)
    with pytest.raises(FileNotFoundError):
        path_table.read(tmp_path / "none.csv", BOTH)
    table = tmp_path / "own.parquet"
    with pytest.raises(FileNotFoundError):
        path_table.read(table, BOTH)
    table.write_bytes(b"rubbish")
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="is no Parquet file"):
        path_table.read(table, BOTH)


def test_without_pyarrow_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "own.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match=r"pip install 'keras_ssl\[parquet\]"):
        path_table.read(tmp_path / "own.parquet", BOTH)
