"""Which addresses may be spoken to: Intacct's own over TLS, or this machine."""

from urllib.parse import SplitResult, urlsplit

from revrec.core.errors import BadConfiguration
from revrec.core.loopback import is_loopback_url

INTACCT_ENDPOINT = "https://api.intacct.com/ia/xml/xmlgw.phtml"
_MEND = f"write it as {INTACCT_ENDPOINT}, or as http://127.0.0.1:PORT/... for a sandbox on this machine"


def checked_endpoint(url: str) -> str:
    """The URL itself if its host ends in .intacct.com (https only) or is loopback; else raises BadConfiguration."""
    parts = _split(url)
    if parts.username or parts.password:
        raise BadConfiguration("gateway endpoint: a user name or password does not belong in the URL; take it out")
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme in ("http", "https") and is_loopback_url(url):
        return url
    if not host.endswith(".intacct.com"):
        raise BadConfiguration(f"gateway endpoint {url!r}: the host is neither Intacct's nor this machine; {_MEND}")
    if parts.scheme != "https":
        raise BadConfiguration(f"gateway endpoint {url!r}: only https is allowed to Intacct; {_MEND}")
    return url


def checked_session_endpoint(url: str, login: str) -> str:
    """The endpoint that a sign-in returned, if it is of the kind that we signed in to.

    A session of Intacct's must not be carried to this machine, nor one of a sandbox to Intacct.
    """
    if is_loopback_url(checked_endpoint(url)) != is_loopback_url(login):
        raise BadConfiguration(f"the sign-in at {login} returned the endpoint {url!r}, which is another party's")
    return url


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as reason:
        raise BadConfiguration(f"gateway endpoint: not a URL ({reason}); {_MEND}") from None
    if any(ch.isspace() or ch in "\\#" for ch in url):
        raise BadConfiguration(f"gateway endpoint {url!r}: not a plain URL; {_MEND}")
    return parts
