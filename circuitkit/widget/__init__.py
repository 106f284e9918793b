"""The widget: a network comes in, something that a reader can turn goes out, in Jupyter and on a page.

:mod:`.circuit_widget` is the network, :mod:`.reader` the place to paste weights, :mod:`.plane` the plane in
which training moves a hidden unit, :mod:`.shelves` the losses on which networks come to rest, :mod:`.mystery` networks
of which nothing is said, :mod:`.arrows` features as arrows in the plane, :mod:`.gallery` the functions of the
catalogue, :mod:`.typed` the field for a function; :mod:`.parts` is what of a network is marked; :mod:`.page` joins the scripts of ``static/``
and writes the HTML, :mod:`.still` draws what stands there without a script.
"""
