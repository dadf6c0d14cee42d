"""``revrec trace``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, fail

if TYPE_CHECKING:
    from rich.tree import Tree


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "trace")
    def trace(
        options: Options,
        reference: Annotated[
            str,
            typer.Argument(
                metavar="REF",
                help="Charge id, entry reference, Intacct key, document or imported file.",
                show_default=False,
            ),
        ],
    ) -> None:
        """Show the whole life of a charge line or entry, in both directions: file and row, events, rule and its text,
        every schedule version, entries, requests and responses, Intacct's key, who and when.

        \b
        revrec trace shop/INV-1001/1
        revrec trace RRDWV4S7Q2K3MABC
        revrec trace 6680 --format json
        """
        from revrec.jobs.trace import trace as follow

        lives = list(follow(options.context(), reference))
        if options.json:
            from revrec.cli.output import print_json

            print_json(lives[0] if len(lives) == 1 else lives)
        elif options.format == "csv":
            fail("a trace is a tree: use --format table or json", 2)
        else:
            from revrec.cli.output import console

            for life in lives:
                console().print(tree(life, options.verbose))


def tree(life: dict[str, Any], verbose: bool) -> "Tree":
    """The life of a charge line as a tree; ``verbose`` adds requests and responses in full."""
    from rich.text import Text
    from rich.tree import Tree

    charge = life["charge"]
    root = Tree(
        Text(
            f"{charge['id']}  {charge['amount']} {charge['currency']}  {charge['item']}  customer {charge['customer']}",
            "bold",
        )
    )

    def add(parent: "Tree", text: str) -> "Tree":
        return parent.add(Text(text))

    _source(life, root, add)
    _events(life, root, add)
    _rule(life, root, add)
    for version in life["schedule"]:
        _schedule(version, root, add)
    for entry in life["entries"]:
        _entry(entry, root, add, verbose)
    audit = add(root, "audit")
    for event in life["audit"]:
        what = f"{event['command']}: {event['action']} {event['subject']}"
        add(audit, f"{event['seq']}  {event['at']}  {event['actor']}  {what}")
    return root


def _source(life: dict[str, Any], root: Any, add: Any) -> None:
    source = life["source"]
    branch = add(root, f"source: {source['uri']}, row {source['row']}")
    add(branch, f"sha256 {source['sha256']}, {source['size']} bytes, mapping {source['mapping']}")
    add(branch, f"imported {source['imported_at']} by {source['actor']}")


def _events(life: dict[str, Any], root: Any, add: Any) -> None:
    for event in life["events"]:
        said = ", ".join(
            f"{key} {event[key]}" for key in ("name", "quantity", "percent", "amount", "note") if event[key]
        )
        where = f"{event['source']['uri']}, row {event['row']}" if event["source"] else "by hand"
        branch = add(root, f"event: {event['kind']} on {event['date']}{', ' + said if said else ''}")
        add(branch, f"recorded {event['recorded_at']} by {event['actor']}, {where}")


def _rule(life: dict[str, Any], root: Any, add: Any) -> None:
    if life["unscheduled"]:
        add(root, f"unscheduled: {life['unscheduled']['reason']}")
    rule = life["rule"]
    if rule:
        branch = add(root, f"rule: {rule['name']}, version {rule['version']} ({rule['file']})")
        add(branch, f"why: {rule['explanation']}")
        add(
            branch,
            f"posts: debit deferred {rule['deferred']}, credit accrued {rule['accrued']}, journal {rule['journal']}",
        )
        add(branch, rule["text"].strip())


def _schedule(version: dict[str, Any], root: Any, add: Any) -> None:
    carried = f", {version['carried']} carried from earlier versions" if version["carried"].strip("0.") else ""
    rule = f"rule {version['rule']} version {version['rule_version']}"
    title = f"schedule version {version['version']}: {version['amount']} by {rule}"
    branch = add(root, f"{title}{carried}, made {version['at']} by {version['actor']} ({version['command']})")
    for line in version["lines"]:
        where = f" by version {line['superseded_by']}" if line["superseded_by"] else ""
        on = f" on {line['reference']}" if line["reference"] else ""
        key = f", Intacct {line['record_no']}" if line["record_no"] else ""
        add(
            branch, f"{line['seq']}/{version['of']}  {line['date']}  {line['amount']}  {line['status']}{where}{on}{key}"
        )


def _entry(entry: dict[str, Any], root: Any, add: Any, verbose: bool) -> None:
    key = f", Intacct record {entry['record_no']}" if entry["record_no"] else ""
    branch = add(root, f"entry {entry['reference']}: {entry['status']}{key}")
    whole = f"{entry['amount']} {entry['currency']} in all"
    add(branch, f"{entry['date']}  journal {entry['journal']}  {whole}, control id {entry['control_id']}")
    for line in entry["lines"]:
        add(branch, f"{line['side']:<6} {line['account']}  {line['amount']}  {line['memo']}")
    if entry["error"]:
        add(branch, f"error {entry['error_no'] or ''}: {entry['error']}")
        add(branch, f"advice: {entry['advice'] or ''}")
    for attempt in entry["attempts"]:
        _attempt(attempt, branch, add, verbose)


def _attempt(attempt: dict[str, Any], branch: Any, add: Any, verbose: bool) -> None:
    what = "request" if attempt["kind"] == "send" else "read back"
    outcome = attempt["outcome"] or "no answer kept"
    leaf = add(branch, f"{what} {attempt['number']} at {attempt['at']} by {attempt['actor']}: {outcome}")
    if verbose:
        add(leaf, attempt["request"])
        add(leaf, attempt["response"] or "")
    else:
        sizes = f"request {len(attempt['request'])} characters, response {len(attempt['response'] or '')}"
        add(leaf, f"answered {attempt['answered_at']}; {sizes} (-v or --format json shows them)")
