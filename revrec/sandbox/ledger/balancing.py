"""Balancing of journal entries: in each currency, in base currency, and in each entity."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby

from revrec.sandbox.company.profile import INTER_ENTITY_PAYABLE, INTER_ENTITY_RECEIVABLE
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.ledger.entry import EntryLine
from revrec.sandbox.money import format_mills

_CENT = 10
"""One cent in mills."""


def balance(lines: list[EntryLine], base_location: str | None, switches: Switches) -> list[EntryLine]:
    """Return the lines to be booked, with rounding differences settled and inter-entity lines added.

    Raises:
        FunctionFailure: debits and credits differ in a currency, or in an entity without BASELOCATION_NO.
    """
    _check_base_currencies(lines)
    _check_currencies(lines)
    if base_location is None:
        _check_entities(lines)
    else:
        lines = [*lines, *_inter_entity_lines(lines, base_location)]
    _settle_rounding(lines, switches)
    return lines


def _net_amounts(lines: Iterable[EntryLine], key: Callable[[EntryLine], tuple[str, str]]) -> dict[tuple[str, str], int]:
    nets: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        nets[key(line)] += line.sign * line.trx_mills
    return {name: net for name, net in nets.items() if net}


def _check_base_currencies(lines: list[EntryLine]) -> None:
    bases = sorted({line.base_currency for line in lines})
    if len(bases) > 1:
        text = f"All lines must be in entities with the same base currency; they have {' and '.join(bases)}."
        raise FunctionFailure(business_error(text, errorid="SIM-BASE-CURRENCIES"))


def _check_currencies(lines: list[EntryLine]) -> None:
    for (_, currency), net in _net_amounts(lines, lambda line: ("", line.currency)).items():
        debits = sum(line.trx_mills for line in lines if line.currency == currency and line.sign == 1)
        texts = format_mills(debits, currency), format_mills(debits - net, currency)
        raise FunctionFailure(_unbalanced(f"currency {currency}: debits {texts[0]}, credits {texts[1]}", currency))


def _check_entities(lines: list[EntryLine]) -> None:
    for entity, _ in sorted(_net_amounts(lines, lambda line: (line.entity, line.currency))):
        raise FunctionFailure(_unbalanced(f"Location {entity}" if entity else "the top level", entity))


def _unbalanced(where: str, name: str) -> Error:
    return business_error(
        f"Transactions do not balance for {where}",
        correction="Debits and credits must be equal; set BASELOCATION_NO for inter-entity entries.",
        errorid="GL-1009",
        messageid="IA.TRANSACTIONS_DO_NOT_BALANCE_FOR",
        placeholders=(("NAME", name),),
    )


def _inter_entity_lines(lines: list[EntryLine], base_location: str) -> list[EntryLine]:
    """Add a pair of lines for each entity out of balance: its due to (or from) the base entity, and the reverse."""
    added: list[EntryLine] = []
    own = lines[0].base_currency
    for (entity, currency), net in sorted(_net_amounts(lines, lambda line: (line.entity, line.currency)).items()):
        if entity == base_location:
            continue
        owes = net > 0
        base = _base_share(lines, entity, currency)
        here = INTER_ENTITY_PAYABLE if owes else INTER_ENTITY_RECEIVABLE
        there = INTER_ENTITY_RECEIVABLE if owes else INTER_ENTITY_PAYABLE
        sign = -1 if owes else 1
        added.append(_inter_entity_line(here, sign, currency, abs(net), base, entity, own))
        added.append(_inter_entity_line(there, -sign, currency, abs(net), base, base_location, own))
    return added


def _base_share(lines: list[EntryLine], entity: str, currency: str) -> int:
    chosen = (line for line in lines if line.entity == entity and line.currency == currency)
    return abs(sum(line.sign * line.base_mills for line in chosen))


def _inter_entity_line(
    account: str, sign: int, currency: str, mills: int, base: int, entity: str, own: str
) -> EntryLine:
    dimensions = {"LOCATION": entity} if entity else {}
    return EntryLine(
        account, sign, currency, mills, base, entity, dimensions, description="Inter-entity", base_currency=own
    )


def _settle_rounding(lines: list[EntryLine], switches: Switches) -> None:
    """Put a rounding difference in base currency on the largest line, or reject it if the switch says so."""
    ordered = sorted(lines, key=lambda line: line.entity)
    for entity, group in groupby(ordered, key=lambda line: line.entity):
        members = list(group)
        difference = sum(line.sign * line.base_mills for line in members)
        if not difference:
            continue
        # Each line is converted and rounded separately, so an entry that balances in EUR can be off by up to a cent for
        # each line in USD. A larger difference is a real imbalance.
        if switches.base_rounding == "reject" or abs(difference) > _CENT * len(members):
            raise FunctionFailure(_unbalanced(f"{entity or 'the top level'} in base currency", entity))
        foreign = [line for line in members if line.currency != line.base_currency]
        largest = max(foreign or members, key=lambda line: line.base_mills)
        largest.base_mills -= largest.sign * difference
