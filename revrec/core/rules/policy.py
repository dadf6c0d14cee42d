"""What of a rule's text the later events of a charge line follow."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from revrec.core.recognition import COMMON_KEYS, OVER_TIME
from revrec.core.rules.costs import COST_MARK

_TABLES = ("recognize", "constraint", "financing")
_DEFAULTS = {key.name: key.default for key in COMMON_KEYS if isinstance(key.default, str | bool)}
_DEFAULTS["transfer"] = OVER_TIME


def policy_changes(before: tuple[str, str], after: tuple[str, str]) -> list[str]:
    """Return what differs between two rules, each as ``on_price: prospective -> catch_up``.

    A rule is its name and its text. What decides only which lines a rule takes, or how reports show them, is left out,
    and so are its accounts: :func:`revrec.core.posting_options.target_changes` compares those.
    """
    if before == after:
        return []
    renamed = [f"rule: {before[0]} -> {after[0]}"] if before[0] != after[0] else []
    old, new = dict(_policies(*before)), dict(_policies(*after))
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return renamed + [f"{name}: {_shown(name, old)} -> {_shown(name, new)}" for name in changed]


def _policies(name: str, text: str) -> Iterator[tuple[str, Any]]:
    (rule,) = tomllib.loads(text)["rule"]
    recognize = rule.get("recognize", {})
    if rule.get("transfer", OVER_TIME) != OVER_TIME and (
        recognize.get("on") in ("last", "end") or "align" in recognize
    ):
        # Its parts are deliveries, which no change divides.
        yield "transfer", rule["transfer"]
    for table in _TABLES:
        for key, value in rule.get(table, {}).items():
            named = key if table == "recognize" else f"{table}.{key}"
            if table != "recognize" or value != _DEFAULTS.get(key):
                yield named, value
    _of, _mark, own = name.partition(COST_MARK)
    for cost in rule.get("cost", ()):
        if own and cost.get("name") == own:
            yield from ((f"cost.{key}", value) for key, value in cost.items())


def _shown(name: str, policies: Mapping[str, Any]) -> str:
    value = policies.get(name, _DEFAULTS.get(name, "none"))
    return str(value).lower() if isinstance(value, bool) else str(value)
