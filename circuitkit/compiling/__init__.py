"""From an expression to a network and back.

In the order in which they act: :mod:`.circuit` holds a function as units over units, exact and each built
once; :mod:`.folding` builds it from the function's normal form, in several ways, with :mod:`.order` for order
statistics; :mod:`.as_checked` builds it as the checker reads it; :mod:`.flattening` puts what depends on one number into one layer; :mod:`.layers` lays a circuit out
in layers; :mod:`.doubles` makes doubles of its numbers, exactly; :mod:`.smallest` chooses
among the forms; :mod:`.compile` is what users call.

What no network computes is approximated: :mod:`.approximate` takes straight pieces (:mod:`.interpolating`) or waves
of waves (:mod:`.sawtooth`, of polynomials that :mod:`.squares` completes), and proves how near they are:
:mod:`.segments` draws up a network's graph, :mod:`.smooth` encloses functions, :mod:`.worst_error` their distance,
and :mod:`.recheck` verifies it by other means.

And back: :mod:`.snap` rounds a noisy network to a clean function, :mod:`.closeness` proves that they are close,
:mod:`.shorter` looks for a shorter way to write it, with the fewest minima and maxima (:mod:`.lattices`),
:mod:`.decompile` chooses the way and has it proved, and :mod:`.idioms` says what has a name by its name.
"""
