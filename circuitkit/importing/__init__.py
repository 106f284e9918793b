"""Importing: a network of another tool comes in, a :class:`~circuitkit.Network` goes out, and back.

:mod:`.lowering` holds the rules that all readers share: each element of each tensor as an affine row over inputs
and ReLUs, for :mod:`.windows` of convolution and pooling, too; :mod:`.layering` makes layers of them, and :mod:`.agreement` asks the other tool whether it
computes the same. The readers: :mod:`.onnx` with its operators in :mod:`.onnx_rules`, :mod:`.nnet`,
:mod:`.torch` with its steps in :mod:`.torch_rules`, :mod:`.sklearn`, :mod:`.safetensors`, :mod:`.keras` with :mod:`.hdf5`. The writer: :mod:`.onnx_write`. :mod:`.files` refuses what would run code when it is loaded.
"""
