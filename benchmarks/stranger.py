"""Train the network of the chapter *Strangers* with scikit-learn.

    python -m benchmarks.stranger        # writes chapters/data/stranger.json

Sixteen ReLU units with biases, ``MLPRegressor`` with L-BFGS, on 2,000 pairs of numbers between 0 and 1,
to the distance of the two. scikit-learn's own file format is a pickle, which nobody should open who does
not trust its author; what is kept is the network as ``ck.Network.to_dict`` writes it.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPRegressor

import circuitkit as ck

RESULT = Path(__file__).parent.parent / "chapters" / "data" / "stranger.json"
SEED, SAMPLES, UNITS = 0, 2000, 16


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    x = np.random.default_rng(SEED).uniform(size=(SAMPLES, 2))
    model = MLPRegressor(
        hidden_layer_sizes=(UNITS,), solver="lbfgs", max_iter=20_000, max_fun=100_000,
        tol=1e-12, random_state=SEED,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could go on
        model.fit(x, np.abs(x[:, 0] - x[:, 1]))
    net = ck.Network.from_sklearn(model)
    told = {"trained by": f"scikit-learn {sklearn.__version__}", "seed": SEED, "samples": SAMPLES}
    told |= {"loss": model.loss_, "network": net.to_dict()}
    RESULT.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(f"{RESULT.name}: loss {model.loss_:.3g}")


if __name__ == "__main__":
    main()
