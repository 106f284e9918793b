"""Proof: a network and a claim come in, a :class:`~circuitkit.Proof` goes out, or an honest Undecided.

:mod:`.prove` is the table of contents; :mod:`.claim` reads what is claimed (of :mod:`.many` networks once),
:mod:`.verdict` is what is answered, and :mod:`.deciding` leads from one to the other. Who is asked, in the order
in which they are: :mod:`.plane` walks all cells where a claim reads two columns only; :mod:`.counterexample`
looks for inputs where the claim fails; :mod:`.lemmas` meets equal functions half way, gate by gate; :mod:`.search` shares a :mod:`.problem` among
:mod:`.branching` on the signs of gates (with the :mod:`.relaxation` of each box, and :mod:`.vertex` and
the :mod:`~circuitkit.simplex` method where a bound is tight), :mod:`.boxes`, which halves the inputs, and :mod:`.cells`, which meets every
cell in whole numbers; :mod:`.exhaustive` does what floats cannot. :mod:`.floats` and :mod:`.rationals` evaluate a
program for them; :mod:`.ranges` bounds an error when time is up.

For the reader: :mod:`.counting` counts linear regions, :mod:`.sentences` says a verdict in words. For whoever
doubts it: :mod:`.checking` asks the checker about a certificate, :mod:`.smtlib` writes a claim for any solver, and
:mod:`.z3_engine` asks one. :mod:`.symmetric` proves a network that does not mind the order of its inputs for one order. Nothing here has seen the circuits derived by hand.
"""
