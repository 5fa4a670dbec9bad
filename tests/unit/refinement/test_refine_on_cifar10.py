"""What the published methods do for ResNet8 on real images: closer to float32 than before."""

import numpy as np
import pytest
from helpers import RAW, Quantizer
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.evaluation.fidelity import kl_divergence
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.model.loading import load_model
from ptq_comparison.preparation.folding import preprocess_model
from ptq_comparison.refinement.bias_correction import correct_biases
from ptq_comparison.refinement.gptq import round_weights
from tqdm import tqdm

pytestmark = pytest.mark.slow

PERCENTILE = {"percentile": 99.99, "num_bins": 2048}
OPTIONS = {"per_channel": True, "reduce_range": True}


class Comparison:
    """ResNet8 with batch normalization folded, 300 images to calibrate on and 3,000 others."""

    def __init__(self, shared_data, folder):
        images = read_cifar10(shared_data / "cifar10-prefix").train.images
        calibration, self._validation = np.asarray(images[:300]), np.asarray(images[300:3300])
        self.model = preprocess_model(load_model(shared_data / "models/resnet8.onnx"))
        self.batches = Batches.of(calibration, self.model, RAW, 50)
        self.quantize = Quantizer(
            self.model, self.batches, folder, "Percentile", PERCENTILE, **OPTIONS
        )
        self._expected = self._predict(self.model)

    def _predict(self, model):
        batches = Batches.of(self._validation, model, RAW, 100)
        scores = predict_scores(make_session(model, 1), batches, 10, tqdm(disable=True))
        return scores

    def divergence(self, model):
        """The mean divergence of the quantized model from float32, in nats."""
        return kl_divergence(self._expected, self._predict(self.quantize(model)))


@pytest.fixture(scope="module")
def comparison(shared_data, tmp_path_factory):
    return Comparison(shared_data, tmp_path_factory.mktemp("rounding"))


@pytest.fixture(scope="module")
def rounded(comparison):
    plain = comparison.quantize(comparison.model)
    return round_weights(comparison.model, plain, comparison.batches)


def test_rounding_that_compensates(comparison, rounded):
    assert comparison.divergence(rounded) < comparison.divergence(comparison.model) / 2


def test_bias_correction(comparison):
    corrected = correct_biases(comparison.model, comparison.quantize, comparison.batches)
    assert comparison.divergence(corrected) < comparison.divergence(comparison.model) / 1.5
