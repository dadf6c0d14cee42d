"""Corrupted response documents, as a faulty connection or proxy would deliver them."""

import re


def truncated(document: bytes) -> bytes:
    """Return the first two thirds."""
    return document[: len(document) * 2 // 3]


def with_wrong_control_ids(document: bytes) -> bytes:
    """Replace the control ids, as if the answer belonged to another client."""
    return re.sub(rb"<controlid>[^<]*</controlid>", b"<controlid>another-client</controlid>", document)


def garbled(document: bytes) -> bytes:
    """Put noise in the middle, with a NUL so that no XML parser accepts the document."""
    middle = len(document) // 2
    noise = bytes(byte ^ 0x1F for byte in document[middle : middle + 64])
    return document[:middle] + noise + b"\0" + document[middle + 64 :]
