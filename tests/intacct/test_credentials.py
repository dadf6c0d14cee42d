"""Credentials: the places they come from, which place wins, and which places are refused."""

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.intacct.credentials import (
    Credentials,
    credential_origins,
    keyring_password,
    private_value,
    resolve_credentials,
)
from revrec.intacct.endpoint import INTACCT_ENDPOINT, checked_endpoint, checked_session_endpoint

FULL = {
    "INTACCT_SENDER_ID": "env-sender",
    "INTACCT_SENDER_PASSWORD": "env-sender-pw",
    "INTACCT_COMPANY_ID": "env-company",
    "INTACCT_USER_ID": "env-user",
    "INTACCT_USER_PASSWORD": "env-user-pw",
}
INI = """[default]
sender_id = ini-sender
sender_password = 100%%;pw#1
company_id = ini-company
user_id = ini-user
user_password = ini = pw
entity_id = E1
endpoint_url = https://eu.intacct.com/x

[other]
sender_id = other-sender
sender_password = other-pw
company_id = other-company
user_id = other-user
user_password = other-user-pw
"""


def nothing(service: str, name: str) -> None:
    return None


def resolve(environment: dict[str, str], home: Path, *args: Any, **kwargs: Any) -> Credentials:
    return resolve_credentials(environment, home, *args, **{"keychain": nothing, **kwargs})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".intacct"
    folder.mkdir()
    write(folder / "credentials.ini", INI)
    return tmp_path


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    found = resolve(FULL, tmp_path)
    assert found == Credentials("env-sender", "env-sender-pw", "env-company", "env-user", "env-user-pw")
    assert found.endpoint == INTACCT_ENDPOINT


def test_revrec_s_own_names_win_over_intacct_s(tmp_path: Path) -> None:
    assert resolve(FULL | {"REVREC_INTACCT_USER_ID": "own"}, tmp_path).user_id == "own"


def test_the_sdks_file_is_read_unchanged(home: Path) -> None:
    found = resolve({}, home)
    assert (found.sender_id, found.sender_password, found.user_password) == ("ini-sender", "100%%;pw#1", "ini = pw")
    assert (found.entity_id, found.endpoint) == ("E1", "https://eu.intacct.com/x")


@pytest.mark.parametrize(
    ("environment", "sender", "company"),
    [
        ({"INTACCT_PROFILE": "other"}, "other-sender", "other-company"),
        ({"INTACCT_SENDER_PROFILE": "other"}, "other-sender", "ini-company"),
        ({"INTACCT_COMPANY_PROFILE": "other"}, "ini-sender", "other-company"),
    ],
)
def test_profiles_choose_the_section(environment: dict[str, str], sender: str, company: str, home: Path) -> None:
    found = resolve(environment, home)
    assert (found.sender_id, found.company_id) == (sender, company)


def test_a_profile_without_a_section_is_reported(home: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"\[nowhere\]"):
        resolve({"INTACCT_PROFILE": "nowhere"}, home)


def test_earlier_places_win_over_later_ones(home: Path) -> None:
    file = write(home / "own.ini", "[default]\nuser_id = file-user\nuser_password = file-pw\nsender_id = file-sender\n")
    settings = {"user_id": "toml-user", "sender_id": ""}
    assert resolve({"INTACCT_USER_ID": "env-user"}, home, settings, file).user_id == "env-user"
    found = resolve({}, home, settings, file)
    assert (found.user_id, found.user_password, found.sender_id) == ("toml-user", "file-pw", "file-sender")
    assert found.company_id == "ini-company"


def test_the_endpoint_of_the_environment_wins_over_the_configuration(tmp_path: Path) -> None:
    settings = {"endpoint_url": "http://127.0.0.1:1/x"}
    assert resolve(FULL, tmp_path, settings).endpoint == "http://127.0.0.1:1/x"
    environment = FULL | {"INTACCT_ENDPOINT_URL": "http://localhost:2/y"}
    assert resolve(environment, tmp_path, settings).endpoint == "http://localhost:2/y"


def test_the_keychain_is_asked_last_and_by_the_ids(home: Path) -> None:
    asked: list[tuple[str, str]] = []

    def keychain(service: str, name: str) -> str:
        asked.append((service, name))
        return f"from-keychain-{name}"

    (home / ".intacct" / "credentials.ini").unlink()
    settings = {"sender_id": "acme", "company_id": "ACME", "user_id": "ws"}
    found = resolve({}, home, settings, keychain=keychain)
    assert (found.sender_password, found.user_password) == ("from-keychain-acme", "from-keychain-ws@ACME")
    assert asked == [("revrec", "acme"), ("revrec", "ws@ACME")]
    asked.clear()
    resolve(FULL, home, settings, keychain=keychain)
    assert not asked


def test_no_keyring_library_or_a_locked_one_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert keyring_password("revrec", "x") is None

    def locked(service: str, name: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=locked))
    assert keyring_password("revrec", "x") is None
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=lambda service, name: "pw"))
    assert keyring_password("revrec", "x") == "pw"


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_file_that_others_can_read_is_refused_with_the_fix(mode: int, home: Path) -> None:
    file = home / ".intacct" / "credentials.ini"
    file.chmod(mode)
    with pytest.raises(BadConfiguration, match=f"chmod 600 '{file}'"):
        resolve({}, home)


def test_a_named_file_must_be_there(home: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"own\.ini: this credentials file does not exist"):
        resolve({}, home, None, home / "own.ini")


@pytest.mark.parametrize(
    "text", ["sender_password = hunter2secret\n", "[default]\nhunter2secret\n", "[default\nx=hunter2secret"]
)
def test_a_broken_file_is_named_without_quoting_it(text: str, home: Path) -> None:
    file = write(home / "own.ini", text)
    with pytest.raises(BadConfiguration, match="not an INI file") as caught:
        resolve({}, home, None, file)
    seen = caught.value
    assert seen.__cause__ is None and seen.__context__ is None and "hunter2secret" not in repr(seen)


def test_passwords_do_not_belong_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="remove it") as caught:
        resolve(FULL, tmp_path, {"user_password": "hunter2secret"})
    assert "hunter2secret" not in str(caught.value)


def test_what_is_missing_is_named_with_the_places_for_it(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="INTACCT_USER_PASSWORD") as caught:
        resolve({name: value for name, value in FULL.items() if name != "INTACCT_USER_PASSWORD"}, tmp_path)
    assert "env-sender-pw" not in str(caught.value) and "keychain" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        INTACCT_ENDPOINT,
        "https://na12.intacct.com/ia/xml/xmlgw.phtml",
        "https://NA12.INTACCT.COM./ia",
        "http://127.0.0.1:8080/ia/xml/xmlgw.phtml",
        "http://127.8.9.1/",
        "http://localhost:1/",
        "http://[::1]:99/",
        "https://localhost/",
    ],
)
def test_intacct_over_tls_and_this_machine_are_allowed(url: str) -> None:
    assert checked_endpoint(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.intacct.com/",
        "https://intacct.com/",
        "https://evilintacct.com/",
        "https://api.intacct.com.evil.example/",
        "https://evil.example/.intacct.com",
        "https://evil.example#.intacct.com",
        "https://evil.example\\.intacct.com/",
        "https://api.intacct.com@evil.example/",
        "https://user:pw@api.intacct.com/",
        "https://evil.example/?.intacct.com",
        "https://10.0.0.1/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "https://api.intacct.com:port/",
        "ftp://127.0.0.1/",
        "//api.intacct.com/",
        "",
        "https://api.intacct.com/\r\nX: y",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(BadConfiguration):
        checked_endpoint(url)


def test_a_session_stays_with_its_party() -> None:
    with pytest.raises(BadConfiguration, match="another party"):
        checked_session_endpoint("http://127.0.0.1:1/", INTACCT_ENDPOINT)
    assert checked_session_endpoint("https://na1.intacct.com/x", INTACCT_ENDPOINT)


def test_the_origin_of_each_value_is_reported_without_the_value(home: Path) -> None:
    file = write(home / "mine.ini", "[default]\nuser_password = file-pw\n")
    environment = {name: FULL[name] for name in ("INTACCT_SENDER_ID", "INTACCT_SENDER_PASSWORD")}
    origins = credential_origins(environment, home, {"company_id": "ACME"}, file, nothing)
    assert origins == {
        "sender_id": "environment",
        "sender_password": "environment",
        "company_id": "configuration",
        "user_password": str(file),
        "user_id": str(home / ".intacct" / "credentials.ini"),
        "entity_id": str(home / ".intacct" / "credentials.ini"),
        "endpoint_url": str(home / ".intacct" / "credentials.ini"),
    }


def test_a_password_of_the_keychain_is_reported_as_such(tmp_path: Path) -> None:
    plain = {"sender_id": "s", "company_id": "c", "user_id": "u"}
    origins = credential_origins({}, tmp_path, plain, None, lambda _service, name: f"pw of {name}")
    assert (
        origins["sender_password"] == origins["user_password"] == "keychain" and origins["user_id"] == "configuration"
    )


def test_another_section_of_a_credentials_file_holds_other_secrets(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.ini", f"{INI}\n[alerts]\npassword = mail = pw\n")
    assert private_value(file, "alerts", "password") == "mail = pw"
    assert private_value(file, "alerts", "user") == private_value(file, "none", "password") == ""
    file.chmod(0o644)
    with pytest.raises(BadConfiguration, match="chmod 600"):
        private_value(file, "alerts", "password")
