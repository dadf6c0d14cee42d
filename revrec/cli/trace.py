"""``revrec trace``."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.output import grouped, more_in_words
from revrec.cli.shared import Options, command, fail
from revrec.core.harmless import harmless, one_line
from revrec.core.posting import state_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.tree import Tree

    from revrec.jobs.context import Context
    from revrec.jobs.importing.documents import ListedDocument
    from revrec.jobs.reports.adjustment_trace import AdjustmentTrace
    from revrec.jobs.reports.trace import (
        ChangeTrace,
        ChargeTrace,
        EntryTrace,
        EventSource,
        ExchangeTrace,
        InvoiceTrace,
        LineTrace,
        PostedEntryTrace,
        ReversalTrace,
        ScheduleLineTrace,
        ScheduleTrace,
        SourceTrace,
    )
    from revrec.jobs.scheduling.contracts import RecordedAllocation
    from revrec.store.reports.history import AttemptTrace, AuditTrace


LIMIT = 20
"""Charge lines, or lines of an entry, that are shown unless --limit says otherwise."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "trace")
    def trace(
        options: Options,
        reference: Annotated[
            str,
            typer.Argument(
                metavar="REF",
                help="Charge id, reference, Intacct record number or DOCID, document, or file.",
            ),
        ],
        deep: Annotated[
            bool, typer.Option("--deep", help="For an entry, show the history of each of its charge lines.")
        ] = False,
        line: Annotated[
            int | None,
            typer.Option("--line", metavar="N", help="Show the charge lines behind this line of an entry.", min=1),
        ] = None,
        limit: Annotated[
            int,
            typer.Option(
                "--limit", metavar="N", help="Maximum number of charge lines, or lines of an entry; 0 for all.", min=0
            ),
        ] = LIMIT,
    ) -> None:
        """Trace a charge line, journal entry or invoice.

        Use it to see what happened, step by step, and who did it. To see where an amount comes from, use `revrec
        explain`; to see why a rule was used, use `revrec rules explain`. For a charge line, document, invoice or file,
        it shows the whole history: file and row, events, the rule and its text, every schedule version, invoices,
        entries, requests and responses, Intacct's record number, who and when. For a journal entry, it shows the
        entry: its lines, their totals, its requests, and who did what; with --deep, the history of each of its charge
        lines, and with --line N, the charge lines that its line N adds up. For a document of a source that was not
        imported, it shows when it arrived, why it was refused, and who dismissed it. With -v, requests and responses
        are shown in full.

        \b
        Examples:
          revrec trace shop/INV-1001/1
          revrec trace RRDWV4S7Q2K3MABC
          revrec trace RRDWV4S7Q2K3MABC --deep --limit 0
          revrec trace RRDWV4S7Q2K3MABC --line 3
          revrec trace 6680 --format json
        """
        from revrec.jobs.reports.adjustment_trace import trace_adjustments
        from revrec.jobs.reports.trace import trace_entries, trace_line

        if options.csv:
            fail("--format csv: a trace is a tree, not a table; write --format json", 2)
        if line is not None and deep:
            fail("--line cannot be combined with --deep: trace one of the charge lines that --line shows", 2)
        context = options.context()
        if line is not None:
            _show_line(options, trace_line(context, reference, line), limit)
            return
        entries = [] if deep else trace_entries(context, reference)
        adjustments = [] if entries else trace_adjustments(context, reference)
        if adjustments:
            _show_adjustments(options, adjustments)
        elif entries:
            _show_entries(options, entries, limit)
        elif not _show_documents(options, context, reference):
            _show_charges(options, context, reference, limit)


def _show_documents(options: Options, context: "Context", reference: str) -> bool:
    """Show the documents of sources with this name, unless it names charge lines; return True if there are any."""
    from revrec.cli.output import as_data, print_json, show_tree
    from revrec.jobs.importing.documents import named
    from revrec.jobs.reports.trace import count_traced

    found = [] if count_traced(context, reference) else named(context, reference)
    if options.json and found:
        print_json({"documents": as_data(found)})
    elif found:
        show_tree(_document_tree(reference, found))
    return bool(found)


def _document_tree(reference: str, found: "list[ListedDocument]") -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(one_line(f"document {reference}")))
    for one in found:
        about = f"{one.state}  {one.source}: {one.document}  received {_when(one.received)}, {one.size:,} bytes"
        branch = _add(tree, about)
        details = {
            "reason": one.reason,
            "waits for": ", ".join(one.waits_for),
            "SHA-256": one.sha256,
            "copy": one.copy,
            "number": f"{one.id}: revrec fetch list",
        }
        for name, text in details.items():
            if text:
                _add(branch, f"{name}: {text}")
    return tree


def _show_entries(options: Options, entries: "list[PostedEntryTrace]", limit: int) -> None:
    from revrec.cli.output import as_data, print_json, show_tree

    if options.json:
        print_json(as_data(entries[0] if len(entries) == 1 else entries))
        return
    for one in entries:
        show_tree(entry_tree(one, options.verbose, limit))


def _show_adjustments(options: Options, found: "list[AdjustmentTrace]") -> None:
    from revrec.cli.output import as_data, print_json, show_tree

    if options.json:
        print_json(as_data(found[0] if len(found) == 1 else found))
        return
    for one in found:
        show_tree(_adjustment_tree(one, options.verbose))


def _adjustment_tree(found: "AdjustmentTrace", verbose: bool) -> "Tree":
    """Return an adjusting entry as a tree."""
    from rich.text import Text
    from rich.tree import Tree

    key = f", Intacct record {found.record_no}" if found.record_no else ""
    title = f"adjusting entry {found.reference}: {state_in_words(found.status)}{key}"
    root = Tree(Text(one_line(title), "bold"))
    whole = f"{grouped(found.amount)} {found.currency} in total"
    _add(root, f"dated {found.date}, journal {found.journal}, {whole}, control id {found.control_id}")
    _add(root, f"{found.kind} of {found.day}: {found.reason}")
    if found.reverses:
        _add(root, f"reverses {found.reverses}")
    if found.reversed_by:
        _add(root, f"reversed by {found.reversed_by}")
    for line in found.lines:
        _add(root, f"{line.side} {line.account}  {grouped(line.amount)}  {line.memo}")
    if found.error:
        _add(root, f"error {found.error_no or ''}: {found.error}")
        _add(root, f"advice: {found.advice or ''}")
    for attempt in found.attempts:
        _attempt(attempt, root, verbose)
    _add_audit(found.audit, root)
    return root


def _show_line(options: Options, found: "list[LineTrace]", limit: int) -> None:
    from revrec.cli.output import as_data, print_json, show_tree

    if options.json:
        print_json(as_data(found[0] if len(found) == 1 else found))
        return
    for one in found:
        show_tree(_line_tree(one, limit))


def _line_tree(found: "LineTrace", limit: int) -> "Tree":
    """Return a line of an entry as a tree, with at most ``limit`` of the schedule lines behind it (0: all)."""
    from rich.text import Text
    from rich.tree import Tree

    from revrec.cli.output import counted

    line = found.line
    key = f", Intacct record {found.record_no}" if found.record_no else ""
    root = Tree(
        Text(one_line(f"entry {found.reference}, line {line.line_no}: {state_in_words(found.status)}{key}"), "bold")
    )
    what = f"{line.side} {line.account}  {grouped(line.amount)} {found.currency}  {line.memo}"
    _add(root, f"dated {found.date}  {what}")
    lines = f"{counted(line.schedule_lines, 'schedule line')} of {counted(found.charges, 'charge line')}"
    branch = _add(root, f"{lines}, {grouped(line.amount)} {found.currency}")
    for one in found.parts[: limit or None]:
        rule = f"{one.rule}, version {one.rule_version}"
        _add(branch, f"{grouped(one.amount)}  {one.charge}  {one.date}  part {one.seq}/{one.of}  {one.item}  {rule}")
    if limit and len(found.parts) > limit:
        _add(branch, more_in_words(len(found.parts) - limit, "schedule line"))
    return root


def _show_charges(options: Options, context: "Context", reference: str, limit: int) -> None:
    from itertools import islice

    from revrec.cli.output import as_data, print_json, print_more, show_tree
    from revrec.jobs.reports.trace import count_traced
    from revrec.jobs.reports.trace import trace as follow

    lives = follow(context, reference)
    if options.json:
        found = list(lives)
        print_json(as_data(found[0] if len(found) == 1 else found))
        return
    shown = 0
    for history in islice(lives, limit or None):
        show_tree(tree(history, options.verbose))
        shown += 1
    if shown == limit:
        print_more(count_traced(context, reference) - shown, "charge line")


def entry_tree(found: "PostedEntryTrace", verbose: bool, limit: int) -> "Tree":
    """Return a journal entry as a tree, with at most ``limit`` of its lines (0: all)."""
    from rich.text import Text
    from rich.tree import Tree

    from revrec.cli.output import counted

    entry = found.entry
    root = Tree(Text(one_line(_title_of(entry)), "bold"))
    _add_entry(entry, root, verbose, limit)
    totals = _add(root, "totals")
    for one in found.totals:
        _add(totals, f"{one.account}  debit {grouped(one.debit)}, credit {grouped(one.credit)}")
    _add(root, f"{counted(found.charges, 'charge line')}: revrec trace {entry.reference} --deep")
    _add_audit(found.audit, root)
    return root


def tree(history: "ChargeTrace", verbose: bool) -> "Tree":
    """Return the history of a charge line as a tree; ``verbose`` adds requests and responses in full."""
    from rich.text import Text
    from rich.tree import Tree

    charge = history.charge
    what = f"{grouped(charge.amount)} {charge.currency}  {charge.item}  customer {charge.customer}"
    root = Tree(Text(f"{charge.id}  {what}", "bold"))
    _others(history, root)
    _source(history.source, root)
    for change in history.changes:
        _change(change, root)
    _events(history, root)
    _rule(history, root)
    for allocation in history.allocations:
        _allocation(allocation, root)
    if history.historical:
        past = _add(root, f"recognized before the cutover on {charge.cutover}, on no entry")
        for part in history.historical:
            _add(past, f"{part.seq}  {part.date}  {grouped(part.amount)} {charge.currency}")
    for version in history.schedule:
        _schedule(version, root, bool(history.historical))
    for repair in history.repairs:
        branch = _add(root, f"repair: {repair.name}, version {repair.version} ({repair.file})")
        _add_block(branch, repair.text.strip())
    for invoice in history.invoices:
        _invoice(invoice, root, verbose)
    for entry in history.entries:
        _entry(entry, root, verbose)
    for cleared in history.exchange:
        _exchange(cleared, root)
    _add_audit(history.audit, root)
    return root


def _others(history: "ChargeTrace", root: "Tree") -> None:
    """Add the charge lines that this one credits or bills, or that credit or bill it."""
    if history.charge.credits:
        _add(root, f"credits {history.credits or f'{history.charge.credits}, which these books do not have'}")
    for credit in history.credited_by:
        _add(root, f"credited by {credit.id}: {grouped(credit.amount)} {credit.currency}")
    if history.bills:
        _add(root, f"bills {history.bills}, which earns the revenue")
    for one in history.billed_by:
        amount = f"{grouped(one.amount)} {one.currency}"
        _add(root, f"billed by {one.id} on {one.post_date}: {amount}, matched by the column {one.matched_by}")


def _exchange(one: "ExchangeTrace", root: "Tree") -> None:
    what = "loss" if one.amount.startswith("-") else "gain"
    amount = f"{grouped(one.amount.removeprefix('-'))} {one.currency}"
    number = f", Intacct record {one.record_no}" if one.record_no else ""
    state = state_in_words(one.status)
    _add(
        root, f"exchange {what} of {amount} cleared from {one.account} on {one.date}: {one.reference}, {state}{number}"
    )


def _add_audit(events: "Iterable[AuditTrace]", root: "Tree") -> None:
    audit = _add(root, "audit trail")
    for event in events:
        done = f"{event.command}: {event.action.replace('IN_DOUBT', 'in doubt')}, {event.subject}"
        reason = event.detail.get("reason") if isinstance(event.detail, dict) else None
        done += f": {reason}" if reason else ""
        _add(audit, f"{event.seq}  {_when(event.at)}  {event.actor}  {done}")


def _add(parent: "Tree", text: str) -> "Tree":
    """Add a leaf of one line: a line feed in a value must not look like a line of the trace."""
    return _add_block(parent, one_line(text))


def _add_block(parent: "Tree", text: str) -> "Tree":
    """Add a text of several lines, such as a rule's."""
    from rich.text import Text

    return parent.add(Text(harmless(text)))


def _when(at: str | None) -> str:
    """Return a stored time as people read it, to the second."""
    from revrec.cli.listing import when

    return when(at) or "never"


def _source(source: "SourceTrace", root: "Tree") -> None:
    branch = _add(root, f"source: {source.uri}, row {source.row}")
    _add(branch, f"sha256 {source.sha256}, {source.size:,} bytes, mapping {source.mapping}")
    _add(branch, f"imported {_when(source.imported_at)} by {source.actor}")
    _cleaning(source, branch)
    aside = source.quarantine
    if aside:
        why = "; ".join(f"{one['field']}: {one['reason']}" for one in aside.problems)
        quarantine = _add(branch, f"quarantined as {aside.id}: {why}")
        for fix in aside.fixes:
            put = ", ".join(f'{name} = "{text}"' for name, text in fix.fields.items())
            _add(
                quarantine,
                f"fixed {_when(fix.at)} by {fix.actor}: {put}" + (f" ({fix.reason})" * bool(fix.reason)),
            )
        _add(quarantine, f"released {_when(aside.released)} by {aside.by}")


def _change(change: "ChangeTrace", root: "Tree") -> None:
    where = f", row {change.row}" if change.row else ""
    branch = _add(root, f"changed by: {change.uri}{where}")
    _add(branch, f"sha256 {change.sha256}, imported {_when(change.imported_at)} by {change.actor}")
    for one in change.figures:
        _add(branch, f"{one.field}: {one.before or 'nothing'} to {one.after or 'nothing'}")


def _cleaning(source: "SourceTrace | EventSource", branch: "Tree") -> None:
    if source.cleaning:
        cleaned = _add(branch, "cleaned")
        for step in source.cleaning:
            how = f"{step.step} of {step.table}, row {step.table_row}" if step.table else step.step
            _add(cleaned, f'{step.field} "{step.before}" to "{step.after}": {how}')


def _events(history: "ChargeTrace", root: "Tree") -> None:
    for event in history.events:
        named = ((key, getattr(event, key)) for key in ("name", "quantity", "percent", "amount", "scope", "note"))
        said = "".join(f", {key} {value}" for key, value in named if value)
        where = f"{event.source.uri}, row {event.row}" if event.source else "by hand"
        gone = "withdrawn " if event.withdrawn_at else ""
        branch = _add(root, f"{gone}event {event.id}: {event.kind} on {event.date}{said}")
        _add(branch, f"recorded {_when(event.recorded_at)} by {event.actor}, {where}")
        if event.withdrawn_at:
            _add(branch, f"withdrawn {_when(event.withdrawn_at)} by {event.withdrawn_by}: {event.withdrawn_for}")
        if event.source:
            _cleaning(event.source, branch)


def _rule(history: "ChargeTrace", root: "Tree") -> None:
    if history.unscheduled:
        from revrec.core.schedule import SETTLED

        state = "not scheduled" if history.unscheduled.code in SETTLED else "unscheduled"
        _add(root, f"{state}: {history.unscheduled.reason}")
    rules = [("rule", history.rule)] if history.rule else []
    for title, rule in [*rules, *(("earlier rule", one) for one in history.earlier_rules)]:
        branch = _add(root, f"{title}: {rule.name}, version {rule.version} ({rule.file})")
        _add(branch, f"why: {rule.explanation}")
        accounts = f"debit deferred {rule.deferred}, credit revenue {rule.accrued}"
        _add(branch, f"posts: {accounts}, journal {rule.journal}")
        for name, value in rule.options.items():
            shown = value if isinstance(value, str) else ", ".join(f"{field} {text}" for field, text in value.items())
            _add(branch, f"{name.replace('_', ' ')}: {shown}")
        _add_block(branch, rule.text.strip())


def _allocation(allocation: "RecordedAllocation", root: "Tree") -> None:
    contract = ", ".join(f"{name} {value}" for name, value in allocation.contract.items())
    by = f"allocation {allocation.name}" if allocation.name else "none"
    whole = f"{grouped(allocation.price)} {allocation.currency}"
    since = f", from {allocation.since} on" if allocation.since else ""
    branch = _add(root, f"contract ({contract}), version {allocation.version}: {whole} by {by}{since}")
    for line in allocation.lines:
        alone = f", standalone {grouped(line.standalone)}" if line.standalone else ""
        got = f"{grouped(line.allocated)} of billed {grouped(line.billed)}{alone}"
        share = _add(branch, f"{line.charge}  {got}")
        _add(share, line.why)
        if line.warning:
            _add(share, f"warning: {line.warning}")
    if allocation.text:
        _add_block(branch, allocation.text.strip())


def _schedule(version: "ScheduleTrace", root: "Tree", is_migrated: bool) -> None:
    done = "recognized" if is_migrated else "posted"
    posted = f", {grouped(version.carried)} of it already {done}" if version.carried.strip("-0.") else ""
    by = f"{version.rule}, version {version.rule_version}"
    title = f"schedule version {version.version}: {grouped(version.amount)} by rule {by}{posted}"
    branch = _add(root, title)
    _add(branch, f"created {_when(version.at)} by {version.actor} ({version.command})")
    for line in version.lines:
        leaf = _add(branch, _schedule_line(line, version.of))
        if line.deferred:
            _add(leaf, f"takes back what was posted to deferred {line.deferred}, revenue {line.accrued}")
        if line.reason:
            _add(leaf, line.reason)
    if version.price_change:
        change = version.price_change
        _add(branch, f"price changed by {grouped(change.amount)}: {change.reason}")
    if version.allocated:
        # Each version stores only what its allocation adds to the one before.
        what = "allocated" if version.version == 1 else "change of what is allocated"
        _add(branch, f"{what} beyond the amount billed: {grouped(version.allocated)}")
    if version.waits_for:
        _add(branch, f"{grouped(version.waiting)} waits: {version.waits_for}")


def _schedule_line(line: "ScheduleLineTrace", of: int) -> str:
    where = f" by version {line.superseded_by}" if line.superseded_by else ""
    on = f" on {line.reference}" if line.reference else ""
    key = f", Intacct record {line.record_no}" if line.record_no else ""
    part = f"{line.seq}/{of}".rjust(2 * len(str(of)) + 1)
    return f"{part}  {line.date}  {grouped(line.amount)}  {state_in_words(line.status)}{where}{on}{key}"


def _invoice(invoice: "InvoiceTrace", root: "Tree", verbose: bool) -> None:
    from revrec.core.invoice import kind_in_words

    key = f", Intacct {invoice.record_no}" if invoice.record_no else ""
    what = f"{kind_in_words(invoice.kind)} {invoice.number}"
    branch = _add(root, f"{what} ({invoice.reference}): {state_in_words(invoice.status)}{key}")
    whole = f"{grouped(invoice.amount)} {invoice.currency} in {invoice.lines} lines"
    term = f", {invoice.term}" if invoice.term else ""
    _add(branch, f"dated {invoice.date}, customer {invoice.customer}{term}, {whole}")
    line = invoice.line
    on = f", credit deferred {line.account}" if line.account else ""
    _add(branch, f"line {line.line_no}: {line.quantity} x {line.price} = {grouped(line.amount)}{on}")
    if invoice.error:
        _add(branch, f"error {invoice.error_no or ''}: {invoice.error}")
        _add(branch, f"advice: {invoice.advice or ''}")
    for attempt in invoice.attempts:
        _attempt(attempt, branch, verbose)


def _entry(entry: "EntryTrace", root: "Tree", verbose: bool) -> None:
    _add_entry(entry, _add(root, _title_of(entry)), verbose)


def _title_of(entry: "EntryTrace") -> str:
    key = f", Intacct record {entry.record_no}" if entry.record_no else ""
    return f"entry {entry.reference}: {state_in_words(entry.status)}{key}"


def _add_entry(entry: "EntryTrace", branch: "Tree", verbose: bool, limit: int = 0) -> None:
    """Add what is known of an entry, with at most ``limit`` of its lines (0: all)."""
    whole = f"{grouped(entry.amount)} {entry.currency} in total"
    _add(branch, f"dated {entry.date}, journal {entry.journal}, {whole}, control id {entry.control_id}")
    if entry.reason:
        _add(branch, entry.reason)
    if entry.reverses:
        _add(branch, f"reverses {entry.reverses.reference}{_key(entry.reverses)}: {entry.reverses.reason}")
    if entry.reversed_by:
        _add(branch, _reversal(entry.reversed_by))
    for line in entry.lines[: limit or None]:
        _add(branch, f"{line.side:<6} {line.account}  {grouped(line.amount)}  {line.memo}")
    if limit and len(entry.lines) > limit:
        _add(branch, more_in_words(len(entry.lines) - limit, "line"))
    if entry.error:
        _add(branch, f"error {entry.error_no or ''}: {entry.error}")
        _add(branch, f"advice: {entry.advice or ''}")
    for attempt in entry.attempts:
        _attempt(attempt, branch, verbose)
    for value in entry.repairs:
        put = " -> ".join("none" if one is None else one for one in (value.before, value.after))
        by = f"{value.repair}, version {value.repair_version}"
        _add(branch, f"repaired by {by}: {value.side} {value.field} {put}")


def _reversal(by: "ReversalTrace") -> str:
    which = f"by {by.reference}{_key(by)}, {state_in_words(by.status)}" if by.reference else f"in Intacct{_key(by)}"
    lines = "its schedule lines are not posted again" if by.final else "its schedule lines are due again"
    return f"reversed {which}, dated {by.date}: {by.reason}; {lines}"


def _key(reversal: "ReversalTrace") -> str:
    return f", Intacct record {reversal.record_no}" if reversal.record_no else ""


def _attempt(attempt: "AttemptTrace", branch: "Tree", verbose: bool) -> None:
    what = {"send": "request", "create": "creation request"}.get(attempt["kind"], "read back")
    outcome = attempt["outcome"] or "no response stored"
    outcome += f" ({attempt['failure']})" if attempt["failure"] else ""
    leaf = _add(branch, f"{what} {attempt['number']} {_when(attempt['at'])} by {attempt['actor']}: {outcome}")
    if verbose:
        _add_block(leaf, attempt["request"])
        _add_block(leaf, attempt["response"] or "")
    else:
        sizes = f"request {len(attempt['request']):,} characters, response {len(attempt['response'] or ''):,}"
        _add(leaf, f"answered {_when(attempt['answered_at'])}; {sizes} (-v or --format json shows them)")
