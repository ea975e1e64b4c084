"""Prepares data sets before they are needed, with or without a network.

    python benchmarks/prepare_data.py --data-dir data mnist cifar10

lets TensorFlow Datasets (TFDS) download and prepare the data sets and keeps
their decoded arrays, so that

    export KERAS_SSL_DATA=data
    python -c "import keras_ssl; print(keras_ssl.data.load('mnist'))"

starts at once. Without a network, `--sources` names a folder of originals:

    <sources>/<name>/       files as published, which TFDS checks by size and
                            SHA-256, such as mnist/train-images-idx3-ubyte.gz
    <sources>/read.py       may define tfds_seed_<name>(download_dir), which
                            fills a TFDS download folder itself

What is there already is kept; what an interrupted run has left is removed, so
only one run at a time may write to a folder.
"""

import argparse
import contextlib
import importlib.util
import io
import logging
import os
import shutil
import sys
import time
from pathlib import Path

# Both only to keep TensorFlow from printing.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def parse(arguments=None):
    """Returns the parsed command line, an `argparse.Namespace`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        default=["mnist", "cifar10"],
        help="TFDS names (default: mnist cifar10)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        help="folder to prepare into (default: KERAS_SSL_DATA, else that of "
        "TFDS)",
    )
    parser.add_argument(
        "--sources",
        type=Path,
        help="folder of originals to use instead of the network",
    )
    return parser.parse_args(arguments)


def prepare_offline(name, data_dir, sources):
    """Prepares one TFDS data set from a folder of originals.

    Args:
        name: TFDS name.
        data_dir: Folder to prepare into.
        sources: Folder of originals, described above.
    """
    import tensorflow_datasets as tfds

    from keras_ssl.data.tfds_reader import find_builder

    builder = find_builder(name, data_dir)
    if builder.is_prepared():
        return
    stem = name.partition(":")[0].partition("/")[0]
    remove_interrupted(data_dir, stem)
    # Each data set has its own download folder: TFDS names what it unpacks
    # after the archive alone, and several archives share a name.
    downloads = data_dir / "downloads" / stem
    seed = seeding_function(sources, stem)
    originals = sources / stem
    if seed is None and not originals.is_dir():
        raise SystemExit(
            f"{name}: expected originals in {originals}; leave out --sources "
            "to download them"
        )
    if seed is not None:
        seed(str(downloads))
    builder.download_and_prepare(
        download_dir=str(downloads),
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(originals), try_download_gcs=False
        ),
    )
    shutil.rmtree(downloads)
    with contextlib.suppress(OSError):  # other downloads are kept
        downloads.parent.rmdir()


def seeding_function(sources, stem):
    """Returns `tfds_seed_<stem>` of `<sources>/read.py`, or `None`."""
    path = sources / "read.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("originals_reader", path)
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    return getattr(reader, f"tfds_seed_{stem}", None)


def remove_interrupted(data_dir, stem):
    """Removes what interrupted runs have left of one data set."""
    shutil.rmtree(data_dir / "downloads" / stem, ignore_errors=True)
    for folder in (data_dir / stem).glob("**/*incomplete*"):
        shutil.rmtree(folder, ignore_errors=True)


def quiet():
    """Silences the progress bars and notices of TFDS and TensorFlow."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)


def main(arguments=None):
    """Prepares every data set named on the command line, one line each."""
    options = parse(arguments)
    import keras_ssl.data
    from keras_ssl.data import array_cache
    from keras_ssl.data.tfds_reader import default_data_dir

    data_dir = (options.data_dir or default_data_dir()).expanduser()
    array_cache.remove_unfinished(data_dir)
    for name in options.names:
        start = time.perf_counter()
        stem, _, version = name.partition(":")
        if not array_cache.find(data_dir, stem, version or None):
            quiet()
            with contextlib.redirect_stdout(io.StringIO()):
                if options.sources:
                    prepare_offline(name, data_dir, options.sources)
        with contextlib.redirect_stdout(io.StringIO()):
            dataset = keras_ssl.data.load(name, data_dir=data_dir)
        print(f"{dataset} in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
