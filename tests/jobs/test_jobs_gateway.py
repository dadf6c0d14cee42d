"""Which gateway a command speaks to, and how the built-in sandbox comes and goes."""

import json
import os
import stat
from pathlib import Path

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs.gateway import company, endpoint, open_gateway, real_credentials
from revrec.jobs.sandbox_process import sandbox
from revrec.jobs.trust import confirm
from revrec.sandbox.company.profile import COMPANY_ID
from support.books import Books

ELSEWHERE = "http://127.0.0.1:1/elsewhere"


@pytest.fixture
def plain(new_books: type[Books], tmp_path: Path) -> Books:
    return new_books(tmp_path / "books", {})


def test_without_a_word_it_is_the_sandbox(plain: Books) -> None:
    assert endpoint(plain.context()) == "sandbox" and company(plain.context()) == COMPANY_ID


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"INTACCT_ENDPOINT_URL": ELSEWHERE}, ELSEWHERE),
        ({"INTACCT_ENDPOINT_URL": "http://127.0.0.1:2/", "REVREC_INTACCT_ENDPOINT_URL": ELSEWHERE}, ELSEWHERE),
        ({"INTACCT_ENDPOINT_URL": "http://127.0.0.1:2/", "REVREC_GATEWAY_ENDPOINT": ELSEWHERE}, ELSEWHERE),
        ({"INTACCT_ENDPOINT_URL": ELSEWHERE, "REVREC_GATEWAY_ENDPOINT": "sandbox"}, "sandbox"),
        ({"INTACCT_ENDPOINT_URL": ""}, "sandbox"),
    ],
)
def test_the_environment_decides_and_revrec_s_own_names_come_first(
    plain: Books, environment: dict[str, str], found: str
) -> None:
    assert endpoint(plain.context(also=environment)) == found


def test_what_is_posted_to_is_what_was_decided_on(books: Books) -> None:
    context = books.context(REVREC_GATEWAY_ENDPOINT=ELSEWHERE)
    assert real_credentials(context).endpoint == ELSEWHERE
    with pytest.raises(BadConfiguration, match="neither Intacct's nor this machine"):
        real_credentials(books.context(REVREC_GATEWAY_ENDPOINT="https://example.org/ia"))


def test_the_company_is_that_of_the_credentials_wherever_they_come_from(plain: Books) -> None:
    file = plain.folder / "credentials.ini"
    keys = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
    file.write_text("[default]\n" + "".join(f"{key} = my-{key}\n" for key in keys))
    file.chmod(0o600)
    (plain.folder / "revrec.toml").write_text(
        f'[gateway]\nendpoint = "{ELSEWHERE}"\ncredentials_file = "{file.name}"\n'
    )
    confirm(plain.context())
    assert company(plain.context()) == "my-company_id"
    assert company(plain.context(INTACCT_COMPANY_ID="other")) == "other"
    file.chmod(0o644)
    with pytest.raises(BadConfiguration, match="others can read this file; run: chmod 600"):
        company(plain.context())


def test_the_sandbox_is_started_found_by_others_and_stopped(plain: Books) -> None:
    said: list[str] = []
    context = plain.context()
    object.__setattr__(context, "say", said.append)
    data = plain.folder / "sandbox.db"
    with open_gateway(context) as gateway:
        gateway.sign_in()
        address_file = data.with_name("sandbox.db.address.json")
        assert stat.S_IMODE(address_file.stat().st_mode) == 0o600
        first = json.loads(address_file.read_text())
        with sandbox(data, os.environ) as second:
            assert second["pid"] == first["pid"], "the one that serves is used, not a second one"
        gateway.find_entries("RR", "RRNONE")
        assert first["url"] in said[0]
    assert not address_file.exists()


def test_a_sandbox_that_cannot_start_is_reported(plain: Books) -> None:
    (plain.folder / "sandbox.db").write_text("no database, but long enough to look like one" * 100)
    said = r"the sandbox did not start.*sandbox\.db"
    with pytest.raises(BadConfiguration, match=said), sandbox(plain.folder / "sandbox.db", os.environ):
        pytest.fail("it cannot be there")
    nowhere = plain.folder / "revrec.toml" / "sandbox.db"
    with pytest.raises(BadConfiguration, match="cannot be written"), sandbox(nowhere, os.environ):
        pytest.fail("it cannot be there")
