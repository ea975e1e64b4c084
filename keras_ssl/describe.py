"""Describe: what a method is, from its own docstring, signature and views."""

import inspect

from keras_ssl.ssl_model import SSLModel


def describe(name: str) -> str:
    """All that is to know about a method before training with it.

    The paper, what it does with its equations and deviations, its arguments
    with defaults and the paper's symbols, what it needs from the sampler, and
    the published numbers.

    Args:
        name: one of `methods.names()`.

    Returns:
        Text of several paragraphs.

    Raises:
        ValueError: no method has this name; the closest names are listed.

    Example:

    >>> print(describe("fixmatch").splitlines()[0])
    FixMatch: Sohn et al., NeurIPS 2020 (arXiv 2001.07685).
    """
    from keras_ssl import methods
    from keras_ssl.methods import published

    cls = methods.get(name)
    citation = inspect.getdoc(inspect.getmodule(cls)) or ""
    body, arguments = _parts(cls)
    results = [str(result) for result in published.RESULTS.get(name, ())]
    sections = [
        citation.split("\n\n")[0],
        body,
        "Arguments:\n" + "\n".join(arguments),
        "A batch holds:\n" + "\n".join(_views(cls)),
        "Published errors:\n" + "\n".join(results or ["none was found"]),
    ]
    return "\n\n".join(
        section.replace("\n", "\n  ") if ":\n" in section[:20] else section
        for section in sections
    )


def _parts(cls: type[SSLModel]) -> tuple[str, list[str]]:
    """A class' docstring before `Args:`, and a line for each argument."""
    texts: dict[str, str] = {}
    defaults: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        if "__init__" in vars(base) and issubclass(base, SSLModel):
            texts.update(_argument_texts(base))
            signature = inspect.signature(base.__init__)
            for parameter in signature.parameters.values():
                if parameter.default is not parameter.empty:
                    defaults[parameter.name] = parameter.default
    texts.update(_argument_texts(cls))
    body = (inspect.getdoc(cls) or "").partition("\nArgs:\n")[0]
    return body.strip(), [
        f"{name} = {default!r}" + (f": {texts[name]}" if name in texts else "")
        for name, default in defaults.items()
    ]


def _argument_texts(cls: type[SSLModel]) -> dict[str, str]:
    """What the docstring of a class says about each argument."""
    _, _, rest = (inspect.getdoc(cls) or "").partition("\nArgs:\n")
    texts: dict[str, str] = {}
    name = ""
    for line in rest.split("\n\n")[0].splitlines():
        first, colon, text = line.strip().partition(": ")
        if colon and line.startswith("    ") and line[4] != " ":
            name, texts[first] = first, text
        elif name:
            texts[name] += " " + line.strip()
    return texts


def _views(cls: type[SSLModel]) -> list[str]:
    """What a batch holds, a line for each view."""
    lines = [
        f"{name}: {policy if isinstance(policy, str) else 'own policy'} view "
        f"of the {stream} images"
        for name, (stream, policy) in cls.views.items()
    ]
    ratio = cls.unlabeled_ratio
    return [*lines, f"{ratio} unlabeled for each labeled image"]
