"""The base classes of all errors: their messages name the place and the fix."""


class RevrecError(Exception):
    """An error that revrec raises on purpose. The message is written for the user and says where and how to fix it."""

    exit_code = 1


class BadInput(RevrecError):
    """Data from outside (a file, a rule, an argument) that cannot be used as it is."""

    exit_code = 3


class BadConfiguration(RevrecError):
    """Settings, credentials or the setup of the other system prevent the work from starting."""

    exit_code = 5


class Busy(RevrecError):
    """A resource that this command needs is in use: another run is active, or the database is locked."""

    exit_code = 6
