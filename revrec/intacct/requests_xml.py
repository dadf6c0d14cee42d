"""The requests that are sent: the envelope around functions, and the functions of sign-in and reading.

The envelope is put around the functions' bytes, so that a function built and stored once is sent byte for byte the
same however often, and so that the stored copy never held a secret.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from lxml import etree

from revrec.core.redaction import MARK
from revrec.intacct.credentials import Credentials
from revrec.intacct.glbatch import replace_illegal_characters

_HOLE = "functions"

Condition = tuple[str, str | Sequence[str]] | tuple[str, str, str]
"""A field and the value it equals, or the values (1 to 1000) that it is one of; or a field, the name of another
operator and its value."""

Where = Sequence[Condition]


def envelope(
    sender_id: str,
    sender_password: str,
    control_id: str,
    authentication: etree._Element,
    functions: bytes,
    unique: bool,
    transaction: bool = False,
) -> bytes:
    """A whole request document.

    ``unique`` asks Intacct to run no function whose control id it has already run, ``transaction`` to undo all of the
    functions if one fails.
    """
    request = etree.Element("request")
    control = etree.SubElement(request, "control")
    for name, text in (
        ("senderid", sender_id),
        ("password", sender_password),
        ("controlid", control_id),
        ("uniqueid", "true" if unique else "false"),
        ("dtdversion", "3.0"),
        ("includewhitespace", "false"),
        ("showadditionalerrorinfo", "true"),
    ):
        _add(control, name, text)
    operation = etree.SubElement(request, "operation", transaction="true" if transaction else "false")
    etree.SubElement(operation, "authentication").append(authentication)
    etree.SubElement(etree.SubElement(operation, "content"), _HOLE)
    document = etree.tostring(request, encoding="UTF-8", xml_declaration=True)
    before, _, after = document.rpartition(f"<{_HOLE}/>".encode())
    return before + functions + after


def redacted_envelope(sender_id: str, control_id: str, functions: bytes) -> str:
    """The request as text with marks where the sender's password and the session will stand."""
    return envelope(sender_id, MARK, control_id, session_authentication(MARK), functions, unique=True).decode()


def session_authentication(session_id: str) -> etree._Element:
    """Authentication by a session."""
    element = etree.Element("sessionid")
    element.text = replace_illegal_characters(session_id)
    return element


def login_authentication(credentials: Credentials, entity: str) -> etree._Element:
    """Authentication by user and password. The order counts: companyid has to stand before password."""
    login = etree.Element("login")
    _add(login, "userid", credentials.user_id)
    _add(login, "companyid", credentials.company_id)
    _add(login, "password", credentials.user_password)
    if entity:
        _add(login, "locationid", entity)
    return login


def get_api_session(control_id: str) -> bytes:
    """Ask for a session at the level of the login; must be alone in its request."""
    return _function(control_id, etree.Element("getAPISession"))


def query(control_id: str, object_name: str, fields: Sequence[str], where: Where, offset: int, size: int) -> bytes:
    """Records whose fields meet all of ``where``, in order of RECORDNO, from ``offset`` on.

    Ordered because Intacct's pages overlap and leave gaps otherwise; private ones included because entities' records
    are hidden from the top level otherwise.
    """
    element = etree.Element("query")
    _add(element, "object", object_name)
    select = etree.SubElement(element, "select")
    for field in fields:
        _add(select, "field", field)
    _add_filter(etree.SubElement(element, "filter"), where)
    order = etree.SubElement(etree.SubElement(element, "orderby"), "order")
    _add(order, "field", "RECORDNO")
    etree.SubElement(order, "ascending")
    _add(etree.SubElement(element, "options"), "showprivate", "true")
    _add(element, "pagesize", str(size))
    _add(element, "offset", str(offset))
    return _function(control_id, element)


def _add_filter(parent: etree._Element, where: Where) -> None:
    """One operator on top; ``and`` only around two or more, as the query's schema wants it."""
    top = etree.SubElement(parent, "and") if len(where) > 1 else parent
    for field, *operator, value in where:
        values = [value] if isinstance(value, str) else value
        plain = "equalto" if isinstance(value, str) else "in"
        condition = etree.SubElement(top, str(operator[0]) if operator else plain)
        _add(condition, "field", str(field))
        for one in values:
            _add(condition, "value", one)


def get_account_balances(control_id: str, account: str, start: date, end: date, entity: str) -> bytes:
    """Balances of one account over days; a legacy function, whose elements have a fixed order."""
    element = etree.Element("get_accountbalances")
    _add_day(element, "startdate", start)
    _add_day(element, "enddate", end)
    _add(element, "glaccountno", account)
    if entity:
        _add(element, "locationid", entity)
    _add(element, "showzerobalances", "true")
    return _function(control_id, element)


def get_closed_books_date(control_id: str) -> bytes:
    """The day through which the books of the session's entity are closed."""
    return _function(control_id, etree.Element("get_closedbooksdate"))


def joined(functions: Iterable[bytes]) -> bytes:
    """Several functions for one request."""
    return b"".join(functions)


def _add_day(parent: etree._Element, name: str, day: date) -> None:
    element = etree.SubElement(parent, name)
    _add(element, "year", f"{day.year:04d}")
    _add(element, "month", f"{day.month:02d}")
    _add(element, "day", f"{day.day:02d}")


def _function(control_id: str, child: etree._Element) -> bytes:
    function = etree.Element("function", controlid=control_id)
    function.append(child)
    return etree.tostring(function, encoding="UTF-8", xml_declaration=False)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = replace_illegal_characters(text)
