"""Batches of inputs for a given ONNX model."""

from dataclasses import asdict, dataclass
from typing import Any

import onnx

from ptq_comparison.inference.model_inputs import ModelInputs
from ptq_comparison.inference.preprocessing import Preprocessing
from ptq_comparison.model.interface import read_interface
from ptq_comparison.model.metadata import holds_preprocessing


@dataclass(frozen=True)
class Batches(ModelInputs):
    """Model inputs whose interface and preprocessing are those of a model."""

    @classmethod
    def of(
        cls,
        images: Any,
        model: onnx.ModelProto,
        preprocessing: dict[str, Any],
        batch_size: int | None,
    ) -> "Batches":
        """Make the batches for a model from the config's `layout`, `scale`, `mean` and `std`.

        A model that this workflow has given the preprocessing gets pixels as they are stored.
        Raises UserError where another model takes them so, and these would change them.
        """
        interface = read_interface(model, preprocessing["layout"])
        own = {**preprocessing, "layout": interface.layout, "dtype": interface.dtype}
        if interface.dtype == "uint8" and holds_preprocessing(model):
            own |= {"scale": 1.0, "mean": 0.0, "std": 1.0}
        return cls(images, interface, Preprocessing(**own), batch_size or 32)

    def fitted(self, model: onnx.ModelProto) -> "Batches":
        """Return batches of the same images for a model that was made from the one of these."""
        return Batches.of(self.images, model, asdict(self.preprocessing), self.batch_size)
