"""What of an edited rule later events follow."""

import pytest

from revrec.core.rules.policy import policy_changes


def rule(transfer: str, recognize: str) -> tuple[str, str]:
    """Return a rule as its name and text."""
    return "r", f'[[rule]]\nname = "r"\n{transfer}\n[rule.recognize]\n{recognize}\n'


@pytest.mark.parametrize(
    ("recognize", "changed"),
    [
        # A delivery at the end of each month is not divided by a price within the month; a service is.
        ('method = "monthly"\non = "last"', ["transfer: over_time -> point_in_time"]),
        ('method = "every"\nevery = "1 month"\nalign = "month"', ["transfer: over_time -> point_in_time"]),
        ('method = "monthly"', []),
        ('method = "usage"', []),
    ],
)
def test_a_rule_with_another_transfer_is_another_policy_if_changes_divide_its_parts(
    recognize: str, changed: list[str]
) -> None:
    delivery = rule('transfer = "point_in_time"', recognize)
    assert policy_changes(rule("", recognize), delivery) == changed
    assert policy_changes(rule('transfer = "over_time"', recognize), rule("", recognize)) == []
