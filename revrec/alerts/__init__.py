"""Telling a human: the digest of a run, taken to people by e-mail and chat.

Nothing here raises anything but :class:`revrec.alerts.errors.AlertFailed` for what the other side does, and whoever
calls decides that a failing alert changes nothing of the work it tells of.
"""
