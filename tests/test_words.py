"""Numbers and names as text: what differs never reads alike."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitkit import words

NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False),
    st.fractions(),
)


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.sampled_from([0, 1e-12, 1e-300, 1]))
def test_numbers_of_one_sentence_read_alike_only_if_they_are_equal(values, step):
    values = [*values, values[0], values[0] + step]
    texts = words.numbers(*values)
    for a, text in zip(values, texts, strict=True):
        for b, other in zip(values, texts, strict=True):
            assert (text == other) == (a == b)


def test_a_number_has_no_more_digits_than_it_takes():
    assert words.numbers(1 / 3, 0.5, 2.0) == ["0.3333", "0.5", "2"]
    assert words.numbers(1.0, 1.0000001) == ["1", "1.0000001"]
    assert words.numbers(1_000_000, 1_000_001) == ["1000000", "1000001"]
    third = Fraction(1, 3)
    assert words.numbers(third, Fraction(1 / 3))[0].startswith("0.33333333333333333")
    assert words.numbers(third, third + Fraction(1, 10**60))[0] == "1/3"
    assert words.numbers(math.inf, 1.0) == ["inf", "1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (-2.0, "-2"),
        (999_999, "999999"),
        (1_234_567, "1.235e+06"),
        (0.00001234, "1.234e-05"),
        (Fraction(10) ** 400, "1e+400"),
        (Fraction(1, 10**400), "1e-400"),
        (-0.0, "0"),
        (math.nan, "nan"),
    ],
)
def test_a_number_is_short(value, text):
    assert words.number(value) == text


def test_vectors_of_one_sentence_are_told_apart():
    assert words.vectors([1.0], [1.00000001]) == ["1", "1.00000001"]
    assert words.vector([Fraction(1, 4), -3]) == "(0.25, -3)"


def test_counts_names_and_choices():
    assert [words.count(n, "input") for n in (0, 1, 2)] == ["0 inputs", "1 input", "2 inputs"]
    assert words.dashes((2, 3, 1)) == "2-3-1"
    assert [words.input_names(1), words.output_names(2)] == [["x"], ["y1", "y2"]]
    assert words.alternatives(["a"]) == "'a'"
    assert words.alternatives(["a", "b", "c"]) == "'a', 'b' or 'c'"
    assert words.quoted("x" * 99) == repr("x" * 57 + "...")


@given(NUMBERS, st.integers(1, 25))
def test_a_bound_is_rounded_so_that_it_stays_one(value, digits):
    if isinstance(value, float) and not math.isfinite(value):
        return
    texts = [words.number(value, digits, rounding=r) for r in ("down", "nearest", "up")]
    low, near, high = map(Fraction, texts)
    assert low <= Fraction(value) <= high
    assert near in (low, high)
    assert words.float_below(value) <= Fraction(value) <= words.float_above(value)


def test_an_upper_bound_of_a_number_in_words_is_rounded_up():
    assert words.number(0.015625, rounding="up") == "0.01563"
    assert words.number(0.015625, rounding="down") == "0.01562"
    assert words.number(Fraction(1, 10**400), 3, rounding="up") == "1e-400"
    assert words.float_above(10**400) == math.inf
    assert words.float_below(-(10**400)) == -math.inf
    assert words.float_below(Fraction(1, 10**400)) == 0.0


@given(NUMBERS, st.sampled_from([1, 1e-3, 1e-12, 1e-300, 5e-324]))
def test_the_larger_of_two_numbers_reads_so(value, step):
    if isinstance(value, float) and not math.isfinite(value):
        return
    below, above = Fraction(value), Fraction(value) + Fraction(step)
    for rounding in ("nearest", "down"):
        first, second = words.larger(above, below, rounding=rounding)
        base, _, more = first.partition(" + ")
        assert Fraction(base) + Fraction(more or 0) > Fraction(second)
        assert len(first) < 60


def test_numbers_of_hundreds_of_digits_are_told_apart_in_few():
    tiny = Fraction(1, 10**300)
    assert words.numbers(2, 2 + tiny, 2 - tiny) == ["2", "2 + 1e-300", "2 - 1e-300"]
    assert max(map(len, words.numbers(Fraction(10**600, 7), Fraction(10**600, 7) + 1))) < 40


ENDS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.fractions())
STEPS = st.one_of(
    st.fractions(0, 1),
    st.integers(1, 1100).map(lambda power: Fraction(1, 2**power)),
    st.just(None),
)


@given(ENDS, STEPS, st.sampled_from([None, 2, 4]))
def test_the_ends_of_an_interval_hold_nothing_that_is_not_in_it(low, step, digits):
    above = math.nextafter(low, math.inf) if step is None else low + step
    high = Fraction(low) + step if step is not None else above
    if isinstance(high, float) and math.isinf(high):
        return
    width = Fraction(high) - Fraction(low)
    a, b = words.ends(low, high, digits)
    for text, end, inwards in ((a, Fraction(low), 1), (b, Fraction(high), -1)):
        if not width:
            continue
        near = words.nearest_float(Fraction(text))
        as_double = math.isfinite(near) and Fraction(near) == end
        off = inwards * (Fraction(text) - end)
        assert as_double or 0 <= off <= width / 1000
