"""``revrec demo --round-trip``: an order arrives, is invoiced, delivered and recognized, in one command."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.cli.shared import fail
from revrec.core.extras import install_command
from revrec.files import write_text

if TYPE_CHECKING:
    from revrec.sandbox.partners import PartnerLogin

INVOICED, EARNED = "2024-03-28", "2024-04-28"
CHARGE = "freight/SO-2291/1"
ORDER = (
    ("It is fetched: two charge lines, billed on 28 March.",
     ["fetch", "partner"]),
    ("It is invoiced: a sales order in Intacct is converted to a sales invoice, which credits deferred revenue.",
     ["invoice", "--date", INVOICED]),
    ("Nothing is recognized before delivery is proved.",
     ["preview", "--date", EARNED]),
)  # fmt: skip
DELIVERY = (
    ("It is fetched: delivered on 28 April.",
     ["fetch", "carrier"]),
    ("The deferred revenue is recognized on that day.",
     ["run", "--date", EARNED]),
    ("The whole life of the first charge line: order, invoice, delivery and entry.",
     ["trace", CHARGE]),
    ("Check that nothing stored has changed.",
     ["verify"]),
)  # fmt: skip
NEEDS = ("asyncssh", "paramiko", "pymap", "imap_tools")
SENDER = "pod@carrier.example"
SECRETS = ("REVREC_SOURCE_PARTNER_PASSWORD", "REVREC_SOURCE_CARRIER_PASSWORD")
MARK = "\n# The round trip: what is invoiced, and where documents come from while the demo runs.\n"
CONFIG = """[invoice.freight]
as = "sales_order"

[source.partner]
transport = "sftp"
host = "127.0.0.1"
port = {files.port}
user = "{user}"
host_key = "{files.host_key}"
path = "."
settle_seconds = 0
after = "move:taken"

[source.carrier]
transport = "imap"
host = "127.0.0.1"
port = {mailbox}
tls = "none" # within this machine
user = "{user}"
senders = "{sender}"
files = "*.csv"
events = true
"""


def check(folder: Path) -> None:
    """End the command if the folder belongs to other books, or if the extra is not installed."""
    lacking = [name for name in NEEDS if find_spec(name) is None]
    if lacking:
        fail(f"--round-trip needs {', '.join(lacking)}; install them with: {install_command('demo')}", 2)
    config = folder / "revrec.toml"
    if config.exists() and MARK not in config.read_text(encoding="utf-8"):
        fail(f"{folder} already contains other books, which the demo does not change: name another folder", 2)


def story(step: Callable[[str, list[str]], None]) -> None:
    """Run the demo in the current folder; ``step`` explains and runs one command."""
    from revrec.jobs.context import make_context
    from revrec.jobs.trust import source_name, vouch
    from revrec.sandbox.partners import PartnerLogin, file_server, mail_server, put_mail

    samples = Path("sample_data", "round_trip")
    Path("partner", "taken").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(samples / "freight.toml", Path("rules", "freight.toml"))
    with ExitStack() as stack:
        account = stack.enter_context(_account(PartnerLogin))
        files = stack.enter_context(file_server(Path("partner"), account))
        mailbox = stack.enter_context(mail_server(account))
        _configure(CONFIG.format(files=files, mailbox=mailbox, user=account.user, sender=SENDER))
        vouch(make_context("demo"), source_name("partner"), source_name("carrier"))
        if not Path("partner", "taken", "order.csv").exists():
            shutil.copyfile(samples / "order.csv", Path("partner", "order.csv"))
        print(f"\n# A partner puts an order on an SFTP server, here 127.0.0.1:{files.port}.")
        for about, words in ORDER:
            step(about, words)
        put_mail(mailbox, account, SENDER, "POD SO-2291", samples / "delivery.csv")
        print(f"\n# The carrier mails the proof of delivery (POD), here to the IMAP server at 127.0.0.1:{mailbox}.")
        for about, words in DELIVERY:
            step(about, words)


def _configure(ours: str) -> None:
    config = Path("revrec.toml")
    write_text(config, config.read_text(encoding="utf-8").partition(MARK)[0] + MARK + ours)


@contextmanager
def _account(made: "type[PartnerLogin]") -> "Iterator[PartnerLogin]":
    """Create an account for this demo only, with its password in the environment for the sources."""
    from secrets import token_urlsafe

    account = made("revrec", token_urlsafe())
    os.environ.update(dict.fromkeys(SECRETS, account.password))
    try:
        yield account
    finally:
        for name in SECRETS:
            del os.environ[name]
