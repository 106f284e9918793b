"""Sweeps: a grid of trainings and an executor come in, one tidy table goes out.

:mod:`.sweep` makes the cells and runs them, :mod:`.store` keeps each finished one.
"""
