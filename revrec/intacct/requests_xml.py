"""Requests: the envelope around functions, and the functions for sign-in and reading.

The envelope is added around the functions' bytes. A function is therefore built once, without secrets, and is sent byte
for byte as it was stored, also when it is sent again.
"""

from collections.abc import Sequence
from datetime import date

from lxml import etree

from revrec.core.redaction import MARK
from revrec.intacct.credentials import Credentials
from revrec.intacct.elements import add_date, add_text, replace_illegal_characters

_PLACEHOLDER = "functions"

Condition = tuple[str, str | Sequence[str]] | tuple[str, str, str]
"""A condition: field and value (equal), field and 1 to 1000 values (one of them), or field, operator and value."""

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
    """Build a whole request document.

    ``unique``: Intacct must not run a function whose control id it has run before. ``transaction``: Intacct must roll
    back all functions if one fails.
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
        add_text(control, name, text)
    operation = etree.SubElement(request, "operation", transaction="true" if transaction else "false")
    etree.SubElement(operation, "authentication").append(authentication)
    etree.SubElement(etree.SubElement(operation, "content"), _PLACEHOLDER)
    document = etree.tostring(request, encoding="UTF-8", xml_declaration=True)
    before, _, after = document.rpartition(f"<{_PLACEHOLDER}/>".encode())
    return before + functions + after


def redacted_envelope(sender_id: str, control_id: str, functions: bytes) -> str:
    """Return the request as text, with ``***`` in place of the sender's password and the session."""
    return envelope(sender_id, MARK, control_id, session_authentication(MARK), functions, unique=True).decode()


def session_authentication(session_id: str) -> etree._Element:
    """Build the authentication by session."""
    element = etree.Element("sessionid")
    element.text = replace_illegal_characters(session_id)
    return element


def login_authentication(credentials: Credentials, entity: str) -> etree._Element:
    """Build the authentication by user and password. Intacct requires companyid before password."""
    login = etree.Element("login")
    add_text(login, "userid", credentials.user_id)
    add_text(login, "companyid", credentials.company_id)
    add_text(login, "password", credentials.user_password)
    if entity:
        add_text(login, "locationid", entity)
    return login


def get_api_session(control_id: str) -> bytes:
    """Build the function that opens a session at the level of the login. It must be alone in its request."""
    return _function(control_id, etree.Element("getAPISession"))


def query(
    control_id: str,
    object_name: str,
    fields: Sequence[str],
    where: Where,
    offset: int,
    size: int,
    order: str = "RECORDNO",
) -> bytes:
    """Build a query for the records that meet all of ``where``, in the order of a field, starting at ``offset``.

    Without an order, Intacct's pages overlap and leave gaps: an entry could be missed when reading back, and be posted
    twice. Without ``showprivate``, the top level does not see the entities' own records.
    """
    element = etree.Element("query")
    add_text(element, "object", object_name)
    select = etree.SubElement(element, "select")
    for field in fields:
        add_text(select, "field", field)
    _add_filter(etree.SubElement(element, "filter"), where)
    ordered = etree.SubElement(etree.SubElement(element, "orderby"), "order")
    add_text(ordered, "field", order)
    etree.SubElement(ordered, "ascending")
    add_text(etree.SubElement(element, "options"), "showprivate", "true")
    add_text(element, "pagesize", str(size))
    add_text(element, "offset", str(offset))
    return _function(control_id, element)


def _add_filter(parent: etree._Element, where: Where) -> None:
    """Add conditions. The schema allows one operator at the top, and ``and`` only around two or more."""
    top = etree.SubElement(parent, "and") if len(where) > 1 else parent
    for field, *operator, value in where:
        values = [value] if isinstance(value, str) else value
        plain = "equalto" if isinstance(value, str) else "in"
        condition = etree.SubElement(top, str(operator[0]) if operator else plain)
        add_text(condition, "field", str(field))
        for one in values:
            add_text(condition, "value", one)


def get_account_balances(control_id: str, account: str, start: date, end: date, entity: str) -> bytes:
    """Build the function for one account's balances. It is a legacy function: its elements have a fixed order."""
    element = etree.Element("get_accountbalances")
    add_date(element, "startdate", start)
    add_date(element, "enddate", end)
    add_text(element, "glaccountno", account)
    if entity:
        add_text(element, "locationid", entity)
    add_text(element, "showzerobalances", "true")
    return _function(control_id, element)


def get_dimensions(control_id: str) -> bytes:
    """Build the function that lists the company's dimensions."""
    return _function(control_id, etree.Element("getDimensions"))


def get_financial_setup(control_id: str) -> bytes:
    """Build the function that reads the financial set-up of the company."""
    return _function(control_id, etree.Element("getFinancialSetup"))


def lookup(control_id: str, name: str) -> bytes:
    """Build the function that describes the fields of an object."""
    element = etree.Element("lookup")
    add_text(element, "object", name)
    return _function(control_id, element)


def inspect_details(control_id: str, name: str) -> bytes:
    """Build the function that describes the fields of an object with their maximum lengths."""
    element = etree.Element("inspect", detail="1")
    add_text(element, "object", name)
    return _function(control_id, element)


def get_company_preferences(control_id: str, application: str) -> bytes:
    """Build the function that reads the preferences of an application, such as GL."""
    return _function(control_id, etree.Element("get_companyprefs", application=application))


def get_user_permissions(control_id: str, user: str) -> bytes:
    """Build the function that reads the permissions of a user."""
    element = etree.Element("getUserPermissions")
    add_text(element, "userId", user)
    return _function(control_id, element)


def get_attachment(control_id: str, code: str) -> bytes:
    """Build the function that reads the name of an attachment, without its files."""
    element = etree.Element("get", object="supdoc", key=code)
    add_text(etree.SubElement(element, "fields"), "field", "supdocid")
    return _function(control_id, element)


def get_closed_books_date(control_id: str) -> bytes:
    """Build the function for the day through which the books of the session's entity are closed."""
    return _function(control_id, etree.Element("get_closedbooksdate"))


def _function(control_id: str, child: etree._Element) -> bytes:
    function = etree.Element("function", controlid=control_id)
    function.append(child)
    return etree.tostring(function, encoding="UTF-8", xml_declaration=False)
