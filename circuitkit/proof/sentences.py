"""Verdicts as sentences: what was shown, where, in which measure, with as many digits as it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

from circuitkit.functions.relation import Relation
from circuitkit.functions.target import Target
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim, Point, Polytope, values
from circuitkit.words import (
    FLOAT_DIGITS,
    Rounding,
    count,
    exactly,
    interval,
    larger,
    nearest_float,
    number,
    output_names,
    together,
)

__all__ = ["Bound", "apart", "between", "proved", "question", "refuted"]

#: what an error is known to be: the worst one, or a bound on it
Bound: TypeAlias = Literal["exact", "at least", "at most"]

_WORST: dict[Bound, str] = {"exact": "", "at most": "at most ", "at least": "at least "}
#: a smaller error may be one of rounding
_ROUNDED_AWAY = Fraction(1, 10**12)
_NEAR = "1e-9"
_ROUNDED: dict[Bound, Rounding] = {"exact": "nearest", "at most": "up", "at least": "down"}


def proved(claim: Claim, error: Fraction | None, bound: Bound, n_regions: int | None) -> str:
    """That a claim is true, as a sentence."""
    where = _where(claim)
    regions = [] if n_regions is None else [count(n_regions, "linear region")]
    if isinstance(claim.target, Relation):
        return f"Proved: {claim.target} {where}{_brackets(regions)}."
    twins = isinstance(claim.target, Network)
    if error == 0:
        equals = "the two networks are equal" if twins else f"this network equals {_name(claim)}"
        return f"Proved: {equals} {where}{_brackets(regions)}."
    error = error or Fraction(0)
    within = _within(claim.tolerance, error)
    subject = (
        f"the two networks are within {within} of each other"
        if twins
        else f"this network is within {within} of {_name(claim)}"
    )
    noun = "error" if bound == "at most" else "worst error"
    details = [f"{noun} {_bounded(error, bound)}", *regions]
    return f"Proved: {subject} {where}{_measure(claim)}{_brackets(details)}."


def refuted(claim: Claim, error: Fraction | None, bound: Bound, point: Point) -> str:
    """Where a claim is false, as a sentence."""
    x = together([exactly(v) for v in point])
    given = values(claim.network, point)
    if isinstance(claim.target, Relation):
        broken = _broken(claim, claim.target, point, given)
        return f"Refuted: at x = {x} {broken}{_violation(claim, error, bound, point)}."
    wanted = claim.wanted(point)
    pairs = [apart(*pair) for pair in zip(given, wanted, strict=True)]
    left, right = (together([pair[k] for pair in pairs]) for k in (0, 1))
    gives = (
        f"the first network gives {left}, the second {right}"
        if isinstance(claim.target, Network)
        else f"the network gives {left}, the target {_name(claim)} gives {right}"
    )
    if error is None:
        worst, tolerance = "unbounded", number(claim.tolerance)
    else:
        worst, tolerance = larger(error, claim.tolerance, rounding=_ROUNDED[bound])
        worst = f"{_WORST[bound]}{worst}"
    beyond = f"; tolerance {tolerance}" if claim.tolerance else ""
    found = f"Refuted: at x = {x} {gives} (worst error {worst}{_measure(claim)}{beyond})."
    return found + _out_of_reach(claim, error, point)


def _out_of_reach(claim: Claim, error: Fraction | None, point: Point) -> str:
    """That weights that are floats, binary fractions all, cannot give what the target gives somewhere."""
    if (
        error is None
        or error > _ROUNDED_AWAY
        or claim.tolerance
        or not isinstance(claim.target, Target)
    ):
        return ""
    n = len(point)
    ones = [[Fraction(j == i) for j in range(n)] for i in range(n)] if claim.domain is None else []
    for x in [point, *ones]:
        odd = next((v for v in claim.wanted(x) if not _is_binary(v)), None)
        if odd is not None and all(map(_is_binary, x)):
            there = (
                ""
                if x is point
                else f", the target's value at x = {together([exactly(v) for v in x])}"
            )
            return (
                f" Weights that are floats, binary fractions, cannot give {_fraction(odd)} exactly{there}; "
                f"within a tolerance such as {_NEAR} the claim can be proved, and circuitkit.compile_expression "
                "makes a network with an exact output scale."
            )
    return ""


def _is_binary(value: Fraction) -> bool:
    return value.denominator & (value.denominator - 1) == 0


def _fraction(value: Fraction) -> str:
    """The fraction where it is short."""
    return str(value) if max(abs(value.numerator), value.denominator) < 10**6 else number(value)


def question(claim: Claim) -> str:
    """What is asked, as an indirect question."""
    where = _where(claim)
    if isinstance(claim.target, Relation):
        return f"whether {claim.target} {where}"
    within = f"within {number(claim.tolerance)} of " if claim.tolerance else ""
    measure = _measure(claim) if claim.tolerance else ""
    if isinstance(claim.target, Network):
        how = f"{within}each other" if within else "equal"
        return f"whether the two networks are {how} {where}{measure}"
    how = f"is {within}" if within else "equals "
    return f"whether this network {how}{_name(claim)} {where}{measure}"


def between(claim: Claim, lower: Fraction, upper: Fraction | None) -> str:
    """What is known of the worst error, as a main clause; nothing where nothing is known."""
    known = []
    if lower > 0:
        known.append(f"at least {number(lower, rounding='down')}")
    if upper is not None:
        known.append(f"at most {number(upper, rounding='up')}")
    noun = "largest violation" if isinstance(claim.target, Relation) else "worst error"
    return f"the {noun} is {' and '.join(known)}{_measure(claim)}" if known else ""


def _name(claim: Claim) -> str:
    """The target, in so many characters as a sentence bears."""
    return claim.target.said if isinstance(claim.target, Target) else str(claim.target)


def _within(tolerance: Fraction, error: Fraction) -> str:
    """The tolerance in four digits if that names it or is still above the error; else rounded up."""
    text = number(tolerance)
    named = Fraction(text) >= error or Fraction(nearest_float(Fraction(text))) == tolerance
    return text if named else number(tolerance, rounding="up")


def _bounded(value: Fraction, bound: Bound) -> str:
    """A worst error or a bound on it; a bound is rounded so that it stays one."""
    return f"{_WORST[bound]}{number(value, rounding=_ROUNDED[bound])}"


def _measure(claim: Claim) -> str:
    """The measure of an error; nothing where every input's size is 1 and there is one measure only."""
    if claim.is_small:
        return ""
    if claim.measure == "absolute":
        return ", in absolute error"
    return ", relative to the input's size beyond 1"


def _broken(claim: Claim, target: Relation, point: Point, given: Sequence[Fraction]) -> str:
    """Which part of a relation is false at a point, and by how much in the claim's measure."""
    gaps = claim.gaps(point, given)
    fails = [
        max(gap) > 0 or (part.is_strict and max(gap) == 0)
        for part, gap in zip(target.parts, gaps, strict=True)
    ]
    k = max((i for i, false in enumerate(fails) if false), key=lambda i: max(gaps[i]), default=0)
    part, gap = target.parts[k], max(gaps[k]) / claim.size(point)
    names = output_names(len(given))
    names = names if len(names) < 4 else [names[0], "...", names[-1]]
    shown = f"the network gives {together(names)} = {together(_near_enough(given, gap))}"
    if not gap:
        return f"{shown}: {part.said} is false, both sides are equal"
    return f"{shown}: {part.said} is false by {number(gap)}"


def _violation(claim: Claim, error: Fraction | None, bound: Bound, point: Point) -> str:
    """The largest violation in brackets, in the measure that the one at the point is in, too."""
    if error == 0 and bound == "at least":
        return ""
    worst = "unbounded" if error is None else _bounded(error, bound)
    measure = _measure(claim)
    if claim.size(point) > 1 and error != 0:
        measure = measure.replace(", ", "; both ", 1)
    return f" (largest violation {worst}{measure})"


def _where(claim: Claim) -> str:
    if claim.domain is None:
        return "for every input"
    if isinstance(claim.domain, Polytope):
        return f"for every input of the polytope A x <= b ({_inequalities(len(claim.domain.ends))})"
    return f"for every input in {_box(claim.domain)}"


def _inequalities(number: int) -> str:
    return "1 inequality" if number == 1 else f"{number} inequalities"


def _box(box: Box) -> str:
    if len(box.ends) > 3 and len(set(box.ends)) == 1:
        return f"{interval(*box.ends[0])}^{len(box.ends)}"
    return " × ".join(interval(low, high) for low, high in box.ends)


def _brackets(details: Sequence[str]) -> str:
    return f" ({', '.join(details)})" if details else ""


# --- numbers ------------------------------------------------------------------------------------------


def apart(a: Fraction, b: Fraction) -> tuple[str, str]:
    """Two numbers with as many digits as it takes for their difference to be theirs, to a fifth of a percent.

    A float's 17 digits are enough where they differ at all; where 21 do not tell them apart, one is
    written as the other and their difference.
    """
    for digits in range(4, 22):
        first, second = _spelled(a, digits), _spelled(b, digits)
        off = abs(Fraction(first) - Fraction(second) - (a - b))
        if a == b or (first != second and (off <= abs(a - b) / 500 or digits >= FLOAT_DIGITS)):
            return first, second
    return f"{number(b)} {'+' if a > b else '-'} {number(abs(a - b))}", number(b)


def _spelled(value: Fraction, digits: int = 4) -> str:
    """A number to the last digit where six are enough for that, else rounded."""
    for many in range(digits, 7):
        text = number(value, many)
        named = Fraction(text)
        near = nearest_float(named)
        if value == named or (math.isfinite(near) and value == Fraction(near)):
            return text
    return number(value, digits)


def _near_enough(given: Sequence[Fraction], gap: Fraction) -> list[str]:
    """Outputs in as many digits as it takes to see by how much they are off; where it is nothing, a float's."""
    for digits in range(4, FLOAT_DIGITS):
        texts = [_spelled(v, digits) for v in given]
        if all(abs(Fraction(t) - v) <= gap / 500 for t, v in zip(texts, given, strict=True)):
            return texts
    return [exactly(v) for v in given]
