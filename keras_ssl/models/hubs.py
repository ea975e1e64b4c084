"""Presets on Hugging Face and on Kaggle, through the clients of these hubs.

The clients keep what they have downloaded and go on with what was interrupted;
whether it is whole, the preset's own SHA-256 sums tell.
"""

import importlib
import pathlib
from typing import Any

CLIENTS = {"hf://": "huggingface_hub", "kaggle://": "kagglehub"}


def is_handle(name: str) -> bool:
    """Whether a name is one on a hub: `hf://...`, `kaggle://...`."""
    return "://" in name


def _client(handle: str) -> tuple[str, str, Any]:
    """The scheme of a handle, what follows it, and the hub's client.

    Raises:
        ValueError: no such hub.
        ImportError: its client is not installed.
    """
    scheme, _, place = handle.partition("://")
    scheme += "://"
    if scheme not in CLIENTS or not place.strip("/"):
        raise ValueError(
            f"expected hf://owner/repository or kaggle://owner/model/framework/"
            f"variation; received {handle!r}"
        )
    try:
        client = importlib.import_module(CLIENTS[scheme])
    except ImportError as error:
        raise ImportError(
            f"{scheme}... needs {CLIENTS[scheme]}: pip install 'keras_ssl[hub]'"
        ) from error
    return scheme, place, client


def download(handle: str) -> pathlib.Path:
    """The folder on this machine in which the hub's client keeps a preset.

    Args:
        handle: `hf://owner/repository`, with `@revision` if wanted, or
            `kaggle://owner/model/framework/variation`.

    Returns:
        Path of a folder.

    Raises:
        ValueError: no such hub.
        ImportError: its client is not installed.
        OSError: the download failed. Called again, it goes on.
    """
    scheme, place, client = _client(handle)
    try:
        if scheme == "kaggle://":
            return pathlib.Path(client.model_download(place))
        repository, _, revision = place.partition("@")
        return pathlib.Path(
            client.snapshot_download(
                repo_id=repository,
                revision=revision or None,
                library_name="keras_ssl",
            )
        )
    except Exception as error:  # each client has its own kinds
        raise OSError(
            f"{handle} could not be downloaded; what has arrived is kept, try "
            f"again. {type(error).__name__}: {error}"
        ) from error


def upload(folder: pathlib.Path, handle: str) -> None:
    """Uploads a folder; see `models.push`."""
    scheme, place, client = _client(handle)
    try:
        if scheme == "kaggle://":
            client.model_upload(place, str(folder))
            return
        interface = client.HfApi()
        interface.create_repo(repo_id=place, exist_ok=True)
        interface.upload_folder(repo_id=place, folder_path=str(folder))
    except Exception as error:
        raise OSError(
            f"{folder} could not be uploaded to {handle}. "
            f"{type(error).__name__}: {error}"
        ) from error
