"""Property: an entry that balances in its currencies is booked so that each entity balances in base currency too."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.sandbox.company.profile import BASE_CURRENCY, RATES
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.ledger.balancing import balance
from revrec.sandbox.ledger.entry import EntryLine
from revrec.sandbox.money import to_mills

ENTITIES = st.sampled_from(["", "100", "200", "E100"])
AMOUNT = st.integers(1, 10**9).map(lambda cents: cents * 10)


def line(sign: int, currency: str, mills: int, entity: str) -> EntryLine:
    base = to_mills(RATES[currency] * mills / 1000, BASE_CURRENCY)
    return EntryLine("2400", sign, currency, mills, base, entity)


@st.composite
def balanced_lines(draw: st.DrawFn) -> list[EntryLine]:
    lines = []
    for currency in draw(st.lists(st.sampled_from(["USD", "EUR", "GBP"]), min_size=1, unique=True)):
        debits = draw(st.lists(st.tuples(AMOUNT, ENTITIES), min_size=1, max_size=5))
        lines += [line(1, currency, mills, entity) for mills, entity in debits]
        lines.append(line(-1, currency, sum(mills for mills, _ in debits), draw(ENTITIES)))
    return draw(st.permutations(lines))


@settings(max_examples=150, deadline=None)
@given(balanced_lines())
def test_every_entity_balances_after_inter_entity_lines_and_rounding(lines: list[EntryLine]) -> None:
    booked = balance(lines, "E100", Switches())
    nets: dict[object, int] = defaultdict(int)
    for item in booked:
        assert item.trx_mills > 0
        nets[item.entity, item.currency] += item.sign * item.trx_mills
        nets[item.entity] += item.sign * item.base_mills
    assert set(nets.values()) == {0}
    assert [item.trx_mills for item in booked[: len(lines)]] == [item.trx_mills for item in lines]
