r"""A claim as an SMT-LIB 2 script, for any solver that knows linear real arithmetic.

The script asserts that some input of the domain makes the claim false: ``unsat`` means that it holds.
It is written from the network and the target directly and shares nothing with the checker.

Source: Barrett, Fontaine, Tinelli, "The SMT-LIB Standard: Version 2.6" (2017); Katz et al., "Reluplex"
(2017), for ReLU networks as SMT problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import sympy

from circuitkit.functions.relation import Relation
from circuitkit.network import Network
from circuitkit.proof.claim import Box, Claim, Polytope

__all__ = ["script"]


def script(claim: Claim, status: str | None = None) -> str:
    """The script; ``status`` is what the answer should be, ``"sat"`` or ``"unsat"``."""
    return _Script(claim).text(status)


class _Script:
    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.lines: list[str] = []
        self.known: dict[sympy.Expr, str] = {}
        self.names: dict[sympy.Expr, str] = {}
        n = claim.network.n_inputs
        self.x = [f"x{i + 1}" for i in range(n)]
        self.lines += [f"(declare-fun {name} () Real)" for name in self.x]
        if claim.domain is not None:
            self.domain(claim.domain)
        self.y = self.network(claim.network, "y", "h")
        self.lines.append(f"(assert {_any(self.violations())})")

    def text(self, status: str | None) -> str:
        head = ["(set-logic QF_LRA)"]
        if status is not None:
            head.insert(0, f"(set-info :status {status})")
        return "\n".join([*head, *self.lines, "(check-sat)", ""])

    def define(self, name: str, value: str) -> str:
        self.lines.append(f"(define-fun {name} () Real {value})")
        return name

    def domain(self, domain: Box | Polytope) -> None:
        if isinstance(domain, Box):
            for x, (low, high) in zip(self.x, domain.ends, strict=True):
                if low is not None:
                    self.lines.append(f"(assert (>= {x} {_number(low)}))")
                if high is not None:
                    self.lines.append(f"(assert (<= {x} {_number(high)}))")
            return
        for row, end in zip(domain.matrix, domain.ends, strict=True):
            left = _sum([_times(a, x) for a, x in zip(row, self.x, strict=True) if a])
            self.lines.append(f"(assert (<= {left} {_number(end)}))")

    def network(self, net: Network, output: str, hidden: str) -> list[str]:
        h = self.x
        for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            last = layer == len(net.weights) - 1
            by = net.scale if last else Fraction(1)
            made = []
            for i, (row, bias) in enumerate(zip(w.tolist(), b.tolist(), strict=True)):
                terms = [_times(by * Fraction(a), v) for a, v in zip(row, h, strict=True) if a]
                if bias:
                    terms.append(_number(by * Fraction(bias)))
                if last:
                    made.append(self.define(f"{output}{i + 1}", _sum(terms)))
                    continue
                z = _sum(terms)
                made.append(self.largest(["0.0", z], name=f"{hidden}{layer + 1}_{i + 1}"))
            h = made
        return h

    def violations(self) -> list[str]:
        claim = self.claim
        if isinstance(claim.target, Relation):
            self.names = {claim.target.symbol("x", i): x for i, x in enumerate(self.x)}
            self.names |= {claim.target.symbol("y", i): y for i, y in enumerate(self.y)}
            return [self.opposite(p.sign, p.left, p.right) for p in claim.target.parts]
        if isinstance(claim.target, Network):
            wanted = self.network(claim.target, "f", "g")
        else:
            self.names = dict(zip(claim.target.variables, self.x, strict=True))
            wanted = [self.expression(e) for e in claim.target.outputs]
        if not claim.tolerance:
            return [f"(not (= {a} {b}))" for a, b in zip(self.y, wanted, strict=True)]
        limit = _number(claim.tolerance)
        if claim.measure == "relative" and not claim.is_small:
            # Anything at least as large will do: a difference above limit * size is one at the size.
            self.lines.append("(declare-fun size () Real)")
            parts = ["1.0", *self.x, *(f"(- {x})" for x in self.x)]
            self.lines += [f"(assert (>= size {part}))" for part in parts]
            limit = f"(* {limit} size)"
        return [
            f"(> (- {first} {second}) {limit})"
            for a, b in zip(self.y, wanted, strict=True)
            for first, second in ((a, b), (b, a))
        ]

    def opposite(self, sign: str, left: sympy.Expr, right: sympy.Expr) -> str:
        a, b = self.expression(left), self.expression(right)
        return f"(not ({'=' if sign == '==' else sign} {a} {b}))"

    def expression(self, e: sympy.Expr) -> str:
        if e in self.names:
            return self.names[e]
        if e.is_Rational:
            return _number(Fraction(int(e.p), int(e.q)))
        if e not in self.known:
            self.known[e] = self.encode(e)
        return self.known[e]

    def encode(self, e: sympy.Expr) -> str:
        parts = [self.expression(a) for a in e.args]
        if isinstance(e, sympy.Add):
            return _sum(parts)
        if isinstance(e, sympy.Mul):
            return f"(* {' '.join(parts)})"
        if isinstance(e, sympy.Abs):
            return self.largest([parts[0], f"(- {parts[0]})"])
        if isinstance(e, sympy.Max):
            return self.largest(parts)
        return self.largest(parts, "<=")

    def largest(self, parts: Sequence[str], sign: str = ">=", name: str | None = None) -> str:
        """The largest part, or with ``<=`` the smallest: beyond every part, but not beyond all."""
        name = name or f"m{len(self.lines)}"
        self.lines.append(f"(declare-fun {name} () Real)")
        self.lines += [f"(assert ({sign} {name} {part}))" for part in parts]
        back = ">=" if sign == "<=" else "<="
        self.lines.append(f"(assert {_any([f'({back} {name} {part})' for part in parts])})")
        return name


def _number(value: Fraction) -> str:
    p, q = abs(value.numerator), value.denominator
    text = f"{_digits(p)}.0" if q == 1 else f"(/ {_digits(p)}.0 {_digits(q)}.0)"
    return f"(- {text})" if value < 0 else text


def _digits(value: int) -> str:
    """Decimal digits of a number of any length (Python refuses more than 4,300 at once)."""
    pieces: list[str] = []
    while True:
        value, rest = divmod(value, 10**4000)
        if not value:
            return "".join([str(rest), *reversed(pieces)])
        pieces.append(f"{rest:04000d}")


def _times(a: Fraction, x: str) -> str:
    return x if a == 1 else f"(* {_number(a)} {x})"


def _sum(terms: Sequence[str]) -> str:
    return "0.0" if not terms else terms[0] if len(terms) == 1 else f"(+ {' '.join(terms)})"


def _any(claims: Sequence[str]) -> str:
    return claims[0] if len(claims) == 1 else f"(or {' '.join(claims)})"
