"""Seeded networks and functions to put the prover and the detector to the test.

Everything is drawn from the ``numpy.random.Generator`` that is passed in, so that a seed gives the same
case in a benchmark and in a test.
"""

from __future__ import annotations

import itertools

import numpy as np
import sympy

import circuitkit as ck

__all__ = [
    "TEXTBOOK",
    "comparator_network",
    "disturbed",
    "near_miss",
    "permuted_inputs",
    "random_network",
    "random_target",
    "scramble",
    "scramble_with_labels",
    "spread",
    "textbook",
    "trained_on",
    "variables",
]

Rng = np.random.Generator


def variables(n: int) -> list[sympy.Symbol]:
    """The inputs as a target names them: x, or x1, x2, ..."""
    names = ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]
    return [sympy.Symbol(name, real=True) for name in names]


def random_network(rng: Rng, sizes: list[int], *, bias: bool, weights: str = "small") -> ck.Network:
    """Weights whole numbers -2 to 2 (``"small"``), quarters (``"quarters"``) or normal (``"normal"``)."""

    def draw(*shape: int) -> np.ndarray:
        if weights == "small":
            return rng.integers(-2, 3, shape).astype(float)
        if weights == "quarters":
            return rng.integers(-8, 9, shape) / 4
        return rng.normal(size=shape)

    layers = list(itertools.pairwise(sizes))
    return ck.Network(
        [draw(b, a) for a, b in layers], [draw(b) if bias else None for _, b in layers]
    )


def random_target(rng: Rng, n: int, *, bias: bool, depth: int = 2) -> ck.Target:
    """Sums, abs, min and max nested ``depth`` deep, over small rational numbers."""
    xs = variables(n)

    def linear() -> sympy.Expr:
        total = sum((int(rng.integers(-2, 3)) * x for x in xs), sympy.Integer(0))
        return total + (int(rng.integers(-2, 3)) if bias else 0)

    def expression(levels: int) -> sympy.Expr:
        if levels == 0:
            return linear()
        kind = rng.integers(4)
        if kind == 0:
            return sympy.Abs(expression(levels - 1))
        if kind == 1:
            return sympy.Min(expression(levels - 1), expression(levels - 1))
        if kind == 2:
            return sympy.Max(expression(levels - 1), expression(levels - 1))
        share = sympy.Rational(int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        return expression(levels - 1) + share * expression(levels - 1)

    return ck.Target(expression(depth), variables=xs)


# --- textbook networks --------------------------------------------------------------------------------

#: Knuth, "The Art of Computer Programming" vol. 3: comparators that sort, layer by layer
_SORTING = {
    3: [[(0, 1)], [(1, 2)], [(0, 1)]],
    4: [[(0, 1), (2, 3)], [(0, 2), (1, 3)], [(1, 2)]],
    5: [[(0, 1), (3, 4)], [(2, 4)], [(2, 3), (1, 4)], [(0, 3)], [(0, 2), (1, 3)], [(1, 2)]],
}


def comparator_network(n: int, layers: list[list[tuple[int, int]]], keep: list[int]) -> ck.Network:
    """A network of comparators: (i, j) puts the smaller number on wire i, the larger one on wire j.

    Every layer holds each wire as positiveness and negativeness, and one greaterness detector a
    comparator; the wires in ``keep`` are the outputs.
    """
    weights = []
    read = np.eye(n)
    for comparators in layers:
        rows, width = [], 2 * n + len(comparators)
        after = np.zeros((n, width))
        for w in range(n):
            rows += [np.eye(n)[w], -np.eye(n)[w]]
            after[w, 2 * w], after[w, 2 * w + 1] = 1, -1
        for k, (i, j) in enumerate(comparators):
            rows.append(np.eye(n)[i] - np.eye(n)[j])
            after[i, 2 * n + k], after[j, 2 * n + k] = -1, 1
        weights.append(np.array(rows) @ read)
        read = after
    return ck.Network([*weights, read[keep]])


def _tree(names: list[str], function: str) -> ck.Network:
    block = ck.circuit(function)
    if len(names) == 2:
        return block
    half = _tree(names[: len(names) // 2], function)
    return ck.compose(block, ck.parallel(half, half))


def _clamp() -> ck.Network:
    return ck.Network([[[1], [1]], [[1, -1]]], [[1, -1], [-1]])


#: name -> a network for it, all weights whole numbers or halves
TEXTBOOK = {
    "identity": lambda: ck.circuit("identity"),
    "negation": lambda: ck.circuit("negation"),
    "abs": lambda: ck.circuit("abs"),
    "add": lambda: ck.circuit("add"),
    "subtract": lambda: ck.circuit("subtract"),
    "min": lambda: ck.circuit("min"),
    "max": lambda: ck.circuit("max"),
    "min by average": ck.circuits.minimum_by_average,
    "min in two layers": ck.circuits.minimum_two_layers,
    "relu": lambda: ck.Network([[[1]], [[1]]]),
    "clamp": _clamp,
    "distance": lambda: ck.compose(ck.circuit("abs"), ck.circuit("subtract")),
    "abs of min": lambda: ck.compose(ck.circuit("abs"), ck.circuit("min")),
    "min of abs": lambda: ck.compose(
        ck.circuit("min"), ck.parallel(ck.circuit("abs"), ck.circuit("abs"))
    ),
    "min4": lambda: ck.circuit("min4"),
    "max4": lambda: _tree(["x"] * 4, "max"),
    "median3": lambda: comparator_network(3, _SORTING[3], [1]),
    "sort3": lambda: comparator_network(3, _SORTING[3], [0, 1, 2]),
    "sort4": lambda: comparator_network(4, _SORTING[4], [0, 1, 2, 3]),
    "sort5": lambda: comparator_network(5, _SORTING[5], [0, 1, 2, 3, 4]),
    "median5": lambda: comparator_network(5, _SORTING[5], [2]),
    "min8": lambda: _tree(["x"] * 8, "min"),
}


def textbook(name: str) -> ck.Network:
    """The plain network of that name."""
    return TEXTBOOK[name]()


# --- the same function, written differently -----------------------------------------------------------


def _dyadic(rng: Rng, *shape: int) -> np.ndarray:
    """Quarters in [-2, 2], never 0: exact in floats, and so are a few sums and products of them."""
    values = rng.integers(1, 9, shape) / 4
    return values * rng.choice([-1.0, 1.0], shape)


def scramble(rng: Rng, net: ck.Network, *, units: int, amplitude: float = 1.0) -> ck.Network:
    """The same function to the last bit in about ``units`` hidden units.

    Units are split into parallel ones; pairs and larger groups are added whose contributions cancel;
    dead units are added; all units are permuted and rescaled by powers of two. ``amplitude`` scales the
    outgoing weights of what cancels.
    """
    return scramble_with_labels(rng, net, units=units, amplitude=amplitude)[0]


def scramble_with_labels(
    rng: Rng, net: ck.Network, *, units: int, amplitude: float = 1.0, split: bool = True
) -> tuple[ck.Network, list[np.ndarray]]:
    """As :func:`scramble`, and for each hidden layer which units belong to the circuit."""
    weights = [w.copy() for w in net.weights]
    biases = [b.copy() for b in net.biases]
    depth = len(weights) - 1
    labels: list[np.ndarray] = []
    spare = max(0, units - sum(len(b) for b in biases[:-1]))
    shares = rng.multinomial(spare, np.ones(depth) / depth)
    for layer in range(depth):
        w_in, b_in, w_out = weights[layer], biases[layer], weights[layer + 1]
        own = np.ones(len(w_in), dtype=bool)
        budget = int(shares[layer])
        n_in, n_out = w_in.shape[1], w_out.shape[0]
        while budget > 0:
            kind = rng.integers(4 if split else 3)
            if kind == 3:  # one unit becomes two parallel ones
                i = int(rng.integers(len(w_in)))
                factor = 2.0 ** int(rng.integers(-2, 3))
                part = w_out[:, i] * int(rng.integers(-4, 5)) / 4
                w_in = np.vstack([w_in, w_in[i] * factor])
                b_in = np.append(b_in, b_in[i] * factor)
                w_out = np.column_stack([w_out, part / factor])
                w_out[:, i] -= part
                own = np.append(own, own[i])
                budget -= 1
                continue
            if kind == 0 or budget == 1:  # dead: never active
                below = layer > 0 and rng.integers(2)
                row = -np.abs(_dyadic(rng, n_in)) if below else np.zeros(n_in)
                rows, shifts, outs = row[None], np.zeros(1), amplitude * _dyadic(rng, n_out, 1)
            elif kind == 1:  # two parallel units that cancel
                row, shift = _row(rng, w_in[own], n_in), _bias(rng, net, layer)
                factor = 2.0 ** int(rng.integers(-2, 3))
                out = amplitude * _odd(rng, n_out)
                rows = np.stack([row, row * factor])
                shifts = np.array([shift, shift * factor])
                outs = np.column_stack([out, -out / factor])
            else:  # linear parts that cancel: sum of c_i (relu(u_i) - relu(-u_i)) with sum c_i u_i = 0
                count = min(int(rng.integers(1, 4)), budget // 2 - 1)
                if count < 1:
                    continue
                u = _directions(rng, w_in[own], n_in, count)
                s = np.array([_bias(rng, net, layer) for _ in range(count)])
                s = np.append(s, -s.sum())
                out = amplitude * _odd(rng, n_out)
                rows, shifts = np.vstack([u, -u]), np.concatenate([s, -s])
                outs = np.column_stack([*[out] * (count + 1), *[-out] * (count + 1)])
            w_in, b_in = np.vstack([w_in, rows]), np.concatenate([b_in, shifts])
            w_out = np.column_stack([w_out, outs])
            own = np.concatenate([own, np.zeros(len(rows), dtype=bool)])
            budget -= len(rows)
        order = rng.permutation(len(w_in))
        factors = 2.0 ** rng.integers(-2, 3, len(w_in))
        weights[layer] = (w_in * factors[:, None])[order]
        biases[layer] = (b_in * factors)[order]
        weights[layer + 1] = (w_out / factors)[:, order]
        labels.append(own[order])
    return ck.Network(weights, biases), labels


def spread(rng: Rng, net: ck.Network) -> ck.Network:
    """The same function to the last bit, its linear parts spread over further units.

    In each hidden layer one unit in three is turned to the other side, relu(u) = relu(-u) + u, and what that
    leaves over, u, goes through inverse pairs: u = v + (u - v) and t = relu(t) - relu(-t). One unit in three is
    doubled, each of the two with half of the output.
    """
    weights = [w.copy() for w in net.weights]
    biases = [b.copy() for b in net.biases]
    for layer in range(len(weights) - 1):
        rows, outs = list(weights[layer]), list(weights[layer + 1].T)
        shifts = list(biases[layer])
        for i, kind in enumerate(rng.integers(3, size=len(rows))):
            if kind == 0:
                rows.append(rows[i])
                shifts.append(shifts[i])
                outs[i] = outs[i] / 2
                outs.append(outs[i])
            elif kind == 1:
                part, shift = _dyadic(rng, len(rows[i])), _bias(rng, net, layer)
                for v, b in ((part, shift), (rows[i] - part, shifts[i] - shift)):
                    rows += [v, -v]
                    shifts += [b, -b]
                    outs += [outs[i], -outs[i]]
                rows[i], shifts[i] = -rows[i], -shifts[i]
        order = rng.permutation(len(rows))
        factors = 2.0 ** rng.integers(-2, 3, len(rows))
        weights[layer] = (np.array(rows) * factors[:, None])[order]
        biases[layer] = (np.array(shifts) * factors)[order]
        weights[layer + 1] = (np.array(outs).T / factors)[:, order]
    return ck.Network(weights, biases)


def trained_on(rng: Rng, net: ck.Network, *, rate: float, steps: int, noise: float) -> ck.Network:
    """The network after so many more steps of Adam, in 256 fresh points of [-2, 2]^n a step.

    What it is shown are its own values, each with normal noise: a network that is right already only walks about.
    """
    import torch

    module = net.to_torch()
    adam = torch.optim.Adam(module.parameters(), lr=rate)
    for _ in range(steps):
        x = rng.uniform(-2, 2, (256, net.n_inputs))
        y = net(x) + noise * rng.normal(size=(256, net.n_outputs))
        adam.zero_grad()
        ((module(torch.from_numpy(x)) - torch.from_numpy(y)) ** 2).mean().backward()
        adam.step()
    return ck.Network.from_torch(module)


def _row(rng: Rng, own: np.ndarray, n: int) -> np.ndarray:
    """Incoming weights that are no multiple of a unit's of the circuit, where there is another direction."""
    while True:
        row = _dyadic(rng, n)
        if n == 1 or _off(row, own):
            return row


def _directions(rng: Rng, own: np.ndarray, n: int, count: int) -> np.ndarray:
    """Such rows, and one more that makes their sum zero."""
    while True:
        rows = np.stack([_row(rng, own, n) for _ in range(count)])
        last = -rows.sum(axis=0)
        if n == 1 or not last.any() or _off(last, own):
            return np.vstack([rows, last])


def _off(row: np.ndarray, own: np.ndarray) -> bool:
    sizes = np.linalg.norm(own, axis=1) * np.linalg.norm(row)
    return bool((np.abs(own @ row) < sizes * (1 - 1e-9))[sizes > 0].all())


def _odd(rng: Rng, count: int) -> np.ndarray:
    """Odd 1024ths in [-2, 2]: never what a unit of the circuit contributes."""
    return rng.integers(-1024, 1024, count) / 512 + 1 / 1024


def _bias(rng: Rng, net: ck.Network, layer: int) -> float:
    return float(_dyadic(rng)) if net.has_biases else 0.0


def permuted_inputs(rng: Rng, net: ck.Network) -> ck.Network:
    """The same network with its inputs in another order."""
    order = rng.permutation(net.n_inputs)
    return ck.Network([net.weights[0][:, order], *net.weights[1:]], net.biases)


def disturbed(rng: Rng, net: ck.Network, size: float) -> ck.Network:
    """Normal noise of this standard deviation on every weight, and on the biases if there are any."""
    return ck.Network(
        [w + size * rng.normal(size=w.shape) for w in net.weights],
        [b + size * rng.normal(size=b.shape) if net.has_biases else b for b in net.biases],
    )


# --- nearly right -------------------------------------------------------------------------------------

_NAMED = ("identity", "negation", "abs", "add", "subtract", "min", "max", "min4")


def near_miss(rng: Rng, kind: int) -> tuple[str, str, ck.Network]:
    """A network that is not quite the named function: (kind of miss, name, network)."""
    name = str(rng.choice(_NAMED))
    net = ck.circuit(name)
    if kind % 5 == 0:
        return "one weight off", name, _one_weight_off(rng, net, 10.0 ** rng.uniform(-9, -1))
    if kind % 5 == 1:
        return "thin wedge", name, _with_wedge(rng, net, 10.0 ** rng.uniform(-9, -1))
    if kind % 5 == 2:
        return "right on [-1, 1] only", name, _right_in_range(rng, net)
    if kind % 5 == 3:
        return "sign flip", name, _sign_flip(rng, net, name)
    scrambled = scramble(rng, net, units=sum(net.layer_sizes[1:-1]) + 4)
    return (
        "one weight off, scrambled",
        name,
        _one_weight_off(rng, scrambled, 10.0 ** rng.uniform(-9, -1)),
    )


def _one_weight_off(rng: Rng, net: ck.Network, size: float) -> ck.Network:
    while True:
        weights = [w.copy() for w in net.weights]
        layer = int(rng.integers(len(weights)))
        i, j = rng.integers(weights[layer].shape[0]), rng.integers(weights[layer].shape[1])
        weights[layer][i, j] += rng.choice([-1, 1]) * size
        off = ck.Network(weights, net.biases)
        x = rng.normal(size=(400, net.n_inputs))
        if np.abs(off(x) - net(x)).max() > size * 1e-4:  # not a weight that nothing depends on
            return off


def _with_wedge(rng: Rng, net: ck.Network, width: float) -> ck.Network:
    """relu(u) - relu(u - width v) - relu(width v): 0 but for a wedge between two near hyperplanes."""
    n = net.n_inputs
    u, v = _dyadic(rng, n), _dyadic(rng, n)
    if u @ v > 0 and (u @ v) ** 2 == (u @ u) * (v @ v):
        # The same direction as u, as half of all are in one dimension: no wedge, all cancels.
        v = -v
    rows = np.stack([u, u - width * v, width * v])
    out = np.array([1.0, -1.0, -1.0]) * float(_dyadic(rng))
    weights = [np.vstack([net.weights[0], rows])]
    # Carried along by units that are always on: parts kept apart by sign.
    for w in net.weights[1:-1]:
        weights.append(
            np.block([[w, np.zeros((len(w), 3))], [np.zeros((3, w.shape[1])), np.eye(3)]])
        )
    weights.append(np.hstack([net.weights[-1], out[None]]))
    return ck.Network(weights)


def _right_in_range(rng: Rng, net: ck.Network) -> ck.Network:
    """One more unit with a bias, active only where |w . x| is beyond what [-1, 1]^n can reach."""
    n = net.n_inputs
    row = _dyadic(rng, n)
    start = float(np.abs(row).sum() * rng.choice([1.0, 1.5, 8.0]))
    size = float(_dyadic(rng))
    weights = [np.vstack([net.weights[0], row])]
    biases = [np.append(net.biases[0], -start)]
    for w, b in zip(net.weights[1:-1], net.biases[1:-1], strict=True):
        weights.append(
            np.block([[w, np.zeros((len(w), 1))], [np.zeros((1, w.shape[1])), np.eye(1)]])
        )
        biases.append(np.append(b, 0.0))
    weights.append(np.hstack([net.weights[-1], [[size]]]))
    biases.append(net.biases[-1])
    return ck.Network(weights, biases)


def _sign_flip(rng: Rng, net: ck.Network, name: str) -> ck.Network:
    while True:
        weights = [w.copy() for w in net.weights]
        layer = int(rng.integers(len(weights)))
        i, j = np.argwhere(weights[layer] != 0)[rng.integers(np.count_nonzero(weights[layer]))]
        weights[layer][i, j] *= -1
        flipped = ck.Network(weights)
        x = rng.normal(size=(400, net.n_inputs))
        if np.abs(flipped(x) - ck.target(name)(x)).max() > 1e-9:
            return flipped
