"""Errors that name the place and the mend; every room of the house raises these or its own children of them."""


class RevrecError(Exception):
    """Anything revrec refuses on purpose. The message is written for the user, with place and mend."""

    exit_code = 1


class BadInput(RevrecError):
    """Data from outside (a file, a rule, an argument) that cannot be used as it stands."""

    exit_code = 3


class BadConfiguration(RevrecError):
    """Settings, credentials or the set-up of the other side do not allow the work to begin."""

    exit_code = 5


class Busy(RevrecError):
    """Somebody else holds what this command needs: another run, or a locked database."""

    exit_code = 6
