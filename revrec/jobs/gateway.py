"""Connect a command to Intacct, or to the built-in sandbox."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.keys import ANY_TEXT, ConfigKey, KeyProblem, SectionName, read_table, text
from revrec.jobs import trust
from revrec.jobs.settings import ENDPOINT_NAMES

if TYPE_CHECKING:
    from revrec.intacct.client import XmlGateway
    from revrec.intacct.credentials import Credentials
    from revrec.intacct.gateway import Gateway
    from revrec.intacct.glbatch import EntityCurrency
    from revrec.jobs.context import Context

    Connect = Callable[["Context"], AbstractContextManager[Gateway]]

SANDBOX = "sandbox"
SANDBOX_COMPANY = "REVREC-sandbox"
"""The company of every sandbox, served or built in: it is part of each control id."""


def endpoint(context: "Context") -> str:
    """Return the gateway's address, or ``sandbox``, from the environment or else from the configuration."""
    given = (context.environment.get(name) for name in ENDPOINT_NAMES)
    return next(filter(None, given), context.settings.gateway.endpoint)


def company(context: "Context") -> str:
    """Return the Intacct company that is posted to. It is part of every control id.

    Raises:
        BadConfiguration: the credentials of a real gateway are missing or unsafe.
    """
    return SANDBOX_COMPANY if endpoint(context) == SANDBOX else real_credentials(context).company_id


@contextmanager
def open_gateway(context: "Context") -> Iterator["XmlGateway"]:
    """Open the gateway of the settings, ready to sign in. The sandbox is started for as long as it is needed.

    Raises:
        BadConfiguration: credentials are missing or unsafe, or the sandbox does not start.
    """
    if endpoint(context) == SANDBOX:
        with _sandbox_gateway(context) as gateway:
            yield gateway
    else:
        with _client(context, real_credentials(context)) as gateway:
            yield gateway


def real_credentials(context: "Context") -> "Credentials":
    """Return the credentials from the environment, the configuration's file, Intacct's own file or the keychain."""
    from revrec.intacct.credentials import resolve_credentials

    return resolve_credentials(*_places(context))


def credential_origins(context: "Context") -> dict[str, str]:
    """Return where each credential of the real gateway comes from (environment, configuration, a file, keychain).

    Raises:
        BadConfiguration: one of the places cannot be used.
    """
    from revrec.intacct.credentials import credential_origins as origins

    return {name: origin for name, origin in origins(*_places(context)).items() if name != "endpoint_url"}


def _places(context: "Context") -> tuple[dict[str, str], Path, dict[str, str], Path | None]:
    """Return where credentials may be: environment, home folder, plain settings, the file that is named.

    Raises:
        BadConfiguration: they may not be used with this configuration, see :mod:`revrec.jobs.trust`.
    """
    from revrec.intacct.endpoint import INTACCT_ENDPOINT

    trust.check(context, trust.GATEWAY)
    gateway = context.settings.gateway
    plain = {
        "sender_id": gateway.sender_id,
        "company_id": gateway.company_id,
        "user_id": gateway.user_id,
        "entity_id": gateway.entity_id,
    }
    # One place decides on the endpoint. Otherwise a message could name a different one than is posted to.
    environment = {**context.environment, "REVREC_INTACCT_ENDPOINT_URL": endpoint(context) or INTACCT_ENDPOINT}
    return environment, Path.home(), plain, gateway.credentials_file


@contextmanager
def _sandbox_gateway(context: "Context") -> Iterator["XmlGateway"]:
    from revrec.intacct.credentials import Credentials
    from revrec.jobs.sandbox_company import company_file
    from revrec.jobs.sandbox_process import sandbox

    with sandbox(context.settings.sandbox.data, context.environment, company_file(context)) as address:
        context.say(f"sandbox: {address['url']} (watch it at {address['admin_url']})")
        credentials = Credentials(
            sender_id=address["sender_id"],
            sender_password=address["sender_password"],
            company_id=address["company_id"],
            user_id=address["user_id"],
            user_password=address["user_password"],
            endpoint=address["url"],
        )
        with _client(context, credentials) as gateway:
            yield gateway


@contextmanager
def _client(context: "Context", credentials: "Credentials") -> Iterator["XmlGateway"]:
    from revrec.intacct.client import XmlGateway

    settings = context.settings
    with XmlGateway(
        credentials,
        timeout=settings.posting.timeout.total_seconds(),
        base_currency=settings.gateway.base_currency,
        rate_type=settings.gateway.rate_type,
        rate_date=settings.gateway.rate_date,
        omit=omitted(context),
        inter_entity=settings.posting.inter_entity,
        currencies=entity_currencies(context),
        state=settings.posting.state.capitalize(),
        max_in_flight=settings.posting.max_in_flight,
        requests_per_minute=settings.posting.requests_per_minute,
        now=context.now,
        sleep=context.sleep,
    ) as gateway:
        yield gateway


ENTITY_KEYS = (
    ConfigKey("name", ANY_TEXT, "the entity's name, for people"),
    ConfigKey("base_currency", text("a currency code such as EUR in quotes", 3), "the entity's base currency"),
    ConfigKey("rate_type", text(), "exchange rate type of its lines in other currencies"),
)
"""The keys of ``[entities.ID]``."""


def entity_currencies(context: "Context") -> "dict[str, EntityCurrency]":
    """Return the entities that have their own base currency, from ``[entities.ID]``.

    Raises:
        BadConfiguration: a key is unknown, or its value is not allowed.
    """
    from revrec.intacct.glbatch import EntityCurrency

    settings = context.settings
    found, problems = {}, list[KeyProblem]()
    for entity, table in settings.free.get("entities", {}).items():
        values, _refused = read_table(table, ENTITY_KEYS, (SectionName(f"entities.{entity}"),), problems)
        if "base_currency" in values:
            rate_type = values.get("rate_type", settings.gateway.rate_type)
            found[entity] = EntityCurrency(values["base_currency"], rate_type)
    settings.reject(problems)
    return found


def omitted(context: "Context") -> frozenset[str]:
    """Return the dimensions that are never sent."""
    return context.settings.gateway.omit
