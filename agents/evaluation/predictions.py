"""Predictions and what is said of them: one record, one judge, one writer of sentences.

Whatever is predicted, in training reports, experiments and published results, is a region in which an effect should
lie. The judge holds the effect's 95% interval against it and nothing else: *supported* if the whole interval lies in
the region, *contradicted* if it lies wholly outside, else *undecided*. With fewer units than :data:`LEAST` nothing is
decided.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.text import Text

from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, Estimate, Interval
from sd_env.errors import RefusedError

Verdict = Literal["supported", "contradicted", "undecided"]
SUPPORTED: Final = "supported"
CONTRADICTED: Final = "contradicted"
UNDECIDED: Final = "undecided"
#: Verdicts, with the colour in which each is printed.
VERDICT_STYLES: Final[Mapping[str, str]] = {SUPPORTED: "green", CONTRADICTED: "red", UNDECIDED: "yellow"}
VERDICTS: Final = tuple(VERDICT_STYLES)
#: Words of marks: what was predicted and is not run yet, and what was published and has been derived anew since.
NOT_RUN: Final = "not run"
REDERIVED: Final = "rederived"
#: Word of the mark of what rests on policies that are not certified, whatever was found.
UNCERTIFIED: Final = "uncertified"

#: Units below which nothing is decided. Two seeds have an interval of nine deviations either way, so that it would
#: decide only where both happen to be equal (no attack in either) and it has no width; a bootstrap over few episodes
#: holds too little (over two it covers half).
LEAST: Final = {SEEDS: 3, TRAINING_SEEDS: 3, EPISODES: 30}

#: Where the effect should lie, an open interval; None: no bound on that side.
Bounds = tuple[float | None, float | None]
#: Sets words where they go.
Words = Callable[[str], str]


class PredictionError(RefusedError):
    """A record of a prediction that is none: one sentence."""


class Prediction(BaseModel):
    """What theory predicts of a measure and what the runs say of it: an entry of ``predictions`` in every report."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    claim: str = Field(min_length=1, description="the prediction in words")
    measure: str = Field(min_length=1, description="what is measured, and under which condition")
    predicted: Bounds = Field(description="low and high bound between which the effect should lie; null: none")
    value: float | None = Field(description="the effect; null without a case")
    interval: tuple[float, float] | None = Field(description="its 95% interval; null with too few units for one")
    values: tuple[float, ...] = Field(default=(), description="one number a unit, where the effect has one")
    unit: str = Field(description="over what the interval is: " + ", ".join(LEAST))
    count: int = Field(ge=0, description="how many units; of two sides that were run apart the fewer")
    verdict: Verdict = Field(description="what the interval says of it")
    reason: str = Field(min_length=1, description="why")
    status: str = Field(
        default="",
        pattern=r"^([a-z]+( [a-z]+)*: .+)?$",
        description="a mark with its reason, as 'withdrawn: ...'; mostly none",
    )

    @property
    def word(self) -> str:
        """What it counts as: its verdict, or the word of its mark where it has one."""
        return self.status.partition(":")[0] or self.verdict


def judge(
    claim: str, measure: str, effect: Interval, predicted: Bounds, *, count: int | None = None, unit: str = SEEDS
) -> Prediction:
    """The record of a prediction.

    Args:
        claim: in words.
        measure: what the effect is of.
        effect: with its 95% interval.
        predicted: the bounds between which it should lie.
        count: units behind the interval; default the values of an :class:`Estimate`.
        unit: what they are, a key of :data:`LEAST`.
    """
    values = effect.values if isinstance(effect, Estimate) else ()
    count = len(values) if count is None else count
    verdict, reason = _verdict(effect, predicted, count, unit)
    return Prediction(
        claim=claim,
        measure=measure,
        predicted=predicted,
        value=effect.value if math.isfinite(effect.value) else None,
        interval=(effect.low, effect.high) if effect.known else None,
        values=tuple(value for value in values if math.isfinite(value)),
        unit=unit,
        count=count,
        verdict=verdict,
        reason=reason,
    )


def not_run(claim: str, measure: str, predicted: Bounds, needs: str, unit: str = SEEDS) -> Prediction:
    """The record of a prediction of which there are no numbers yet; ``needs`` is what a run takes."""
    return Prediction(
        claim=claim, measure=measure, predicted=predicted, value=None, interval=None, unit=unit, count=0,
        verdict=UNDECIDED, reason=NOT_RUN, status=f"{NOT_RUN}: {needs}",
    )  # fmt: skip


def mark_uncertified(prediction: Prediction, why: str) -> Prediction:
    """A prediction with the mark of what rests on policies that are not certified, in the place of any other."""
    return prediction.model_copy(update={"status": f"{UNCERTIFIED}: {why}"})


def _verdict(effect: Interval, predicted: Bounds, count: int, unit: str) -> tuple[Verdict, str]:
    if not math.isfinite(effect.value):
        return UNDECIDED, "no case"
    if count < LEAST[unit]:
        return UNDECIDED, f"{count} {unit}, where at least {LEAST[unit]} decide"
    if not effect.known:
        return UNDECIDED, "no interval"
    low, high = predicted
    if low is not None and effect.high < low:
        return CONTRADICTED, f"interval below {low:g}"
    if high is not None and effect.low > high:
        return CONTRADICTED, f"interval above {high:g}"
    held = [bound for bound in predicted if bound is not None and effect.low <= bound <= effect.high]
    if held:
        return UNDECIDED, f"interval holds {' and '.join(f'{bound:g}' for bound in held)}"
    if low is None or high is None:
        return SUPPORTED, f"interval below {high:g}" if low is None else f"interval above {low:g}"
    return SUPPORTED, f"interval between {low:g} and {high:g}"


# --- in words ---------------------------------------------------------------------------------------------------


def size(value: float | None, interval: tuple[float, float] | None) -> str:
    """An effect with its interval, as far as there are any."""
    if value is None:
        return "no case"
    return f"{value:+.4f}" + (f" [{interval[0]:+.4f}, {interval[1]:+.4f}]" if interval else "")


def details(prediction: Prediction, prose: Words = str, code: Words = str) -> str:
    """What was measured, how large it is, and why that decides.

    Args:
        prediction: the record.
        prose: how words are set where they go, as escaped for Markdown.
        code: how the measure is set.
    """
    if prediction.word == NOT_RUN:
        return code(prediction.measure) + prose(f": {prediction.status.partition(': ')[2]}")
    words = f": {size(prediction.value, prediction.interval)}"
    if prediction.value is not None:
        words += f"; {prediction.reason}"
    if prediction.status:
        words += f": {prediction.verdict}, but {prediction.status}"
    return code(prediction.measure) + prose(words)


def sentence(prediction: Prediction, prose: Words = str, code: Words = str) -> str:
    """Claim and details on one line; arguments are those of :func:`details`."""
    return prose(f"{prediction.claim} (") + details(prediction, prose, code) + prose(")")


def quoted(measure: str) -> str:
    """A measure as Markdown's code."""
    return f"`{measure}`"


def lines(predictions: Iterable[Prediction]) -> list[Text]:
    """Two lines for each prediction, for terminals and tables: verdict and claim, and below them the details."""
    return [
        Text.assemble(
            "  ",
            (f"{each.word:<13}", VERDICT_STYLES.get(each.word, "dim")),
            f"{each.claim}\n{'':15}({details(each)})",
        )
        for each in predictions
    ]


def counts(predictions: Iterable[Prediction]) -> dict[str, int]:
    """How many predictions have which verdict, and how many which mark; marks only where there are any."""
    found = Counter(each.word for each in predictions)
    return {word: found[word] for word in (*VERDICTS, *sorted(set(found) - set(VERDICTS)))}


def counted(predictions: Iterable[Prediction]) -> str:
    """The same in words: ``3 supported, 0 contradicted, 1 undecided``."""
    return ", ".join(f"{number} {word}" for word, number in counts(predictions).items())


# --- as data ----------------------------------------------------------------------------------------------------


def records(predictions: Iterable[Prediction]) -> list[dict[str, Any]]:
    """The records for JSON."""
    return [each.model_dump(mode="json") for each in predictions]


def predictions_of(report: Mapping[str, Any], name: str) -> list[Prediction]:
    """The predictions of a report.

    Args:
        report: as its JSON has it.
        name: what it is called in a complaint.

    Raises:
        PredictionError: if they are not what they must be.
    """
    found: Sequence[Any] = report.get("predictions", [])
    try:
        return [Prediction.model_validate(entry) for entry in found]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise PredictionError(f"{name}: {key} of a prediction is {first['input']!r}: {first['msg']}.") from None
