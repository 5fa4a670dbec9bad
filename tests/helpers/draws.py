"""What rule evaluate_draw writes, from a few figures."""

from typing import Any

TOTAL = 1000
FITS, EXACT_CPU = "no sum can saturate", "kernels add in 32 bits"


def make_compared(delta_pp: float, agreement: float) -> dict[str, Any]:
    """Return a model against float32, which gets 800 of 1,000 images right."""
    gained = round(delta_pp * TOTAL / 100)
    fixed = 5 + max(0, gained)
    return {
        "correct": 800 + gained,
        "total": TOTAL,
        "top1": (800 + gained) / TOTAL,
        "delta_pp": delta_pp,
        "agreement": agreement,
        "fixed": fixed,
        "broken": fixed - gained,
    }


def make_row(
    model: str,
    delta_pp: float,
    agreement: float = 0.98,
    recipe: str | None = None,
    exact: dict[str, Any] | None = None,
    operators: tuple[str, ...] = (),
    checked: bool = False,
) -> dict[str, Any]:
    """Return what a draw gives for a model; `exact` is the same if it is not given."""
    found = make_compared(delta_pp, agreement)
    return {
        "model": model,
        "recipe": recipe or model,
        "model_sha256": "0" * 64,
        **found,
        "saturation": {
            "checked": checked,
            "cannot": None if checked else (EXACT_CPU if operators else FITS),
            "refused": None,
            "saturating_operators": list(operators),
        },
        "exact": exact or found,
    }


def make_draws(
    rows: dict[str, list[dict[str, Any]]], images: int = 100, pool: int = 5000
) -> list[dict[str, Any]]:
    """Return draws with the seeds from 42 on, from the rows of each model by draw."""
    count = len(next(iter(rows.values())))
    return [
        {
            "seed": 42 + number,
            "images": images,
            "pool": pool,
            "samples_sha256": f"{number:064x}",
            "runtime": {"cpu": "CPU", "isa": ["avx2"]},
            "models": [found[number] for found in rows.values()],
        }
        for number in range(count)
    ]


def draws_of(**deltas: list[float]) -> list[dict[str, Any]]:
    """Return draws of models that cannot saturate, from their differences in pp by draw."""
    return make_draws({name: [make_row(name, d) for d in each] for name, each in deltas.items()})
