"""Texts of rules that many tests share, to be joined to the rules of a test.

Each starts with an empty line and ends in ``[rule.recognize]``, so that further keys of that table may follow.
"""

PROJECT = """
[[rule]]
name = "project"
[rule.when]
item = "PROJ-*"
[rule.recognize]
method = "milestones"
milestones = [{ name = "design", percent = 40 }, { name = "go-live", percent = 60 }]
"""

DELIVERY = """
[[rule]]
name = "delivery"
[rule.when]
item = "POD-*"
[rule.recognize]
method = "pod_date"
"""

MAGAZINE = """
[[rule]]
name = "magazine"
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "monthly"
"""

GOODS = """
[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
"""

PRINT_COST = """\
[[rule.cost]]
name = "print"
percent = 50
deferred = "1300"
expense = "5000"
"""
"""The cost of the rule before it."""
