"""The report: one file that asks for nothing outside of itself."""

import html
import json
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


def beside(run, name, accuracy, **config):
    """Another run, its files made of those of a first."""
    folder = run.path.parent / name
    shutil.copytree(run.path, folder)
    changed = {**run.config, **config}
    (folder / "config.json").write_text(json.dumps(changed))
    result = {**run.result, "test_accuracy": accuracy}
    (folder / "result.json").write_text(json.dumps(result))
    return report.RunFiles(folder)


def test_seeds_are_taken_together_and_set_beside_the_twin(run, tmp_path):
    runs = [
        run,
        beside(run, "twin", 0.7, method="supervised"),
        beside(run, "again", 0.9176, seed=1),
        beside(run, "all", 0.97, method="supervised", labels_per_class=120),
        beside(run, "tail", 0.6, method="abc", long_tailed=[50, 3e3, 2.5]),
        beside(run, "open", 0.8, method="abc", classes=["8", "3"]),
    ]
    found = page.kinds(runs)
    assert [kind["method"] for kind in found] == [
        "fixmatch", "supervised", "supervised", "abc", "abc",
    ]  # fmt: skip
    assert [kind["labels"] for kind in found] == [
        "2", "2", "120", "long-tailed 50 3000 2.5", "2 of 8, 3",
    ]  # fmt: skip
    assert [kind["number"] for kind in found] == [2, 1, 1, 1, 1]
    # the mean and standard deviation of 93.76 and 91.76
    assert found[0]["mean"] == pytest.approx(92.76)
    assert found[0]["spread"] == pytest.approx(2**0.5)
    assert found[1]["spread"] is None
    text = report.write(runs, tmp_path / "page.html").read_text("utf-8")
    assert "92.76 %" in text
    assert "± 1.41" in text
    assert "97.00" in text


def test_images_to_label_next_are_shown_with_their_guess(
    run, findings, tmp_path
):
    shown = [(findings.images[0], "<cat>"), (findings.images[1], "dog")]
    out = report.write([run], tmp_path / "page.html", to_label=shown)
    text = out.read_text("utf-8")
    assert "&lt;cat&gt;?" in text
    assert "dog?" in text
    assert text.count("data:image/png") == 2


PROBE = """<!doctype html><iframe id="frame" width="{width}" height="900"
srcdoc="{page}"></iframe><pre id="found"></pre><script>
addEventListener("load", () => {{
  const inside = document.getElementById("frame").contentWindow;
  const style = inside.getComputedStyle(inside.document.body);
  document.getElementById("found").textContent = JSON.stringify({{
    width: inside.innerWidth,
    scroll: inside.document.documentElement.scrollWidth,
    loaded: inside.performance.getEntriesByType("resource").length,
    pictures: inside.document.querySelectorAll("svg, img").length,
    paper: style.backgroundColor, ink: style.color }}); }});
</script>"""


def brightness(color):
    return sum(map(int, re.findall(r"\d+", color)[:3])) / (3 * 255)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 380])
def test_a_browser_shows_it_on_wide_and_narrow_screens(
    run, findings, tmp_path, width, dark
):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("there is no chromium")
    out = report.write([run], tmp_path / "page.html", findings)
    probe = tmp_path / "probe.html"  # a window is never as narrow as a phone
    text = html.escape(out.read_text("utf-8"))
    probe.write_text(PROBE.format(width=width, page=text), "utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--window-size=1400,1000", *(["--force-dark-mode"] * dark),
         f"--user-data-dir={tmp_path / 'profile'}", probe.as_uri()],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    (found,) = re.findall(r'id="found">(.*?)</pre>', done.stdout)
    found = json.loads(found)
    assert width - 20 <= found["width"] <= width
    assert found["scroll"] <= found["width"]  # nothing to scroll sideways
    assert found["loaded"] == 0  # no request leaves the file
    assert found["pictures"] > 6
    paper, ink = brightness(found["paper"]), brightness(found["ink"])
    assert (paper < 0.3 and ink > 0.7) if dark else (paper > 0.7 and ink < 0.3)
