"""Settings shared by all tests."""

from __future__ import annotations

from hypothesis import settings

# Machines are shared and noisy: speed is measured in benchmarks/, never by a deadline in a test.
settings.register_profile("book", deadline=None)
settings.load_profile("book")
