"""Send alerts to chat and other channels through the ``apprise`` library: one URL a channel, such as ``slack://...``.

The URLs contain secrets, so messages name a channel only by its place in the list and its kind of service.
"""

import importlib
import logging
import re
from typing import Any

from revrec.alerts import AlertFailed, within
from revrec.alerts.digest import AlertMessage
from revrec.core.extras import install_command
from revrec.core.loopback import is_loopback


def channel_name(number: int, url: str) -> str:
    """Return the name of a channel for messages, such as ``channel 2 (slack)``."""
    scheme = re.match(r"[a-zA-Z][a-zA-Z0-9]{1,19}(?=://)", url)
    return f"channel {number} ({scheme[0].lower() if scheme else 'no URL'})"


def send_chat(name: str, url: str, digest: AlertMessage, timeout: float = 30.0) -> None:
    """Send the message to one channel.

    Raises:
        AlertFailed: the library is not installed, the URL is unknown to it or unsafe, or the service did not accept
            the message.
    """
    apprise = _apprise()
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise AlertFailed(f"{name}: not a URL that apprise knows; correct it in REVREC_ALERTS_URLS")
    _check(name, url, service)
    within(timeout, name, lambda: _send(name, service, apprise, digest))


def _apprise() -> Any:
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        hint = f"chat channels need the apprise library; install it with: {install_command('alerts')}"
        raise AlertFailed(hint) from None
    # The library logs replies of services, which may quote the URL with its secret, and without any logging set up it
    # logs to standard error.
    logger = logging.getLogger("apprise")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
    return apprise


def _check(name: str, url: str, service: Any) -> None:
    """Check that the service is reached by TLS with a verified certificate, or is on this machine.

    Raises:
        AlertFailed: it is not.
    """
    if is_loopback(str(service.host or "").strip("[]")):
        return
    if not service.verify_certificate:
        raise AlertFailed(f"{name}: certificates are always verified; remove verify=no from its URL")
    scheme = url.partition("://")[0].lower()
    if scheme in _names(service.protocol) and scheme not in _names(service.secure_protocol):
        raise AlertFailed(
            f"{name}: a connection without TLS is allowed to this machine only; write its URL with {scheme}s://"
        )


def _names(protocol: Any) -> tuple[str, ...]:
    return (protocol,) if isinstance(protocol, str) else tuple(protocol or ())


def _send(name: str, service: Any, apprise: Any, digest: AlertMessage) -> None:
    try:
        channels = apprise.Apprise()
        channels.add(service)
        accepted = channels.notify(title=digest.subject, body=digest.body, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:
        # The library's message is not quoted: it may contain the URL and so the secret.
        raise AlertFailed(f"{name}: alert not sent ({type(error).__name__}); try revrec alert test") from None
    if not accepted:
        raise AlertFailed(
            f"{name}: the service did not accept the alert; check its URL in REVREC_ALERTS_URLS and the network"
        )
