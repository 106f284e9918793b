"""Proof: a network and a claim come in, a :class:`~circuitkit.Proof` goes out, or an honest Undecided.

:mod:`.prove` is the table of contents; :mod:`.z3_engine` is the second prover, which shares no code with
the first. Nothing here has seen the circuits derived by hand.
"""
