"""Recognize addresses of this machine, the only ones that may be reached without TLS."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return True if ``host`` is ``localhost``, in 127.0.0.0/8, or ::1. Names are not resolved."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Return True if the host of ``url`` is this machine."""
    return is_loopback(urlsplit(url).hostname or "")
