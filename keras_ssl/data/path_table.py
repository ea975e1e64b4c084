"""Tables of image files, .csv or .parquet: a path and a label in each row."""

import csv
from pathlib import Path
from typing import Any

File = tuple[str, str | None]  # path, and name of the class if it is known
SUFFIXES = (".csv", ".parquet")


def is_table(place: Path) -> bool:
    """Whether a path is one of a table, by its ending."""
    return place.suffix.lower() in SUFFIXES


def read(place: Path, columns: tuple[str, ...]) -> list[File]:
    """Reads a table.

    Args:
        place: a `.csv` or `.parquet` file.
        columns: those that it must have, of "path" and "label".

    Returns:
        A pair for each row that has a path: the path, which counts from the
        table's folder, and the label as a text, `None` where it is empty or
        the table has no such column.

    Raises:
        ImportError: a `.parquet` file needs pyarrow.
        OSError: the file cannot be read.
        ValueError: a column is missing, or it is no such file.
    """
    is_parquet = place.suffix.lower() == ".parquet"
    names, rows = _parquet(place) if is_parquet else _csv(place)
    if set(columns) - set(names):
        raise ValueError(
            f"expected the columns {', '.join(columns)} in {place}; "
            f"received {', '.join(names) or 'none'}"
        )
    return [
        (str(place.parent / str(row["path"])), _text(row.get("label")))
        for row in rows
        if _text(row["path"])
    ]


def _text(value: Any) -> str | None:
    """A value as a text, `None` where there is none."""
    if value is None or value != value:  # a gap, or not a number
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # what pandas writes for whole numbers with gaps
    return str(value) or None


def _csv(place: Path) -> tuple[list[str], list[dict[str, Any]]]:
    with open(place, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        return list(rows.fieldnames or ()), list(rows)


def _parquet(place: Path) -> tuple[list[str], list[dict[str, Any]]]:
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist")
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            f"{place} needs pyarrow: pip install 'keras_ssl[parquet]'"
        ) from error
    try:
        table = parquet.read_table(place)
    except ValueError as error:  # pyarrow's own errors are such, too
        raise ValueError(f"{place} is no Parquet file: {error}") from error
    return table.column_names, table.to_pylist()
