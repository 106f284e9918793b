"""Sweeps: a grid of trainings and an executor come in, one tidy table goes out.

:mod:`.sweep` makes the cells and runs them, :mod:`.store` keeps each finished one under a name that
:mod:`.code_version` makes of all the code that decides its numbers.
"""
