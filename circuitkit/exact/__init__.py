"""Exact mathematics: a network comes in; linear regions, a canonical form and its spelling go out.

In the order in which they act: :mod:`.integers` multiplies whole numbers that may be large, :mod:`.cones`
splits cones along hyperplanes, :mod:`.regions` enumerates where a network is linear, :mod:`.canonical`
writes it in the fewest kinks, :mod:`.spell` turns that into an expression. No floats decide anything here.
"""
