"""revrec: a revenue recognition scheduling engine.

Derive schedules from Python: ``from revrec import ChargeLine, load_rules``; read ``revrec docs library``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine, FulfillmentEvent
    from revrec.core.rules import RuleBook, RuleErrors
    from revrec.core.schedule import Schedule, Unscheduled
    from revrec.library import load_rules

__version__ = "0.1.0"
__all__ = [
    "ChargeLine",
    "FulfillmentEvent",
    "RuleBook",
    "RuleErrors",
    "Schedule",
    "Unscheduled",
    "__version__",
    "load_rules",
]

_MODULES = {
    "ChargeLine": "revrec.core.charge_line",
    "FulfillmentEvent": "revrec.core.charge_line",
    "RuleBook": "revrec.core.rules",
    "RuleErrors": "revrec.core.rules",
    "Schedule": "revrec.core.schedule",
    "Unscheduled": "revrec.core.schedule",
    "load_rules": "revrec.library",
}


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first used, so that commands that need none of it start as fast as before."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
