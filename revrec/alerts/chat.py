"""Chat and other channels through the ``apprise`` library: one URL a channel, such as ``slack://...``.

The URLs hold secrets, so a channel is only ever named by its place in the list and the kind of its service.
"""

import importlib
import logging
import re
from typing import Any

from revrec.alerts import AlertFailed, within
from revrec.alerts.digest import AlertMessage
from revrec.core.loopback import is_loopback

EXTRA = "chat channels need the apprise library; install it with: pip install 'revrec[alerts]'"


def channel_name(number: int, url: str) -> str:
    """A channel as messages name it: ``channel 2 (slack)``."""
    scheme = re.match(r"[a-zA-Z][a-zA-Z0-9]{1,19}(?=://)", url)
    return f"channel {number} ({scheme[0].lower() if scheme else 'no URL'})"


def send_chat(name: str, url: str, digest: AlertMessage, timeout: float = 30.0) -> None:
    """Tell one channel.

    Raises:
        AlertFailed: the library is missing, the URL is none it knows or unsafe, or the service did not take it.
    """
    apprise = _apprise()
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise AlertFailed(f"{name}: not a URL that apprise knows; correct it in REVREC_ALERTS_URLS")
    _check(name, url, service)
    within(timeout, name, lambda: _tell(name, service, apprise, digest))


def _apprise() -> Any:
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        raise AlertFailed(EXTRA) from None
    # It logs what services answer, and to standard error where nobody has set logging up.
    logger = logging.getLogger("apprise")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
    return apprise


def _check(name: str, url: str, service: Any) -> None:
    """TLS with verified certificates, or this machine."""
    if is_loopback(str(service.host or "").strip("[]")):
        return
    if not service.verify_certificate:
        raise AlertFailed(f"{name}: certificates are always verified; take verify=no out of its URL")
    scheme = url.partition("://")[0].lower()
    if scheme in _names(service.protocol) and scheme not in _names(service.secure_protocol):
        raise AlertFailed(f"{name}: goes without TLS to this machine alone; write its URL with {scheme}s://")


def _names(protocol: Any) -> tuple[str, ...]:
    return (protocol,) if isinstance(protocol, str) else tuple(protocol or ())


def _tell(name: str, service: Any, apprise: Any, digest: AlertMessage) -> None:
    try:
        channels = apprise.Apprise()
        channels.add(service)
        taken = channels.notify(title=digest.subject, body=digest.body, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:
        # Not quoted: a library's complaint may hold the URL and so the secret.
        raise AlertFailed(f"{name}: could not be told ({type(error).__name__}); see revrec alert test") from None
    if not taken:
        raise AlertFailed(f"{name}: the service did not take it; check its URL in REVREC_ALERTS_URLS and the network")
