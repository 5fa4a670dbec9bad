"""Keras models that hold code, which the reader must not run."""

from pathlib import Path

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.keras_conversion import load_keras


@pytest.mark.conversion
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_code_of_a_model_is_refused(tmp_path, tally, suffix):
    keras = pytest.importorskip("keras")
    mark = tmp_path / "was run"
    name = str(mark)  # Keras can save no Path
    code = keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1], output_shape=(4,))
    model = keras.Sequential([keras.Input((4,)), code])
    path: Path = tmp_path / f"model{suffix}"
    model.save(path)
    code.function(0)  # what would be seen
    mark.unlink()
    with pytest.raises(UserError, match=r"not a Keras model .*Lambda"):
        load_keras(path)
    tally("code in Keras models", 1, not mark.exists())
    assert not mark.exists()
