"""What `keras-ssl train` does."""

import importlib.metadata
import json
import sys
from argparse import Namespace
from typing import Any

import keras_ssl
from keras_ssl import config_file, run_data, run_labels, scores

# what may differ between a run and its continuation
FREE = (
    "command",
    "config",
    "debug",
    "defaults",
    "flags",
    "out",
    "resume",
    "threads",
    "data_dir",
    "backend",
)


def train(options: Namespace) -> None:
    """`keras-ssl train`: trains, tests and keeps a run folder."""
    from keras_ssl import backend, suiting

    backend.keep_memory()
    run_data.settle(options)
    run = keras_ssl.RunFolder(options.out)
    options.set = json.loads(json.dumps(dict(options.set)))  # as it is kept
    options.defaults["set"] = {}
    config = _config(run, options)
    run = _keeping(options)  # as the run was begun
    suiting.check(options)  # wrong names fail before any work
    data = run_data.load(vars(options), options.data_dir)
    drawn = _split(run, options, data)
    config["class_names"] = list(drawn.dataset.class_names)
    split = run_labels.applied(run, drawn)
    suiting.suit(options, split)
    for name in suiting.CHOSEN:  # a run that goes on has them
        if config[name] is None:
            config[name] = getattr(options, name)
    options.epochs = run_labels.epochs(run) or options.epochs
    if run.checkpoints.paths():
        model = run.load_model()
        run_labels.tell(model, split, options.set)
    else:
        model = _new_model(options, drawn.dataset)
    batches = run_data.batches(config, split, model, options.threads)
    # written now that all arguments have proved right
    drawn.save(run.path / "split.json")
    run.write("config", config)
    arguments = {k: config[k] for k in options.defaults if k in config}
    run.write_text("config.toml", config_file.text_of(arguments))
    print(
        f"{options.method} on {options.data}: {len(split.labeled)} labeled, "
        f"{len(split.unlabeled)} unlabeled images; {options.network} with "
        f"{model.network.count_params():,} weights on {config['backend']}"
    )
    try:
        with run.interruptible():
            model.fit(
                batches,
                epochs=options.epochs,
                resume=True,
                callbacks=[batches.waiting(), *_grids(run, model, split), run],
                validation_data=split.validation or split.test,
                validation_batch_size=500,
                verbose=_verbose(),
            )
    except KeyboardInterrupt:
        print(f"\nto go on: keras-ssl train --resume --out {options.out}")
        raise
    test(run, model, split)
    print(f"kept in {run.path}; test again: keras-ssl evaluate {run.path}")


def _keeping(options: Namespace) -> "keras_ssl.RunFolder":
    """The run folder, with what the arguments say of saving."""
    if options.keep_best and not options.validation_per_class:
        raise ValueError(
            "--keep-best chooses by images held out of training: add "
            "--validation-per-class (choosing by test images would make the "
            "test score too good)"
        )
    return keras_ssl.RunFolder(
        options.out,
        save_every=options.save_every,
        save_minutes=options.save_minutes,
        keep=options.keep,
        best="val_accuracy" if options.keep_best else None,
    )


def _config(run: "keras_ssl.RunFolder", options: Namespace) -> dict[str, Any]:
    """The run's config: made for a new run, compared for a resumed one."""
    import keras

    asked = {k: v for k, v in vars(options).items() if k not in FREE}
    backend = keras.backend.backend()
    config = run.read("config")
    if config is None and options.resume == "always":
        raise ValueError(
            f"{run.path} holds no run to go on with; leave --resume out to "
            "begin one"
        )
    if config is None:
        packages = ("keras_ssl", "keras", "numpy", backend)
        versions = {name: _version(name) for name in packages}
        return {**asked, "backend": backend, "versions": versions}
    if not options.resume:
        raise ValueError(
            f"{run.path} holds a run already; add --resume to go on with it, "
            "or choose another --out"
        )
    asked_again = run_labels.epochs(run)
    for name, value in asked.items():
        # an argument that is younger than the run has its default there
        begun = config.get(name, options.defaults[name])
        if name == "epochs" and asked_again:
            begun = asked_again
        if value not in (options.defaults[name], begun):
            flag = "--" + name.replace("_", "-")
            raise ValueError(
                f"the run in {run.path} was begun with {flag} {begun}; "
                f"received {value}. Leave {flag} out to go on with it"
            )
        setattr(options, name, begun)
    if config["backend"] != backend:
        _move(run, config, backend, is_asked=options.backend == backend)
    return config


def _move(
    run: "keras_ssl.RunFolder",
    config: dict[str, Any],
    backend: str,
    is_asked: bool,
) -> None:
    """Lets a run go on under another backend than before, where asked to."""
    before = config["backend"]
    if not is_asked:  # an environment variable is not about this run
        raise ValueError(
            f"the run in {run.path} was begun on {before}; add --backend "
            f"{before}, or --backend {backend} to go on there, which rounds "
            "otherwise and draws other noise"
        )
    print(
        f"from {before} to {backend}: weights, optimizer, step and batches "
        "are the same, rounding and the noise drawn in a step are not"
    )
    config["backends"] = [*config.get("backends", [before]), backend]
    config["backend"] = backend
    config["versions"][backend] = _version(backend)


def _version(package: str) -> str | None:
    """The version of an installed package, `None` for a renamed build of it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _split(
    run: "keras_ssl.RunFolder",
    options: Namespace,
    data: "keras_ssl.data.Dataset",
) -> "keras_ssl.data.Split":
    """The run's split: drawn for a new run, read again for a resumed one."""
    path = run.path / "split.json"
    if path.exists():
        return keras_ssl.data.Split.load(path, data)
    return run_data.draw(options, data)


def _new_model(
    options: Namespace, data: "keras_ssl.data.Dataset"
) -> "keras_ssl.SSLModel":
    import keras

    from keras_ssl import methods, networks

    keras.utils.set_random_seed(options.seed)
    steps = options.epochs * options.steps_per_epoch
    network = networks.get(options.network)(
        num_classes=data.num_classes,
        input_shape=data.image_shape,
        # running statistics must forget the first steps of a short training
        momentum=max(0.0, min(0.999, 1 - 10 / steps)),
    )
    method, settings = methods.get(options.method), dict(options.set)
    if isinstance(settings.get("teacher"), str):
        settings["teacher"] = _teacher(settings["teacher"], method, network)
    model = method(network, **{"seed": options.seed, **settings})
    model.compile(skip_broken=options.skip_broken)
    return model


def _teacher(
    name: str, method: type["keras_ssl.SSLModel"], network: Any
) -> Any:
    """The network of a run or a preset, for a method that learns from it."""
    from keras_ssl import model_commands, predictor

    model, _ = model_commands.open_model(name)
    for what, wanted, found in (
        ("images", network.input_shape, model.network.input_shape),
        ("classes", network.output_shape, model.network.output_shape),
        ("pixels from and to", method.pixel_range, model.pixel_range),
    ):
        if tuple(wanted) != tuple(found):
            raise ValueError(
                f"the teacher {name} does not fit: expected {what} {wanted}, "
                f"received {found}"
            )
    return predictor.averaged_copy(model)


def _grids(
    run: "keras_ssl.RunFolder",
    model: "keras_ssl.SSLModel",
    split: "keras_ssl.data.Split",
) -> list[Any]:
    """What shows the images of a model that makes any, epoch by epoch."""
    from keras_ssl.generative import Generative
    from keras_ssl.sample_grid import SampleGrid

    if not isinstance(model, Generative):
        return []
    images = (split.test or split.dataset.train)[0][:20]
    return [SampleGrid(run.path / "samples", images)]


def test(
    run: "keras_ssl.RunFolder",
    model: "keras_ssl.SSLModel",
    split: "keras_ssl.data.Split",
) -> None:
    """Scores on the test set, printed and written as result.json."""
    if split.test is None:
        print("there is no test set")
        return
    images, labels = split.test
    found = scores.score(
        model.predict(images, batch_size=500, verbose=0), labels
    )
    result = {
        **{f"test_{name}": value for name, value in found.items()},
        "test_images": len(labels),
        "steps": model.steps_taken(),
        "seconds": round(sum(e["seconds"] for e in run.history()), 1),
    }
    run.write("result", result)
    print(
        f"test accuracy {100 * result['test_accuracy']:.2f} % of "
        f"{result['test_images']} images after {result['steps']} steps"
    )


def _verbose() -> int:
    """A progress bar for people, a line per epoch for files."""
    return 1 if sys.stdout.isatty() else 2
