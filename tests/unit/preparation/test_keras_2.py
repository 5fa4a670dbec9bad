"""Files of Keras 2: read, and converted with the same scores."""

import numpy as np
import onnxruntime
import pytest
from helpers.keras_2 import images, make_kinds, set_statistics
from ptq_comparison.preparation.keras_conversion import convert
from ptq_comparison.preparation.keras_reading import load_keras

pytestmark = pytest.mark.conversion
HALF = "16 bits"  # computed in 16 bits by Keras, and in float32 here
# In .keras the own class is named with its module, which is refused.
REFUSED = ("FixedDropout", ".keras")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_networks_of_keras_2_give_the_same_scores(tmp_path, suffix):
    pytest.importorskip("tf_keras", reason="tf_keras is not installed; run make convert")
    lost, readers = {}, {}
    for kind, model in make_kinds().items():
        if (kind, suffix) == REFUSED:
            continue
        set_statistics(model)
        batch = images()
        expected = model(batch, training=False)
        expected = [expected] if not isinstance(expected, list) else expected
        path = tmp_path / f"model{suffix}"
        model.save(path)
        try:
            loaded, readers[kind] = load_keras(path)
            session = onnxruntime.InferenceSession(convert(loaded, 13).SerializeToString())
            found = session.run(None, {"input": batch})
        except Exception as error:  # what is tested for
            lost[kind] = repr(error)
            continue
        tolerance = 2e-2 if kind == HALF else 1e-5
        for ours, theirs in zip(expected, found, strict=True):
            largest = max(1, np.abs(ours).max())
            if np.abs(ours - theirs).max() > tolerance * largest:
                lost[kind] = f"{ours[0]} became {theirs[0]}"
    assert not lost
    # Keras 3 would read it, and give other scores.
    assert "tf_keras" in readers["hard_sigmoid"]
