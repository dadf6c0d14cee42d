"""Requests to a sandbox, written by hand: revrec's own client is not used."""

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from xml.sax.saxutils import escape

import requests
from lxml import etree

from revrec.sandbox.control.sandbox import Sandbox

_ids = itertools.count(1)


def fresh_id() -> str:
    return f"test:{next(_ids)}"


def in_function(body: str, control_id: str | None = None) -> str:
    if body.startswith("<function"):
        return body
    return f'<function controlid="{control_id or fresh_id()}">{body}</function>'


def elements(**parts: str | None) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items() if text is not None)


def line(account: str, sign: str, amount: str, **more: str | None) -> str:
    parts: dict[str, str | None] = {"ACCOUNTNO": account, "TR_TYPE": sign, "TRX_AMOUNT": amount, "LOCATION": "100"}
    return f"<GLENTRY>{elements(**(parts | more))}</GLENTRY>"


def pair(amount: str = "10.00", **more: str | None) -> str:
    return line("2400", "1", amount, **more) + line("4000", "-1", amount, **more)


def glbatch(lines: str | None = None, **more: str | None) -> str:
    parts: dict[str, str | None] = {"JOURNAL": "RR", "BATCH_DATE": "03/31/2025", "BATCH_TITLE": "Revenue March", **more}
    return f"<GLBATCH>{elements(**parts)}<ENTRIES>{pair() if lines is None else lines}</ENTRIES></GLBATCH>"


class SandboxAnswer:
    """One answer of the gateway, with shortcuts to its parts."""

    def __init__(self, response: requests.Response) -> None:
        self.http = response
        self.root = etree.fromstring(response.content)

    def text(self, path: str) -> str:
        node = self.root.find(path)
        assert node is not None, f"{path} is not in {self.http.text}"
        return node.text or ""

    def has(self, path: str) -> bool:
        return self.root.find(path) is not None

    @property
    def control(self) -> str:
        return self.text("control/status")

    @property
    def authentication(self) -> str:
        return self.text("operation/authentication/status")

    @property
    def status(self) -> str:
        return self.text("operation/result/status")

    @property
    def statuses(self) -> list[str]:
        return [node.text or "" for node in self.root.findall("operation/result/status")]

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(e.findtext("errorno") or "", e.findtext("description2") or "") for e in self.root.iter("error")]

    @property
    def said(self) -> str:
        return " | ".join(f"{number} {text}" for number, text in self.errors)

    @property
    def data(self) -> Any:
        return self.root.find("operation/result/data")

    @property
    def record_no(self) -> str:
        return self.text("operation/result/data/glbatch/RECORDNO")

    def column(self, tag: str) -> list[str]:
        return [node.text or "" for node in self.data.iter(tag)]


class SandboxClient:
    """Client that builds and sends request documents; every part can be replaced."""

    fresh_id = staticmethod(fresh_id)
    function = staticmethod(in_function)
    line = staticmethod(line)
    pair = staticmethod(pair)
    glbatch = staticmethod(glbatch)

    def __init__(self, address: Mapping[str, Any], sandbox: Sandbox | None = None) -> None:
        self.address = address
        self.http = requests.Session()
        self._sandbox = sandbox

    @property
    def sandbox(self) -> Sandbox:
        """Return the sandbox, if it is in this process."""
        assert self._sandbox
        return self._sandbox

    def gateway_address(self) -> tuple[str, int]:
        """Return the host and port of the gateway."""
        host, port, *_more = self.sandbox._gateway.server_address
        return str(host), int(port)

    def control(self, **changes: str | None) -> str:
        parts: dict[str, str | None] = {
            "senderid": self.address["sender_id"],
            "password": self.address["sender_password"],
            "controlid": "request-1",
            "uniqueid": "true",
            "dtdversion": "3.0",
            "includewhitespace": "false",
        } | changes
        return "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in parts.items() if text is not None)

    def login(self, **changes: str | None) -> str:
        parts = {
            "userid": self.address["user_id"],
            "companyid": self.address["company_id"],
            "password": self.address["user_password"],
        } | changes
        body = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in parts.items() if text is not None)
        return f"<login>{body}</login>"

    def document(
        self, *functions: str, control: str | None = None, authentication: str | None = None, transaction: str = ""
    ) -> str:
        attribute = f' transaction="{transaction}"' if transaction else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<request><control>{self.control() if control is None else control}</control><operation{attribute}>"
            f"<authentication>{self.login() if authentication is None else authentication}</authentication>"
            f"<content>{''.join(functions)}</content></operation></request>"
        )

    def post(
        self, document: str | bytes, url: str | None = None, headers: dict[str, str] | None = None
    ) -> SandboxAnswer:
        body = document.encode() if isinstance(document, str) else document
        kind = {"Content-Type": "application/xml"} | (headers or {})
        return SandboxAnswer(self.http.post(url or self.address["url"], data=body, headers=kind, timeout=10))

    def call(self, *functions: str, **parts: Any) -> SandboxAnswer:
        """Send functions; bodies without a ``<function>`` get one with a fresh control id."""
        headers, url = parts.pop("headers", None), parts.pop("url", None)
        return self.post(self.document(*(in_function(body) for body in functions), **parts), url, headers)

    def create(self, *batches: str, control_id: str | None = None, **parts: Any) -> SandboxAnswer:
        body = f"<create>{''.join(batches or (glbatch(),))}</create>"
        return self.call(in_function(body, control_id), **parts)

    def session(self, location: str | None = None) -> tuple[str, str]:
        """Open a session and return its id and endpoint."""
        inner = "" if location is None else f"<locationid>{location}</locationid>"
        answer = self.call(f"<getAPISession>{inner}</getAPISession>")
        return answer.column("sessionid")[0], answer.column("endpoint")[0]

    def in_session(self, session: tuple[str, str], *functions: str, **parts: Any) -> SandboxAnswer:
        return self.call(*functions, authentication=f"<sessionid>{session[0]}</sessionid>", url=session[1], **parts)

    def admin(self, path: str, **body: Any) -> dict[str, Any]:
        response = self.http.post(self.address["admin_url"] + path, json=body, timeout=10)
        assert response.status_code == 200, response.text
        changed: dict[str, Any] = response.json()
        return changed

    def look(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(self.address["admin_url"] + path, timeout=10).json()
        return found

    def switch(self, **switches: Any) -> None:
        self.admin("switch", **switches)

    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.look("entries")["entries"]
        return found

    def balances(self) -> dict[str, str]:
        found: dict[str, str] = self.look("balances")["balances"]
        return found


@contextmanager
def serving(sandbox: Sandbox) -> Iterator[SandboxClient]:
    """Serve a sandbox in this process until the context ends."""
    sandbox.start()
    try:
        yield SandboxClient(sandbox.address, sandbox)
    finally:
        sandbox.stop()


class ServeSandbox(Protocol):
    """The fixture ``serve``: serves a sandbox as a process."""

    def __call__(self, *options: str) -> "tuple[subprocess.Popen[str], dict[str, Any]]":
        """Return the process and its address."""
