"""The progress bar of everything that may take longer than a moment, and work that Ctrl-C stops well."""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tqdm.std import tqdm

Result = TypeVar("Result")

#: a bar is shown once the work has taken this many seconds
PATIENCE = 2.0
#: how often, in seconds, attended work is looked after
_GLANCE = 0.1


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
        self.doing = ""
        self.began = time.perf_counter()
        self.bar: tqdm[Any] | None = None

    def update(self, amount: int) -> None:
        """So many more units are done."""
        self.done += amount
        if self.bar is None:
            self._show_if_due()  # with all that is done
        else:
            self.bar.update(amount)

    def say(self, doing: str) -> None:
        """What is being done now, in words that stand before the bar."""
        self.doing = doing
        self._show_if_due()
        if self.bar is not None:
            self.bar.set_description(doing)

    def look(self) -> None:
        """Nothing new; but the work may have come to take long enough to show the bar."""
        self._show_if_due()

    def _show_if_due(self) -> None:
        late = time.perf_counter() - self.began > PATIENCE and self.done < self.total
        if self.bar is None and (self.wanted or (self.wanted is None and late)):
            from tqdm.auto import tqdm

            # tqdm's own variable; its notebook bar, unlike its others, does not read it.
            disable = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
            self.bar = tqdm(
                total=self.total, unit=self.unit, unit_scale=True, leave=False, disable=disable,
                desc=self.doing or None, initial=self.done,
            )  # fmt: skip

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()


class News:
    """What attended work tells about itself, and the one thing that it is told: to stop.

    Attributes:
        stopped: whether the work should end soon, with what it has.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._messages: queue.SimpleQueue[int | str | None] = queue.SimpleQueue()

    def done(self, amount: int) -> None:
        """So many more units of the work are done."""
        self._messages.put(amount)

    def doing(self, what: str) -> None:
        """A new phase of the work begins."""
        self._messages.put(what)

    def _end(self) -> None:
        self._messages.put(None)

    def _tell(self, bar: Bar) -> bool:
        """Hand the next message to the bar; whether there may be more."""
        try:
            message = self._messages.get(timeout=_GLANCE)
        except queue.Empty:
            bar.look()
            return True
        if isinstance(message, str):
            bar.say(message)
        elif message is not None:
            bar.update(message)
        return message is not None


def attended(work: Callable[[News], Result], bar: Bar) -> Result:
    """Do ``work`` in a thread of its own, while this thread moves the bar and hears the keyboard.

    Ctrl-C therefore never falls into the middle of the work, be it a compilation or a verdict: it
    sets :attr:`News.stopped`, and the work returns what it has. A second Ctrl-C does not wait for
    that and raises.

    Args:
        work: takes a :class:`News`, looks at its ``stopped`` now and then, and returns a result.
        bar: is shown and closed here.

    Returns:
        What ``work`` returns; what it raises is raised here.

    Example:
        >>> attended(lambda news: 2 + 2, Bar(1, "sum"))
        4
    """
    news = News()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(context.run(work, news))
        except BaseException as error:
            errors.append(error)
        finally:
            news._end()

    context = contextvars.copy_context()  # numpy keeps its error settings there
    thread = threading.Thread(target=run, name="circuitkit")
    try:
        more = True
        while more:
            try:
                if thread.ident is None:
                    thread.start()
                more = news._tell(bar)
            except KeyboardInterrupt:
                if news.stopped:
                    raise
                news.stopped = True
        thread.join()
    finally:
        news.stopped = True
        bar.close()
    if errors:
        raise errors[0]
    return results[0]
