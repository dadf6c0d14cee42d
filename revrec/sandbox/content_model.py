"""Content models: which children an element has, in which order, and which of them exclude each other."""

from functools import cache
from typing import NamedTuple

from revrec.sandbox.errors import schema_violation
from revrec.sandbox.xmltree import Node


class Particle(NamedTuple):
    """A part of a content model: an element if it has a name, else a sequence or a choice of parts."""

    name: str = ""
    parts: "tuple[Particle, ...]" = ()
    choice: bool = False
    optional: bool = False
    repeats: bool = False


@cache
def content_model(text: str) -> Particle:
    """Parse a model such as ``a b? (c | d e) f*``: blanks separate parts in order, ``|`` separates choices.

    A model must be deterministic: the next element alone decides which part it belongs to.
    """
    for mark in "()|":
        text = text.replace(mark, f" {mark} ")
    for mark in "?*+":
        text = text.replace(f" ) {mark}", f" ){mark}")
    return _group(text.split()[::-1])


def check_content(node: Node, model: Particle) -> None:
    """Check the children of an element against its content model.

    Raises:
        SchemaViolation: a child is unknown, repeated, misplaced, excluded by another one, or missing.
    """
    rest = model
    for child in node:
        following = _after(rest, child.tag)
        if following is None:
            expected = _expected(rest) or "nothing more"
            message = f"Element '{child.tag}': Not expected here in '{node.tag}'. Expected is one of ( {expected} )."
            raise schema_violation(message, child.line)
        rest = following
    if not _may_end(rest):
        message = f"Element '{node.tag}': Missing child element(s). Expected is one of ( {_expected(rest)} )."
        raise schema_violation(message, node.line)


def check_empty(node: Node) -> None:
    """Check that an element has no children.

    Raises:
        SchemaViolation: it has one.
    """
    check_content(node, Particle())


def _group(words: list[str], end: str = "") -> Particle:
    """Parse words, which are in reverse order, up to the closing parenthesis ``end``."""
    choices: list[list[Particle]] = [[]]
    while words and not (end and words[-1].startswith(end)):
        word = words.pop()
        if word == "|":
            choices.append([])
        elif word == "(":
            choices[-1].append(_occurring(_group(words, ")"), words.pop()))
        else:
            choices[-1].append(_occurring(Particle(word.rstrip("?*+")), word))
    groups = tuple(Particle(parts=tuple(parts)) for parts in choices)
    return groups[0] if len(groups) == 1 else Particle(parts=groups, choice=True)


def _occurring(part: Particle, word: str) -> Particle:
    return part._replace(optional=word[-1] in "?*", repeats=word[-1] in "*+")


def _may_end(part: Particle) -> bool:
    if part.optional:
        return True
    return not part.name and (any if part.choice else all)(_may_end(one) for one in part.parts)


def _expected(part: Particle) -> str:
    return ", ".join(dict.fromkeys(_first(part)))


def _first(part: Particle) -> list[str]:
    if part.name:
        return [part.name]
    names: list[str] = []
    for one in part.parts:
        names += _first(one)
        if not part.choice and not _may_end(one):
            break
    return names


def _after(part: Particle, tag: str) -> Particle | None:
    """Return the model of what may follow an element; None if the element may not come first."""
    rest = _after_once(part, tag)
    if rest is None or not part.repeats:
        return rest
    return Particle(parts=(rest, part._replace(optional=True)))


def _after_once(part: Particle, tag: str) -> Particle | None:
    if part.name:
        return Particle() if part.name == tag else None
    for at, one in enumerate(part.parts):
        rest = _after(one, tag)
        if rest is not None:
            return rest if part.choice else Particle(parts=(rest, *part.parts[at + 1 :]))
        if not part.choice and not _may_end(one):
            return None
    return None
