"""Several obligations in one contract: what each earns of the price, to the minor unit, and why."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.allocation import AllocationTerms, Obligation, allocate
from revrec.core.charge_line import FulfillmentEvent
from revrec.core.rules import RuleErrors, parse_all
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Schedule, Unscheduled
from revrec.core.standalone import StandalonePrice
from support.rules import AllocateContract, allocated, billed_line, book_of_contract, scheduled, unscheduled

A_B_C = "item,price\nA,40\nB,55\nC,45\n"


def given_to(found: AllocatedContract | Unscheduled) -> dict[str, int]:
    assert isinstance(found, AllocatedContract), found
    assert sum(share.difference for share in found.shares.values()) == 0
    return {id.rpartition("/")[2]: share.allocated for id, share in found.shares.items()}


def reason(found: AllocatedContract | Unscheduled) -> str:
    assert isinstance(found, Unscheduled), found
    return found.reason


def test_the_price_is_allocated_by_relative_standalone_prices(contract: AllocateContract) -> None:
    found = contract("", A_B_C, {"A": 3500, "B": 4000, "C": 2500})
    assert given_to(found) == {"A": 2857, "B": 3929, "C": 3214}
    words = found.shares["shop/INV-1/A"].words
    assert words == (
        "of 100.00 USD in all, by relative standalone selling prices (ASC 606-10-32-31): its observable price "
        "(ASC 606-10-32-32) (ssp.csv:2)"
    )


def test_a_discount_that_belongs_to_some_is_borne_by_them_alone(contract: AllocateContract) -> None:
    found = contract('discount_to = ["B", "C"]', A_B_C, {"A": 3500, "B": 4000, "C": 2500})
    assert given_to(found) == {"A": 4000, "B": 3300, "C": 2700}
    assert "606-10-32-37" in found.shares["shop/INV-1/C"].words


def test_a_discount_is_everybodys_if_the_bundle_is_not_sold_at_what_it_would_leave(contract: AllocateContract) -> None:
    shared = given_to(contract("", A_B_C, {"A": 3500, "B": 4000, "C": 2500}))
    found = contract('discount_to = ["B", "C"]\nbundle_price = "80"', A_B_C, {"A": 3500, "B": 4000, "C": 2500})
    assert given_to(found) == shared


def test_no_discount_belongs_to_no_one_and_a_premium_is_shared(contract: AllocateContract) -> None:
    found = contract('discount_to = ["B", "C"]', A_B_C, {"A": 5000, "B": 5500, "C": 4500})
    assert given_to(found) == {"A": 4286, "B": 5893, "C": 4821}


@pytest.mark.parametrize(
    ("more", "row", "billed", "warned"),
    [
        ("", "D,,yes,25,35", 3000, ""),
        ("", "D,,yes,30,30", 3000, ""),
        ("", "D,,yes,31,90", 3000, "its residual price 30.00 is outside its plausible range, 31.00 to 90.00 USD"),
        ("", "D,,yes,1,29.99", -3000, "its residual price 30.00 is outside its plausible range, 1.00 to 29.99 USD"),
        ('residual_range = ["40", "60.00"]', "D,,yes,,", 3000, "outside its plausible range, 40.00 to 60.00 USD"),
        ('residual_range = ["40", "60.00"]', "D,,yes,20,30", 3000, ""),
        ("", "D,,yes,,", 3000, ""),
    ],
)
def test_a_residual_price_outside_its_plausible_range_is_flagged(
    contract: AllocateContract, more: str, row: str, billed: int, warned: str
) -> None:
    sign = -1 if billed < 0 else 1
    found = contract(more, f"item,price,residual,low,high\nA,40,,,\n{row}\n", {"A": sign * 4000, "D": billed})
    assert given_to(found) == {"A": sign * 4000, "D": billed}, "the share is the same"
    warning = found.shares["shop/INV-1/D"].warning
    assert warned in warning and bool(warning) == bool(warned)
    assert found.shares["shop/INV-1/A"].warning == ""


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "900 to 1200 JPY"), ("KWD", "900.000 to 1200.000 KWD")])
def test_the_plausible_range_is_in_the_contracts_currency(
    contract: AllocateContract, currency: str, shown: str
) -> None:
    prices = "item,price,residual,low,high\nA,40,,,\nD,,yes,900,1200\n"
    found = contract("", prices, {"A": 40_000, "D": 30_000}, currency)
    assert shown in found.shares["shop/INV-1/D"].warning


def test_the_residual_is_what_the_others_leave(contract: AllocateContract) -> None:
    listed = A_B_C.replace("price", "price,residual").replace("0\n", "0,\n").replace("5\n", "5,\n") + "D,,yes\n"
    keys = 'discount_to = ["B", "C"]\nbundle_price = "60"'
    assert given_to(contract(keys, listed, {"A": 13000, "B": 0, "C": 0, "D": 0})) == {
        "A": 4000, "B": 3300, "C": 2700, "D": 3000,
    }  # fmt: skip
    assert "606-10-32-35" in reason(contract(keys, listed, {"A": 9900, "B": 0, "C": 0, "D": 0}))
    assert "bundle_price" in reason(contract('discount_to = ["B", "C"]', listed, {"A": 13000, "B": 0, "C": 0, "D": 0}))
    assert given_to(contract("", listed, {"A": 5000, "D": 2000})) == {"A": 4000, "D": 3000}
    two = listed + "E,,yes\n"
    assert "both residual" in reason(contract("", two, {"A": 5000, "D": 2000, "E": 100}))


@pytest.mark.parametrize(
    ("row", "each", "words"),
    [
        ("price\nX,49.95", 4995, "observable price"),
        ("market,adjustment\nX,50,-10", 4500, "adjusted by -10 percent (ASC 606-10-32-34(a))"),
        ("cost,margin\nX,40,12.5", 4500, "a margin of 12.5 percent (ASC 606-10-32-34(b))"),
        ("option,likelihood\nX,15,80", 1200, "a likelihood of 80 percent (ASC 606-10-55-44)"),
        ("low,high\nX,45,55", 5000, "within the range of its observable prices, 45.00 to 55.00"),
        ("low,high\nX,51,55", 5100, "outside the range"),
        ("low,high\nX,40,48", 4800, "outside the range"),
        ("price,low,high\nX,47,51,55", 4700, "outside the range"),
    ],
)
def test_each_way_to_find_a_standalone_price(row: str, each: int, words: str) -> None:
    book = book_of_contract("", f"item,{row}\n")
    found = book.allocations[0].standalone(billed_line("X", 5000))
    assert (found.amount, words in found.words) == (Fraction(each), True)
    three = book.allocations[0].standalone(billed_line("X", 5000, quantity=Decimal(3)))
    assert three.amount == 3 * each or "range" in words
    by_line = book_of_contract('per = "line"', f"item,{row}\n").allocations[0]
    assert by_line.standalone(billed_line("X", 5000, quantity=Decimal(3))).amount == each


def test_prices_have_effective_dates_and_currencies(contract: AllocateContract) -> None:
    listed = "item,from,to,currency,price\nA,,2023-12-31,USD,1\nA,2024-01-01,,USD,30\nB,,,USD,10\n"
    assert given_to(contract("", listed, {"A": 1000, "B": 1000})) == {"A": 1500, "B": 500}
    said = reason(contract("", listed, {"A": 1000, "B": 1000}, "EUR"))
    assert said.startswith('allocation "bundles": ssp.csv has no EUR price for item A on 2024-01-01')
    assert "revrec schedule" in said


def test_a_discount_line_goes_to_all_and_earns_nothing_itself(contract: AllocateContract) -> None:
    found = contract('price_only = "DISC-*"', A_B_C, {"A": 4000, "B": 5500, "DISC-1": -950})
    assert given_to(found) == {"A": 3600, "B": 4950, "DISC-1": 0}
    assert "price_only" in reason(contract("", A_B_C + "DISC-1,5\n", {"A": 4000, "B": 5500, "DISC-1": -950}))


def test_variable_consideration_goes_to_what_it_is_for(contract: AllocateContract) -> None:
    listed = "item,price\nX,800\nY,1000\n"
    royalties = 'variable = [{ items = "ROYALTY", to = "Y" }]'
    assert given_to(contract(royalties, listed, {"X": 80_000, "Y": 0, "ROYALTY": 100_000})) == {
        "X": 35_556, "Y": 144_444, "ROYALTY": 0,
    }  # fmt: skip
    both = 'variable = [{ items = "ROYALTY", to = ["X", "Y"] }]'
    found = contract(both, listed, {"X": 30_000, "Y": 0, "ROYALTY": 20_000})
    assert given_to(found) == {"X": 22_222, "Y": 27_778, "ROYALTY": 0}
    assert "606-10-32-40" in found.shares["shop/INV-1/ROYALTY"].words


def test_a_credit_memo_of_several_lines_is_allocated_as_the_sale_was(contract: AllocateContract) -> None:
    sold = given_to(contract("", A_B_C, {"A": 3500, "B": 4000, "C": 2500}))
    given_back = given_to(contract("", A_B_C, {"A": -3500, "B": -4000, "C": -2500}))
    assert given_back == {item: -amount for item, amount in sold.items()}


def test_lines_that_cannot_be_one_contract_wait(contract: AllocateContract) -> None:
    book = book_of_contract("", A_B_C)
    one, other = billed_line("A", 100), billed_line("B", 100)
    found = allocate_contract(book, [ContractMember(one), ContractMember(other._replace(entity="E2"))])
    assert "differ in entity (none and E2)" in reason(found)
    assert "differ in currency" in reason(
        allocate_contract(book, [ContractMember(one), ContractMember(other._replace(currency="EUR"))])
    )
    rules = {"A": 'method = "fixed_offset"', "B": 'method = "fixed_offset"\n[rule.post]\ndeferred = "2410"'}
    apart = book_of_contract("", A_B_C, rules)
    assert "deferred in 2400 and 2410" in reason(allocate_contract(apart, [ContractMember(one), ContractMember(other)]))


def test_a_line_alone_in_its_contract_needs_no_price(contract: AllocateContract) -> None:
    assert given_to(contract("", "item,price\n", {"A": 100})) == {"A": 100}


def test_a_zero_line_earns_what_is_allocated_to_it() -> None:
    book = book_of_contract("", A_B_C, {"*": 'method = "monthly"\nperiods = 2'})
    lines = [billed_line("A", 9500), billed_line("B", 0)]
    found = allocated(allocate_contract(book, [ContractMember(line) for line in lines]))
    free = scheduled(book.derive(lines[1], (), found.steps[lines[1].id]))
    assert [part.amount for part in free.parts] == [2750, 2750]
    assert 'allocation "bundles": of 95.00 USD in all' in free.explanation
    nothing = unscheduled(book.derive(billed_line("B", 0)))
    assert (nothing.code, "nothing to recognize" in nothing.reason) == ("closed", True)


def test_a_credit_belongs_to_its_line_and_a_new_price_keeps_the_difference() -> None:
    book = book_of_contract("", A_B_C, {"*": 'method = "monthly"\nperiods = 4'})
    lines = [billed_line("A", 3500), billed_line("B", 4000), billed_line("C", 2500)]
    found = allocated(allocate_contract(book, [ContractMember(line) for line in lines]))
    line = lines[0]
    steps = found.steps[line.id]
    credit = FulfillmentEvent(line.id, "credit", date(2024, 2, 15), amount=500)
    assert sum(part.amount for part in scheduled(book.derive(line, [credit], steps)).parts) == 2857 - 500
    price = FulfillmentEvent(line.id, "price", date(2024, 2, 15), amount=3000)
    assert sum(part.amount for part in scheduled(book.derive(line, [price], steps)).parts) == 2857 - 500


MONTHLY = {"*": 'method = "monthly"\nperiods = 4\non = "last"'}


def test_lines_that_join_share_what_is_not_recognized_yet() -> None:
    book = book_of_contract('later = "modify"', "item,price\nA,60\nB,40\n", MONTHLY)
    a, b = billed_line("A", 8000), billed_line("B", 2000, post_date=date(2024, 2, 29))
    found = allocated(allocate_contract(book, [ContractMember(a), ContractMember(b, part=2)]))
    # Two of four parts of A are recognized; of its 60.00 standalone half remains, beside the 40.00 of B.
    rest = 4000 + 2000
    assert given_to(found) == {"A": 4000 + rest * 30 // 70, "B": rest - rest * 30 // 70}
    schedule = scheduled(book.derive(a, (), found.steps[a.id]))
    assert [part.amount for part in schedule.parts] == [2000, 2000, 1286, 1285]
    assert "new allocation on 2024-02-29 (on_price prospective): 80.00 becomes 65.71 USD" in schedule.explanation


def test_what_was_recognized_stays_when_a_line_joins_that_waits_or_is_done() -> None:
    rules = {"A": 'method = "fixed_offset"', "B": 'method = "pod_date"', "C": 'method = "fixed_offset"'}
    book = book_of_contract('later = "modify"', A_B_C, rules)
    a, b = billed_line("A", 4000), billed_line("B", 5000)
    c = billed_line("C", 4000, post_date=date(2024, 3, 1))
    found = allocated(allocate_contract(book, [ContractMember(a), ContractMember(b), ContractMember(c, part=3)]))
    first = allocate_contract(book, [ContractMember(a), ContractMember(b)])
    assert given_to(found)["A"] == given_to(first)["A"]
    assert found.since == date(2024, 3, 1)


BAD = {
    'later = "never"': "later",
    'bundle_price = "5"': "discount_to",
    'round_to = "0"': "above zero",
    'variable = { items = "B", to = "A" }': "variable must be a list",
    'variable = [{ items = "B" }]': "needs to",
    'contract_by = "colour"': "contract_by",
}


@pytest.mark.parametrize("keys", BAD)
def test_a_mistake_in_an_allocation_is_reported_with_its_place(keys: Any) -> None:
    with pytest.raises(RuleErrors) as refused:
        book_of_contract(keys, A_B_C)
    (problem, *_rest) = refused.value.problems
    assert problem.file == "rules/test.toml" and problem.line > 5 and BAD[keys] in problem.message


@pytest.mark.parametrize(
    ("table", "listed", "said"),
    [("spp", A_B_C, 'did you mean "ssp"?'), ("ssp", "item,colour\nA,red\n", "has no price")],
)
def test_an_allocation_needs_a_table_with_prices(table: str, listed: Any, said: str) -> None:
    block = '[[table]]\nname = "ssp"\nfile = "s.csv"\nkey = "item"\n'
    text = f'{block}[[allocation]]\nname = "x"\nprices = "{table}"\n'
    with pytest.raises(RuleErrors) as refused:
        parse_all({"r.toml": text}, {}, lambda *_: ("s.csv", listed))
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, said in problem.message) == ("r.toml", 7, True)


@pytest.mark.parametrize(
    ("listed", "line", "said"),
    [
        ("item,price,cost,margin\nA,1,,\nB,1,2,3\n", 3, "in 2 ways (price, cost)"),
        ("item,cost,margin\nA,1,\n", 2, "cost needs margin"),
        ("item,price\nA,4O\n", 2, 'price is "4O"'),
        ("item,price\nA,-1\n", 2, "cannot be below zero"),
        ("item,low,high\nA,1,\n", 2, "low needs high"),
        ("item,residual\nA,perhaps\n", 2, "write yes"),
    ],
)
def test_a_mistake_in_a_price_list_is_reported_with_its_line(listed: str, line: int, said: str) -> None:
    with pytest.raises(RuleErrors) as refused:
        book_of_contract("", listed)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, said in problem.message) == ("ssp.csv", line, True)


OBLIGATIONS = st.lists(
    st.tuples(st.integers(0, 10**9), st.fractions(0, 10**6), st.booleans()), min_size=1, max_size=8
).filter(lambda lines: any(ssp for _billed, ssp, _to in lines))


@given(lines=OBLIGATIONS, unit=st.sampled_from([1, 100, 5]), sign=st.sampled_from([1, -1]))
def test_every_minor_unit_of_the_price_is_allocated_once(lines: Any, unit: Any, sign: Any) -> None:
    obligations = [
        Obligation(str(at), sign * billed, StandalonePrice(ssp, ""), to) for at, (billed, ssp, to) in enumerate(lines)
    ]
    shares = allocate(obligations, AllocationTerms("USD", unit))
    price = sum(one.billed for one in obligations)
    assert sum(share.allocated for share in shares) == price
    assert all(share.allocated * sign >= 0 for share in shares)
    assert sum(share.allocated % unit != 0 for share in shares) <= 1 or any(to for _b, _s, to in lines)


@given(lines=OBLIGATIONS)
def test_without_a_discount_to_some_no_share_is_off_by_more_than_a_minor_unit(lines: Any) -> None:
    obligations = [Obligation(str(at), billed, StandalonePrice(ssp, "")) for at, (billed, ssp, _to) in enumerate(lines)]
    whole, prices = sum(one.billed for one in obligations), sum(ssp for _billed, ssp, _to in lines)
    for share, (_billed, ssp, _to) in zip(allocate(obligations, AllocationTerms("USD")), lines, strict=True):
        assert abs(share.allocated - whole * ssp / prices) < 1


@given(
    billed=st.lists(st.integers(1, 10**7), min_size=2, max_size=5),
    months=st.lists(st.integers(1, 6), min_size=5, max_size=5),
    credits=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 10**6)), max_size=4),
)
def test_whatever_joins_and_is_credited_the_contract_earns_what_was_billed(
    billed: Any, months: Any, credits: Any
) -> None:
    listed = "item,price\n" + "".join(f"I{at},{10 + at}\n" for at in range(5))
    book = book_of_contract('later = "modify"', listed, MONTHLY)
    first = date(2024, 1, 1)
    lines = [
        billed_line(f"I{at}", amount, post_date=first if at < 2 else first.replace(month=months[at]))
        for at, amount in enumerate(billed)
    ]
    events: dict[str, list[FulfillmentEvent]] = {line.id: [] for line in lines}
    for at, month, amount in credits:
        if at < len(lines):
            event = FulfillmentEvent(lines[at].id, "credit", date(2024, month, 9), amount=amount)
            events[lines[at].id].append(event)
    members = [ContractMember(line, events[line.id], 1 if at < 2 else at + 1) for at, line in enumerate(lines)]
    found = allocate_contract(book, members)
    if isinstance(found, Unscheduled):
        assert "against the sign of the whole" in found.reason
        return
    whole = [book.derive(member.line, member.events, found.steps[member.line.id]) for member in members]
    earned = sum(part.amount for schedule in whole if isinstance(schedule, Schedule) for part in schedule.all_parts)
    credited = sum(event.amount or 0 for some in events.values() for event in some)
    assert earned == sum(billed) - credited


def test_two_allocations_of_one_priority_are_refused() -> None:
    again = 'description = ""\n[[allocation]]\nname = "other"\nprices = "ssp"'
    with pytest.raises(RuleErrors, match='allocation "other" and allocation "bundles"'):
        book_of_contract(again, A_B_C)
    (ours,) = book_of_contract("", A_B_C).allocations
    assert replace(ours, when=()).matches(billed_line("A", 1))
