from collections.abc import Iterator

from revrec.core.batching import batched


def test_the_last_list_holds_the_rest() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_no_list_is_empty() -> None:
    assert list(batched([], 2)) == []
    assert list(batched("ab", 2)) == [["a", "b"]]


def test_only_one_list_is_read_ahead() -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    next(batched(numbers(), 3))
    assert read == [0, 1, 2]
