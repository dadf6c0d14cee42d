"""Settings: the file, then the environment; every problem at once, with its place and its fix."""

import os
import platform
import pwd
from datetime import timedelta
from pathlib import Path

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs.admin.init import config_lines
from revrec.jobs.context import current_actor, find_config, make_context
from revrec.jobs.settings import (
    COUNT,
    DATE_FORMAT,
    DURATION,
    KEYS,
    LIMITS,
    NUMBER,
    Settings,
    duration,
    load,
)


def loaded(folder: Path, text: str, **environment: str) -> Settings:
    file = folder / "revrec.toml"
    file.write_text(text)
    return load(file, folder, environment)


def test_without_any_configuration_every_key_has_its_default(tmp_path: Path) -> None:
    settings = load(None, tmp_path, {})
    assert settings.gateway.endpoint == "sandbox"
    assert settings.posting.quarantine == timedelta(minutes=16)
    assert settings.posting.lines_per_entry == 500
    assert settings.rules.folder == tmp_path / "rules"
    assert settings.database_url == f"sqlite:///{tmp_path / 'revrec.db'}"


def test_the_file_wins_over_the_default_and_the_environment_over_the_file(tmp_path: Path) -> None:
    text = '[posting]\njournal = "GJ"\nlease = "20 min"\n[rules]\nfolder = "our rules"\n'
    environment = {"REVREC_POSTING_JOURNAL": "RRJ", "REVREC_POSTING_LINES_PER_ENTRY": "50"}
    settings = loaded(tmp_path, text, **environment)
    assert settings.posting.journal == "RRJ"
    assert settings.posting.lines_per_entry == 50
    assert settings.posting.lease == timedelta(minutes=20)
    assert settings.rules.folder == tmp_path.resolve() / "our rules"


def test_the_command_line_wins_over_both_for_the_database(tmp_path: Path) -> None:
    (tmp_path / "revrec.toml").write_text('[database]\nurl = "sqlite:///file.db"\n')
    environment = {"REVREC_DATABASE_URL": "sqlite:///environment.db"}
    file = tmp_path / "revrec.toml"
    assert load(file, tmp_path, environment).database_url == "sqlite:///environment.db"
    assert load(file, tmp_path, environment, "sqlite:///given.db").database_url == "sqlite:///given.db"


def test_every_key_can_be_set_by_the_environment(tmp_path: Path) -> None:
    written = {DURATION.wanted: "7 s", NUMBER.wanted: "7", COUNT.wanted: "7", LIMITS.wanted: "7 USD"}
    written[DATE_FORMAT.wanted] = "%d.%m.%Y"
    for section, keys in KEYS.items():
        for name, key in keys.items():
            assert key.kind
            value = key.kind.choices[0] if key.kind.choices else written.get(key.kind.wanted, "seven")
            settings = load(None, tmp_path, {f"REVREC_{section}_{name}".upper(): value})
            assert getattr(getattr(settings, section), "sender" if name == "from" else name) in (
                value,
                7,
                timedelta(seconds=7),
                frozenset({"seven"}),
                tmp_path / "seven",
                {"USD": 700},
                {"": "seven"},
            )


def test_a_variable_that_is_no_setting_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="QUARANTIN: there is no such setting; did you mean REVREC_POSTING_QUAR"):
        load(None, tmp_path, {"REVREC_POSTING_QUARANTIN": "2 s"})


def test_variables_with_secrets_and_those_of_no_section_are_no_slips(tmp_path: Path) -> None:
    load(None, tmp_path, {"REVREC_ALERTS_PASSWORD": "x", "REVREC_CONFIG": "y", "REVREC_INTACCT_USER_ID": "z"})


def test_all_problems_are_reported_at_once_with_their_places(tmp_path: Path) -> None:
    text = """
    accounts = 5
    [postings]
    journal = "RR"
    [posting]
    lease = "ten minutes"
    lines_per_entri = 3
    attempts = 0
    closed_period = "maybe"
    journal = 7
    [mapping]
    orders = { source = "shop" }
    """
    with pytest.raises(BadConfiguration) as refused:
        loaded(tmp_path, text, REVREC_POSTING_TIMEOUT="soon")
    lines = str(refused.value).splitlines()
    file = tmp_path / "revrec.toml"
    for expected in (
        f"{file}: accounts must be a table [accounts]",
        f"{file}: [posting] lease: expected a duration such as '15 min' or '2 s', found 'ten minutes'",
        f"{file}: [posting] attempts: expected a whole number above zero, found 0",
        f"{file}: [posting] closed_period: expected one of hold, next_open, fail, found 'maybe'",
        f'{file}: [posting] journal: expected text in quotes, found 7; write it in quotes: "7"',
        "environment variable REVREC_POSTING_TIMEOUT: expected a duration such as '15 min' or '2 s', found 'soon'",
    ):
        assert expected in lines
    assert len(lines) == 8
    unknown = [line.partition(" (known: ")[0] for line in lines if "unknown" in line]
    assert unknown == [
        f'{file}: unknown key "postings" at the top of the file; did you mean "posting"?',
        f'{file}: unknown key "lines_per_entri" in [posting]; did you mean "lines_per_entry"?',
    ]


def test_a_section_that_the_user_fills_must_be_a_table_too(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"mapping must be a table \[mapping\]"):
        loaded(tmp_path, "mapping = 5\n")
    with pytest.raises(BadConfiguration, match=r"no mapping named 'orders'.*add a \[mapping.orders\] table"):
        loaded(tmp_path, "[mapping]\norders = 5\n").mapping("orders")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15 min", 900), ("2 s", 2), ("250 ms", 0.25), ("1.5 h", 5400), (" 3days ", 259_200), ("0 s", 0)],
)
def test_durations_are_written_as_people_do(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "min", "-2 s", "2 fortnights", "1e3 s", "2 S", "9" * 400 + " days"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[posting\n", "not valid TOML"),
        (b"\xff\xfe", "cannot be read"),
        (None, "no such configuration"),
        (b"x = " + b"[" * 100_000, "not TOML that can be read: nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "revrec.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadConfiguration, match=f"revrec.toml: {said}"):
        load(file, tmp_path, {})


def test_the_configuration_is_looked_for_in_the_order_of_the_manual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    given, named = tmp_path / "given.toml", tmp_path / "named.toml"
    assert find_config(given, {"REVREC_CONFIG": str(named)}, tmp_path) == given
    assert find_config(None, {"REVREC_CONFIG": str(named)}, tmp_path) == named
    assert find_config(None, {}, tmp_path) is None
    (tmp_path / "revrec.toml").touch()
    assert find_config(None, {}, tmp_path) == tmp_path / "revrec.toml"


def test_the_configuration_that_init_writes_is_read_without_a_problem(tmp_path: Path) -> None:
    text = "\n".join(config_lines())
    settings = loaded(tmp_path, text)
    assert settings.posting.quarantine == timedelta(seconds=2)
    assert all(f"\n{name} = " in text or f"\n# {name} = " in text for keys in KEYS.values() for name in keys)
    everything = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert loaded(tmp_path, everything).posting.journal == "RR"


def test_a_user_without_a_name_is_recorded_by_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(_user_id: int) -> None:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    (tmp_path / "revrec.toml").touch()
    context = make_context("test", tmp_path / "revrec.toml", environment={})
    assert context.actor == f"{os.getuid()}@{platform.node()} (uid {os.getuid()})"
    assert context.who().at.endswith("+00:00")


HOSTILE = 'ceo\n1  2024-01-01 by auditor\x1b[2J\x9b1m\u202e\u2066\u2028\r"' + "x" * 500


@pytest.mark.parametrize("variable", ["LOGNAME", "USER"])
def test_the_actor_is_the_account_of_the_operating_system_not_of_the_environment(variable: str) -> None:
    account, host = pwd.getpwuid(os.getuid()).pw_name, platform.node()
    assert current_actor({variable: account}) == current_actor({}) == f"{account}@{host} (uid {os.getuid()})"
    assert current_actor({variable: "ceo"}) == f'{account}@{host} (uid {os.getuid()}, as "ceo")'


@pytest.mark.parametrize("variable", ["LOGNAME", "USER"])
def test_a_hostile_name_in_the_environment_is_one_short_line_beside_the_account(variable: str) -> None:
    actor = current_actor({variable: HOSTILE})
    assert actor.startswith(current_actor({})[:-1])
    assert actor.isprintable() and len(actor) < 300 and actor.count('"') == 2
