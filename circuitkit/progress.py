"""The progress bar of everything that may take longer than a moment."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm.std import tqdm

#: a bar is shown once the work has taken this many seconds
PATIENCE = 2.0


class Bar:
    """Shows itself after :data:`PATIENCE` seconds, at once, or never.

    Args:
        total: how many units the work has.
        unit: what they are called.
        wanted: True for at once, False for never, None for after a while.
    """

    def __init__(self, total: int, unit: str, wanted: bool | None = None) -> None:
        self.total, self.unit, self.wanted = total, unit, wanted
        self.done = 0
        self.began = time.perf_counter()
        self.bar: tqdm[Any] | None = None

    def update(self, amount: int) -> None:
        """So many more units are done."""
        self.done += amount
        late = time.perf_counter() - self.began > PATIENCE and self.done < self.total
        if self.bar is None and (self.wanted or (self.wanted is None and late)):
            from tqdm.auto import tqdm

            # tqdm's own variable; its notebook bar, unlike its others, does not read it.
            disable = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
            self.bar = tqdm(
                total=self.total, unit=self.unit, unit_scale=True, leave=False, disable=disable
            )
            amount = self.done
        if self.bar is not None:
            self.bar.update(amount)

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()
