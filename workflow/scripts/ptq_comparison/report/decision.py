"""Which of the compared 8-bit models to ship, why, and why it is slower where it is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ptq_comparison.common.descriptions import Executed
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.evaluation.results import LatencyRow
from ptq_comparison.report.verdict import describe_accuracy, describe_setting, is_slower
from ptq_comparison.search.told_apart import not_worse_of_few

TEST = "exact McNemar test, Holm's correction"
SHOWN_NAMES = 3
VNNI = ("avx512_vnni", "avx_vnni", "amx_int8")


class Decision(NamedTuple):
    """The name of the model to ship, None for none of them, and sentences that say why."""

    model: str | None
    sentences: list[str]


class Candidate(NamedTuple):
    """A model that may be shipped: `right` tells on which images it is right, bool (N,).

    `drop_pp` is its loss of accuracy in percentage points, `speed` counts as a multiple of that of
    float32, None where it was not measured.
    """

    name: str
    correct: int
    drop_pp: float
    bytes: int
    speed: float | None
    right: np.ndarray


class Choice(NamedTuple):
    """The model to ship, None for none; the best one, and all that images cannot tell from it."""

    chosen: Candidate | None
    best: Candidate
    equals: set[str]


def choose(models: Sequence[Candidate], max_drop_pp: float) -> Choice:
    """Choose among the models that the images cannot tell from the best one.

    Of these the fastest is chosen, then the smallest; speeds count in hundredths of that of
    float32, as less is noise. The best one is right most often; exact McNemar tests compare all
    pairs, as the best one is picked on the same images, and S. Holm's correction (Scand. J. Stat.
    6, 1979) keeps the chance of any false difference at 5 %. Models that lose more than
    `max_drop_pp` percentage points are not chosen.
    """
    best = max(models, key=lambda model: (model.correct, -model.bytes))
    equals = {
        best.name,
        *not_worse_of_few(best.name, {model.name: model.right for model in models}),
    }
    if best.drop_pp > max_drop_pp:
        return Choice(None, best, equals)
    allowed = [m for m in models if m.name in equals and m.drop_pp <= max_drop_pp]
    chosen = max(allowed, key=lambda m: (round(m.speed or 0.0, 2), -m.bytes, m.correct))
    return Choice(chosen, best, equals)


def decide(
    evaluations: list[Evaluation],
    right: Mapping[str, np.ndarray],
    speeds: Mapping[str, LatencyRow],
    max_drop_pp: float,
) -> Decision:
    """Choose the model to ship on this machine as `choose` does, and say why.

    `evaluations` are those of the float32 model, the first, and of at least one quantized model.
    `right` tells by model on which test images it is right, bool (N,). `speeds` are rows of
    latency.json by model, empty where speed was not measured.
    """
    fp32 = evaluations[0]
    # Not references, which may be in `right`.
    models = [
        as_candidate(item, right[_name(item)], speeds[_name(item)]["speedup"] if speeds else None)
        for item in evaluations[1:]
    ]
    choice = choose(models, max_drop_pp)
    if choice.chosen is None:
        return Decision(None, _none(choice.best, max_drop_pp))
    chosen = next(item for item in evaluations if _name(item) == choice.chosen.name)
    sentences = [
        f"Ship {_name(chosen)}: it {describe_accuracy(fp32, chosen)}{_speed(chosen, speeds)}."
    ]
    sentences += _why_this(chosen, evaluations[1:], choice.equals, speeds)
    if speeds and is_slower(speeds[_name(chosen)]):
        sentences += [
            f"Why slower: {reason_for_slowness(chosen)}.",
            "To look for a faster one: snakemake recommend",
        ]
    return Decision(_name(chosen), sentences)


def as_candidate(evaluation: Evaluation, right: np.ndarray, speed: float | None) -> Candidate:
    """Return a model of the comparison; `right` are test images, bool (N,)."""
    model, correct = evaluation["model"], evaluation["accuracy"]["correct"]
    return Candidate(model["name"], correct, _drop(evaluation), model["bytes"], speed, right)


def reason_for_slowness(evaluation: Evaluation) -> str:
    """Return why a model is slower than float32, counted from the graph that onnxruntime runs."""
    graph = evaluation["executed"]
    floats = [
        f"{len(layers['float'])} of {_count(len(layers['float']) + len(layers['integer']), kind)}"
        for kind, layers in graph["layers"].items()
        if layers["float"]
    ]
    if floats:
        return (
            f"{' and '.join(floats)} run in float32 on this CPU ({_names(graph)}), with "
            f"{_count(graph['conversions'], 'conversion')} from and to 8 bits around them"
        )
    cpu = "" if set(VNNI).intersection(evaluation["runtime"]["isa"]) else ", which has no VNNI"
    isa = evaluation["runtime"]["isa"]
    if "asimd" in isa or "neon" in isa:
        cpu = "" if "asimddp" in isa else ", which has no dot product of 8 bits"
    layers = [_count(len(found["integer"]), kind) for kind, found in graph["layers"].items()]
    subject = f"all {' and '.join(layers)} run" if layers else "all nodes with weights run"
    return f"{subject} in integers, which takes longer than float32 on this CPU{cpu}"


def _names(graph: Executed) -> str:
    names = [name for layers in graph["layers"].values() for name in layers["float"]]
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _count(number: int, kind: str) -> str:
    return f"{number} {kind}{'' if number == 1 else 's'}"


def _name(evaluation: Evaluation) -> str:
    return evaluation["model"]["name"]


def _drop(evaluation: Evaluation) -> float:
    return round(-of_quantized(evaluation["baseline"])["delta_pp"], 9)


def _speed(evaluation: Evaluation, speeds: Mapping[str, LatencyRow]) -> str:
    """Return how the speed compares with float32, as the end of a sentence."""
    if not speeds:
        return ""
    row = speeds[_name(evaluation)]
    low, high = row["speedup_ci95"]
    times = f"{row['speedup']:.2f} times the speed of float32"
    if is_slower(row):
        text = f", but is slower: {times}"
    elif low > 1:
        text = f", and is faster: {times}"
    else:
        text = f", and is about as fast: {times}"
    text += f" on this machine ({describe_setting(row)})"
    if is_disturbed(row["speedup"], (low, high)):
        text += f"; other load disturbed this measurement ({low:.2f} to {high:.2f})"
    return text


def _why_this(
    chosen: Evaluation,
    quantized: list[Evaluation],
    equals: set[str],
    speeds: Mapping[str, LatencyRow],
) -> list[str]:
    """Return why it is this model, and none of the others."""
    others = [_name(item) for item in quantized if item is not chosen]
    rivals = [name for name in others if name in equals]
    worse = [name for name in others if name not in equals]
    sentences = []
    if rivals:
        merit = "the fastest" if speeds else "the smallest"
        fast = round(speeds[_name(chosen)]["speedup"], 2) if speeds else 0.0
        if speeds and any(round(speeds[name]["speedup"], 2) == fast for name in rivals):
            merit = "the fastest, or as fast and smaller"
        sentences.append(
            f"Why {_name(chosen)}: these images cannot tell it from {_listed(rivals)} ({TEST}); "
            f"it is {merit}."
        )
    if worse:
        verb = "is" if len(worse) == 1 else "are"
        sentences.append(f"{_listed(worse)} {verb} right less often ({TEST}).")
    return sentences


def _listed(names: list[str]) -> str:
    """Return names as text, the first ones of many."""
    if len(names) > SHOWN_NAMES:
        return f"{', '.join(names[:SHOWN_NAMES])} and {len(names) - SHOWN_NAMES} more"
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _none(best: Candidate, max_drop_pp: float) -> list[str]:
    return [
        f"Ship none of them: the best, {best.name}, loses {best.drop_pp:.2f} pp of accuracy, more "
        f"than the {max_drop_pp:g} pp that acceptance.max_drop_pp allows.",
        "To look for a better one: snakemake recommend",
    ]
