"""Whole numbers in arrays: exact also where int64 would wrap round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitkit.exact.integers import (
    SAFE,
    combined,
    integers,
    magnitude,
    primitive,
    product,
    stacked,
)
from circuitkit.exact.regions import _forms

#: near what int64 holds and its root, where products and sums wrap round
ENTRIES = st.one_of(
    st.integers(-9, 9),
    st.integers(-(1 << 32), 1 << 32),
    st.integers(-(1 << 70), 1 << 70),
    st.sampled_from([1 << 30, (1 << 30) - 1, 1 << 31, 1 << 61, 1 << 62, (1 << 63) - 1]),
)


def matrices(rows: int, columns: int):
    row = st.lists(ENTRIES, min_size=columns, max_size=columns)
    return st.lists(row, min_size=rows, max_size=rows)


def as_int64(rows):
    """int64 where every entry fits, however large: the callers' arrays after a product."""
    return np.array(
        rows, dtype=np.int64 if all(abs(v) < 1 << 63 for r in rows for v in r) else object
    )


@given(matrices(2, 3), matrices(3, 2))
def test_a_product_is_exact_however_large_its_entries(a, b):
    expected = [
        [sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)]
        for row in a
    ]
    for kind in (as_int64, integers):
        assert product(kind(a), kind(b)).tolist() == expected


@given(matrices(2, 3), matrices(2, 3), st.lists(ENTRIES, min_size=4, max_size=4))
def test_combined_rows_are_primitive_and_of_the_right_direction(a, b, factors):
    f, g = factors[:2], factors[2:]
    got = combined(as_int64([f])[0], as_int64(a), as_int64([g])[0], as_int64(b)).tolist()
    for p, row_a, q, row_b, row in zip(f, a, g, b, got, strict=True):
        exact = [p * x + q * y for x, y in zip(row_a, row_b, strict=True)]
        assert np.gcd.reduce(np.array(row, dtype=object)) in (0, 1)
        scale = int(np.gcd.reduce(np.array(exact, dtype=object)))
        assert [scale * v for v in row] == exact


@pytest.mark.parametrize("v", [(1 << 31) - 1, 1 << 31, 1 << 40, (1 << 61) + 1, (1 << 62) - 1])
def test_what_would_wrap_round_does_not(v):
    large = np.array([[v]], dtype=np.int64)
    pair = np.array([[v, v]], dtype=np.int64)
    assert product(large, large).tolist() == [[v * v]]
    assert product(pair, pair.T).tolist() == [[2 * v * v]]
    total = _forms({1: np.array([[1]]), 2: np.array([[1]]), 3: np.array([[1]])}, [large] * 3)
    assert total.tolist() == [[3 * v]]
    assert combined(large[0], large, np.array([1]), np.array([[1]])).tolist() == [[1]]
    assert combined(large[0], np.array([[v, 0]]), np.array([1]), np.array([[0, 1]])).tolist() == [
        [v * v, 1]
    ]


def test_small_numbers_stay_int64_and_large_ones_are_pythons():
    assert integers([[1, -2]]).dtype == np.int64
    assert integers([[1 << 40]]).dtype == object
    assert integers([], 3).shape == (0, 3)
    assert primitive(integers([[1 << 40, 0]])).dtype == np.int64
    assert magnitude(integers([[-(1 << 80), 1]])) == 1 << 80
    assert magnitude(np.array([[-SAFE]])) == SAFE
    assert magnitude(np.zeros((0, 2), dtype=np.int64)) == 0
    assert stacked(integers([[1]]), integers([[1 << 80]])).tolist() == [[1], [1 << 80]]


def test_a_primitive_row_keeps_its_direction_and_a_row_of_zeros():
    rows = integers([[-4, 6], [0, 0], [0, -3], [5, 7]])
    assert primitive(rows).tolist() == [[-2, 3], [0, 0], [0, -1], [5, 7]]
