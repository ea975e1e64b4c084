"""Looking things up by name, with help for a misspelled one."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def look_up(registry: Mapping[str, Any], kind: str, name: str) -> Any:
    """The entry of a dict by its name.

    Args:
        registry: dict from names to things.
        kind: what they are, for the message ("method").
        name: the name looked for.

    Raises:
        ValueError: there is no such name; the closest ones come first in the
            message, then all.
    """
    if name in registry:
        return registry[name]
    raise ValueError(unknown(kind, name, registry))


def unknown(kind: str, name: object, names: Iterable[str]) -> str:
    """The message about a name that is not among `names`."""
    names = list(names)
    close = difflib.get_close_matches(str(name), names, cutoff=0.5)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return f"unknown {kind} {name!r}.{hint} There are: {', '.join(names)}"
