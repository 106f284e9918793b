"""Training: a target and an architecture come in, the networks of many seeds go out.

:mod:`.train` is the table of contents; :mod:`.arguments` says what each argument may be, :mod:`.task` holds what
is asked for, :mod:`.run` what comes out.
In the order in which they act: :mod:`.points` says at which inputs network and target are compared,
:mod:`.start` draws the initial weights, :mod:`.flat` lays them out, :mod:`.steps` shares the seeds among
threads; :mod:`.compiled_loop` (with :mod:`.compiled` and :mod:`.unrolled`) takes the steps on a
processor, :mod:`.gpu_loop` writes the same for a GPU (:mod:`.step_numbers` is what both are told), and :mod:`.torch_loop` (with :mod:`.torch_gradient`,
:mod:`.first_order` and :mod:`.curvature`) takes those with curvature and of wide networks on a GPU;
:mod:`.outcomes` says what became of each seed. :mod:`.plain` does the same
for one seed, to be read.

:mod:`.learn` goes on until a network is proved: :mod:`.architecture` says how wide it should be,
:mod:`.problem` what it learns, :mod:`.compiled_search` searches, :mod:`.judging` looks where it is wrong
before the prover is asked. Nothing here has seen the circuits.
"""
