"""One question about many networks: what does not depend on the network is read once.

Each network is decided for itself and each certificate checked, here or by the workers of an executor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from circuitkit.functions.target import TargetLike
from circuitkit.network import Network
from circuitkit.proof.claim import Claim, Measure, read_claim
from circuitkit.proof.deciding import Engine, NotSettled, decide
from circuitkit.proof.sentences import between, question
from circuitkit.proof.verdict import Proof, Undecided
from circuitkit.words import float_above, float_below

__all__ = ["Question"]

#: at most so many networks are sent to a worker at a time
_CHUNK = 64


@dataclass
class Question:
    """What is asked of every network; the arguments of :func:`circuitkit.prove`."""

    target: TargetLike | Network
    tolerance: float | Fraction = 0
    domain: Any = None
    measure: Measure = "relative"
    time_limit: float = 60.0
    engine: Engine = "auto"
    #: as it was read for networks of so many inputs and outputs
    _read: dict[tuple[int, int], Claim] = field(default_factory=dict, init=False, repr=False)

    def claim(self, net: Network) -> Claim:
        """What is claimed of this network.

        Raises:
            TypeError, ValueError: an argument does not fit; they name it.
        """
        sizes = net.n_inputs, net.n_outputs
        known = self._read.get(sizes)
        if known is None:
            known = read_claim(net, self.target, self.tolerance, self.domain, self.measure)
            self._read[sizes] = known
        return known.about(net)

    def answer(self, net: Network) -> Proof:
        """The verdict on one network.

        Raises:
            Undecided: there is none.
        """
        claim = self.claim(net)
        try:
            return decide(claim, self.time_limit, self.engine)
        except NotSettled as left:
            known = between(claim, left.lower, left.upper)
            when = left.when(f"within {self.time_limit:g} s")
            raise Undecided(
                f"undecided {when}: {question(claim)}{left}{known and '; '}{known}",
                float_below(left.lower),
                math.inf if left.upper is None else float_above(left.upper),
            ) from None

    def answers(self, nets: Sequence[Network], executor: Executor | None = None) -> list[Proof]:
        """The verdicts on many networks, in their order.

        Raises:
            Undecided: of the first network that there is none of; with the other proofs.
        """
        for net in nets:
            self.claim(net)  # what does not fit is refused before anything is decided
        found = list(self._each(nets, executor))
        proofs = [None if isinstance(one, Undecided) else one for one in found]
        for i, one in enumerate(found):
            if isinstance(one, Undecided):
                where = f"net[{i}]: " if len(nets) > 1 else ""
                raise Undecided(f"{where}{one}", one.lower, one.upper, proofs)
        return [proof for proof in proofs if proof is not None]

    def _each(
        self, nets: Sequence[Network], executor: Executor | None
    ) -> Iterator[Proof | Undecided]:
        if executor is None:
            yield from _decided(self, nets)
            return
        size = max(1, min(_CHUNK, len(nets) // 16))
        chunks = [nets[i : i + size] for i in range(0, len(nets), size)]
        jobs = [executor.submit(_decided, replace(self), chunk) for chunk in chunks]
        try:
            for job, chunk in zip(jobs, chunks, strict=True):
                for net, one in zip(chunk, job.result(), strict=True):
                    # the claim has come back with what it refers to; the caller's objects are these
                    yield one if isinstance(one, Undecided) else replace(one, claim=self.claim(net))
        finally:
            for job in jobs:
                job.cancel()


def _decided(asked: Question, nets: Sequence[Network]) -> list[Proof | Undecided]:
    """The verdicts on some networks: what a worker does."""
    found: list[Proof | Undecided] = []
    for net in nets:
        try:
            found.append(asked.answer(net))
        except Undecided as undecided:
            found.append(undecided)
    return found
