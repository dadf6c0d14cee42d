"""Changes of a contract's price after its start: who shares them, and what remains after a modification.

Source: ASC 606-10-25-13 and 32-42 to 32-45 (IFRS 15.21 and 87 to 90); Examples 5 and 6.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.pricing import apply_allocation, price_of
from revrec.core.rules import RuleBook
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.cost_events import events_of_cost
from revrec.core.schedule import Schedule, Unscheduled, total_of
from support.rules import allocated, billed_line, book_of_contract, scheduled

NOW = 'method = "fixed_offset"'
DELIVERED = 'method = "pod_date"'
YEAR = 'method = "monthly"\nperiods = 12\non = "last"'
DAILY = 'method = "daily"'
TWO = "item,price\nX,600\nY,600\n"


def event(item: str, kind: str, day: str, **fields: Any) -> FulfillmentEvent:
    return FulfillmentEvent(f"shop/INV-1/{item}", kind, date.fromisoformat(day), **fields)


def members(
    billed: Mapping[str, int], events: Sequence[FulfillmentEvent] = (), later: Mapping[str, str] = {}, **fields: Any
) -> list[ContractMember]:
    """Return the lines of a contract; those in ``later`` join it on their days, each as another part."""
    found = []
    for item, amount in billed.items():
        line = billed_line(item, amount, **fields)
        if item in later:
            line = line._replace(post_date=date.fromisoformat(later[item]))
        part = 2 + list(later).index(item) if item in later else 1
        found.append(ContractMember(line, [one for one in events if one.charge == line.id], part))
    return found


def recognized(book: RuleBook, lines: Sequence[ContractMember]) -> dict[str, list[tuple[str, int]]]:
    """Return what each line recognizes on each day, by item, and what waits."""
    found = allocated(allocate_contract(book, lines))
    shown = {}
    for line, events, _part in lines:
        derived = book.derive(line, events, found.steps[line.id])
        by_day: Counter[str] = Counter()
        for day, amount in derived.parts if isinstance(derived, Schedule) else ():
            by_day[str(day)] += amount
        by_day["waits"] = earns(line, events, found) - by_day.total()
        shown[line.item] = [(day, amount) for day, amount in by_day.items() if amount]
    return shown


def earns(line: ChargeLine, events: Sequence[FulfillmentEvent], found: AllocatedContract) -> int:
    """Return what a line earns in all, in minor units."""
    return price_of(*apply_allocation(line, events, found.steps[line.id]))


def test_a_credit_for_goods_that_were_delivered_leaves_the_others_their_price() -> None:
    """Example 5, case B: 60 of 120 products are delivered and credited by 900; 30 more are added at 80 each."""
    rules = {"A": 'method = "usage"\nunits = 120\non_credit = "earned_first"', "B": 'method = "usage"\nunits = 30'}
    book = book_of_contract('later = "modify"', "item,price\nA,12000\nB,3000\n", rules)
    events = [
        event("A", "usage", "2024-03-31", quantity=60),
        event("A", "credit", "2024-04-01", amount=90_000),
    ]
    lines = members({"A": 1_200_000, "B": 240_000}, events, {"B": "2024-04-01"})
    # 60 at 100 and 30 at 80 are 8,400 for 90 products of the same standalone price: 93.33 each.
    assert recognized(book, lines) == {
        "A": [("2024-03-31", 600_000), ("2024-04-01", -90_000), ("waits", 560_000)],
        "B": [("waits", 280_000)],
    }


def test_an_estimate_of_what_was_promised_before_a_modification_reaches_what_was_delivered() -> None:
    """Example 6: X is delivered, Z joins Y, and 40 more of the variable amount are then included."""
    book = book_of_contract(
        'later = "modify"', "item,price\nX,600\nY,600\nZ,600\n", {"X": NOW, "Y": DELIVERED, "Z": DELIVERED}
    )
    events = [
        event("X", "constraint", "2024-07-01", amount=10_000),
        event("X", "constraint", "2024-12-31", amount=6_000),
        event("Y", "pod", "2025-03-31"),
        event("Z", "pod", "2025-06-30"),
    ]
    billed = {"X": 130_000, "Y": 0, "Z": 30_000}
    lines = members(billed, events, {"Z": "2024-11-30"}, post_date=date(2024, 7, 1))
    assert recognized(book, lines) == {
        "X": [("2024-07-01", 60_000), ("2024-12-31", 2_000), ("waits", 6_000)],
        "Y": [("2025-03-31", 46_000)],
        "Z": [("2025-06-30", 46_000)],
    }


@pytest.mark.parametrize(
    ("keys", "scope", "shares"),
    [
        ("", "", (56_000, 56_000)),
        ("", "line", (60_000, 52_000)),
        ('scope = "line"', "", (60_000, 52_000)),
        ('scope = "line"', "contract", (56_000, 56_000)),
    ],
)
def test_a_new_price_is_shared_on_the_basis_of_the_start_unless_its_scope_is_the_line(
    keys: str, scope: str, shares: tuple[int, int]
) -> None:
    book = book_of_contract(keys, TWO, {"X": NOW, "Y": YEAR})
    lines = members({"X": 60_000, "Y": 60_000}, [event("Y", "price", "2024-06-30", amount=52_000, scope=scope)])
    found = allocated(allocate_contract(book, lines))
    assert tuple(earns(line, events, found) for line, events, _part in lines) == shares


def test_each_line_catches_up_what_it_had_satisfied() -> None:
    book = book_of_contract("", TWO, {"X": NOW, "Y": YEAR})
    lines = members({"X": 60_000, "Y": 60_000}, [event("X", "credit", "2024-06-30", amount=12_000)])
    shown = recognized(book, lines)
    assert shown["X"] == [("2024-01-01", 60_000), ("2024-06-30", -6_000)]
    assert shown["Y"][4:7] == [("2024-05-31", 5_000), ("2024-06-30", 5_000 - 3_000), ("2024-07-31", 4_500)]


@pytest.mark.parametrize("policy", ["latest", "earned_first"])
def test_a_policy_that_says_what_a_credit_is_for_keeps_it_on_its_line(policy: str) -> None:
    book = book_of_contract("", TWO, {"X": NOW, "Y": f'{YEAR}\non_credit = "{policy}"'})
    lines = members({"X": 60_000, "Y": 60_000}, [event("Y", "credit", "2024-06-30", amount=12_000)])
    found = allocated(allocate_contract(book, lines))
    assert [earns(line, events, found) for line, events, _part in lines] == [60_000, 48_000]


def test_a_rule_can_say_that_the_changes_of_its_lines_are_theirs() -> None:
    book = book_of_contract("", TWO, {"X": f'{NOW}\nscope = "line"', "Y": YEAR})
    for item, shares in (("X", [48_000, 60_000]), ("Y", [54_000, 54_000])):
        lines = members({"X": 60_000, "Y": 60_000}, [event(item, "credit", "2024-06-30", amount=12_000)])
        found = allocated(allocate_contract(book, lines))
        assert [earns(line, events, found) for line, events, _part in lines] == shares


def test_a_credit_that_was_expected_is_no_change_of_the_price() -> None:
    book = book_of_contract("", TWO, {"X": NOW, "Y": YEAR})
    events = [
        event("X", "constraint", "2024-01-01", amount=6_000),
        event("X", "credit", "2024-02-01", amount=5_000),
    ]
    shown = recognized(book, members({"X": 60_000, "Y": 60_000}, events))
    assert shown["X"] == [("2024-01-01", 57_000), ("waits", 1_000)] and sum(one for _day, one in shown["Y"]) == 57_000


def test_a_later_line_that_is_only_a_price_is_shared_by_all() -> None:
    for later in ("separate", "modify"):
        book = book_of_contract(f'later = "{later}"\nprice_only = "FEE"', TWO, {"X": NOW, "Y": YEAR, "FEE": NOW})
        lines = members({"X": 60_000, "Y": 60_000, "FEE": -24_000}, (), {"FEE": "2024-06-30"})
        shown = recognized(book, lines)
        assert shown["X"] == [("2024-01-01", 60_000), ("2024-06-30", -12_000)]
        assert shown["Y"][5:7] == [("2024-06-30", 5_000 - 6_000), ("2024-07-31", 4_000)]
        assert shown["FEE"] == []


def test_a_credit_of_a_line_that_is_only_a_price_is_shared_even_without_a_rule() -> None:
    book = book_of_contract('price_only = "FEE"', TWO, {"X": NOW, "Y": NOW})
    for scope in ("", "line"):
        credit = event("FEE", "credit", "2024-03-31", amount=4_000, scope=scope)
        lines = members({"X": 60_000, "Y": 60_000, "FEE": 10_000}, [credit])
        found = allocated(allocate_contract(book, lines))
        assert [earns(line, events, found) for line, events, _part in lines] == [63_000, 63_000, 0]


def test_a_price_that_arrives_after_a_modification_does_not_change_the_days_before_it() -> None:
    """The credit of the later fee is dated before the modification, on whose day another line gets a new price."""
    rules = {"X": NOW, "Y": YEAR, "Z": DELIVERED, "FEE": NOW}
    book = book_of_contract('later = "modify"\nprice_only = "FEE"', "item,price\nX,600\nY,400\nZ,250\n", rules)
    events = [event("Y", "price", "2024-01-02", amount=700), event("FEE", "credit", "2024-01-01", amount=100)]
    later = {"Z": "2024-01-02", "FEE": "2024-01-02"}
    lines = members({"X": 1000, "Y": 1000, "Z": 1000, "FEE": 1000}, events, later)
    found = allocated(allocate_contract(book, lines))
    assert sum(earns(line, its_own, found) for line, its_own, _part in lines) == 3600


def test_later_variable_consideration_is_for_its_lines_alone() -> None:
    book = book_of_contract('variable = [{ items = "ROYALTY", to = "X" }]', TWO, {"X": NOW, "Y": YEAR, "ROYALTY": NOW})
    lines = members({"X": 60_000, "Y": 60_000, "ROYALTY": 7_000}, (), {"ROYALTY": "2024-03-31"})
    shown = recognized(book, lines)
    assert shown["X"] == [("2024-01-01", 60_000), ("2024-03-31", 7_000)] and shown["ROYALTY"] == []


def test_a_change_after_a_modification_is_shared_by_what_remained() -> None:
    book = book_of_contract('later = "modify"', "item,price\nX,600\nY,600\nZ,300\n", {"X": NOW, "Y": YEAR, "Z": YEAR})
    lines = members({"X": 60_000, "Y": 60_000, "Z": 30_000}, [], {"Z": "2024-06-30"})
    credit = event("Y", "credit", "2024-06-30", amount=6_000)
    later = credit._replace(date=date(2024, 7, 1))
    shares = [
        {line.item: earns(line, events, allocated(allocate_contract(book, played))) for line, events, _part in played}
        for played in (lines, [one._replace(events=[later] if one.line.item == "Y" else []) for one in lines])
    ]
    assert [after - before for before, after in zip(shares[0].values(), shares[1].values(), strict=True)] == [
        0, -3_000, -3_000,
    ]  # fmt: skip


def test_what_is_constrained_of_goods_that_are_not_delivered_is_not_shared_with_a_line_that_joins() -> None:
    """1,140.00 are allocated at the start. With the 300.00 of Z, 1,440.00 are shared by 600, 600 and 300."""
    returns = f'{DELIVERED}\n[rule.constraint]\npercent = 10\nuntil = "30 days"\nfrom = "delivered"\nreason = "return"'
    rules = {"X": returns, "Y": DELIVERED, "Z": DELIVERED}
    book = book_of_contract('later = "modify"', "item,price\nX,600\nY,600\nZ,300\n", rules)
    lines = members({"X": 60_000, "Y": 60_000, "Z": 30_000}, [], {"Z": "2024-02-10"})
    assert recognized(book, lines) == {
        "X": [("waits", 57_600 + 6_000)], "Y": [("waits", 57_600)], "Z": [("waits", 28_800)],
    }  # fmt: skip


def test_what_remains_when_a_line_joins_within_a_month_is_counted_by_day() -> None:
    """366.00 for the days of 2024: 325.00 remains after February 10. With the 75.00 of Z it is shared equally."""
    by_month = f'{DAILY}\nby = "month"'
    book = book_of_contract('later = "modify"', "item,price\nX,366\nZ,325\n", {"X": by_month, "Z": NOW})
    span = {"service_start": date(2024, 1, 1), "service_end": date(2024, 12, 31)}
    lines = members({"X": 36_600, "Z": 7_500}, [], {"Z": "2024-02-10"}, **span)
    shown = recognized(book, lines)
    # 10 days at 1.00, and 19 of the 325 days that share 200.00.
    assert shown["X"][:2] == [("2024-01-31", 3_100), ("2024-02-29", 1_000 + 1_169)]
    assert shown["Z"] == [("2024-02-10", 20_000)]


def test_a_discount_of_some_lines_stays_theirs_when_the_price_changes() -> None:
    listed = "item,price\nA,40\nB,55\nC,45\n"
    book = book_of_contract('discount_to = ["B", "C"]\nbundle_price = "60"', listed)
    lines = members({"A": 3_000, "B": 4_000, "C": 3_000}, [event("A", "credit", "2024-02-01", amount=1_000)])
    found = allocated(allocate_contract(book, lines))
    assert [earns(line, events, found) for line, events, _part in lines] == [3_600, 2_970, 2_430]


def test_a_prospective_price_is_not_undone_by_a_later_estimate() -> None:
    book = book_of_contract("", "item,price\nX,1\n", {"X": YEAR})
    events = [
        event("X", "constraint", "2024-01-01", amount=12_000),
        event("X", "price", "2024-06-30", amount=252_000),
        event("X", "constraint", "2024-09-30", amount=0),
    ]
    schedule = scheduled(book.derive(billed_line("X", 132_000), events))
    amounts = [(str(part.date), part.amount) for part in schedule.parts]
    # 10.00 of the bonus are for each month: 90.00 for nine are caught up. The new price counts from July.
    assert amounts[5:11] == [
        ("2024-06-30", 10_000), ("2024-07-31", 30_000), ("2024-08-31", 30_000), ("2024-09-30", 30_000),
        ("2024-09-30", 9_000), ("2024-10-31", 31_000),
    ]  # fmt: skip


def test_within_a_day_the_order_of_recording_does_not_matter() -> None:
    line = billed_line("X", 120_000)
    price, credit = event("X", "price", "2024-06-30", amount=60_000), event("X", "credit", "2024-06-30", amount=6_000)
    assert price_of(line, [price, credit]) == price_of(line, [credit, price]) == 54_000


ITEMS = ("X", "Y", "Z", "FEE")
AMOUNTS = st.integers(0, 90_000)
DAYS = st.dates(date(2024, 1, 1), date(2025, 3, 1))


@st.composite
def contracts(draw: st.DrawFn) -> list[ContractMember]:
    """A contract of lines at its start, lines that join it, and events of all kinds on any day."""
    billed = {"X": draw(AMOUNTS), "Y": draw(AMOUNTS), "Z": draw(AMOUNTS), "FEE": draw(st.integers(-9_000, 9_000))}
    joining = draw(st.permutations(("Z", "FEE")))
    later = {item: str(draw(DAYS)) for item in joining if draw(st.booleans())}
    events = []
    for item in ITEMS:
        kinds = draw(st.lists(st.sampled_from(("credit", "price", "constraint", "cancel", "pod")), max_size=2))
        for kind in kinds:
            scope = draw(st.sampled_from(("", "contract", "line"))) if kind not in ("cancel", "pod") else ""
            amount = None if kind == "pod" else draw(AMOUNTS)
            events.append(event(item, kind, str(draw(DAYS)), amount=amount, scope=scope))
    currency = draw(st.sampled_from(("USD", "JPY", "KWD")))
    return members(billed, events, later, currency=currency)


BOOKS = [
    book_of_contract(
        f'later = "modify"\nprice_only = "FEE"\n{keys}',
        "item,price\nX,600\nY,400\nZ,250\n",
        {"X": NOW, "Y": f"{YEAR}\n{policy}", "Z": DELIVERED, "FEE": NOW},
    )
    for keys, policy in (
        ("", ""),
        ('scope = "line"', 'on_price = "catch_up"'),
        ("", 'on_credit = "latest"'),
        ("", 'on_credit = "earned_first"\n[rule.constraint]\npercent = 10\nuntil = "200 days"\nreason = "bonus"'),
    )
]


def final_price(lines: Sequence[ContractMember]) -> int:
    return sum(price_of(line, events) for line, events, _part in lines)


@pytest.mark.parametrize(
    "examples", [8, pytest.param(150, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.long)]
)
def test_a_contract_earns_its_final_price_whatever_changes(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(lines=contracts(), which=st.integers(0, len(BOOKS) - 1))
    def holds(lines: list[ContractMember], which: int) -> None:
        book = BOOKS[which]
        found = allocate_contract(book, lines)
        if isinstance(found, Unscheduled):
            assert found.code == "impossible"
            return
        assert sum(share.difference for share in found.shares.values()) == 0
        assert sum(earns(line, events, found) for line, events, _part in lines) == final_price(lines)
        for line, events, _part in lines:
            derived = book.derive(line, events, found.steps[line.id])
            if isinstance(derived, Schedule):
                assert total_of(derived.all_parts) == earns(line, events, found)

    holds()


def planned(book: RuleBook, lines: Sequence[ContractMember]) -> Iterator[tuple[ContractMember, Schedule, int]]:
    """Yield the lines with a schedule, and what each earns; none of a contract that cannot be allocated."""
    found = allocate_contract(book, lines)
    if isinstance(found, Unscheduled):
        assert found.code == "impossible"
        return
    for member in lines:
        derived = book.derive(member.line, member.events, found.steps[member.line.id])
        if isinstance(derived, Schedule):
            yield member, derived, earns(member.line, member.events, found)


MIGRATING = [
    book_of_contract(
        'later = "modify"\nprice_only = "FEE"',
        "item,price\nX,600\nY,400\nZ,250\n",
        {
            "X": f"{NOW}\n{policy}\n{constraint}",
            "Y": f"{YEAR}\n{policy}\n{constraint}",
            "Z": f"{DELIVERED}\n{policy}",
            "FEE": NOW,
        },
    )
    for policy, constraint in (
        ('on_migration = "spread"', ""),
        ('on_migration = "catch_up"\non_credit = "earned_first"', ""),
        ('on_migration = "catch_up"', '[rule.constraint]\npercent = 10\nuntil = "40 days"\nreason = "returns"\n'),
    )
]
CUTOVERS = st.dates(date(2024, 1, 2), date(2024, 12, 31))


@pytest.mark.parametrize(
    "examples", [6, pytest.param(120, marks=pytest.mark.slow), pytest.param(400, marks=pytest.mark.long)]
)
def test_a_contract_in_progress_earns_its_final_price_and_its_history_stays(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(
        lines=contracts(),
        book=st.sampled_from(MIGRATING),
        first=CUTOVERS,
        recognized=st.dictionaries(st.sampled_from("XYZ"), AMOUNTS),
    )
    def holds(lines: list[ContractMember], book: RuleBook, first: date, recognized: dict[str, int]) -> None:
        lines = [
            one._replace(line=one.line._replace(cutover=first, recognized_before=recognized.get(one.line.item, 0)))
            if one.part == 1
            else one
            for one in lines
        ]
        for (line, _events, _part), derived, price in planned(book, lines):
            assert total_of(derived.all_parts) == price
            assert total_of(derived.historical) == line.recognized_before
            assert all(part.date < first for part in derived.historical)

    holds()


FINANCED = [
    book_of_contract(
        'later = "modify"\nprice_only = "FEE"',
        "item,price\nX,600\nY,400\nZ,250\n",
        {
            "X": NOW,
            "Y": f'{YEAR}\n{constraint}[rule.financing]\ndirection = "{direction}"\nrate = "7"\nterm = "{term}"\n'
            'interest = "7100"',
            "Z": DELIVERED,
            "FEE": NOW,
        },
    )
    for direction, term, constraint in (
        ("prepayment", "2 years", ""),
        ("deferral", "3 years", ""),
        ("prepayment", "18 months", '[rule.constraint]\npercent = 10\nuntil = "200 days"\nreason = "bonus"\n'),
    )
]


@pytest.mark.parametrize(
    "examples", [4, pytest.param(100, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.long)]
)
def test_a_financed_line_earns_its_final_price_and_the_interest_in_it(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(lines=contracts(), book=st.sampled_from(FINANCED))
    def holds(lines: list[ContractMember], book: RuleBook) -> None:
        for (line, events, _part), derived, price in planned(book, lines):
            interest = sum(_accrued(book, cost, line, events) for cost in book.costs_of(line))
            assert total_of(derived.all_parts) + interest == price

    holds()


def _accrued(book: RuleBook, interest: ChargeLine, line: ChargeLine, events: Sequence[FulfillmentEvent]) -> int:
    """Return all interest beside a line: below zero if it raises the price."""
    derived = book.derive(interest, events_of_cost(book, interest, line, events))
    return total_of(scheduled(derived).all_parts)


@pytest.mark.parametrize(
    "examples", [8, pytest.param(120, marks=pytest.mark.slow), pytest.param(400, marks=pytest.mark.long)]
)
def test_the_order_in_which_events_are_recorded_does_not_matter(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(lines=contracts(), book=st.sampled_from([*BOOKS, *FINANCED]))
    def holds(lines: list[ContractMember], book: RuleBook) -> None:
        # Of two deliveries or cancellations, or two prices of a day, the last one recorded counts: it is a correction.
        corrected = [
            (line.id, one.kind, None if one.kind in ("pod", "cancel") else one.date)
            for line, events, _part in lines
            for one in events
        ]
        if len(set(corrected)) < len(corrected):
            return
        turned = [one._replace(events=list(reversed(one.events))) for one in lines]
        assert _played(book, lines) == _played(book, turned)

    holds()


def _played(book: RuleBook, lines: Sequence[ContractMember]) -> object:
    found = allocate_contract(book, lines)
    return found.reason if isinstance(found, Unscheduled) else recognized(book, lines)


@pytest.mark.parametrize("examples", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_the_months_of_a_contract_are_the_sums_of_its_days(examples: int) -> None:
    listed = "item,price\nX,600\nY,600\nZ,400\n"
    by = {
        way: book_of_contract('later = "modify"', listed, {"X": NOW, **dict.fromkeys("YZ", f'{DAILY}\nby = "{way}"')})
        for way in ("day", "month")
    }
    span: dict[str, Any] = {"service_start": date(2024, 1, 1), "service_end": date(2024, 12, 31)}

    @settings(max_examples=examples, deadline=None)
    @given(
        joins=st.none() | st.dates(date(2024, 1, 2), date(2025, 1, 31)),
        changes=st.lists(
            st.tuples(
                st.sampled_from("XYZ"),
                st.sampled_from(("credit", "price", "constraint", "cancel", "hold", "release")),
                DAYS,
                st.integers(0, 50_000),
                st.sampled_from(("", "contract", "line")),
            ),
            max_size=4,
        ),
    )
    def holds(joins: date | None, changes: list[tuple[str, str, date, int, str]]) -> None:
        events = [
            event(item, kind, str(day), amount=amount, scope="" if kind in ("cancel", "hold", "release") else scope)
            for item, kind, day, amount, scope in changes
        ]
        lines = members({"X": 60_000, "Y": 60_000, "Z": 30_000}, events, {"Z": str(joins)} if joins else {}, **span)
        shown = {way: recognized(book, lines) for way, book in by.items()}
        for item in "YZ":
            months = {way: _by_month(shown[way][item]) for way in by}
            for month in {*months["day"], *months["month"]}:
                # Each day is rounded by itself; a month may differ by a cent for each change that cuts it.
                assert abs(months["day"].get(month, 0) - months["month"].get(month, 0)) <= 2 + len(events), month

    holds()


def _by_month(parts: Sequence[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for day, amount in parts:
        sums[day[:7]] = sums.get(day[:7], 0) + amount
    return sums
