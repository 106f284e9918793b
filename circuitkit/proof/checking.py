"""``ck.check``: the checker, asked about targets in every spelling that ``ck.prove`` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from circuitkit import difference
from circuitkit.check import check as checked
from circuitkit.network import Network
from circuitkit.proof.claim import Claim, read_claim

__all__ = ["check"]


def check(certificate: dict[str, Any], network: Any, target: Any) -> bool:
    r"""Whether the certificate proves what it claims of this network and this target.

    The certificate states the claim itself: its domain, and for a function or another network as target

    .. math:: |net_j(x) - f_j(x)| \le tolerance \cdot \max(1, \max_i |x_i|)

    for every output j and every input x in the domain (without the maximum where its measure is
    ``"absolute"``); for a relation as target, such as ``"y1 <= y2 and y1 > x1 + 1"``, that it holds there.

    A certificate of :func:`circuitkit.decompiled` that compares the network with a clean one goes to the second
    checker, ``circuitkit/difference.py``.

    The target is handed to the checker (:mod:`circuitkit.check`) as it is. A spelling that only
    :func:`circuitkit.prove` reads, such as ``"2x"``, ``"|x|"`` or ``"max(a, b)"``, is rewritten first: what
    has to be believed then is also the package's parser, which says what such a text means. Whoever does
    not want that writes ``"2*x"``, ``"abs(x)"``, ``"max(x1, x2)"`` and asks :func:`circuitkit.check.verify` or
    ``python -m circuitkit.check FILE``, which use nothing of the package but that one file.

    Args:
        certificate: ``Proof.certificate`` or ``Decompilation.certificate``, JSON-safe.
        network: a Network, or what its ``to_dict`` gives.
        target: what ``prove`` takes, or ``Proof.target``.

    Returns:
        True only if the claim is true; False also for whatever is malformed or cannot be read.
        :func:`circuitkit.check.verify` says why.

    Example:
        >>> from circuitkit import circuit, prove
        >>> certificate = prove(circuit("abs"), "|x|").certificate
        >>> [check(certificate, circuit("abs"), f) for f in ("abs(x)", "|x|", "2x")]
        [True, True, False]

    Source: Wang et al., "Beta-CROWN" (2021), for bounds with multipliers.
    """
    try:
        clean = isinstance(certificate, dict) and "clean" in certificate
        accepted = difference.check if clean else checked
        return any(accepted(certificate, network, one) for one in _spellings(network, target))
    except Exception:
        return False


def _spellings(network: Any, target: Any) -> Iterator[Any]:
    """The target as it is, then as ``prove`` gives it to the checker: its parts may stand in another order."""
    yield target
    net = network if isinstance(network, Network) else Network.from_dict(network)
    claim: Claim | None = read_claim(net, target)
    while claim is not None:
        yield claim.checkable
        claim = claim.without_text()
