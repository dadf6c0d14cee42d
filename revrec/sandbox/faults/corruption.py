"""Documents as a faulty line would deliver them."""

import re


def truncated(document: bytes) -> bytes:
    """The first two thirds."""
    return document[: len(document) * 2 // 3]


def with_wrong_control_ids(document: bytes) -> bytes:
    """Somebody else's answer."""
    return re.sub(rb"<controlid>[^<]*</controlid>", b"<controlid>somebody-elses</controlid>", document)


def garbled(document: bytes) -> bytes:
    """Noise in the middle, with a NUL so that no parser accepts what is left."""
    middle = len(document) // 2
    noise = bytes(byte ^ 0x1F for byte in document[middle : middle + 64])
    return document[:middle] + noise + b"\0" + document[middle + 64 :]
