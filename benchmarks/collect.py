"""Run folders as lines of a results file: what was run, and what came of it.

For trainings too long for one sitting, which are begun and resumed with
`keras-ssl train` itself: each folder that has a result becomes one JSON line
with its arguments, score, machine and versions.

    python benchmarks/collect.py runs/ladder_0 runs/ladder_1 \\
        --out benchmarks/results/generative.jsonl
"""

import argparse
import json
import pathlib

from keras_ssl.benchmark import machine
from keras_ssl.preset_commands import command_of


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument(
        "--commit", help="that they were run at; default: the present one"
    )
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    return parser.parse_args()


def line(run, about):
    """What is known of a finished run, or `None` for an unfinished one."""
    config = json.loads((run / "config.json").read_text())
    file = run / "result.json"
    if not file.exists():
        return None
    result = json.loads(file.read_text())
    error = 100 * (1 - result["test_accuracy"])
    kept = ("data", "labels_per_class", "method", "network", "backend", "seed")
    return {
        **{name: config[name] for name in kept},
        "command": command_of(config),
        "test_error_percent": round(error, 4),
        **result,
        **about,
        "versions": config["versions"],
    }


def main():
    options = arguments()
    about = machine.machine(())
    about["commit"] = options.commit or about["commit"]
    for run in options.runs:
        found = line(run, about)
        if found is None:
            print(f"{run}: no result yet")
            continue
        print(f"{run}: {found['test_error_percent']:.2f} % error")
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
