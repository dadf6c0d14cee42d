"""A configuration and passwords are used together only if the file is the user's own and its servers are confirmed."""

import json
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.intacct.endpoint import INTACCT_ENDPOINT
from revrec.jobs import trust
from revrec.jobs.admin import init
from revrec.jobs.context import Context, make_context
from revrec.jobs.file_owners import check_ownership
from revrec.jobs.gateway import open_gateway, real_credentials
from revrec.jobs.importing.sources import transport_of
from revrec.jobs.reports.status import status
from revrec.sandbox import running
from revrec.sandbox.control.address import address_file, lock_of, write_address
from support.postgresql import PostgresqlServer

INTACCT = {
    "INTACCT_SENDER_ID": "acme",
    "INTACCT_SENDER_PASSWORD": "s3cret-sender",
    "INTACCT_COMPANY_ID": "ACME",
    "INTACCT_USER_ID": "robot",
    "INTACCT_USER_PASSWORD": "s3cret-user",
}
GATEWAY = '[gateway]\nendpoint = "http://127.0.0.1:9/ia/xml/xmlgw.phtml"\n'
INTACCTS_OWN = '[gateway]\nendpoint = "https://api.intacct.com/ia/xml/xmlgw.phtml"\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a configuration, of a user who has confirmed nothing yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "books"
    folder.mkdir()
    return folder / "revrec.toml"


def context(file: Path, **environment: str) -> Context:
    """The context of a command with the Intacct credentials in its environment."""
    return make_context("test", file, environment={**INTACCT, **environment})


def as_foreign(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file belong to another user."""
    if os.geteuid() == 0:
        os.chown(path, 4321, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)


def test_a_gateway_of_the_file_gets_no_credentials_until_it_is_confirmed(config: Path) -> None:
    config.write_text(GATEWAY)
    with pytest.raises(BadConfiguration) as refused:
        real_credentials(context(config))
    said = str(refused.value)
    assert f"{config}: you have not confirmed the gateway that it names, http://127.0.0.1:9/" in said
    assert said.endswith(f"run: revrec trust '{config}'") and refused.value.exit_code == 5
    trust.confirm(context(config))
    assert real_credentials(context(config)).user_password == "s3cret-user"


def test_without_an_address_a_credentials_file_cannot_name_one(config: Path) -> None:
    config.write_text('[gateway]\nendpoint = ""\ncredentials_file = "theirs.ini"\n')
    theirs = config.with_name("theirs.ini")
    theirs.write_text("[default]\nendpoint_url = http://127.0.0.1:9/ia/xml/xmlgw.phtml\n")
    theirs.chmod(0o600)
    assert real_credentials(context(config)).endpoint == INTACCT_ENDPOINT


def test_a_changed_address_must_be_confirmed_again(config: Path) -> None:
    config.write_text(GATEWAY)
    trust.confirm(context(config))
    config.write_text(GATEWAY.replace(":9/", ":10/"))
    with pytest.raises(BadConfiguration, match=r"not confirmed the gateway .* http://127\.0\.0\.1:10/"):
        real_credentials(context(config))


def test_the_same_text_in_another_folder_is_not_confirmed(config: Path, tmp_path: Path) -> None:
    config.write_text(GATEWAY)
    trust.confirm(context(config))
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / "revrec.toml"
    copy.write_text(GATEWAY)
    with pytest.raises(BadConfiguration, match="not confirmed"):
        real_credentials(context(copy))


@pytest.mark.parametrize("name", ["REVREC_GATEWAY_ENDPOINT", "REVREC_INTACCT_ENDPOINT_URL", "INTACCT_ENDPOINT_URL"])
def test_an_address_of_the_environment_needs_no_confirmation(name: str, config: Path) -> None:
    config.write_text(GATEWAY)
    found = real_credentials(context(config, **{name: "http://127.0.0.1:11/"}))
    assert found.endpoint == "http://127.0.0.1:11/"


def test_intacct_s_own_hosts_and_the_sandbox_need_no_confirmation(config: Path) -> None:
    config.write_text(INTACCTS_OWN)
    assert real_credentials(context(config)).endpoint.startswith("https://api.intacct.com/")
    config.write_text('[gateway]\nendpoint = "sandbox"\n')
    context(config).database.create()
    with open_gateway(context(config)) as gateway:
        gateway.sign_in()


def test_the_user_s_own_configuration_folder_needs_no_confirmation(config: Path, tmp_path: Path) -> None:
    own = tmp_path / "config" / "revrec" / "revrec.toml"
    own.parent.mkdir(parents=True)
    own.write_text(GATEWAY)
    assert real_credentials(context(own)).company_id == "ACME"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine that would see every connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.mark.parametrize("look", [lambda of: of.database, status], ids=["write", "status"])
def test_a_database_server_of_the_file_is_not_connected_to_until_it_is_confirmed(
    look: Callable[[Context], object], config: Path, listener: socket.socket
) -> None:
    url = f"postgresql://ann:inside@127.0.0.1:{listener.getsockname()[1]}/revrec"
    config.write_text(f'[database]\nurl = "{url}"\n')
    with pytest.raises(
        BadConfiguration, match="not confirmed the database that it names, postgresql://ann@127"
    ) as said:
        look(context(config))
    assert "inside" not in str(said.value)
    with pytest.raises(BlockingIOError):
        listener.accept()
    trust.confirm(context(config))
    assert context(config).database.where.startswith("postgresql://ann@127.0.0.1:")
    config.write_text(f'[database]\nurl = "{url}?hostaddr=192.0.2.1"\n')
    with pytest.raises(BadConfiguration, match="hostaddr=192"):
        look(context(config))


def test_a_database_of_the_command_line_or_environment_needs_no_confirmation(config: Path) -> None:
    config.write_text('[database]\nurl = "postgresql://elsewhere.example/revrec"\n')
    url = "postgresql://127.0.0.1:9/revrec"
    assert make_context("test", config, url, {}).database.where == url
    assert make_context("test", config, environment={"REVREC_DATABASE_URL": url}).database.where == url


@pytest.fixture
def shop() -> Iterator[tuple[int, list[str]]]:
    """A shop's address on this machine, and the secrets that it received."""
    seen: list[str] = []

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, seen
        server.shutdown()


def test_a_source_gets_no_secret_until_its_server_is_confirmed(config: Path, shop: tuple[int, list[str]]) -> None:
    port, seen = shop
    source = '[source.shop]\ntransport = "http"\nurl = "http://127.0.0.1:{}/orders?key=inside"\nformat = "json"\n'
    config.write_text(source.format(port))
    asked = context(config, REVREC_SOURCE_SHOP_PASSWORD="s3cret-shop")
    with pytest.raises(BadConfiguration, match=r"not confirmed the source shop that it names, http url=http:") as said:
        transport_of(asked, "shop")
    assert not seen and "inside" not in str(said.value)
    trust.confirm(asked)
    with transport_of(asked, "shop") as transport:
        (page,) = transport.documents()
        assert [*transport.read(page)] == [b"[]"]
    assert seen == ["s3cret-shop"]


@pytest.mark.parametrize(
    ("change", "server"),
    [
        ('host = "other.example"', True),
        ('user = "bob"', True),
        ("port = 2222", True),
        ('since = "other.example"', True),
        ('host_key = "SHA256:other"', True),
        ('files = "*.xml"', False),
        ('after = "delete"', False),
    ],
)
def test_only_what_decides_on_the_server_must_be_confirmed_again(change: str, server: bool, config: Path) -> None:
    keys = {"transport": '"sftp"', "host": '"sftp.example"', "user": '"ann"'}
    config.write_text("[source.edi]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    before = [*trust.destinations(context(config))]
    name, _, value = change.partition(" = ")
    config.write_text("[source.edi]\n" + "".join(f"{key} = {it}\n" for key, it in {**keys, name: value}.items()))
    assert (before != [*trust.destinations(context(config))]) is server


def spoil_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.chmod(0o646)


def spoil_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.chmod(0o777)


def spoil_folder_above(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parents[1].chmod(0o757)


def give_file_away(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_foreign(file, monkeypatch)


def put_a_foreign_link(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.rename(file.with_name("own.toml"))
    file.symlink_to("own.toml")
    as_foreign(file, monkeypatch)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_file, r"revrec.toml: can be changed by other users; .* Run: chmod go-w"),
        (spoil_folder, r"its folder .*books can be changed by other users"),
        (spoil_folder_above, r"its folder .* can be changed by other users"),
        (give_file_away, r"belongs to user .*, not to you; passwords are not used with it"),
        (put_a_foreign_link, r"belongs to user .*, not to you; passwords are not used with it"),
    ],
)
def test_credentials_are_not_used_with_a_file_that_others_can_change(
    spoil: Callable[[Path, pytest.MonkeyPatch], None], said: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(INTACCTS_OWN)
    assert real_credentials(context(config))
    spoil(config, monkeypatch)
    with pytest.raises(BadConfiguration, match=said):
        real_credentials(context(config))
    with pytest.raises(BadConfiguration, match=said):
        make_context("test", config, "postgresql://127.0.0.1:9/revrec", {}).database  # noqa: B018
    config.write_text(GATEWAY)
    with pytest.raises(BadConfiguration, match=said):
        trust.confirm(context(config))


def test_a_folder_in_which_only_owners_can_replace_files_is_safe(config: Path) -> None:
    config.write_text(INTACCTS_OWN)
    config.parent.chmod(0o1777)
    check_ownership(config)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to a group")
def test_a_group_of_the_user_alone_may_write(config: Path) -> None:
    config.write_text(INTACCTS_OWN)
    config.chmod(0o664)
    check_ownership(config)
    os.chown(config, -1, 1)
    with pytest.raises(BadConfiguration, match="can be changed by other users"):
        check_ownership(config)


def test_books_with_the_sandbox_work_in_any_folder(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("[posting]\n")
    spoil_folder(config, monkeypatch)
    give_file_away(config, monkeypatch)
    context(config).database.create()
    assert status(context(config)).entries == {}


def test_confirmations_are_private_and_refused_if_others_can_change_them(config: Path, tmp_path: Path) -> None:
    config.write_text(GATEWAY)
    trust.confirm(context(config))
    stored = tmp_path / "config" / "revrec" / "trusted.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600 and stat.S_IMODE(stored.parent.stat().st_mode) == 0o700
    stored.chmod(0o602)
    with pytest.raises(BadConfiguration, match=r"trusted\.json: can be changed by other users"):
        real_credentials(context(config))
    stored.chmod(0o600)
    for damage in ("", "[]", '{"trusted": [{"file": 1}]}'):
        stored.write_text(damage)
        with pytest.raises(BadConfiguration, match=r"trusted\.json: is damaged; delete it"):
            real_credentials(context(config))


def test_an_address_of_a_sandbox_that_others_could_write_is_not_believed(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.db"
    with lock_of(data):
        write_address(data, {"url": "http://127.0.0.1:9/"})
        assert running(data)
        address_file(data).chmod(0o622)
        assert running(data) is None
        address_file(data).rename(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").chmod(0o600)
        address_file(data).symlink_to(tmp_path / "elsewhere")
        assert json.loads(address_file(data).read_text()) and running(data) is None


@pytest.mark.slow
def test_init_confirms_the_server_that_it_was_run_with(config: Path, postgresql: PostgresqlServer) -> None:
    url = postgresql.fresh()
    init.init(config.parent, url)
    assert context(config).database.revision()
    other = config.parents[1] / "copy.toml"
    other.write_text(config.read_text())
    with pytest.raises(BadConfiguration, match="not confirmed the database"):
        context(other).database  # noqa: B018
    postgresql.drop(url)
