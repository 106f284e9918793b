"""Settings shared by all tests."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, settings

# Machines are shared and noisy: speed is measured in benchmarks/, never by a deadline in a test, and that
# drawing was slow is no fault. The examples are the same each time, so that whether a change passes is no
# lottery; `pytest --hypothesis-profile=fresh` looks for new ones.
_ANY_MACHINE = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "print_blob": True,
}
settings.register_profile("book", derandomize=True, **_ANY_MACHINE)
settings.register_profile("fresh", **_ANY_MACHINE)
# Where it only matters whether a test fails, a failure is not made small (scripts/mutants.py).
settings.register_profile(
    "unshrunk", derandomize=True, phases=[Phase.explicit, Phase.generate], **_ANY_MACHINE
)
settings.load_profile("book")


# --- one fresh seed a run, the same in all its processes, told at the end also where one of them died ---


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("fresh_seed", os.environ.get("FRESH_SEED"))
    if given is None:
        given = random.SystemRandom().randrange(10**6)
    elif not str(given).isdecimal():
        raise pytest.UsageError(f"FRESH_SEED: expected a whole number, 0 or above, got {given!r}")
    config.fresh_seed = int(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker of pytest-xdist."""
    node.workerinput["fresh_seed"] = node.config.fresh_seed


def pytest_report_header(config: pytest.Config) -> str:
    return f"fresh seed: {config.fresh_seed}"


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        terminalreporter.write_line(f"the same seed again: FRESH_SEED={config.fresh_seed}")


@pytest.fixture
def fresh_seed(pytestconfig: pytest.Config) -> int:
    """Another number in each run, or ``FRESH_SEED`` from the environment."""
    return pytestconfig.fresh_seed
