import pytest

from revrec.core.loopback import is_loopback, is_loopback_url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost.example.com", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0"]
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


def test_the_host_of_an_address_counts_not_its_user_or_path() -> None:
    assert is_loopback_url("http://[::1]:8080/gateway")
    assert not is_loopback_url("https://127.0.0.1@example.com/127.0.0.1")
    assert not is_loopback_url("127.0.0.1")
