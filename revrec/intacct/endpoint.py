"""Checks of gateway addresses. Passwords are sent only to Intacct's own hosts over TLS, or to this machine.

A typo, a copied configuration or a forged answer could otherwise send both passwords to a stranger.
"""

from urllib.parse import SplitResult, urlsplit

from revrec.core.errors import BadConfiguration
from revrec.core.loopback import is_loopback_url

INTACCT_ENDPOINT = "https://api.intacct.com/ia/xml/xmlgw.phtml"
_FIX = f"write it as {INTACCT_ENDPOINT}, or as http://127.0.0.1:PORT/... for a sandbox on this machine"


def checked_endpoint(url: str) -> str:
    """Return the URL if its host ends in .intacct.com (https only) or is this machine.

    The name is compared with its leading dot, so that ``evil-intacct.com`` does not pass, and a user name in the URL is
    refused, because ``https://api.intacct.com@evil.example/`` leads to evil.example.

    Raises:
        BadConfiguration: any other address.
    """
    parts = _split(url)
    if parts.username or parts.password:
        raise BadConfiguration("gateway endpoint: a user name or password does not belong in the URL; remove it")
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme in ("http", "https") and is_loopback_url(url):
        return url
    if not host.endswith(".intacct.com"):
        raise BadConfiguration(f"gateway endpoint {url!r}: the host is neither Intacct's nor this machine; {_FIX}")
    if parts.scheme != "https":
        raise BadConfiguration(f"gateway endpoint {url!r}: Intacct requires https; {_FIX}")
    return url


def checked_session_endpoint(url: str, login: str) -> str:
    """Return the endpoint that a sign-in returned, if it belongs to the party that was signed in to.

    Intacct's session must not be sent to a process on this machine, nor may entries meant for a sandbox reach Intacct.

    Raises:
        BadConfiguration: the endpoint belongs to another party, or is not allowed at all.
    """
    if is_loopback_url(checked_endpoint(url)) != is_loopback_url(login):
        raise BadConfiguration(f"the sign-in at {login} returned the endpoint {url!r}, which belongs to another party")
    return url


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as reason:
        raise BadConfiguration(f"gateway endpoint: not a URL ({reason}); {_FIX}") from None
    if any(ch.isspace() or ch in "\\#" for ch in url):
        raise BadConfiguration(f"gateway endpoint {url!r}: not a plain URL; {_FIX}")
    return parts
