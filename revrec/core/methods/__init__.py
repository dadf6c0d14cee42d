"""Recognition methods, one file each. A file in this folder that defines a Method is found automatically."""

import pkgutil
from functools import cache
from importlib import import_module

from revrec.core.recognition import Method


@cache
def methods() -> dict[str, type[Method]]:
    """Return every recognition method by name, in alphabetical order."""
    found: dict[str, type[Method]] = {}
    for module_name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = import_module(f"{__name__}.{module_name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Method) and thing.__module__ == module.__name__:
                found[thing.name] = thing
    return dict(sorted(found.items()))
