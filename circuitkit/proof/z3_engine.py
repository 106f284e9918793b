r"""The second prover: network and target as linear real arithmetic for the SMT solver z3.

It shares no code with :mod:`circuitkit.exact.regions`, so that the two check each other. A ReLU
:math:`h = \max(e, 0)` becomes :math:`h \ge 0,\ h \ge e,\ (h \le 0 \lor h \le e)`. A target that is an
order statistic (minimum, median, the sorted outputs) is specified by counting: :math:`m` is the k-th
smallest iff :math:`m` is one of the inputs, fewer than k inputs are below it, and at least k are at most
it.

Source: Katz et al., "Reluplex" (2017), for ReLU networks as SMT problems; Knuth, "The Art of Computer
Programming" vol. 3, for the zero-one principle.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from circuitkit.extras import need
from circuitkit.functions.target import Target
from circuitkit.network import Network

__all__ = ["Unknown", "violation"]

_MAX_COUNTED_INPUTS = 10


class Unknown(Exception):
    """z3 gave up, with its reason."""


def violation(
    net: Network,
    target: Target,
    *,
    tolerance: Fraction,
    box: Sequence[tuple[Fraction | None, Fraction | None]] | None,
    seconds: float,
) -> list[Fraction] | None:
    """An ``x`` where ``|net(x) - f(x)| > tolerance * max(1, max|x_i|)``, or None: there is none.

    Raises:
        Unknown: z3 could not decide within ``seconds``.
    """
    z3 = need("z3")

    context = z3.Context()  # z3 objects of one context must not meet another thread's
    encoder = _Encoder(z3, context)
    x = [encoder.fresh("x") for _ in range(net.n_inputs)]
    for v, (low, high) in zip(x, box or (), strict=bool(box)):
        if low is not None:
            encoder.add(v >= encoder.number(low))
        if high is not None:
            encoder.add(v <= encoder.number(high))
    differences = [
        a - b for a, b in zip(encoder.network(net, x), encoder.target(target, x), strict=True)
    ]
    if tolerance == 0:
        claims = [d != 0 for d in differences]
    else:
        # Any size >= max(1, |x|) will do: a difference above tolerance * size is one above it there.
        size = encoder.fresh("size")
        encoder.add(size >= 1)
        for v in x:
            encoder.add(size >= v, size >= -v)
        limit = encoder.number(tolerance) * size
        claims = [c for d in differences for c in (d > limit, d < -limit)]
    encoder.add(z3.Or(*claims))
    encoder.solver.set("timeout", max(1, int(seconds * 1000)))
    answer = encoder.solver.check()
    if answer == z3.unsat:
        return None
    if answer == z3.sat:
        model = encoder.solver.model()
        return [_fraction(model.eval(v, model_completion=True)) for v in x]
    raise Unknown(encoder.solver.reason_unknown())


def _fraction(value: Any) -> Fraction:
    return Fraction(value.numerator_as_long(), value.denominator_as_long())


class _Encoder:
    def __init__(self, z3: Any, context: Any) -> None:
        self.z3 = z3
        self.context = context
        self.solver = z3.SolverFor("QF_LRA", ctx=context)
        self.count = 0
        self.cache: dict[sympy.Expr, Any] = {}

    def fresh(self, name: str) -> Any:
        self.count += 1
        return self.z3.Real(f"{name}{self.count}", ctx=self.context)

    def number(self, value: Fraction) -> Any:
        return self.z3.RatVal(value.numerator, value.denominator, ctx=self.context)

    def add(self, *claims: Any) -> None:
        self.solver.add(*claims)

    def network(self, net: Network, x: list[Any]) -> list[Any]:
        h = x
        for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            outputs = [
                self.sum([(Fraction(a), v) for a, v in zip(row, h, strict=True) if a], Fraction(c))
                for row, c in zip(w.tolist(), b.tolist(), strict=True)
            ]
            h = outputs if i == len(net.weights) - 1 else [self.relu(e) for e in outputs]
        return h

    def sum(self, terms: list[tuple[Fraction, Any]], constant: Fraction) -> Any:
        parts = [v if a == 1 else self.number(a) * v for a, v in terms]
        if constant or not parts:
            parts.append(self.number(constant))
        return parts[0] if len(parts) == 1 else self.z3.Sum(*parts)

    def relu(self, e: Any) -> Any:
        h = self.fresh("h")
        self.add(h >= 0, h >= e, self.z3.Or(h <= 0, h <= e))
        return h

    def target(self, target: Target, x: list[Any]) -> list[Any]:
        values = dict(zip(target.variables, x, strict=True))
        return [self.output(e, target.variables, values) for e in target.outputs]

    def output(
        self, e: sympy.Expr, variables: tuple[sympy.Symbol, ...], values: dict[Any, Any]
    ) -> Any:
        rank = _order_statistic(e, variables)
        if rank is None:
            return self.expression(e, values)
        x = list(values.values())
        m = self.fresh("m")
        below = [(v < m, 1) for v in x]
        at_most = [(v <= m, 1) for v in x]
        self.add(
            self.z3.Or(*(m == v for v in x)),
            self.z3.PbLe(below, rank - 1),
            self.z3.PbGe(at_most, rank),
        )
        return m

    def expression(self, e: sympy.Expr, values: dict[Any, Any]) -> Any:
        if e not in self.cache:
            self.cache[e] = self.encode(e, values)
        return self.cache[e]

    def encode(self, e: sympy.Expr, values: dict[Any, Any]) -> Any:
        if e.is_Symbol:
            return values[e]
        if e.is_number:
            exact = sympy.Rational(e)
            return self.number(Fraction(int(exact.p), int(exact.q)))
        parts = [self.expression(a, values) for a in e.args]
        if isinstance(e, sympy.Add):
            return self.z3.Sum(*parts)
        if isinstance(e, sympy.Mul):
            return self.z3.Product(*parts)
        m = self.fresh("m")
        if isinstance(e, sympy.Abs):
            (a,) = parts
            self.add(m >= a, m >= -a, self.z3.Or(m <= a, m <= -a))
        elif isinstance(e, sympy.Max):
            self.add(*(m >= a for a in parts), self.z3.Or(*(m <= a for a in parts)))
        else:
            self.add(*(m <= a for a in parts), self.z3.Or(*(m >= a for a in parts)))
        return m


def _order_statistic(e: sympy.Expr, variables: tuple[sympy.Symbol, ...]) -> int | None:
    """k if ``e`` is the k-th smallest of all variables, built of min and max; None if it is not.

    By the zero-one principle an expression of min and max alone is the k-th smallest iff it is so on
    every vector of zeros and ones.
    """
    n = len(variables)
    if not 2 < n <= _MAX_COUNTED_INPUTS or e.is_Symbol or e.free_symbols != set(variables):
        return None
    if any(
        not (s.is_Symbol or isinstance(s, (sympy.Min, sympy.Max)))
        for s in sympy.preorder_traversal(e)
    ):
        return None
    ones_for: dict[int, set[bool]] = {}
    for bits in itertools.product((False, True), repeat=n):
        value = _on_bits(e, dict(zip(variables, bits, strict=True)), {})
        ones_for.setdefault(sum(bits), set()).add(value)
    if any(len(values) > 1 for values in ones_for.values()):
        return None
    # The k-th smallest of n bits is 1 iff at least n - k + 1 of them are.
    fewest = min((count for count, values in ones_for.items() if True in values), default=n + 1)
    return n - fewest + 1


def _on_bits(e: sympy.Expr, bits: dict[Any, bool], known: dict[Any, bool]) -> bool:
    if e.is_Symbol:
        return bits[e]
    if e not in known:
        values = (_on_bits(a, bits, known) for a in e.args)
        known[e] = all(values) if isinstance(e, sympy.Min) else any(values)
    return known[e]
