"""What a result hands out and nobody may change: its arrays and dicts, where a verdict or a later answer rests on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NoReturn

import numpy as np

__all__ = ["Fixed", "fix"]


class Fixed(dict[Any, Any]):
    """A dict that stays as it was made; a copy of it is an ordinary one.

    Example:
        >>> settings = Fixed(steps=500)
        >>> settings["steps"], settings == {"steps": 500}, {**settings, "steps": 3}
        (500, True, {'steps': 3})
        >>> settings["steps"] = 3
        Traceback (most recent call last):
        ...
        TypeError: this is part of a result and cannot be changed; dict(...) makes a copy that can
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "this is part of a result and cannot be changed; dict(...) makes a copy that can"
        )

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return Fixed, (dict(self),)


def fix(result: Any) -> None:
    """Put read-only views and :class:`Fixed` dicts in place of the arrays and dicts in a dataclass's fields."""
    for each in fields(result):
        given = getattr(result, each.name)
        made = _fixed(given)
        if made is not given:
            object.__setattr__(result, each.name, made)


def _fixed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, Mapping) and not isinstance(value, Fixed):
        return Fixed(value)
    if type(value) is tuple and any(isinstance(v, np.ndarray) for v in value):
        return tuple(map(_fixed, value))
    return value
