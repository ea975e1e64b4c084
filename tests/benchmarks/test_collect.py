"""Run folders as result lines."""

import json

import collect


def run_folder(folder, method, with_result=True):
    folder.mkdir()
    config = {
        "method": method, "network": "mlp", "set": {"noise": 0.5},
        "data": "mnist", "labels_per_class": 10, "unlabeled_ratio": None,
        "seed": 3, "backend": "jax", "versions": {"keras": "3"},
        "augmentation": {},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    if with_result:
        result = {"test_accuracy": 0.9875, "steps": 7, "seconds": 1.5}
        (folder / "result.json").write_text(json.dumps(result))
    return str(folder)


def test_finished_runs_become_lines_with_the_command_that_makes_them(
    tmp_path, monkeypatch, capsys
):
    out = tmp_path / "results.jsonl"
    runs = [
        run_folder(tmp_path / "one", "ladder"),
        run_folder(tmp_path / "two", "m2", with_result=False),
    ]
    monkeypatch.setattr(
        "sys.argv", ["collect", *runs, "--out", str(out), "--commit", "abc"]
    )
    collect.main()
    (line,) = [json.loads(text) for text in out.read_text().splitlines()]
    assert line["command"] == (
        "keras-ssl train --method ladder --network mlp --data mnist "
        "--labels-per-class 10 --seed 3 --backend jax --set noise=0.5"
    )
    assert line["test_error_percent"] == 1.25
    assert (line["commit"], line["seed"]) == ("abc", 3)
    assert line["versions"] == {"keras": "3"}
    assert "no result yet" in capsys.readouterr().out
