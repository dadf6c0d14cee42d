r"""The statement of ``readByQuery``: a small SQL-like condition, parsed into the tree of conditions.py.

Operators: < > >= <= = != like, not like, in, not in, IS [NOT] NULL, AND, OR, NOT, parentheses. Text is quoted with
apostrophes; an apostrophe inside is written \'.
"""

import re

from revrec.sandbox.errors import read_failure
from revrec.sandbox.reading.conditions import Comparison, Condition, ConditionGroup

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<sign><=|>=|!=|<>|[=<>(),])|(?P<word>[A-Za-z_][\w.]*)|"""
    r"""(?P<number>[+-]?\d+(?:\.\d*)?))"""
)
_KEYWORDS = {"AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL"}
_DEPTH = 40
_TOKENS = 20_000


def parse_where(statement: str) -> Condition | None:
    """Parse a statement; return None when it is empty.

    Raises:
        FunctionFailure: the statement has a syntax error (DL02000001).
    """
    tokens = _tokens(statement)
    if not tokens:
        return None
    parser = _WhereParser(tokens)
    condition = parser.parse_or(0)
    parser.expect_end()
    return condition


def _tokens(statement: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    statement = statement.rstrip()
    while position < len(statement):
        match = _TOKEN.match(statement, position)
        if match is None or len(tokens) >= _TOKENS:
            raise read_failure(f"The query cannot be read at '{statement[position : position + 20].strip()}'.")
        kind = str(match.lastgroup)
        text = match.group(kind)
        if kind == "word" and text.upper() in _KEYWORDS:
            kind, text = "sign", text.upper()
        tokens.append((kind, text))
        position = match.end()
    return tokens


class _WhereParser:
    """Recursive-descent parser; each method parses one level of precedence."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def parse_or(self, depth: int) -> Condition:
        parts = [self._parse_and(depth)]
        while self._accept("OR"):
            parts.append(self._parse_and(depth))
        return parts[0] if len(parts) == 1 else ConditionGroup("or", tuple(parts))

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise read_failure(f"The query cannot be read at '{self._tokens[self._at][1]}'.")

    def _parse_and(self, depth: int) -> Condition:
        parts = [self._parse_not(depth)]
        while self._accept("AND"):
            parts.append(self._parse_not(depth))
        return parts[0] if len(parts) == 1 else ConditionGroup("and", tuple(parts))

    def _parse_not(self, depth: int) -> Condition:
        if depth > _DEPTH:
            raise read_failure("The query is nested too deeply.")
        if self._accept("NOT"):
            return ConditionGroup("not", (self._parse_not(depth + 1),))
        if self._accept("("):
            condition = self.parse_or(depth + 1)
            self._expect(")")
            return condition
        return self._parse_comparison()

    def _parse_comparison(self) -> Condition:
        field = self._next("word")
        if self._accept("IS"):
            negated = self._accept("NOT")
            self._expect("NULL")
            return Comparison(field, "not null" if negated else "null")
        negation = "not " if self._accept("NOT") else ""
        if self._accept("IN"):
            return Comparison(field, f"{negation}in", self._parse_list())
        if self._accept("LIKE"):
            return Comparison(field, f"{negation}like", (self._parse_operand(),))
        sign = self._next("sign")
        if negation or sign not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise read_failure(f"The query cannot be read at '{sign}'.")
        return Comparison(field, "!=" if sign == "<>" else sign, (self._parse_operand(),))

    def _parse_list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._parse_operand()]
        while self._accept(","):
            values.append(self._parse_operand())
        self._expect(")")
        return tuple(values)

    def _parse_operand(self) -> str:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind not in ("text", "number"):
            raise read_failure(f"A value is expected at '{text}'; text is written between apostrophes.")
        self._at += 1
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "text" else text

    def _accept(self, sign: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign)
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise read_failure(f"The query needs '{sign}' at word {self._at + 1}.")

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise read_failure(f"The query cannot be read at word {self._at + 1}.")
        self._at += 1
        return self._tokens[self._at - 1][1]
