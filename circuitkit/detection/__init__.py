"""Detection: a network comes in; its function, its circuit and its units' features go out, certified.

:mod:`.detect` is the table of contents; :mod:`.place` is where a network is read, :mod:`.corners` how far
a polytope of huge or tiny numbers reaches. For every input
(:mod:`.everywhere`), in the order in which they act: :mod:`.guess` proposes simple functions near the network,
:mod:`.units` reads each hidden unit, :mod:`.needed` says which units the network needs, :mod:`.moderate` keeps their values within what can be squared, :mod:`.recognize`
compares them with the circuits derived by hand. On a domain (:mod:`.on_domain`) :mod:`.readings` looks for short
expressions: :mod:`.known` functions, sums of a few kinks (:mod:`.sparse`), the fewest affine pieces
(:mod:`.covering`), with the numbers in them fitted and rounded (:mod:`.shape`).

:mod:`.extract` cuts the smallest circuit out: :mod:`.part` says what a part of a network is, :mod:`.points` which inputs to begin
with, :mod:`.search` tries parts, :mod:`.refutation` says why one will not do, :mod:`.smallest` that none of fewer units
will, :mod:`.choices` that none of fewer units and edges, :mod:`.listing` that none of a small network of any depth.

:mod:`.inside` finds the known functions that deeper layers compute with.

:mod:`.kinks` tells circuits of one family apart: which units bend in the same place, and how they share it.
"""
