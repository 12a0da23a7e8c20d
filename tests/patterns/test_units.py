"""Request units against the examples of AWS's documentation.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
"""

import pytest

from taxiway.patterns import units
from taxiway.patterns.units import Consistency

KB = 1024


@pytest.mark.parametrize(
    ("size", "consistency", "expected"),
    [
        (4 * KB, Consistency.STRONG, 1),
        (4 * KB, Consistency.EVENTUAL, 0.5),
        (4 * KB, Consistency.TRANSACTIONAL, 2),
        (8 * KB, Consistency.STRONG, 2),
        (8 * KB, Consistency.EVENTUAL, 1),
        (8 * KB, Consistency.TRANSACTIONAL, 4),
        (3500, Consistency.STRONG, 1),
        (10 * KB, Consistency.STRONG, 3),
        (3 * KB, Consistency.STRONG, 1),
    ],
)
def test_a_read_rounds_the_item_up_to_4_kb(size: int, consistency: Consistency, expected: float) -> None:
    assert units.read(size, consistency) == expected


def test_a_read_of_what_is_not_there_costs_the_least() -> None:
    assert units.read(0) == 0.5
    assert units.read(0, Consistency.STRONG) == 1


@pytest.mark.parametrize(
    ("items", "size", "consistency", "expected"),
    [
        (10, 4178, Consistency.STRONG, 11),  # 40.8 KB in all, rounded to 44 KB
        (1500, 64, Consistency.STRONG, 24),  # 96 KB
        (20, 4 * KB, Consistency.EVENTUAL, 10),  # 80 KB
        (8, 2000, Consistency.EVENTUAL, 2),  # 16,000 bytes of an index
    ],
)
def test_a_query_rounds_up_the_sum_of_what_it_finds(
    items: int, size: int, consistency: Consistency, expected: float
) -> None:
    assert units.page(items, size, consistency) == expected


@pytest.mark.parametrize(("size", "expected"), [(500, 1), (512, 1), (KB, 1), (1638, 2), (2 * KB, 2), (3 * KB + 512, 4)])
def test_a_write_rounds_the_item_up_to_1_kb(size: int, expected: float) -> None:
    assert units.write(size) == expected


def test_a_transactional_write_costs_twice_as_much() -> None:
    assert units.write(2 * KB, transactional=True) == 4


def test_an_index_takes_one_write_and_two_where_its_key_changes() -> None:
    assert units.index_write(KB) == 1
    assert units.index_write(KB, key_changed=True) == 2
    assert units.index_write(KB + 1, key_changed=True) == 4
