"""Grids of trainings on any executor, one tidy table out, nothing done twice.

A :class:`Cell` is one call of :func:`circuitkit.train` as plain data. :func:`grid` makes cells from
lists of choices, :func:`sweep` runs them, on this process or on any ``concurrent.futures.Executor``,
and keeps each finished cell as one Parquet file. Only the calling process writes to the store, so
workers need no shared disk.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import numbers
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass, field, fields
from numbers import Real
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from circuitkit.checks import (
    accepts,
    flag,
    instance,
    listed,
    made_by,
    made_with,
    number,
    optional,
    path,
    runner,
    several,
    shown,
    string,
    whole,
    wrong,
    wrong_type,
)
from circuitkit.fixed import Fixed
from circuitkit.functions.target import FUNCTION
from circuitkit.progress import Bar
from circuitkit.sweeps.code_version import code_version, version_of
from circuitkit.sweeps.store import COLUMNS, Store
from circuitkit.words import nearest_float

__all__ = ["Cell", "grid", "success_rates", "sweep"]


def _target(name: str, value: Any) -> str:
    """A target as text that gives the same target when read; whether text is one turns out in the cell."""
    if isinstance(value, str):
        return value
    read = FUNCTION.take(name, value)
    return read.name if read.name.isidentifier() else str(read)


def _span(name: str, value: Any) -> tuple[int, int]:
    expected = "two whole numbers (first, stop), 0 <= first < stop <= 2**63"
    ends = several(whole(), expected).take(name, value)
    if len(ends) != 2 or not (0 <= ends[0] < ends[1] <= 2**63):
        raise wrong(name, expected, shown(value))
    return ends[0], ends[1]


def _widths(name: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, (int, np.integer)):
        return (whole().take(name, value),)
    return tuple(several(whole(), "layer widths such as (3, 2)").take(name, value))


def _as_float(value: Any) -> Any:
    """A number as a float, without the sign of zero; what is none turns out in the cell."""
    plain = isinstance(value, Real) and not isinstance(value, bool)
    return nearest_float(cast("float", value)) + 0.0 if plain else value


#: a longer list helps nobody, and is not begun
_MOST_CELLS = 1_000_000
_NAME = string("a name")


@made_with(
    target=made_by(_target, right="min", wrong=(3, None, [], [3])),
    hidden=made_by(_widths, right=(3, 2), wrong=("32", None, 2.5, (2.5,), True, {})),
    seeds=made_by(
        _span, right=(0, 9), wrong=(3, (1, 2, 3), "ab", (0, 1.5), None, (4, 4), (-1, 2), (0, 2**64))
    ),
    steps=whole(),
    optimizer=_NAME,
    learning_rate=number(),
    init=_NAME,
    data=_NAME,
    rescue=optional(_NAME),
    bias=flag(),
    schedule=_NAME,
    weight_decay=number(),
    options=instance(Mapping, "a mapping from options of the optimizer to numbers"),
    dtype=_NAME,
)
@dataclass(frozen=True)
class Cell:
    """One call of :func:`circuitkit.train` as plain data: it can be hashed, pickled and stored.

    Attributes:
        target: catalogue name or expression, as text.
        hidden: width of each hidden layer, such as ``(3, 2)``.
        seeds: first seed and the one after the last, such as ``(0, 1000)``.
        steps, optimizer, learning_rate, init, data, rescue, bias, schedule, weight_decay, options,
            dtype: as for :func:`circuitkit.train`; a schedule by name.

    Whether it can run turns out when it does: a cell that cannot is a row with its error.

    Raises:
        TypeError: a field that is no plain data of its kind.
        ValueError: ``seeds`` that are none.

    Example:
        >>> Cell("min", (3, 2), seeds=(0, 100), optimizer="adam", learning_rate=0.01)
        Cell(min 2 layers (3, 2), seeds 0 to 99, optimizer adam, learning_rate 0.01)
    """

    target: str
    hidden: tuple[int, ...]
    seeds: tuple[int, int] = (0, 1024)
    steps: int = 500
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    init: str = "torch"
    data: str = "population"
    rescue: str | None = None
    bias: bool = False
    schedule: str = "constant"
    weight_decay: float = 0.0
    options: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"

    def __post_init__(self) -> None:
        # As train takes them: 1 and 1.0 are one rate, in the text and the key, too.
        for name in ("learning_rate", "weight_decay"):
            object.__setattr__(self, name, _as_float(getattr(self, name)))
        object.__setattr__(
            self, "options", Fixed({k: _as_float(v) for k, v in self.options.items()})
        )

    def __hash__(self) -> int:
        return hash(self.text())

    def text(self) -> str:
        """The cell as canonical JSON, the same for equal cells.

        Example:
            >>> Cell("min", (3,), options={"momentum": 0.9}).text()[:40]
            '{"bias": false, "data": "population", "d'
        """
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @accepts(detect=flag())
    def key(self, *, detect: bool = False) -> str:
        """The name of the cell's shard: a hash of the cell, of the code and of the versions under it.

        Args:
            detect: whether the shard also holds each solved network's function and circuit.

        Raises:
            TypeError: ``detect`` is neither True nor False.

        Example:
            >>> len(Cell("min", (3,)).key()), Cell("min", (3,)).key() == Cell("max", (3,)).key()
            (32, False)
        """
        return hashlib.sha256(f"{self.text()} {code_version(detect)}".encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        default = Cell(self.target, self.hidden)
        names = [f.name for f in fields(self) if f.name not in ("target", "hidden", "seeds")]
        changed = [n for n in names if getattr(self, n) != getattr(default, n)]
        settings = "".join(f", {n} {getattr(self, n)}" for n in changed)
        layers = f"{len(self.hidden)} layer{'s' if len(self.hidden) != 1 else ''} {self.hidden}"
        return (
            f"Cell({self.target} {layers}, seeds {self.seeds[0]} to {self.seeds[1] - 1}{settings})"
        )


def _seeds(name: str, value: Any) -> range:
    expected = "a count from 1, or a range of seeds from 0 without step"
    span = value if isinstance(value, range) else range(whole(expected, least=1).take(name, value))
    if not span or span.step != 1 or span.start < 0:
        raise wrong(name, expected, repr(value))
    return span


def _one_or_more(take: Callable[[str, Any], Any]) -> Callable[[str, Any], list[Any]]:
    """A list of choices from a list, or from a value that is one."""
    kind = made_by(take, right=None, wrong=())

    def choices(name: str, value: Any) -> list[Any]:
        if isinstance(value, list):
            chosen: list[Any] = several(kind, "at least one choice", fewest=1).take(name, value)
            return chosen
        return [kind.take(name, value)]

    return choices


@accepts(
    target=made_by(_one_or_more(_target), right="min", wrong=(3, None, [], [3], {})),
    hidden=made_by(_one_or_more(_widths), right=(3, 2), wrong=("32", None, 2.5, [2.5], [], {})),
    seeds=made_by(
        _seeds, right=4, wrong=("4", None, 0, 1.5, range(0), range(0, 9, 2), range(-1, 3))
    ),
    seeds_per_cell=whole(least=1),
)
def grid(
    target: Any,
    hidden: Any,
    *,
    seeds: int | range = 1024,
    seeds_per_cell: int = 1024,
    **choices: Any,
) -> list[Cell]:
    """Every combination of some choices, the seeds cut into cells.

    Args:
        target: a target, or a list of them.
        hidden: layer widths such as ``(3, 2)``, or a list of them such as ``[(3,), (3, 2)]``.
        seeds: a count, or a ``range``.
        seeds_per_cell: at most so many seeds in one cell: what one worker does at a time, and what is
            lost when a machine dies.
        choices: any other field of :class:`Cell`, a value or a list of values.

    Returns:
        The cells, the last choice varying fastest. They are a list, so grids can be added.

    Raises:
        TypeError, ValueError: ``seeds``, ``seeds_per_cell``, a choice that :class:`Cell` does not have, or
            one that it refuses.

    Example:
        >>> cells = grid("min", [(3,), (3, 2)], optimizer=["sgd", "rprop"], seeds=2000)
        >>> len(cells)
        8
        >>> cells[0]
        Cell(min 1 layer (3,), seeds 0 to 1023)
    """
    known = {f.name for f in fields(Cell)} - {"target", "hidden", "seeds"}
    unknown = sorted(set(choices) - known)
    if unknown:
        raise ValueError(
            f"choices: expected some of {', '.join(sorted(known))}, got {', '.join(unknown)}"
        )
    span = seeds if isinstance(seeds, range) else range(seeds)
    if span.stop - span.start > _MOST_CELLS * seeds_per_cell:
        raise wrong("seeds", f"at most {_MOST_CELLS:,} times seeds_per_cell", shown(seeds))
    axes: dict[str, list[Any]] = {
        "target": target,
        "hidden": hidden,
        **{k: list(v) if isinstance(v, list) else [v] for k, v in choices.items()},
        "seeds": [
            (start, min(start + seeds_per_cell, span.stop))
            for start in range(span.start, span.stop, seeds_per_cell)
        ],
    }
    return [
        Cell(**dict(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())
    ]


def _cell(name: str, value: Any) -> Cell:
    if isinstance(value, Cell):
        return value
    if not isinstance(value, Mapping):
        raise wrong_type(name, "a Cell or a mapping with its fields", type(value).__name__)
    known = [f.name for f in fields(Cell)]
    if not {"target", "hidden"} <= set(value) <= set(known):
        expected = f"'target', 'hidden' and some of {', '.join(known[2:])}"
        raise wrong(name, expected, ", ".join(map(shown, value)))
    return Cell(**value)


def _cells(name: str, value: Any) -> list[Cell]:
    expected = "a list of Cell objects or mappings"
    if isinstance(value, Cell):
        raise wrong_type(name, expected, "one Cell")
    cells: list[Cell] = several(made_by(_cell, right=None, wrong=()), expected).take(name, value)
    return cells


@accepts(
    cells=made_by(_cells, right=[], wrong=("min", 3, None, {}, [3], ["min"], [{"target": "min"}])),
    executor=runner(),
    store=path(),
    detect=flag(),
    progress=optional(flag()),
)
def sweep(
    cells: Iterable[Cell | Mapping[str, Any]],
    *,
    executor: Executor | None = None,
    store: str | Path | None = None,
    detect: bool = False,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Train every cell; one row a seed.

    Args:
        cells: :class:`Cell` objects (see :func:`grid`), or mappings with their fields.
        executor: any ``concurrent.futures.Executor``: a process pool, Dask's
            ``client.get_executor()``, ``mpi4py.futures.MPIPoolExecutor``; None for this process. The
            table is the same for all of them, but for the column ``seconds``.
        store: a folder, or any URL that fsspec can write to, for one Parquet file a finished cell.
            Cells that are there already are read, not run. Files appear complete or not at all, so a
            sweep can be killed at any moment and run again. A change of the code or of torch makes
            new files.
        detect: also name the function and the circuit that each solved network is, with a proof each
            (``circuitkit.detect``; tens of milliseconds a solved seed).
        progress: show a progress bar; by default once the sweep has taken two seconds.

    Returns:
        A table in the order of ``cells``. Its columns (``circuitkit.sweeps.store.COLUMNS``) are the cell's settings,
        then ``seed``, ``steps`` (taken), ``loss``, ``worst_error``, ``cost`` (with a rescue),
        ``solved``, ``outcome``, ``function`` and ``circuit`` (with ``detect``), ``seconds`` (of the whole
        cell), ``error``, ``cell`` (the shard's name), and the versions of ``circuitkit``, ``torch`` and
        ``numba``. A cell that failed is one row without a seed, with
        its ``error``; it is not stored, and a rerun tries it again. Ctrl-C returns the cells that are
        finished, with a warning.

    Raises:
        TypeError: a cell that is neither a :class:`Cell` nor a mapping, or not an executor.
        ValueError: a mapping that lacks fields of a :class:`Cell`, or has others.
        OSError: a store that cannot be written to, before anything runs; or a disk that is full, with
            all finished cells kept.
        ImportError: a store without pyarrow and fsspec installed.

    Example:
        >>> table = sweep(grid(["identity", "abs"], (2,), seeds=200))
        >>> table.groupby("target").solved.mean().round(1).to_dict()
        {'abs': 0.3, 'identity': 0.5}
    """
    wanted: list[Cell] = list(cells)  # type: ignore[arg-type]  # they have been made Cells
    keys = [c.key(detect=detect) for c in wanted]
    shards = Store(store) if store is not None else None
    tables: dict[str, pd.DataFrame] = {}
    if shards is not None:
        tables = shards.read({k: range(*c.seeds) for k, c in zip(keys, wanted, strict=True)})
    missing = {k: c for k, c in zip(keys, wanted, strict=True) if k not in tables}
    bar = Bar(len(set(keys)), "cell", progress)
    bar.update(len(tables))
    try:
        for key, table, failed in _results(missing, executor, detect):
            if shards is not None and not failed:
                shards.write(key, table)
            tables[key] = table
            bar.update(1)
    except KeyboardInterrupt:
        warnings.warn(
            f"sweep: interrupted, {len(tables)} of {len(set(keys))} cells are finished",
            stacklevel=2,
        )
    finally:
        bar.close()
    done = [tables[k] for k in keys if k in tables]
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS.items()})
    return pd.concat(done, ignore_index=True) if done else empty


def _columns(name: str, value: Any) -> list[Any]:
    expected = "columns of the table"
    names = [value] if isinstance(value, str) else list(listed(expected).take(name, value))
    if not names:
        raise wrong(name, expected, "none")
    try:
        hash(tuple(names))
    except TypeError:
        raise wrong_type(name, expected, shown(names)) from None
    return names


#: the columns of a table of rates beside those that it is made by
_RATES = ("seeds", "solved", "rate", "low", "high")


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_verdict(value: Any) -> bool:
    """True or False, or the 1 and 0 that some files make of them."""
    return isinstance(value, (bool, np.bool_, numbers.Real)) and value in (0, 1)


@accepts(
    table=instance(pd.DataFrame, "a DataFrame"),
    by=made_by(_columns, right="init", wrong=(3, None, [], {}, ["nowhere"])),
)
def success_rates(table: pd.DataFrame, by: str | Iterable[str]) -> pd.DataFrame:
    """The share of seeds solved for each combination of settings, with its 95 % Wilson interval.

    Args:
        table: what :func:`sweep` returns, or anything with a column ``solved`` of True and False. Rows
            without a verdict, those of cells that failed, are not counted.
        by: the column or columns that tell combinations apart.

    Returns:
        One row a combination, in the order in which they first come. Its columns are ``by``, then
        ``seeds`` and ``solved`` (counts), ``rate``, ``low``, ``high``; ``circuitkit.plotting.rate_grid``
        draws it.

    Raises:
        TypeError: ``table`` is not a DataFrame, or a column of ``by`` holds what cannot be told apart, such
            as lists.
        ValueError: a column that the table does not have, one named twice or like a column of the result,
            or a ``solved`` other than True, False and missing.

    Example:
        >>> table = sweep(grid("abs", (2,), init=["torch", "mirrored"], seeds=200))
        >>> success_rates(table, "init").round(2)
               init  seeds  solved  rate   low  high
        0     torch    200      65  0.32  0.26  0.39
        1  mirrored    200     137  0.68  0.62  0.75

    Source: Wilson (1927) for the interval.
    """
    from circuitkit.training.run import Rate

    names = list(by)
    if any(n not in table for n in [*names, "solved"]):
        raise wrong(
            "by",
            "columns of the table, with 'solved' among them",
            f"{shown(names)}; the table has {', '.join(map(str, table.columns))}",
        )
    clashing = [n for k, n in enumerate(names) if n in _RATES or n in names[:k]]
    if clashing:
        expected = (
            f"each column once, and none of {', '.join(_RATES)}, which the result has of its own"
        )
        raise wrong("by", expected, shown(names))
    for n in names:
        odd = next((v for v in table[n] if not _is_hashable(v)), None)
        if odd is not None:
            expected = (
                f"values that can be told apart, such as texts and numbers, in the column {n!r}"
            )
            raise wrong_type("table", expected, shown(odd))
    judged = table[table["solved"].notna()]
    odd = next((v for v in judged["solved"] if not _is_verdict(v)), None)
    if odd is not None:
        raise wrong("table", "True, False or missing in the column 'solved'", shown(odd))
    judged = judged.assign(solved=judged["solved"].astype(bool))
    counted = judged.groupby(names, sort=False, dropna=False)["solved"].agg(["size", "sum"])
    rates = [
        Rate(int(solved), int(n)) for n, solved in zip(counted["size"], counted["sum"], strict=True)
    ]
    counted["rate"] = [float(r) for r in rates]
    counted["low"], counted["high"] = [r.low for r in rates], [r.high for r in rates]
    counted["sum"] = counted["sum"].astype(int)
    return counted.rename(columns={"size": "seeds", "sum": "solved"}).reset_index()


def _results(
    cells: Mapping[str, Cell], executor: Executor | None, detect: bool
) -> Iterator[tuple[str, pd.DataFrame, bool]]:
    """Key, table, and whether it failed, of each cell as it finishes."""
    if executor is None:
        for key, cell in cells.items():
            yield (key, *run_cell(cell, key, detect, None))
        return
    futures: dict[Future[tuple[pd.DataFrame, bool]], str] = {}
    try:
        for key, cell in cells.items():
            # One thread each: a pool already has a process for every core.
            futures[executor.submit(run_cell, cell, key, detect, 1)] = key
        for future in as_completed(futures):
            key = futures[future]
            try:
                yield (key, *future.result())
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as error:  # a worker that died, or a result that did not come back
                yield key, _failure(cells[key], key, f"{type(error).__name__}: {error}"), True
    finally:
        for future in futures:
            future.cancel()


def run_cell(cell: Cell, key: str, detect: bool, threads: int | None) -> tuple[pd.DataFrame, bool]:
    """Train one cell: its rows, and whether it failed. This is what an executor's workers run."""
    from circuitkit.training.train import train

    began = time.perf_counter()
    try:
        arguments = {f.name: getattr(cell, f.name) for f in fields(cell)}
        arguments["seeds"] = range(*cell.seeds)
        run = train(
            arguments.pop("target"),
            arguments.pop("hidden"),
            threads=threads,
            progress=False,
            **arguments,
        )
        if run.interrupted:
            raise KeyboardInterrupt
        functions, circuits = _detected(run, detect)
    except Exception as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        return _failure(cell, key, text), True
    rows = {
        "seed": run.seeds,
        "steps": run.steps,
        "loss": run.loss,
        "worst_error": run.error,
        "cost": run.cost,
        "solved": run.solved,
        "outcome": run.outcomes,
        "function": functions,
        "circuit": circuits,
        "seconds": time.perf_counter() - began,
        "error": None,
    }
    return _table(cell, key, rows, len(run.seeds)), False


def _failure(cell: Cell, key: str, error: str) -> pd.DataFrame:
    return _table(cell, key, {"error": error}, 1)


def _table(cell: Cell, key: str, rows: Mapping[str, Any], n: int) -> pd.DataFrame:
    from circuitkit import __version__

    values: dict[str, Any] = {
        **asdict(cell),
        "hidden": "-".join(map(str, cell.hidden)),
        "options": json.dumps(dict(cell.options), sort_keys=True),
        **{name: None for name in COLUMNS if name not in rows and name not in asdict(cell)},
        "steps": cell.steps,
        **rows,
        "cell": key,
        "circuitkit": __version__,
        "torch": version_of("torch"),
        "numba": version_of("numba"),
    }
    columns = {
        name: pd.Series(
            [values[name]] * n if np.ndim(values[name]) == 0 else values[name], dtype=kind
        )
        for name, kind in COLUMNS.items()
    }
    return pd.DataFrame(columns)


def _detected(run: Any, detect: bool) -> tuple[list[str | None], list[str | None]]:
    """The certified function and the known circuit of each solved seed; None elsewhere."""
    functions: list[str | None] = [None] * len(run.seeds)
    circuits: list[str | None] = [None] * len(run.seeds)
    if detect:
        from circuitkit.detection.detect import detect as read

        for i in np.flatnonzero(run.solved):
            found = read(run.network(int(run.seeds[i])))
            functions[i] = None if found.function is None else str(found.function)
            circuits[i] = None if found.circuit is None else str(found.circuit)
    return functions, circuits
