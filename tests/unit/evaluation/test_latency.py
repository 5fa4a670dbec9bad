"""Rule measure_latency: what is computed from the times, and that the models take turns."""

import numpy as np
import pytest
from helpers import RAW, make_classifier, make_images, make_pixel_classifier
from ptq_comparison.evaluation import latency, timing
from ptq_comparison.evaluation.latency import batches_by_setting, measure, measure_models
from ptq_comparison.evaluation.timing import BLOCK_COUNT, Times, speedup, summarize
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.metadata import write_metadata
from tqdm import tqdm

IMAGES, _ = make_images(32, seed=8)


def make_times(seconds):
    return Times(np.asarray(seconds, float), np.full(len(seconds), 0.005))


def test_summary_is_in_milliseconds_and_images_a_second():
    times = make_times([[0.001] * 90 + [0.002] * 10])
    result = summarize(times, times, threads=1, batch_size=32)
    assert result["median_ms"] == pytest.approx(1.0)
    assert result["p90_ms"] == pytest.approx(1.1)  # interpolated between the 90th and the 91st
    assert result["p99_ms"] == pytest.approx(2.0)
    assert result["images_per_second"] == pytest.approx(32_000)
    assert result["session_start_ms"] == pytest.approx(5.0)


def test_speedup_is_the_median_over_blocks_with_an_interval_around_it():
    fp32 = make_times([[2.0] * 5] * 8)
    assert speedup(make_times([[1.0] * 5] * 8), fp32) == (2.0, (2.0, 2.0))
    generator = np.random.default_rng(1)
    noisy = make_times(generator.normal(1.0, 0.05, (8, 1)) * np.ones((8, 5)))
    ratio, (low, high) = speedup(noisy, fp32)
    assert 1.85 < low < ratio < high < 2.15
    # One disturbed call in a block, and one disturbed block, change little.
    disturbed = noisy.calls.copy()
    disturbed[0, 0] = disturbed[3] = 100.0
    assert speedup(make_times(disturbed), fp32)[0] == pytest.approx(ratio, rel=0.05)


def simulate(generator, length):
    """Return the ratio, with its interval, of a machine whose disturbances last `length` blocks."""
    noise = generator.normal(size=BLOCK_COUNT + length - 1)
    drift = np.convolve(noise, np.ones(length) / np.sqrt(length), "valid")
    seconds = 1 / (0.73 * (1 + 0.01 * drift + 0.003 * generator.normal(size=BLOCK_COUNT)))
    return speedup(make_times(seconds[:, None]), make_times(np.ones((BLOCK_COUNT, 1))))


def test_the_interval_holds_the_speed_exactly():
    generator = np.random.default_rng(2)
    for spread in (0.0, 1e-17, 1e-3, 1.0):
        for _ in range(50):
            own, fp32 = (
                Times(np.exp(spread * generator.normal(size=(30, 3))), np.ones(30))
                for _ in range(2)
            )
            speed, (low, high) = speedup(own, fp32)
            assert low <= speed <= high, spread


@pytest.mark.parametrize(("length", "width"), [(1, 0.018), (3, 0.025), (10, 0.03)])
def test_the_interval_covers_a_repeat(length, width):
    """With bootstrap samples of as many groups as were measured: 87 % with length 3."""
    generator = np.random.default_rng(3)
    speeds, intervals = zip(*(simulate(generator, length) for _ in range(300)), strict=True)
    (low, high), others = np.transpose(intervals)[..., None], np.array(speeds)
    covered = (low <= others) & (others <= high)
    share = (covered.sum() - len(others)) / (covered.size - len(others))  # each has its own speed
    assert share > 0.94
    assert np.mean(high - low) < width


def test_models_take_turns_with_sessions_of_their_own(monkeypatch):
    order = []

    class Session:
        def __init__(self, model, threads, config_entries):
            self.name = model.graph.name
            order.append(f"start {self.name} {threads}")

        def run(self, outputs, inputs):
            order.append(self.name)

    def time_call(session, inputs):
        session.run(None, inputs)
        return 1.0

    monkeypatch.setattr(latency, "make_session", Session)
    monkeypatch.setattr(timing, "_time_call", time_call)
    models = {}
    for name in ("a", "b"):
        models[name] = make_classifier()
        models[name].graph.name = name
    batches = Batches.of(IMAGES, models["a"], RAW, 4)
    settings = {(1, 4): batches, (2, 4): batches}
    with tqdm(disable=True) as progress:
        first, second = measure(models, settings, seconds=3 * BLOCK_COUNT, progress=progress)
    block = order[: len(order) // BLOCK_COUNT]
    assert order == block * BLOCK_COUNT
    warm_up = ["b"] * timing.WARM_UP_CALLS + ["a"] * timing.WARM_UP_CALLS
    for threads in (1, 2):
        part, block = block[: len(block) // (3 - threads)], block[len(block) // (3 - threads) :]
        starts = [f"start a {threads}", f"start b {threads}"]
        assert part == starts + warm_up + ["a", "b"] * 3
    for times in (first, second):
        assert times["a"].calls.shape == (BLOCK_COUNT, 3) and (times["a"].calls > 0).all()
        assert times["b"].starts.shape == (BLOCK_COUNT,)


def test_a_model_that_preprocesses_gets_the_pixels_of_the_same_images(monkeypatch):
    given = {}

    def time_call(session, inputs):
        (given[session.get_inputs()[0].type],) = inputs.values()
        return 1.0

    monkeypatch.setattr(timing, "_time_call", time_call)
    models = {"fp32": make_classifier(), "raw": make_pixel_classifier("NHWC")}
    write_metadata(models["raw"], {"quantization": {"input_type": "uint8"}})
    scaled = {**RAW, "scale": 1 / 255}
    settings = {(1, 4): Batches.of(IMAGES, models["fp32"], scaled, 4)}
    measure(models, settings, seconds=1, progress=tqdm(disable=True))
    assert np.array_equal(given["tensor(uint8)"], IMAGES[:4])
    assert np.array_equal(given["tensor(float)"], IMAGES[:4].astype(np.float32) / np.float32(255))


def test_a_setting_that_is_asked_for_twice_is_measured_once():
    def settings(model, threads, sizes):
        return batches_by_setting(IMAGES, model, RAW, threads, sizes, cores=1)

    assert list(settings(make_classifier(), [1, "all"], [1, 32])) == [(1, 1), (1, 32)]
    # The batch size of the model wins, where it is fixed.
    assert list(settings(make_classifier(batch=8), [1, 2], [1, 32])) == [(1, 8), (2, 8)]


def test_there_is_a_row_for_each_setting_and_model(monkeypatch):
    seconds = {"fp32": 0.01, "int8": 0.005}

    def measure(models, settings, duration, progress):
        assert list(settings) == [(1, 4), (2, 4)]
        return [{name: make_times([[seconds[name]] * 3] * 8) for name in models}] * 2

    monkeypatch.setattr(latency, "measure", measure)
    models = dict.fromkeys(seconds, make_classifier())
    settings = batches_by_setting(IMAGES, models["fp32"], RAW, [1, 2], [4], cores=2)
    rows = measure_models(models, settings, 1.0, None)
    assert [(row["threads"], row["batch_size"], row["model"]) for row in rows] == [
        (threads, 4, name) for threads in (1, 2) for name in models
    ]
    assert [row["speedup"] for row in rows] == pytest.approx([1.0, 2.0] * 2)
    assert rows[1]["images_per_second"] == pytest.approx(800) and rows[1]["calls"] == 24
