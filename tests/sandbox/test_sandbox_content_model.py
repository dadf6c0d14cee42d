"""Content models: what a schema allows inside an element."""

import pytest

from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import SchemaViolation
from revrec.sandbox.xmltree import Node

CURRENCY = "a (base? currency (date? type | rate))? z?"


def check(model: str, children: str) -> None:
    check_content(Node("parent", children=[Node(tag) for tag in children.split()]), content_model(model))


@pytest.mark.parametrize(
    ("model", "children"),
    [
        ("", ""),
        ("a b? c", "a c"),
        ("a b? c", "a b c"),
        ("(a | b)+", "b a a b"),
        ("a* b", "b"),
        ("a* b", "a a a b"),
        (CURRENCY, "a z"),
        (CURRENCY, "a currency type"),
        (CURRENCY, "a base currency date type z"),
        (CURRENCY, "a currency rate z"),
        ("(a b? | b a)? c", "b a c"),
    ],
)
def test_what_the_model_allows_is_accepted(model: str, children: str) -> None:
    check(model, children)


@pytest.mark.parametrize(
    ("model", "children", "said"),
    [
        ("", "a", "'a': Not expected here in 'parent'. Expected is one of ( nothing more )."),
        ("a b", "b", "'b': Not expected here in 'parent'. Expected is one of ( a )."),
        ("a b", "a", "'parent': Missing child element(s). Expected is one of ( b )."),
        ("a b?", "a a", "Expected is one of ( b )."),
        ("(a | b)+", "", "Expected is one of ( a, b )."),
        (CURRENCY, "a currency", "Expected is one of ( date, type, rate )."),
        (CURRENCY, "a currency date", "Expected is one of ( type )."),
        (CURRENCY, "a currency date rate", "'rate': Not expected here"),
        (CURRENCY, "a currency type rate", "'rate': Not expected here in 'parent'. Expected is one of ( z )."),
        (CURRENCY, "a type", "Expected is one of ( base, currency, z )."),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(model: str, children: str, said: str) -> None:
    with pytest.raises(SchemaViolation) as refused:
        check(model, children)
    assert said in refused.value.errors[0].description2
