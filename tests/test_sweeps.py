"""Sweeps: the same table from every executor, and nothing lost or done twice."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import re
import signal
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import fsspec
import pandas as pd
import pytest

import circuitkit as ck
from circuitkit.sweeps import code_version, sweep
from circuitkit.sweeps.store import COLUMNS
from circuitkit.sweeps.sweep import Cell

CELLS = ck.grid(
    ["abs", "min"], (2,), optimizer=["sgd", "rprop"], steps=40, seeds=60, seeds_per_cell=20
)


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return ck.sweep(CELLS)


def assert_same(table: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal to the last bit, but for the wall time."""
    pd.testing.assert_frame_equal(
        table.drop(columns="seconds"), other.drop(columns="seconds"), check_exact=True
    )


def shards(folder: Path) -> set[str]:
    return {p.name for p in folder.glob("*.parquet")}


# --- cells ------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_and_cuts_the_seeds():
    assert len(CELLS) == 2 * 2 * 3
    assert {c.seeds for c in CELLS} == {(0, 20), (20, 40), (40, 60)}
    (cell,) = ck.grid(ck.target("min(x1, abs(x2))"), 3, seeds=range(5, 9))
    assert cell == Cell("min(x1, abs(x2))", (3,), seeds=(5, 9))
    assert ck.target(cell.target) == ck.target("min(x1, abs(x2))")


def test_what_decides_a_cell_is_read_off_the_imports_not_off_a_list():
    trained = code_version.closure(["circuitkit.training.train"])
    assert {"circuitkit.training.compiled_loop", "circuitkit.functions.language"} <= trained
    assert not any(name.startswith("circuitkit.detection") for name in trained)
    # Extraction begins where detection ends: no cell asks for it.
    read = code_version.closure(["circuitkit.detection.detect"])
    assert "circuitkit.detection.extract" not in read
    read |= code_version.closure(["circuitkit.detection.extract"])
    rooms = ("detection", "exact", "proof")
    for file in (f for room in rooms for f in Path(ck.__file__).parent.joinpath(room).glob("*.py")):
        # ck.check, a proof by symmetries and which units bend where decide nothing in a cell
        if file.stem not in ("__init__", "checking", "symmetric", "kinks"):
            assert f"circuitkit.{file.parent.name}.{file.stem}" in read
    assert code_version.code_version(True) != code_version.code_version(False)


def test_a_cells_name_depends_on_every_setting_and_on_the_code(monkeypatch):
    cell = Cell("abs", (2,))
    other = [Cell("abs", (2,), bias=True), Cell("abs", (3,)), Cell("abs", (2,), seeds=(0, 9))]
    assert len({c.key() for c in [cell, *other]}) == 4
    assert cell.key() == Cell("abs", [2]).key()
    before = cell.key()
    monkeypatch.setattr(sweep, "code_version", lambda detect: "newer")
    assert len({cell.key(), Cell("abs", (3,)).key(), before}) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ck.grid("abs", 2, optimiser="sgd"), ValueError, "choices: expected some of bias"),
        (lambda: ck.grid("abs", 2, seeds=0), ValueError, "seeds: expected a count from 1"),
        (
            lambda: ck.grid("abs", 2, seeds_per_cell=0),
            ValueError,
            "seeds_per_cell: expected a whole number, 1 or above",
        ),
        (
            lambda: Cell("abs", (2,), seeds=(4, 4)),
            ValueError,
            "seeds: expected two whole numbers (first",
        ),
        (lambda: ck.sweep(["abs"]), TypeError, "cells[0]: expected a Cell or a mapping with"),
        (
            lambda: ck.sweep([{"target": "abs"}]),
            ValueError,
            "cells[0]: expected 'target', 'hidden' and",
        ),
        (
            lambda: ck.sweep([], executor=4),
            TypeError,
            "executor: expected a concurrent.futures.Exec",
        ),
        (lambda: ck.success_rates([1], "init"), TypeError, "table: expected a DataFrame, got list"),
        (
            lambda: ck.success_rates(ck.sweep([]), "start"),
            ValueError,
            "by: expected columns of the table, with 'solved' among them, got ['start']; the table has",
        ),
        (lambda: ck.success_rates(ck.sweep([]), []), ValueError, "by: expected columns"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


_TABLE = pd.DataFrame(
    {
        "target": ["abs", "abs", "min"],
        "hidden": [[2], [2], [3]],
        "rate": [0.1, 0.1, 0.2],
        "seeds": [1, 2, 3],
        "solved": [True, False, True],
    }
)


@pytest.mark.parametrize("by", [["target", "target"], "seeds", "rate", ["target", "solved"]])
def test_rates_are_told_apart_by_no_column_of_the_result(by):
    message = r"by: expected each column once, and none of seeds, solved, rate, low, high"
    with pytest.raises(ValueError, match=message):
        ck.success_rates(_TABLE, by)


def test_rates_need_values_that_can_be_told_apart():
    with pytest.raises(TypeError, match=r"table: expected values .* in the column 'hidden', got"):
        ck.success_rates(_TABLE, ["target", "hidden"])


@pytest.mark.parametrize("odd", ["yes", 2, [1], 0.5])
def test_rates_count_verdicts_only(odd):
    table = _TABLE.assign(solved=pd.Series([True, odd, None], dtype=object))
    message = r"table: expected True, False or missing in the column 'solved', got"
    with pytest.raises(ValueError, match=message):
        ck.success_rates(table, "target")


@pytest.mark.parametrize("solved", [[1, 0, 1], [1.0, 0.0, 1.0], [True, False, True]])
def test_rates_take_the_verdicts_of_files(solved):
    rates = ck.success_rates(_TABLE.assign(solved=solved), "target")
    assert rates.solved.tolist() == [1, 1]
    assert rates.seeds.tolist() == [2, 1]


# --- the table --------------------------------------------------------------------------------


def test_the_table_is_tidy_and_says_what_train_says(expected):
    assert list(expected.columns) == list(COLUMNS)
    assert len(expected) == 2 * 2 * 60
    assert expected.error.isna().all()
    part = expected[(expected.target == "min") & (expected.optimizer == "rprop")]
    run = ck.train("min", (2,), seeds=60, steps=40, optimizer="rprop")
    assert part.seed.tolist() == list(range(60))
    assert part.loss.tolist() == run.loss.tolist()
    assert part.solved.tolist() == run.solved.tolist()
    assert part.outcome.tolist() == run.outcomes.tolist()
    assert ck.sweep([]).columns.tolist() == list(COLUMNS)


def test_success_rates_count_what_has_a_verdict(expected):
    rates = ck.success_rates(expected, ["target", "optimizer"])
    assert rates.columns.tolist() == [
        *("target", "optimizer", "seeds", "solved", "rate", "low", "high"),
    ]
    for row in rates.to_dict("records"):
        part = expected[
            (expected.target == row["target"]) & (expected.optimizer == row["optimizer"])
        ]
        rate = ck.Rate(int(part.solved.sum()), 60)
        assert (row["seeds"], row["solved"]) == (60, part.solved.sum())
        assert (row["rate"], row["low"], row["high"]) == (rate, rate.low, rate.high)
    failed = ck.sweep([Cell("mim", (2,)), Cell("abs", (2,), seeds=(0, 3), steps=5)])
    assert ck.success_rates(failed, "target").seeds.tolist() == [3]  # not the failed cell's row


def test_a_mapping_is_a_cell_too(expected):
    cell = {"target": "abs", "hidden": 2, "steps": 40, "seeds": (0, 20)}
    assert_same(ck.sweep([cell]), expected[:20])


def test_a_failing_cell_is_a_row_with_its_error(tmp_path):
    cells = [Cell("mim", (2,)), Cell("abs", (2,), seeds=(0, 3), steps=5), Cell("abs", (0,))]
    table = ck.sweep(cells, store=tmp_path)
    assert table.error.notna().tolist() == [True, False, False, False, True]
    assert table.error[0].startswith("ValueError: target: unknown name 'mim'; did you mean 'min'")
    assert table.seed.isna().tolist() == [True, False, False, False, True]
    assert len(shards(tmp_path)) == 1  # a failure is tried again


def test_solved_seeds_get_the_name_of_their_circuit_when_asked_for():
    table = ck.sweep([Cell("abs", (2,), seeds=(0, 6), steps=1500)], detect=True)
    assert table.solved.any()
    assert set(table.function[table.solved]) == {"abs"}
    assert table.function[~table.solved].isna().all()


# --- executors --------------------------------------------------------------------------------


def test_a_process_pool_gives_the_same_table(expected, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        assert_same(ck.sweep(CELLS, executor=pool, store=tmp_path), expected)
    assert shards(tmp_path) == {f"{c.key()}.parquet" for c in CELLS}


def test_dask_gives_the_same_table_even_when_a_worker_is_killed(expected, tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        assert_same(ck.sweep(CELLS, executor=client.get_executor(), store=tmp_path), expected)
        victim = next(iter(client.run(os.getpid).values()))
        longer = ck.grid("min", (3,), steps=400, seeds=64, seeds_per_cell=8)
        with ThreadPoolExecutor(1) as side:
            killed = side.submit(lambda: (time.sleep(0.3), os.kill(victim, signal.SIGKILL)))
            table = ck.sweep(longer, executor=client.get_executor())
            killed.result()
    assert_same(table, ck.sweep(longer))


def _die(*_: object) -> None:
    os._exit(1)


def test_a_worker_that_dies_is_a_row_with_an_error_and_the_rest_is_kept(monkeypatch, tmp_path):
    ck.sweep(CELLS[:2], store=tmp_path)
    monkeypatch.setattr(sweep, "run_cell", _die)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        table = ck.sweep(CELLS[:3], executor=pool, store=tmp_path)
    assert table.error.notna().tolist() == [False] * 40 + [True]
    assert table.error[40].startswith("BrokenProcessPool: ")


# --- the store --------------------------------------------------------------------------------


def test_a_rerun_does_only_what_is_missing(expected, tmp_path, monkeypatch):
    ck.sweep(CELLS[:5], store=tmp_path)
    ran: list[Cell] = []
    original = sweep.run_cell
    monkeypatch.setattr(
        sweep, "run_cell", lambda cell, *rest: (ran.append(cell), original(cell, *rest))[1]
    )
    assert_same(ck.sweep(CELLS, store=tmp_path), expected)
    assert ran == CELLS[5:]
    assert_same(ck.sweep(CELLS, store=tmp_path), expected)
    assert ran == CELLS[5:]


def test_a_shard_cut_short_is_made_again(expected, tmp_path):
    ck.sweep(CELLS[:1], store=tmp_path)
    (shard,) = tmp_path.glob("*.parquet")
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.warns(UserWarning, match="cannot be read and is made again"):
        assert_same(ck.sweep(CELLS[:1], store=tmp_path), expected[:20])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ck.sweep(CELLS[:1], store=tmp_path)


def test_any_fsspec_path_will_do(expected):
    assert_same(ck.sweep(CELLS[:3], store="memory://sweeps/a"), expected[:60])
    assert len(fsspec.filesystem("memory").glob("/sweeps/a/*.parquet")) == 3
    assert_same(ck.sweep(CELLS[:3], store="memory://sweeps/a"), expected[:60])


def test_an_unwritable_store_is_an_error_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "run_cell", _die)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="store: cannot write to .*file"):
        ck.sweep(CELLS, store=tmp_path / "file")
    with pytest.raises(OSError, match="store: cannot write to 'nonsense://x'"):
        ck.sweep(CELLS, store="nonsense://x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_is_an_error_at_that_shard_with_the_rest_kept(tmp_path, monkeypatch, expected):
    written: list[str] = []
    original = fsspec.implementations.local.LocalFileSystem.pipe_file

    def fill_up(self, path, value, **rest):
        if path.endswith(".unfinished"):
            written.append(path)
            if len(written) == 4:
                with open("/dev/full", "wb", buffering=0) as full:
                    full.write(value)  # the real "No space left on device"
        return original(self, path, value, **rest)

    with monkeypatch.context() as patched:
        patched.setattr(fsspec.implementations.local.LocalFileSystem, "pipe_file", fill_up)
        with pytest.raises(
            OSError, match="No space left on device.*finished before are kept"
        ) as caught:
            ck.sweep(CELLS, store=tmp_path)
        assert caught.value.__cause__.errno == errno.ENOSPC
    assert len(shards(tmp_path)) == 3
    assert not list(tmp_path.glob(".*"))
    assert_same(ck.sweep(CELLS, store=tmp_path), expected)


FEW = CELLS[::2]  # every victim begins by importing what it trains with


def _sweep_into(folder: str) -> None:
    ck.sweep(FEW, store=folder, progress=False)


def test_killing_a_sweep_at_any_moment_loses_and_corrupts_nothing(expected, tmp_path):
    # A server that has imported everything forks each victim at once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "circuitkit.training.train",
            "circuitkit.sweeps.sweep",
            "pyarrow.parquet",
            "numpy.polynomial",
            "fsspec",
        ]
    )
    seed = 281
    print(f"the moments of the kills: seed {seed}")  # pytest shows it where the test fails
    rng = random.Random(seed)
    before: set[str] = set()
    kills = 0
    for _ in range(40):
        victim = context.Process(target=_sweep_into, args=(str(tmp_path),))
        victim.start()
        deadline = time.monotonic() + 60
        while shards(tmp_path) == before and victim.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        kills += victim.is_alive()
        victim.kill()
        victim.join()
        after = shards(tmp_path)
        assert before <= after
        for name in after:  # every shard that is visible is complete
            assert len(pd.read_parquet(tmp_path / name)) == 20
        before = after
        if len(before) == len(FEW):
            break
    assert kills >= 2
    assert_same(ck.sweep(CELLS, store=tmp_path), expected)


def test_ctrl_c_returns_the_finished_cells(monkeypatch, expected):
    original = sweep.run_cell
    count = iter(range(100))

    def press(cell, *rest):
        if next(count) == 2:
            raise KeyboardInterrupt
        return original(cell, *rest)

    monkeypatch.setattr(sweep, "run_cell", press)
    with pytest.warns(UserWarning, match="interrupted, 2 of 12 cells are finished"):
        assert_same(ck.sweep(CELLS), expected[:40])


@pytest.mark.parametrize("seeds", [3, (1, 2, 3), "ab", (0, 1.5), None])
def test_seeds_of_a_cell_that_are_no_pair_are_refused_by_name(seeds):
    cell = {"target": "abs", "hidden": (2,), "seeds": seeds, "steps": 2}
    expected = (
        r"^seeds: expected two whole numbers \(first, stop\)|^seeds\[1\]: expected a whole number"
    )
    with pytest.raises((TypeError, ValueError), match=expected):
        ck.sweep([cell])


@pytest.mark.parametrize("cells", [5, None, "min", {"target": "min", "hidden": (3,)}])
def test_cells_that_are_no_list_are_refused_by_name(cells):
    with pytest.raises(TypeError, match=r"^cells: expected"):
        ck.sweep(cells)


def test_the_columns_are_those_that_the_docstring_lists():
    listed = str(ck.sweep.__doc__).partition("then ``seed``")[2].partition("A cell that failed")[0]
    names = ["seed", *re.findall(r"``(\w+)``", listed)]
    results = list(COLUMNS)[list(COLUMNS).index("seed") :]
    assert [name for name in names if name != "detect"] == results


def test_equal_cells_are_one_cell():
    one = ck.Cell("abs", (2,), learning_rate=1, weight_decay=0, options={"momentum": 1})
    other = ck.Cell("abs", (2,), learning_rate=1.0, weight_decay=-0.0, options={"momentum": 1.0})
    assert one == other and hash(one) == hash(other)
    assert one.text() == other.text() and one.key() == other.key()


@pytest.mark.parametrize("wrong", ["another's", "short", "empty", "doubled"])
def test_a_shard_that_is_not_the_cell_s_is_made_again(expected, tmp_path, wrong):
    ck.sweep(CELLS[:2], store=tmp_path)
    shard, other = (tmp_path / f"{cell.key()}.parquet" for cell in CELLS[:2])
    table = pd.read_parquet(shard)
    found = {
        "another's": pd.read_parquet(other),
        "short": table[:5],
        "empty": table[:0],
        "doubled": pd.concat([table, table]),
    }
    found[wrong].to_parquet(shard, index=False)
    with pytest.warns(UserWarning, match="cannot be read and is made again"):
        assert_same(ck.sweep(CELLS[:1], store=tmp_path), expected[:20])
