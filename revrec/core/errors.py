"""The base classes of all errors: their messages name the place and the fix."""


class RevrecError(Exception):
    """An error that revrec raises on purpose. The message is written for the user and says where and how to fix it."""

    exit_code = 1


class BadInput(RevrecError):
    """Data from outside (a file, a rule, an argument) that cannot be used as it is."""

    exit_code = 3


class UnknownCharge(BadInput):
    """An id that no charge line has."""

    def __init__(self, charge: str) -> None:
        super().__init__(f"{charge}: no such charge; a charge's id is SOURCE/DOCUMENT/LINE, see: revrec charge list")


class DoesNotFit(BadInput):
    """A result that a file format cannot hold exactly, such as an amount of 16 digits in a workbook."""


def check_reason(what: str, reason: str) -> None:
    """Check that a person stated the reason for ``what``, because the audit trail keeps it.

    Raises:
        BadInput: the reason is empty.
    """
    if not reason.strip():
        raise BadInput(f"{what} needs a reason, for the auditor: --reason TEXT")


class BadConfiguration(RevrecError):
    """Settings, credentials or a setup of the other system that prevent the work from starting."""

    exit_code = 5


class Busy(RevrecError):
    """A resource that this command needs is in use: another run is active, or the database is locked."""

    exit_code = 6
