"""Table and pictures of docs/generative.md, from results and run folders.

The table is made of `benchmarks/results/generative.jsonl` (see `collect.py`):
one row for each method and length of training, over the seeds. Pictures are
made of run folders: what the model draws and rebuilds, and where the codes of
test images lie, in two dimensions by scikit-learn's t-SNE.

    python benchmarks/generative_report.py
    python benchmarks/generative_report.py --pictures runs/ladder_0 runs/m2_0
"""

import collections
import json
import pathlib
import statistics

import report_tables
from report_tables import spread

# error in % on MNIST with 100 labels, its deviation; None: none was found
PUBLISHED = {
    "ladder": (1.06, 0.37, "Rasmus et al. 2015"),
    "gamma_ladder": (3.06, 1.44, "Rasmus et al. 2015, not verified"),
    "improved_gan": (0.93, 0.065, "Salimans et al. 2016"),
    "bad_gan": (0.795, 0.098, "Dai et al. 2017, with the density term"),
    "cat_gan": (1.91, 0.10, "Springenberg 2016"),
    "m1": (11.82, 0.25, "Kingma et al. 2014 with a TSVM, not verified"),
    "m2": (11.97, 1.71, "Kingma et al. 2014"),
    "m1_m2": (3.33, 0.14, "Kingma et al. 2014"),
    "adgm": (0.96, 0.02, "Maaloe et al. 2016"),
    "sdgm": (1.32, 0.07, "Maaloe et al. 2016"),
    "adversarial_auto_encoder": (
        1.90,
        0.10,
        "Makhzani et al. 2015, not verified",
    ),
    "what_where_auto_encoder": (8.71, 0.34, "Zhao et al. 2015, not verified"),
    "auto_encoder": None,
    "pretrained_auto_encoder": None,
    "supervised": (21.74, 1.77, "the Ladder's baseline, not verified"),
}


def arguments(argv=None):
    parser = report_tables.parser(__doc__, "generative.jsonl", "generative.md")
    parser.add_argument(
        "--pictures",
        nargs="+",
        type=pathlib.Path,
        default=[],
        metavar="RUN",
        help="run folders to make the pictures of",
    )
    return parser.parse_args(argv)


def table(results):
    """Markdown rows in the order of PUBLISHED, longest training first."""
    groups = collections.defaultdict(dict)
    for result in results:  # of a seed that was run again the last counts
        key = result["method"], result["network"], result["steps"]
        groups[key][result["seed"]] = result
    order = list(PUBLISHED)
    rows = [
        "| method | network | steps | error % | seeds | published | minutes |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: |",
    ]
    for method, network, steps in sorted(
        groups, key=lambda key: (order.index(key[0]), -key[2])
    ):
        runs = groups[method, network, steps].values()
        minutes = statistics.median(run["seconds"] for run in runs) / 60
        rows.append(
            f"| {method} | {network} | {steps:,} | "
            f"{spread([run['test_error_percent'] for run in runs])} | "
            f"{len(runs)} | {published(method)} | {minutes:.0f} |"
        )
    return "\n".join(rows)


def published(method):
    found = PUBLISHED[method]
    if found is None:
        return "none found"
    error, deviation, source = found
    return f"{error} ± {deviation} ({source})"


def picture(run, folder):
    """Draws and reconstructions, and codes, of the model of a run folder."""
    import keras_ssl
    from keras_ssl import sample_grid

    model = keras_ssl.RunFolder(run).load_model()
    config = json.loads((run / "config.json").read_text())
    images, labels = keras_ssl.data.load(config["data"]).test
    rows = sample_grid.SampleGrid(folder, images[:20])
    rows.set_model(model)
    shown = rows.rows()
    if len(shown):
        path = folder / f"{config['method']}.png"
        sample_grid.save_png(path, sample_grid.grid(shown))
    if model.code is not None:
        codes = model.encode(images[:2000]).reshape(2000, -1)
        scatter(codes, labels[:2000], folder / f"{config['method']}_codes.png")


def scatter(codes, labels, path):
    """Codes in two dimensions, colored by class."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from sklearn.manifold import TSNE

    places = TSNE(random_state=0, init="pca").fit_transform(codes)
    figure, axes = plt.subplots(figsize=(5, 5))
    points = axes.scatter(*places.T, c=labels, s=4, cmap="tab10")
    axes.legend(
        *points.legend_elements(),
        loc="center left",
        frameon=False,
        bbox_to_anchor=(1.0, 0.5),
        fontsize=7,
    )
    axes.set_axis_off()
    figure.savefig(path, bbox_inches="tight", dpi=100)
    plt.close(figure)


def main():
    options = arguments()
    folder = options.document.parent / "generative"
    folder.mkdir(exist_ok=True)
    for run in options.pictures:
        picture(run, folder)
    report_tables.rewrite(options, table)


if __name__ == "__main__":
    main()
