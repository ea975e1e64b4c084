"""The report: one file that asks for nothing outside of itself."""

import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from keras_ssl import report
from keras_ssl.report import figures, page

pytestmark = pytest.mark.once


@pytest.fixture
def run(tmp_path):
    """The files of a run, as training writes them."""
    folder = tmp_path / "ein Lauf <b>"
    folder.mkdir()
    config = {
        "method": "fixmatch", "network": "mlp", "data": "digits",
        "labels_per_class": 2, "versions": {"keras": "3"}, "backend": "jax",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    result = {"test_accuracy": 0.9376, "test_images": 500, "steps": 20}
    (folder / "result.json").write_text(json.dumps(result))
    lines = [
        {"epoch": number, "step": 10 * number, "val_accuracy": 0.4 * number,
         "mask_rate": 0.5, "pseudo_label_accuracy": 0.9,
         "pseudo_label_classes": 7.5, "pseudo_label_calibration": 0.1}
        for number in (1, 2)
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "history.jsonl").write_text(text + '{"epoch": 3, "st')
    return report.RunFiles(folder)


@pytest.fixture
def findings():
    odds = np.array([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]])
    images = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1)
    return report.Findings(
        odds, np.array([0, 1, 1]), images, ("<cat>", "dog"), {"weak": images}
    )


def test_a_page_holds_everything_and_asks_for_nothing(run, findings, tmp_path):
    out = report.write([run, run], tmp_path / "a" / "page.html", findings, "go")
    text = out.read_text("utf-8")
    assert "93.76 %" in text
    assert "ein Lauf &lt;b&gt;" in text
    assert "<b>" not in text
    assert "&lt;cat&gt;" in text
    assert "said &lt;cat&gt; (80 %), is dog" in text
    assert text.count("<svg") == 4
    for line in ("right, of those used", "calibration error", "(dotted)"):
        assert line in text
    assert "currentColor" in text
    assert figures.INK not in text
    # nothing is fetched: no address but the names of XML's vocabularies
    addresses = re.findall(
        r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text
    )
    assert all(a.startswith(("data:image/png", "#")) for a in addresses)
    assert not re.search(r"<script|<link|@import", text)
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    again = report.write([run, run], tmp_path / "b.html", findings, "go")
    assert again.read_text("utf-8") == text


def test_a_page_of_a_run_that_has_only_begun(run, tmp_path):
    (run.path / "result.json").unlink()
    (run.path / "history.jsonl").unlink()
    begun = report.RunFiles(run.path)
    text = report.write([begun], tmp_path / "page.html").read_text("utf-8")
    assert "not finished" in text
    assert "<svg" not in text
    with pytest.raises(ValueError, match="is no run folder"):
        report.RunFiles(tmp_path)


def test_counts_of_classes_and_the_calibration_error(findings):
    guesses = findings.probabilities.argmax(-1)
    table = page.confusion(findings.labels, guesses, 2)
    assert table.tolist() == [[1, 0], [1, 1]]
    rows = page._per_class(table, ("a", "b"))
    assert rows[0] == {
        "name": "a", "images": 1, "recall": "100.0", "precision": "50.0",
    }  # fmt: skip
    right = guesses == findings.labels
    confidence = findings.probabilities.max(-1)
    said, was, error = figures.calibration(confidence, right)
    assert was == [1.0, 0.0, 1.0]
    np.testing.assert_allclose(said, [0.7, 0.8, 0.9])
    np.testing.assert_allclose(error, (0.3 + 0.8 + 0.1) / 3)


def test_a_browser_shows_it_on_a_wide_and_on_a_narrow_screen(
    run, findings, tmp_path
):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("there is no chromium")
    out = report.write([run], tmp_path / "page.html", findings)
    for width in (1200, 380):
        shot = tmp_path / f"{width}.png"
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu",
             f"--window-size={width},900", f"--screenshot={shot}",
             out.as_uri()],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert pathlib.Path(shot).stat().st_size > 5000
