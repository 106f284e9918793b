"""Finished cells as Parquet files in a folder, each complete or not there."""

from __future__ import annotations

import contextlib
import io
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from circuitkit.extras import need

__all__ = ["COLUMNS", "Store"]

#: the table's columns and their types
COLUMNS: dict[str, str] = {
    "target": "string",
    "hidden": "string",
    "optimizer": "string",
    "learning_rate": "float64",
    "init": "string",
    "data": "string",
    "rescue": "string",
    "bias": "boolean",
    "schedule": "string",
    "weight_decay": "float64",
    "options": "string",
    "dtype": "string",
    "seed": "Int64",
    "steps": "Int64",
    "loss": "float64",
    "worst_error": "float64",
    "cost": "float64",
    "solved": "boolean",
    "outcome": "string",
    "function": "string",
    "circuit": "string",
    "seconds": "float64",
    "error": "string",
    "cell": "string",
    "circuitkit": "string",
    "torch": "string",
    "numba": "string",
}


class Store:
    """A folder of Parquet shards, on disk or wherever fsspec reaches."""

    def __init__(self, path: str | Path) -> None:
        fsspec = need("fsspec")
        need("pyarrow")
        self.path = str(path)
        try:
            self.files, self.root = fsspec.core.url_to_fs(self.path)
            self.files.makedirs(self.root, exist_ok=True)
            probe = f"{self.root}/.probe-{uuid.uuid4().hex}"
            self.files.pipe_file(probe, b"circuitkit")
            self.files.rm_file(probe)
        except Exception as error:
            raise OSError(f"store: cannot write to {self.path!r}: {error}") from error

    def read(self, seeds: Mapping[str, range]) -> dict[str, pd.DataFrame]:
        """The tables of those shards that are there and have a row for each seed; by their keys."""
        tables: dict[str, pd.DataFrame] = {}
        for name in self.files.ls(self.root, detail=False):
            key, _, ending = str(name).rsplit("/", 1)[-1].partition(".")
            if ending != "parquet" or key not in seeds:
                continue
            try:
                table = pd.read_parquet(io.BytesIO(self.files.cat_file(name)))
                table = table.astype(COLUMNS)[list(COLUMNS)]
                _must_be(table, key, seeds[key])
                tables[key] = table
            except Exception as error:
                # Never written by a sweep, whose files appear complete: a copy cut short, or misnamed, perhaps.
                warnings.warn(
                    f"store: {name} cannot be read and is made again ({error})", stacklevel=4
                )
        return tables

    def write(self, key: str, table: pd.DataFrame) -> None:
        """Write one shard; it appears complete or not at all."""
        data = table.to_parquet(index=False)
        unfinished = f"{self.root}/.{key}-{uuid.uuid4().hex}.unfinished"
        try:
            self.files.pipe_file(unfinished, data)
            self.files.mv(unfinished, f"{self.root}/{key}.parquet")
        except Exception as error:
            with contextlib.suppress(Exception):
                self.files.rm_file(unfinished)
            raise OSError(
                f"store: cannot write a shard to {self.path!r}: {error}. "
                "The cells finished before are kept, and a rerun goes on from there."
            ) from error


def _must_be(table: pd.DataFrame, key: str, seeds: range) -> None:
    if set(table["cell"]) != {key}:
        raise ValueError("it is another cell's")
    if not np.array_equal(table["seed"].to_numpy(dtype=object), list(seeds)):
        raise ValueError(f"it has not one row for each of the seeds {seeds[0]} to {seeds[-1]}")
