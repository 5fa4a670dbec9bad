"""Nodes in float32, step by step: those that are slower in 8 bits, or that cost agreement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.faults import describe_failure, is_fault_of_machine
from ptq_comparison.config.recipes import AUTO
from ptq_comparison.evaluation.evaluate import evaluate_recipe
from ptq_comparison.evaluation.fidelity import kl_divergence
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.search.moves import Move
from ptq_comparison.search.results import MixedPrecisionRow
from ptq_comparison.search.told_apart import not_worse
from ptq_comparison.search.trial import Attempt, Trial

# Of the divergence: what a faster step may add, and what another one has to take away.
TOLERATED, WANTED = 0.02, 0.02
LEAST_COST = 0.005  # of the time: less cannot be told from none

# What a step has that could not be made.
STEP_KEYS = ("nodes_in_float", "nodes_quantized", "node", "is_auto", "tries")

# The speed of the second model as a multiple of that of the first one, and the lower end of its
# 95 % interval.
Timer = Callable[[onnx.ModelProto, onnx.ModelProto], tuple[float, float]]


class Step(NamedTuple):
    """A row of the curve, the nodes in float32, and on which images the model agrees with float32,
    bool (N,); None where it could not be made."""

    row: MixedPrecisionRow
    in_float: list[str]
    agrees: np.ndarray | None


class Gain(NamedTuple):
    """What a move alone does: the divergence behind it, and the speed against before, with its
    lower limit; 1.0 where no speed is measured."""

    move: Move
    divergence: float
    speed: float
    lowest_speed: float


class Search:
    """The steps from a recipe on; see `mix_precision`.

    `tries` counts the models whose predictions had a part in the choice. `known` are divergences on
    the few images with one node in float32, by its name, that need not be measured again.
    """

    def __init__(
        self,
        trial: Trial,
        few: Trial,
        candidates: Sequence[str],
        labels: np.ndarray,
        timer: Timer | None,
        known: Mapping[str, float] | None = None,
    ) -> None:
        self.trial, self.few, self.candidates = trial, few, candidates
        self.labels, self.timer, self.known = labels, timer, known or {}
        self.tries = 0

    def step(self, in_float: list[str], name: str) -> Step:
        """Try nodes in float32 on all images."""
        attempt = self._attempt(self.trial, in_float)
        row: MixedPrecisionRow = {
            "nodes_in_float": len(in_float),
            "nodes_quantized": len([node for node in self.candidates if node not in in_float]),
            "node": name,
            "is_auto": 0,
            "tries": self.tries,
            "correct": None,
            "total": None,
            "top1": None,
            "delta_pp": None,
            "delta_ci95_low_pp": None,
            "delta_ci95_high_pp": None,
            "agreement": None,
            "kl_divergence": None,
            "bytes": None,
            "reason": attempt.reason,
        }
        if attempt.model is None or attempt.scores is None:
            return Step(row, in_float, None)
        measured = evaluate_recipe(attempt.scores, self.trial.scores, self.labels)
        row["correct"], row["total"] = measured["correct"], measured["total"]
        row["top1"], row["delta_pp"] = measured["top1"], measured["delta_pp"]
        row["delta_ci95_low_pp"], row["delta_ci95_high_pp"] = measured["delta_ci95_pp"]
        row["agreement"] = measured["agreement"]
        row["kl_divergence"] = measured["kl_divergence"]
        row["bytes"] = attempt.model.ByteSize()
        agrees = attempt.scores.argmax(axis=1) == self.trial.scores.argmax(axis=1)
        return Step(row, in_float, agrees)

    def start(self, step: Step) -> None:
        """Go on from a step that could be made."""
        self.last, self.model = step, self._attempt(self.few, step.in_float)

    def gains(self, moves: Sequence[Move]) -> list[Gain]:
        """Try each move alone, on few images; those that cannot be made are left out."""
        found = []
        for move in moves:
            is_known = not self.last.in_float and len(move.nodes) == 1
            divergence = self.known.get(move.nodes[0]) if is_known else None
            attempt = self._attempt(self.few, self._with(move), predicts=divergence is None)
            if attempt.model is None or not is_quantized(attempt.model):
                continue
            if divergence is None:
                divergence = self.divergence(attempt)
            found.append(Gain(move, divergence, *self._speed(attempt)))
        return found

    def divergence(self, attempt: Attempt | None = None) -> float:
        """Return the mean KL divergence of an attempt on few images, in nats; of the last step."""
        scores = (attempt or self.model).scores
        assert scores is not None
        return kl_divergence(self.few.scores, scores)

    def take(self, move: Move, factor: float, for_speed: bool) -> Iterator[Step]:
        """Yield the step with a move if its divergence is at most `factor` times that of the last
        one, and the model is faster, beyond noise, if that is what it is taken for."""
        in_float = self._with(move)
        if in_float == self.last.in_float:
            return
        attempt = self._attempt(self.few, in_float)
        if attempt.model is None or not is_quantized(attempt.model):
            return
        if self.divergence(attempt) > factor * self.divergence():
            return
        if for_speed and self._speed(attempt)[1] <= 1:
            return
        step = self.step(in_float, move.name)
        yield step
        if step.agrees is not None:
            self.last, self.model = step, attempt

    def _with(self, move: Move) -> list[str]:
        known = self.last.in_float
        return [*known, *(node for node in move.nodes if node not in known)]

    def _attempt(self, trial: Trial, in_float: Sequence[str], predicts: bool = True) -> Attempt:
        self.tries += 1
        return trial.attempt(in_float, predicts)

    def _speed(self, attempt: Attempt) -> tuple[float, float]:
        """Return how many times as fast as the last step a model is, and its lower limit."""
        if self.timer is None:
            return 1.0, 1.0
        assert self.model.model is not None and attempt.model is not None
        return self.timer(self.model.model, attempt.model)


def mix_precision(
    search: Search, moves: Sequence[Move], ranking: Sequence[str], target_drop_pp: float
) -> Iterator[Step]:
    """Yield the steps from the recipe itself on, each of which keeps more nodes in float32.

    First come moves that make the model faster, and do not make it worse: nodes that are slower in
    8 bits than in float32, with the conversions around them. Then come those that bring it nearer
    to float32, the one first that takes away most of the divergence for the time that it costs.
    The last step changes so few predictions that no more than `target_drop_pp` of accuracy, in
    percentage points, can be lost; or no move brings anything more.

    Where the recipe cannot be made, nodes are left in float32 as `ranking` has them until it can.
    A step that cannot be made has a reason and no figures.
    """
    step = search.step([], "")
    yield step
    for node in ranking[:-1]:
        if step.agrees is not None:
            break
        step = search.step([*step.in_float, node], node)
        yield step
    if step.agrees is None:
        return
    search.start(step)
    start = search.divergence()
    gains = search.gains([move for move in moves if not set(move.nodes) <= set(step.in_float)])
    for gain in sorted(gains, key=lambda gain: -gain.speed):
        if gain.lowest_speed > 1 and gain.divergence <= (1 + TOLERATED) * start:
            yield from search.take(gain.move, 1 + TOLERATED, for_speed=True)

    def value(gain: Gain) -> float:
        return (start - gain.divergence) / max(LEAST_COST, 1 / gain.speed - 1)

    for gain in sorted(gains, key=value, reverse=True):
        if is_near(search.last, target_drop_pp):
            return
        if gain.divergence <= (1 - WANTED) * start:
            yield from search.take(gain.move, 1 - WANTED, for_speed=False)


def is_near(step: Step, target_drop_pp: float) -> bool:
    """Tell whether so few predictions changed that no more accuracy can be lost."""
    assert step.agrees is not None
    return 100 * float(np.mean(~step.agrees)) <= target_drop_pp


def give_up(step: Step, error: Exception) -> Step:
    """Return a step that did not pass all checks, without figures.

    Raises the error where it is a fault of the machine.
    """
    if is_fault_of_machine(error):
        raise error
    empty = {key: value if key in STEP_KEYS else None for key, value in step.row.items()}
    row = cast(MixedPrecisionRow, {**empty, "reason": describe_failure(error)})
    return Step(row, step.in_float, None)


def choose_step(steps: Sequence[Step]) -> int:
    """Return the number of the step to ship, among those that could be made and quantize a node.

    Of those that the images cannot tell from the one that agrees most often, it is the fastest one,
    in hundredths of the speed of float32, then the smallest. Raises UserError, with the first
    reason, where there is none.
    """
    made = {
        number: step
        for number, step in enumerate(steps)
        if step.agrees is not None and step.row["nodes_quantized"]
    }
    if not made:
        reason = next((s.row["reason"] for s in steps if s.row["reason"]), "no node is quantized")
        raise UserError(f"no step on the way to {AUTO} could be made; the first one: {reason}")
    agrees = {str(number): step.agrees for number, step in made.items() if step.agrees is not None}
    best = max(made, key=lambda number: float(np.mean(agrees[str(number)])))
    equals = [best, *map(int, not_worse(str(best), agrees))]

    def order(number: int) -> tuple[float, int, float]:
        row = made[number].row
        return -round(row.get("speedup") or 0.0, 2), row["bytes"] or 0, -(row["agreement"] or 0)

    return min(equals, key=order)
