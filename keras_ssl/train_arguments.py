"""The arguments of `keras-ssl train`."""

import argparse
from typing import Any

from keras_ssl.argument_types import setting, whole


def add_train(commands: Any) -> argparse.ArgumentParser:
    """Adds the command; returns its parser, still without --backend."""
    train = commands.add_parser(
        "train",
        help="train a model and test it",
        description="Train a model on labeled and unlabeled images, test its "
        "last weights (their moving average) and keep everything in a folder.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument(
        "--config",
        metavar="FILE",
        help="a .toml file of these arguments, such as the config.toml of a "
        "run: keys as the flags, with _ for -, and a table [set]; flags win "
        "over it",
    )
    train.add_argument(
        "--method",
        help="see: list methods; None: fixmatch, or supervised where one's own "
        "files hold no unlabeled images",
    )
    train.add_argument(
        "--network",
        help="see: list networks; None: the method's, or with one's own files "
        "what suits their size and the machine",
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help="an argument of the method, such as threshold=0.9; repeat for "
        "several",
    )
    train.add_argument(
        "--data",
        default="digits",
        help="digits, a TFDS image data set, or an .npz file of arrays (see "
        "keras_ssl.data.from_npz)",
    )
    train.add_argument(
        "--labeled",
        metavar="DIR",
        help="instead of --data: a folder with a folder of images for each "
        "class, or a .csv or .parquet file with the columns path and label; "
        "all labels are used",
    )
    train.add_argument(
        "--unlabeled",
        metavar="DIR",
        help="with --labeled: a folder of images, or a .csv or .parquet "
        "file with the column path",
    )
    train.add_argument(
        "--test", metavar="DIR", help="with --labeled: as it, for testing"
    )
    train.add_argument(
        "--image-size",
        type=whole(1),
        metavar="SIDE",
        help="with --labeled: images are made squares of this side; None: as "
        "large as they are, up to 64",
    )
    train.add_argument(
        "--no-flip",
        action="store_true",
        help="with --labeled or an .npz file: the mirror image shows another "
        "class",
    )
    train.add_argument("--labels-per-class", type=whole(1), default=4)
    train.add_argument(
        "--long-tailed",
        nargs="+",
        type=float,
        metavar="NUMBER",
        help="instead of --labels-per-class, three or four numbers: labeled "
        "images of the largest class, further unlabeled ones, how many times "
        "smaller the smallest class is, and the same of the unlabeled ones "
        "where it differs (see keras_ssl.data.Dataset.split_long_tailed); "
        "CIFAR-10-LT: 1500 3000 100",
    )
    train.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="learn these classes only; images of the others stay among the "
        "unlabeled ones, strangers to the model, and leave the test set (an "
        "open set; see keras_ssl.data.Dataset.split)",
    )
    train.add_argument(
        "--validation-per-class",
        type=whole(0),
        default=0,
        help="images of each class held out of training, to be evaluated after "
        "each epoch; with 0 the test set is, which is for looking only: the "
        "reported weights are the last ones in any case",
    )
    train.add_argument(
        "--epochs",
        type=whole(1),
        help="None: 10, or with one's own files as many as make 1,000 steps "
        "and see every unlabeled image 10 times",
    )
    train.add_argument(
        "--steps-per-epoch",
        type=whole(1),
        default=100,
        help="steps in an epoch",
    )
    train.add_argument(
        "--batch-size",
        type=whole(1),
        help="labeled images in a batch; None: 64, or all of one's own files "
        "where they are fewer",
    )
    train.add_argument(
        "--unlabeled-ratio",
        type=whole(1),
        help="unlabeled images per labeled one in a batch; None: the method's",
    )
    train.add_argument(
        "--seed",
        type=whole(0),
        default=0,
        help="decides the split, the first weights, order and augmentation",
    )
    train.add_argument(
        "--out", default="runs/latest", help="folder for the run"
    )
    train.add_argument(
        "--resume",
        nargs="?",
        const="always",
        choices=("always", "auto"),
        help="go on with the run in --out, with the arguments it began with, "
        "under the same backend unless --backend names another; auto: begin "
        "one if there is none",
    )
    _add_keeping(train)
    train.add_argument(
        "--threads",
        type=whole(0),
        default=0,
        help="of the sampler; 0: one per core",
    )
    return train


def _add_keeping(train: argparse.ArgumentParser) -> None:
    train.add_argument(
        "--save-every",
        type=whole(1),
        metavar="STEPS",
        help="also save after so many steps inside an epoch",
    )
    train.add_argument(
        "--save-minutes",
        type=float,
        metavar="MINUTES",
        help="also save when the last save was so long ago",
    )
    train.add_argument(
        "--keep",
        type=whole(1),
        default=2,
        metavar="CHECKPOINTS",
        help="how many; should the last one be damaged, the one before it "
        "takes its place",
    )
    train.add_argument(
        "--keep-best",
        action="store_true",
        help="also keep best.keras, of the epoch with the highest accuracy on "
        "the images that --validation-per-class holds out; Python loads it: "
        "keras_ssl.RunFolder(OUT).load_model(best=True)",
    )
    train.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out steps whose loss is not finite instead of ending there",
    )
