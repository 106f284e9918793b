"""The least architecture known for a piecewise-linear target, and when one is too small for certain."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

from circuitkit.functions.pieces import Pieces, Row
from circuitkit.functions.target import Target
from circuitkit.training.problem import FAR

__all__ = ["least_hidden", "too_small"]

#: more kinks than this, and their subsets are not gone through
_MOST_KINKS = 16


def least_hidden(target: Target, box: tuple[tuple[float, float], ...] | None) -> tuple[int, ...]:
    """Widths with which the target can be computed, the fewest that a rule gives.

    One input and one output: one layer, a unit for each kink, and one or two more where the slopes do not
    add up. More inputs: every maximum is a knockout tournament of pairs, ``max(a, b) = b + relu(a - b)``,
    a layer for each round.

    Example:
        >>> from circuitkit.functions.target import target
        >>> [least_hidden(target(t), None) for t in ("abs", "min", "min4", "clamp(x, 0, 1)")]
        [(2,), (3,), (6, 3), (2,)]
    """
    pieces = target.pieces
    if pieces.n_inputs == 1 and len(pieces.outputs) == 1:
        width = _least_width(pieces, box)
        if width is not None:
            return (width,)
    return _tournament(pieces)


def too_small(
    target: Target, hidden: tuple[int, ...], box: tuple[tuple[float, float], ...] | None
) -> str | None:
    """Why one hidden layer of this width cannot compute a function of one input; None where it may.

    Every kink of the function is the kink of a unit, so a layer has at least as many units as the function
    has kinks. With exactly as many, each kink is one unit's, whose slope jumps there by the function's
    jump; what the units that face left add up to is the function's slope at the left end, so that slope is
    minus a sum of some of the jumps.

    Example:
        >>> from circuitkit.functions.target import target
        >>> too_small(target("abs(abs(x) - 1/2)"), (3,), None)
        '3 kinks with jumps 2, -2, 2 of the slope: no sum of some of them is 1, as a left slope of -1 needs'
        >>> too_small(target("abs(abs(x) - 1/2)"), (4,), None)
    """
    pieces = target.pieces
    if pieces.n_inputs != 1 or len(pieces.outputs) != 1 or len(hidden) != 1:
        return None
    left, jumps = _slopes(pieces, box)
    kinks = "1 kink" if len(jumps) == 1 else f"{len(jumps)} kinks"
    if not jumps and hidden[0] == 1 and left and box is None:
        return f"no kink, but a slope of {left}: the one unit has a kink"
    if hidden[0] < len(jumps):
        return f"{kinks}, and every kink needs a unit: {hidden[0]} are too few"
    if hidden[0] > len(jumps) or len(jumps) > _MOST_KINKS or _adds_up(left, jumps):
        return None
    if not jumps:
        return None
    return (
        f"{kinks} with {'jump' if len(jumps) == 1 else 'jumps'} {', '.join(map(str, jumps))} of the slope: "
        f"no sum of some of them is {-left}, as a left slope of {left} needs"
    )


def _least_width(pieces: Pieces, box: tuple[tuple[float, float], ...] | None) -> int | None:
    left, jumps = _slopes(pieces, box)
    if len(jumps) > _MOST_KINKS:
        return None
    if (
        not jumps
    ):  # an affine function: two units that face each other, on a box one that is always on
        near = box is not None and max(map(abs, box[0])) <= FAR  # or the bias would have to be huge
        return 1 if near or left == 0 else 2
    return len(jumps) + (not _adds_up(left, jumps))


def _adds_up(left: Fraction, jumps: list[Fraction]) -> bool:
    return any(
        sum(some, Fraction(0)) == -left
        for count in range(len(jumps) + 1)
        for some in combinations(jumps, count)
    )


def _slopes(
    pieces: Pieces, box: tuple[tuple[float, float], ...] | None
) -> tuple[Fraction, list[Fraction]]:
    """The slope at the left end, and by how much it jumps at each kink from left to right, exactly."""
    kinks = sorted({k for node in pieces.nodes for k in _crossings(pieces, node)})
    if box is not None:
        kinks = [k for k in kinks if box[0][0] < k < box[0][1]]
    low = Fraction(box[0][0]) if box else (kinks[0] if kinks else Fraction(0)) - 2
    high = Fraction(box[0][1]) if box else (kinks[-1] if kinks else Fraction(0)) + 2
    ends = [low, *kinks, high]
    slopes = []
    for a, b in pairwise(ends):
        (at_a,), (at_b,) = pieces([a]), pieces([b])
        slopes.append((at_b - at_a) / (b - a))
    jumps = [b - a for a, b in pairwise(slopes)]
    return slopes[0], [j for j in jumps if j]


def _crossings(pieces: Pieces, node: tuple[Row, ...]) -> list[Fraction]:
    """Where two rows of a node may meet: candidates for kinks, found on every linear piece of what they read."""
    earlier = pieces.nodes[: pieces.nodes.index(node)]
    inner = sorted({k for other in earlier for k in _crossings(pieces, other)})
    edges = (
        [Fraction(-1), *inner, Fraction(1)] if not inner else [inner[0] - 1, *inner, inner[-1] + 1]
    )
    found = []
    for i, (a, b) in enumerate(pairwise(edges)):
        for first, second in combinations(node, 2):
            gaps = []
            for x in (a, b):
                (value,) = Pieces(1, earlier, (first,))([x])
                (other_value,) = Pieces(1, earlier, (second,))([x])
                gaps.append(value - other_value)
            if gaps[0] == gaps[1]:
                continue
            at = a - gaps[0] * (b - a) / (gaps[1] - gaps[0])
            first_piece, last_piece = i == 0, i == len(edges) - 2
            if (first_piece or at >= a) and (last_piece or at <= b):
                found.append(at)
    return found


def _tournament(pieces: Pieces) -> tuple[int, ...]:
    """The widths where every maximum is a knockout tournament, and what is not yet needed is handed on."""
    first = pieces.n_inputs + 1
    begin: dict[int, int] = {}
    end: dict[int, int] = {}
    for k, node in enumerate(pieces.nodes):
        inner = [end[j] for row in node for j, _ in row if j >= first]
        begin[first + k] = max(inner, default=0)
        end[first + k] = begin[first + k] + (len(node) - 1).bit_length()
    depth = max(1, *(end[j] for row in pieces.outputs for j, _ in row if j >= first), 1)
    widths = []
    for layer in range(depth):
        width = 0
        for k, node in enumerate(pieces.nodes):
            place = first + k
            if begin[place] <= layer < end[place]:
                players = len(node)
                for _ in range(layer - begin[place]):
                    players = -(-players // 2)
                last = layer + 1 == depth
                width += 3 * (players // 2) + 2 * (players % 2)
                width -= _saved(node, whole=players == len(node), last=last)
            elif end[place] <= layer:
                width += 2  # a value that waits
        if layer + 1 == depth and any(_linear_rest(pieces, row) for row in pieces.outputs):
            width += 2 * sum(_linear_rest(pieces, row) for row in pieces.outputs)
        elif layer + 1 < depth and _waits(pieces, begin, layer):
            width += 2 * pieces.n_inputs
        widths.append(width)
    return tuple(widths)


def _saved(node: tuple[Row, ...], *, whole: bool, last: bool) -> int:
    """Units that a pair does without: of a and -a two are enough, of a and 0 one; the last layer adds up the rest."""
    if whole and len(node) == 2:
        a, b = node
        if () in (a, b):
            return 2
        if [(j, -c) for j, c in a] == list(b):
            return 1
    return 2 if last else 0


def _linear_rest(pieces: Pieces, row: Row) -> bool:
    """Whether an output adds a linear function to its maxima, once each max(a, b) is b + relu(a - b)."""
    first = pieces.n_inputs + 1
    for j, _ in row:
        if j < first:
            return j < pieces.n_inputs
        node = pieces.nodes[j - first]
        if len(node) > 2 or not _saved(node, whole=True, last=False):
            return True
    return False


def _waits(pieces: Pieces, begin: dict[int, int], layer: int) -> bool:
    """Whether an input is read by a later layer's node or by an output."""
    first = pieces.n_inputs + 1
    rows = [row for k, node in enumerate(pieces.nodes) if begin[first + k] > layer for row in node]
    return any(j < pieces.n_inputs for row in (*rows, *pieces.outputs) for j, _ in row)
