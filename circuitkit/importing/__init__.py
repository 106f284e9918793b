"""Importing: a network of another tool comes in, a :class:`~circuitkit.Network` goes out, and back.

:mod:`.torch` reads PyTorch's modules.
"""
