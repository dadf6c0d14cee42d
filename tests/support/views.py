"""The example queries of docs/views.md, as the tests run them."""

import re

from support.books import ROOT

REVENUE, ACTIVITY, PLANNED, NETTED = re.findall(
    r"```sql\n(.*?)```", (ROOT / "docs" / "views.md").read_text(encoding="utf-8"), re.DOTALL
)
