"""Files of Keras 2: read, and converted with the same scores."""

import numpy as np
import onnxruntime
import pytest
from helpers.keras_2 import images, make_kinds, set_statistics
from ptq_comparison.preparation.keras_conversion import convert
from ptq_comparison.preparation.keras_reading import load_keras

pytestmark = pytest.mark.conversion


def test_networks_of_keras_2_give_the_same_scores(tmp_path):
    pytest.importorskip("tf_keras", reason="tf_keras is not installed; run make convert")
    lost, readers = {}, {}
    for kind, model in make_kinds().items():
        set_statistics(model)
        batch = images() / (1 if "process" in kind or kind == "operators" else 255)
        expected = model(batch, training=False)
        expected = [np.asarray(e) for e in (expected if isinstance(expected, list) else [expected])]
        for suffix in (".h5", ".keras"):
            path = tmp_path / f"model{suffix}"
            try:
                model.save(path)
            except Exception as error:
                lost[kind + suffix] = f"save {error!r}"
                continue
            try:
                loaded, reader = load_keras(path)
                session = onnxruntime.InferenceSession(convert(loaded, 13).SerializeToString())
                found = session.run(None, {"input": batch})
            except Exception as error:
                lost[kind + suffix] = repr(error)
                continue
            readers[kind + suffix] = next(iter(reader))
            tolerance = 2e-2 if kind == "16 bits" else 1e-5
            for e, f in zip(expected, found, strict=True):
                if np.abs(e - f).max() > tolerance * max(1, np.abs(e).max()):
                    lost[kind + suffix] = f"differs by {np.abs(e - f).max()}"
    print(readers)
    assert not lost
