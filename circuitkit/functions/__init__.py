"""Functions: a name, an expression or text comes in, a :class:`~circuitkit.Target` goes out.

In the order in which they act: :mod:`.typed` spells out what people type, :mod:`.named` holds the functions
that an expression may use, :mod:`.catalogue` lists whole functions by their names, :mod:`.language` reads text, :mod:`.target` makes the function, exact as
an expression and fast as a callable, :mod:`.pieces` is its normal form where it is piecewise linear,
:mod:`.joined` brings conditions into that form, :mod:`.page_json` writes it for the page. :mod:`.relation` reads
comparisons of outputs and inputs. :mod:`.trees` keeps expressions as they are in pickles and copies.
"""
