"""One seed's search for a network with no loss, compiled: exact loss, curvature, giving up early.

Points are homogeneous, ``(x_1, ..., x_n, c)``, biases are multiplied by ``c``, and a network takes ``s``
times such a point to ``s`` times its value (:mod:`circuitkit.training.problem`). Along a segment of such
points the network's error is linear between the *kinks*, where a unit turns on or off or the target
bends. So the mean of its square is a sum over the pieces between kinks, and two Gauss points a piece give
the gradient and the Gauss-Newton matrix: all three exactly, with no more points than the network has
pieces. Where the inputs do not lie on segments there are fixed points instead, to which
counterexamples are added.

A descent is Levenberg and Marquardt's: solve ``(J'J + damping I) step = J'r``, keep what lowers the loss.
It is given up when two steps in a row lower the loss by less than a twentieth; then the search goes on
from a new start, or from its best network with one or two units drawn anew.

All kernels stand in one file: numba's cache does not see changes in another. One seed at a time, and
many threads: seeds end at different times, and their pieces differ in number, so that side by side
they would wait for one another.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from circuitkit.training.compiled import OPTIONS, Compiled, compiled

Array = NDArray[np.float64]

#: damping at the start of a descent, and its factors after a success and a failure
DAMPING, SHRINK, GROW = 0.1, 0.3, 4.0
#: how often a step is shortened before the descent is given up
TRIES = 6
#: a step is slow when it lowers the loss by less than this share; so many slow ones in a row end a descent
SLOW, PATIENCE = 0.05, 2
#: how often a start is drawn again while some layer is off somewhere
REDRAWS = 16
#: the largest error, relative to the inputs, with which a network counts as the function; proofs allow 1e-6
CLOSE = 9e-7
#: shorter pieces weigh nothing
_SHORT = 1e-14

#: what a search ends with, or waits for
GOING_ON, FOUND, SPENT = 0, 1, 2

# Places in Search.number and Search.count.
LOSS, BEST, SPENDING, DAMPED, ENOUGH = range(5)
DRAWN, STARTS, DESCENTS, ITERATIONS, VAIN, PHASE = range(6)
#: what comes next: a start drawn anew, a descent from where theta is, more of this descent
NEW_START, DESCEND, MORE, AFTER_BEST = range(4)


class Setting(NamedTuple):
    """What is to be learned, the same for all seeds; see :class:`circuitkit.training.problem.Problem`."""

    sizes: NDArray[np.int64]
    bias: bool
    starts: Array
    ends: Array
    weights: Array
    kinks: NDArray[np.int64]
    kink_places: Array
    kink_values: Array
    key: np.uint64
    vain: NDArray[np.int64]
    aloud: float
    unit: float


class Search(NamedTuple):
    """How far one seed is: where it stands, its best network so far, losses, costs and counts."""

    theta: Array
    best: Array
    number: Array
    counts: NDArray[np.int64]


class Room(NamedTuple):
    """Where a thread works.

    Attributes:
        t, h, f: the kinks of all segments: places, activations of all units with the outputs last, target.
        t2, h2, f2: the same, while kinks are added.
        spans: where each segment's kinks begin.
        points: the activations at the fixed points.
        matrix, factor, vector, step, row, trial: of the normal equations, and parameters on trial.
        delta, between: derivatives by preactivations, and activations between two kinks.
        order: the crossings of one piece, in order.
    """

    t: Array
    h: Array
    f: Array
    t2: Array
    h2: Array
    f2: Array
    spans: NDArray[np.int64]
    points: Array
    matrix: Array
    factor: Array
    vector: Array
    step: Array
    row: Array
    trial: Array
    delta: Array
    between: Array
    order: Array


#: without what only Python would call: the kernel as a whole is what it calls
_ALONE: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_function = numba.njit(**_ALONE)


@_function
def _copy(source, target):
    for k in range(len(source)):  # numba takes seconds to compile an assignment of slices
        target[k] = source[k]


# --- random numbers: the stream of circuitkit.training.start, further on --------------------------------


@_function
def _high(a, b):
    """The upper 64 bits of a product of 64-bit numbers."""
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    a0, a1, b0, b1 = a & mask, a >> shift, b & mask, b >> shift
    middle = a1 * b0 + ((a0 * b0) >> shift)
    cross = a0 * b1 + (middle & mask)
    return a1 * b1 + (middle >> shift) + (cross >> shift)


@_function
def _uniform(key, count):
    """The next number in [0, 1) of the seed's stream."""
    n = count[DRAWN]
    count[DRAWN] = n + 1
    x0, x1, x2, x3 = np.uint64(n // 4 + 1), np.uint64(0), np.uint64(0), np.uint64(0)
    low, high = key, np.uint64(0)
    m0, m1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
    for _ in range(10):
        y0, y1 = _high(x2, m1) ^ x1 ^ low, x2 * m1
        y2, y3 = _high(x0, m0) ^ x3 ^ high, x0 * m0
        x0, x1, x2, x3 = y0, y1, y2, y3
        low += np.uint64(0x9E3779B97F4A7C15)
        high += np.uint64(0xBB67AE8584CAA73B)
    word = x0
    if n % 4 == 1:
        word = x1
    elif n % 4 == 2:
        word = x2
    elif n % 4 == 3:
        word = x3
    return np.float64(word >> np.uint64(11)) * 2.0**-53


@_function
def _below(n, key, count):
    """A whole number from 0 to n - 1."""
    return min(n - 1, np.int64(n * _uniform(key, count)))


# --- the network at one point --------------------------------------------------------------------------


@_function
def _layer(theta, begin, sizes, layer, bias, below, place, c, z):
    """The preactivations of a layer into ``z[place:]``; ``begin``: where its parameters begin."""
    n_in = sizes[layer]
    k = begin
    for o in range(sizes[layer + 1]):
        total = 0.0
        for i in range(n_in):
            total += theta[k + i] * below[i]
        k += n_in
        if bias:
            total += theta[k] * c
            k += 1
        z[place + o] = total


@_function
def _forward(theta, setting, x, h):
    """All activations at the point ``x``, the outputs last."""
    sizes, n = setting.sizes, setting.sizes[0]
    last = len(sizes) - 2
    below = x[:n]
    begin, place = np.int64(0), np.int64(0)
    for layer in range(last + 1):
        _layer(theta, begin, sizes, layer, setting.bias, below, place, x[n], h)
        width = sizes[layer + 1]
        if layer < last:
            for o in range(width):
                h[place + o] = max(h[place + o], 0.0)
        below = h[place : place + width]
        begin += width * (sizes[layer] + setting.bias)
        place += width


# --- the loss ------------------------------------------------------------------------------------------


@_function
def _add_kinks(room, first, used, units, place, width):
    """Insert the places where units ``place`` to ``place + width`` turn on or off; the new end, or -1."""
    t, h, f, t2, h2, f2, order = room.t, room.h, room.f, room.t2, room.h2, room.f2, room.order
    end = 0
    n_outputs = f.shape[1]
    for p in range(first, used):
        if end + width + 1 >= len(t2) - first:
            return -1
        t2[end] = t[p]
        for u in range(place + width):
            h2[end, u] = h[p, u]
        for o in range(n_outputs):
            f2[end, o] = f[p, o]
        end += 1
        if p + 1 == used:
            break
        found = 0
        for u in range(place, place + width):
            a, b = h[p, u], h[p + 1, u]
            if (a < 0.0 and b > 0.0) or (a > 0.0 and b < 0.0):
                share = a / (a - b)
                at = found
                while at > 0 and order[at - 1, 0] > share:
                    order[at, 0], order[at, 1] = order[at - 1, 0], order[at - 1, 1]
                    at -= 1
                order[at, 0], order[at, 1] = share, u
                found += 1
        for k in range(found):
            share = order[k, 0]
            t2[end] = t[p] + share * (t[p + 1] - t[p])
            for u in range(place + width):
                h2[end, u] = h[p, u] + share * (h[p + 1, u] - h[p, u])
            h2[end, np.int64(order[k, 1])] = 0.0
            for o in range(n_outputs):
                f2[end, o] = f[p, o] + share * (f[p + 1, o] - f[p, o])
            end += 1
    for p in range(end):
        t[first + p] = t2[p]
        for u in range(place + width):
            h[first + p, u] = h2[p, u]
        for o in range(n_outputs):
            f[first + p, o] = f2[p, o]
    return first + end


@_function
def _loss(theta, setting, x, y, room, number):
    """The mean squared error; leaves in ``room`` what :func:`_equations` reads. inf where there is no room."""
    sizes, bias = setting.sizes, setting.bias
    last, n, units = len(sizes) - 2, sizes[0], room.h.shape[1]
    n_outputs = sizes[last + 1]
    t, h, f = room.t, room.h, room.f
    used, total = np.int64(0), 0.0
    for s in range(len(setting.weights)):
        first = used
        room.spans[s] = first
        for k in range(setting.kinks[s], setting.kinks[s + 1]):
            t[used] = setting.kink_places[k]
            for o in range(n_outputs):
                f[used, o] = setting.kink_values[k, o]
            used += 1
        begin, place = np.int64(0), np.int64(0)
        for layer in range(last + 1):
            width = sizes[layer + 1]
            for p in range(first, used):
                c = setting.starts[s, n] + t[p] * (setting.ends[s, n] - setting.starts[s, n])
                if layer == 0:
                    for i in range(n):
                        start = setting.starts[s, i]
                        room.between[i] = start + t[p] * (setting.ends[s, i] - start)
                    _layer(theta, begin, sizes, layer, bias, room.between, place, c, h[p])
                else:
                    _layer(
                        theta,
                        begin,
                        sizes,
                        layer,
                        bias,
                        h[p, place - sizes[layer] :],
                        place,
                        c,
                        h[p],
                    )
            if layer < last:
                used = _add_kinks(room, first, used, units, place, width)
                if used < 0 or used + 64 > len(t):
                    return np.inf
                for p in range(first, used):
                    for u in range(place, place + width):
                        h[p, u] = max(h[p, u], 0.0)
            begin += width * (sizes[layer] + bias)
            place += width
        part = 0.0
        for p in range(first, used - 1):
            length = t[p + 1] - t[p]
            for o in range(n_outputs):
                a, b = (
                    h[p, units - n_outputs + o] - f[p, o],
                    h[p + 1, units - n_outputs + o] - f[p + 1, o],
                )
                part += length * (a * a + a * b + b * b)
        total += setting.weights[s] * part / 3
    room.spans[len(setting.weights)] = used
    for p in range(len(x)):
        _forward(theta, setting, x[p], room.points[p])
        for o in range(n_outputs):
            r = room.points[p, units - n_outputs + o] - y[p, o]
            total += r * r
    number[SPENDING] += (used + len(x)) * len(theta) / setting.unit
    return total / n_outputs


@_function
def _largest(setting, room):
    """The largest error on the segments, relative to the inputs, at the kinks that :func:`_loss` has left."""
    n, n_outputs, units = setting.sizes[0], room.f.shape[1], room.h.shape[1]
    worst = 0.0
    for s in range(len(setting.weights)):
        for p in range(room.spans[s], room.spans[s + 1]):
            size = 0.0
            for i in range(n + 1):
                start = setting.starts[s, i]
                size = max(size, abs(start + room.t[p] * (setting.ends[s, i] - start)))
            for o in range(n_outputs):
                worst = max(worst, abs(room.h[p, units - n_outputs + o] - room.f[p, o]) / size)
    return worst


@_function
def _blind(setting, x, room):
    """Whether some hidden layer is off at some point or on some piece."""
    sizes = setting.sizes
    place = 0
    for layer in range(len(sizes) - 2):
        width = sizes[layer + 1]
        for s in range(len(setting.weights)):
            for p in range(room.spans[s], room.spans[s + 1] - 1):
                if room.t[p + 1] - room.t[p] > _SHORT:
                    on = False
                    for u in range(place, place + width):
                        on = on or room.h[p, u] > 0 or room.h[p + 1, u] > 0
                    if not on:
                        return True
        for p in range(len(x)):
            on = False
            for u in range(place, place + width):
                on = on or room.points[p, u] > 0
            if not on:
                return True
        place += width
    return False


# --- the normal equations ------------------------------------------------------------------------------


@_function
def _derivatives(theta, setting, output, on, delta):
    """The derivative of an output by every unit's preactivation; ``on``: activations, to see which are."""
    sizes, bias = setting.sizes, setting.bias
    last = len(sizes) - 2
    units = len(delta)
    for u in range(units):
        delta[u] = 0.0
    delta[units - sizes[last + 1] + output] = 1.0
    begin, above = len(theta), units - sizes[last + 1]
    for layer in range(last, 0, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        begin -= n_out * (n_in + bias)
        below = above - n_in
        for i in range(n_in):
            if on[below + i] > 0:
                total = 0.0
                for o in range(n_out):
                    total += delta[above + o] * theta[begin + o * (n_in + bias) + i]
                delta[below + i] = total
        above = below


@_function
def _add_row(setting, x, h, delta, r, weight, room):
    """Add one point's part: its row of the Jacobian, times itself and times the residual."""
    sizes, bias = setting.sizes, setting.bias
    n, row, matrix, vector = sizes[0], room.row, room.matrix, room.vector
    k, below, above = 0, 0, 0
    for layer in range(len(sizes) - 1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        for o in range(n_out):
            d = delta[above + o]
            for i in range(n_in):
                row[k + i] = d * (x[i] if layer == 0 else h[below + i])
            k += n_in
            if bias:
                row[k] = d * x[n]
                k += 1
        if layer:
            below += n_in
        above += n_out
    for j in range(k):
        if row[j] != 0.0:
            scaled = weight * row[j]
            vector[j] += scaled * r
            line = matrix[j]
            for i in range(j + 1):
                line[i] += scaled * row[i]


@_function
def _equations(theta, setting, x, y, room, number):
    """``J'J`` (its lower half) and ``J'r``, from what :func:`_loss` has left."""
    sizes = setting.sizes
    n, units, n_outputs = sizes[0], room.h.shape[1], room.f.shape[1]
    n_parameters = len(theta)
    for j in range(n_parameters):
        room.vector[j] = 0.0
        for i in range(j + 1):
            room.matrix[j, i] = 0.0
    rows = 0
    at = np.empty(n + 1)
    node = 0.5 - 0.5 / np.sqrt(3.0)
    for s in range(len(setting.weights)):
        for p in range(room.spans[s], room.spans[s + 1] - 1):
            length = room.t[p + 1] - room.t[p]
            if length < _SHORT:
                continue
            for o in range(n_outputs):
                for u in range(units):
                    room.between[u] = room.h[p, u] + room.h[p + 1, u]
                _derivatives(theta, setting, o, room.between, room.delta)
                for g in range(2):
                    share = node if g == 0 else 1.0 - node
                    place = room.t[p] + share * length
                    for i in range(n + 1):
                        at[i] = setting.starts[s, i] + place * (
                            setting.ends[s, i] - setting.starts[s, i]
                        )
                    for u in range(units):
                        room.between[u] = room.h[p, u] + share * (room.h[p + 1, u] - room.h[p, u])
                    value = room.f[p, o] + share * (room.f[p + 1, o] - room.f[p, o])
                    r = room.between[units - n_outputs + o] - value
                    weight = setting.weights[s] * length / (2 * n_outputs)
                    _add_row(setting, at, room.between, room.delta, r, weight, room)
                    rows += 1
    for p in range(len(x)):
        for o in range(n_outputs):
            h = room.points[p]
            _derivatives(theta, setting, o, h, room.delta)
            r = h[units - n_outputs + o] - y[p, o]
            _add_row(setting, x[p], h, room.delta, r, 1.0 / n_outputs, room)
            rows += 1
    backward = 2 * n_parameters - sizes[0] * sizes[1]
    normal = n_parameters * (n_parameters + 1) / 2 + n_parameters
    number[SPENDING] += rows * (backward + normal) / setting.unit


@_function
def _solve(room, damping):
    """The step of the damped normal equations into ``room.step``; whether they could be solved."""
    a, b = room.factor, room.step
    n = len(b)
    for j in range(n):
        for i in range(j + 1):
            a[j, i] = room.matrix[j, i]
        a[j, j] += damping
        b[j] = room.vector[j]
    for j in range(n):
        for i in range(j + 1):
            total = a[j, i]
            for k in range(i):
                total -= a[j, k] * a[i, k]
            if i < j:
                a[j, i] = total / a[i, i]
            elif total > 0:
                a[j, j] = np.sqrt(total)
            else:
                return False
        for k in range(j):
            b[j] -= a[j, k] * b[k]
        b[j] /= a[j, j]
    for j in range(n - 1, -1, -1):
        b[j] /= a[j, j]
        for k in range(j):
            b[k] -= a[j, k] * b[j]
    return True


# --- starts --------------------------------------------------------------------------------------------


@_function
def _some_point(setting, x, search, at):
    """A random data point."""
    key, count = setting.key, search.counts
    if len(setting.weights):
        u, s = 0.0, 0
        for k in range(len(setting.weights)):
            u += setting.weights[k]
        u *= _uniform(key, count)
        while s + 1 < len(setting.weights) and u > setting.weights[s]:
            u -= setting.weights[s]
            s += 1
        share = _uniform(key, count)
        for i in range(len(at)):
            at[i] = setting.starts[s, i] + share * (setting.ends[s, i] - setting.starts[s, i])
    else:
        p = _below(len(x), key, count)
        for i in range(len(at)):
            at[i] = x[p, i]


@_function
def _draw_unit(theta, setting, x, search, room, layer, unit, outgoing):
    """Draw a hidden unit's incoming weights, its bias so that it turns on at a data point, its outgoing weights."""
    sizes, bias, key, count = setting.sizes, setting.bias, setting.key, search.counts
    begin, place = 0, 0
    for k in range(layer):
        begin += sizes[k + 1] * (sizes[k] + bias)
        place += sizes[k + 1]
    n_in, n_out = sizes[layer], sizes[layer + 1]
    k = begin + unit * (n_in + bias)
    for i in range(n_in):
        theta[k + i] = (2 * _uniform(key, count) - 1) * np.sqrt(6.0 / n_in)
    if bias:
        at = np.empty(sizes[0] + 1)
        _some_point(setting, x, search, at)
        _forward(theta, setting, at, room.between)
        search.number[SPENDING] += len(theta) / setting.unit
        total = 0.0
        for i in range(n_in):
            total += theta[k + i] * (at[i] if layer == 0 else room.between[place - n_in + i])
        c = at[sizes[0]]
        theta[k + n_in] = -total / max(c, 1e-3 * abs(at[0]) + 1e-300)
    if outgoing:
        begin += n_out * (n_in + bias)
        for o in range(sizes[layer + 2]):
            at_weight = begin + o * (n_out + bias) + unit
            theta[at_weight] = setting.aloud * (2 * _uniform(key, count) - 1) * np.sqrt(6.0 / n_out)


@_function
def _draw_start(theta, setting, x, y, search, room):
    """A start that sees: drawn again, at most :data:`REDRAWS` times, while some layer is off somewhere."""
    sizes, bias, key, count = setting.sizes, setting.bias, setting.key, search.counts
    last = len(sizes) - 2
    for _ in range(REDRAWS + 1):
        begin = 0
        for layer in range(last + 1):
            n_in, n_out = sizes[layer], sizes[layer + 1]
            for o in range(n_out):
                if layer < last:
                    _draw_unit(theta, setting, x, search, room, layer, o, np.bool_(False))
                else:
                    k = begin + o * (n_in + bias)
                    for i in range(n_in):
                        theta[k + i] = (2 * _uniform(key, count) - 1) * np.sqrt(6.0 / n_in)
                    if bias:
                        theta[k + n_in] = 0.0
            begin += n_out * (n_in + bias)
        loss = _loss(theta, setting, x, y, room, search.number)
        if not _blind(setting, x, room) and loss < np.inf:
            return


@_function
def _redraw_units(setting, x, search, room):
    """The best network so far with one or two of its hidden units drawn anew."""
    sizes, key, count = setting.sizes, setting.key, search.counts
    _copy(search.best, search.theta)
    hidden = 0
    for layer in range(len(sizes) - 2):
        hidden += sizes[layer + 1]
    for _ in range(1 + _below(2, key, count)):
        unit, layer = _below(hidden, key, count), 0
        while unit >= sizes[layer + 1]:
            unit -= sizes[layer + 1]
            layer += 1
        _draw_unit(search.theta, setting, x, search, room, layer, unit, np.bool_(True))


# --- the search ----------------------------------------------------------------------------------------


@_function
def _descend(setting, x, y, search, room, limit):
    """Levenberg-Marquardt from where ``theta`` is: whether the loss has gone, or the descent is over.

    Returns:
        FOUND, SPENT (stuck here), or GOING_ON where ``limit`` is reached.
    """
    theta, number, count = search.theta, search.number, search.counts
    slow = 0
    loss = _loss(theta, setting, x, y, room, number)
    number[LOSS] = loss
    while True:
        if loss < number[ENOUGH]:
            if len(setting.weights) == 0 or _largest(setting, room) <= CLOSE:
                return FOUND
            number[ENOUGH] *= 1e-2
            if number[ENOUGH] < 1e-30:
                return SPENT
        if number[SPENDING] > limit:
            return GOING_ON
        if not loss < np.inf:
            return SPENT
        _equations(theta, setting, x, y, room, number)
        n = len(theta)
        lower = loss
        for _ in range(TRIES):
            solved = _solve(room, number[DAMPED])
            number[SPENDING] += (n * n * n / 6 + n * n) / setting.unit
            if solved:
                for k in range(n):
                    room.trial[k] = theta[k] - room.step[k]
                lower = _loss(room.trial, setting, x, y, room, number)
                if lower < loss:
                    break
            number[DAMPED] *= GROW
        if not lower < loss:
            return SPENT
        number[DAMPED] *= SHRINK
        for k in range(n):
            theta[k] = room.trial[k]
        slow = slow + 1 if lower > (1 - SLOW) * loss else 0
        loss = lower
        number[LOSS] = loss
        count[ITERATIONS] += 1
        if slow == PATIENCE and loss >= number[ENOUGH]:
            return SPENT


def _search(setting, x, y, search, room, enough, limit, budget):
    """Search until the loss has gone, or so much has been spent.

    Args:
        setting: what is learned.
        x: fixed points, ``(n_points, n + 1)``.
        y: the target there.
        search: changed in place.
        room: scratch.
        enough: the loss that counts as none.
        limit: what may have been spent when this call returns, roughly.
        budget: what may be spent at all.

    Returns:
        FOUND, GOING_ON (the limit is reached) or SPENT (the budget is).
    """
    number, count = search.number, search.counts
    while True:
        if number[SPENDING] > budget:
            return SPENT
        if number[SPENDING] > limit:
            return GOING_ON
        phase = count[PHASE]
        if phase == NEW_START:
            if count[STARTS]:
                _draw_start(search.theta, setting, x, y, search, room)
            count[STARTS] += 1
            count[VAIN] = 0
            number[BEST] = np.inf
        elif phase == AFTER_BEST:
            _redraw_units(setting, x, search, room)
        if phase != MORE:
            number[DAMPED], number[ENOUGH] = DAMPING, enough
            count[DESCENTS] += 1
        count[PHASE] = MORE
        ended = _descend(setting, x, y, search, room, min(limit, budget))
        if ended == FOUND:
            return FOUND
        if ended == GOING_ON:
            continue
        if number[LOSS] < number[BEST]:
            number[BEST] = number[LOSS]
            _copy(search.theta, search.best)
            count[VAIN] = 0
        else:
            count[VAIN] += 1
        vain = setting.vain[min(count[STARTS], len(setting.vain)) - 1]
        count[PHASE] = AFTER_BEST if count[VAIN] < vain else NEW_START


@cache
def search_kernel() -> Compiled:
    """:func:`_search`, compiled."""
    types = numba.types
    row, matrix = types.Array(types.float64, 1, "C"), types.Array(types.float64, 2, "C")
    wholes = types.Array(types.int64, 1, "C")

    def named(name: Any, *kinds: Any) -> Any:
        return types.NamedTuple(kinds, name)  # type: ignore[no-untyped-call]

    number = types.float64
    taken = types.int64(
        named(
            Setting, wholes, types.boolean, matrix, matrix, row, wholes, row, matrix,
            types.uint64, wholes, number, number,
        ),
        matrix, matrix,
        named(Search, row, row, row, wholes),
        named(
            Room, row, matrix, matrix, row, matrix, matrix, wholes, matrix, matrix, matrix,
            row, row, row, row, row, row, matrix,
        ),
        number, number, number,
    )  # fmt: skip
    return compiled(_search, taken)
