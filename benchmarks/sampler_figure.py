"""The figure of docs/sampler.md: CPU time of each peer, for each shape."""

from sampler_results import by_shape, counted, name_of, timed


def draw(results, path):
    """Horizontal bars of CPU time, a panel for each shape, as an SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    gray = "#6e7781"  # legible on white and on GitHub's dark
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "sampler",
            "font.family": "sans-serif",
            "text.color": gray,
            "axes.edgecolor": gray,
            "axes.labelcolor": gray,
            "xtick.color": gray,
            "ytick.color": gray,
        }
    )
    groups = by_shape(timed(results))
    panels = {shape: best_of_each(group) for shape, group in groups.items()}
    costs = [
        bar["cpu_s_per_1000"]["median"]
        for bars in panels.values()
        for bar in bars
    ]
    heights = [len(bars) + 1.5 for bars in panels.values()]
    figure, axes = pyplot.subplots(
        len(panels),
        1,
        figsize=(9, 0.28 * sum(heights) + 0.5),
        height_ratios=heights,
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    for axis, (shape, bars) in zip(axes[:, 0], panels.items(), strict=True):
        values = [bar["cpu_s_per_1000"]["median"] for bar in bars]
        axis.barh(
            [name_of(bar) for bar in bars],
            values,
            color=[color_of(bar) for bar in bars],
        )
        axis.bar_label(
            axis.containers[0], [f"{v:.2g}" for v in values], padding=3
        )
        axis.invert_yaxis()
        axis.set_title("x".join(map(str, shape)), loc="left", fontsize=11)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_facecolor("none")
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_xlim(min(costs) / 3, max(costs) * 2)
    axes[0, 0].xaxis.set_major_formatter("{x:g}")
    draws = min(result["draws"] for result in results)
    axes[-1, 0].set_xlabel(
        f"CPU seconds for 1000 images, {counted(draws, 'op')}, logarithmic; "
        "† a weaker job"
    )
    figure.savefig(path, transparent=True, metadata={"Date": None})
    pyplot.close(figure)


def best_of_each(results):
    """Of each peer the number of threads that costs least, at fewest ops."""
    draws = min(result["draws"] for result in results)
    best = {}
    cost = lambda result: result["cpu_s_per_1000"]["median"]  # noqa: E731
    for result in results:
        if result["draws"] == draws:
            known = best.setdefault(result["peer"], result)
            best[result["peer"]] = min(known, result, key=cost)
    return sorted(best.values(), key=cost)


def color_of(result):
    if result["peer"] == "keras_ssl":
        return "#d1242f"
    return "#4c8dd6" if result["per_image"] else "#9cb9d9"
