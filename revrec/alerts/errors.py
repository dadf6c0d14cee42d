"""What an alert that cannot be delivered raises."""

from revrec.core.errors import BadConfiguration


class AlertFailed(BadConfiguration):
    """A channel is set up wrongly or did not take the message; the text names the mend and holds no secret."""
