"""What the gateway raises. Posting an entry raises none of the last three: its answer says what happened instead."""

from revrec.core.errors import BadConfiguration, BadInput, RevrecError


class UnpostableEntry(BadInput):
    """A journal entry that Intacct must refuse: too few lines, unbalanced, or without a usable control id."""


class SignInFailed(BadConfiguration):
    """Intacct refused the sender, the company, the user or the entity. Do not try again: users get locked."""


class GatewayUnreachable(BadConfiguration):
    """No usable answer to a sign-in or a read: no connection, a time-out, a server error, or not Intacct at all."""


class ReadRefused(RevrecError):
    """Intacct answered a read with a failure, or with something that cannot be understood."""
