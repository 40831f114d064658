"""What a training is: the types of its YAML, and reading it.

The YAML holds every value; these classes hold types, ranges and meanings, and no second set of defaults. A setting
that only some learners have may be left out for the others; leaving it out for a learner that needs it is an error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from agents.training.fields import Name, Override, Positive, Seed, Settings, Threads, Whole
from agents.training.learner_config import LearnerConfig, Searcher
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.reading import MOST_BYTES, ReadError, read_yaml
from sd_env.scenario_files import dump_yaml
from sd_env.scenario_values import show

#: The training of ``make train``, among those that come with the package.
DEFAULT_CONFIG: Final = "four_worlds"
#: Keys that say how fast a run is computed, not what: the only ones that ``--resume`` lets change.
MACHINE_KEYS = frozenset({"workers"})


class ConfigError(RefusedError):
    """A bad key, value or file of a training; the message is one sentence."""


class ScenarioChoice(Settings):
    """One scenario of an experiment; its name or path alone will do."""

    scenario: str = Field(description="catalogue name (jervis/doubly-dangerous) or path of a YAML file")
    label: Name | None = Field(
        default=None, description="name in folders and tables; null = last part of the scenario's name"
    )
    overrides: dict[str, Override] = Field(default={}, description="dotted keys of the scenario and their values")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return {"scenario": given} if isinstance(given, str) else given

    @property
    def name(self) -> str:
        """The label, or the last part of the scenario's name."""
        return self.label or re.sub(r"[^A-Za-z0-9._-]", "-", Path(self.scenario).stem)[:100]


Mode = Literal["shared", "independent", "roles", "league", "versus"]
Weight = Annotated[float, Field(ge=0)]
#: Which of the settings of a population each mode has.
MODES: dict[str, tuple[str, ...]] = {
    "shared": (),
    "independent": ("cast",),
    "roles": ("roles", "cast"),
    "versus": ("opponents",),
    "league": ("opponents", "latest_weight", "past_weight", "snapshot_rollouts", "keep_snapshots"),
}
_OF_MODES = tuple(dict.fromkeys(name for names in MODES.values() for name in names))
#: Those that their modes do not need.
_MAY_BE_LEFT_OUT = ("cast",)


class PopulationConfig(Settings):
    """Who learns and who sits where."""

    mode: Mode = Field(
        description="shared: one policy plays all states; independent: one for each state; roles: one for each role; "
        "league: one against its past selves and opponents; versus: one against opponents"
    )
    roles: dict[Name, list[str]] | None = Field(
        default=None, min_length=1, description="role -> its states, each state in one role"
    )
    cast: dict[str, str] | None = Field(
        default=None,
        min_length=1,
        description="state -> strategy or path of a bundle: who plays there and does not learn",
    )
    opponents: dict[str, Weight] | None = Field(
        default=None, description="strategy or path of a bundle -> weight in the draw of each state's player"
    )
    latest_weight: Weight | None = Field(default=None, description="weight of the latest past self")
    past_weight: Weight | None = Field(default=None, description="weight of all older past selves together")
    snapshot_rollouts: Positive | None = Field(default=None, description="a past self after so many rollouts")
    keep_snapshots: Positive | None = Field(default=None, description="how many past selves stay in the league")
    interventions: dict[str, dict[str, str]] | None = Field(
        default=None, description="state, or all -> part of its action -> what it is bound to, whatever it would choose"
    )

    @model_validator(mode="after")
    def _fits_the_mode(self) -> PopulationConfig:
        own = MODES[self.mode]
        for name in _OF_MODES:
            value = getattr(self, name)
            if name in own and value is None and name not in _MAY_BE_LEFT_OUT:
                raise ValueError(f"{name} is missing: mode {self.mode} needs it")
            if name not in own and value is not None:
                raise ValueError(f"{name} = {value} is not a setting of mode {self.mode}: leave it out or null")
        weights = [*(self.opponents or {}).values(), self.latest_weight or 0.0, self.past_weight or 0.0]
        if "opponents" in own and not sum(weights) > 0:
            raise ValueError(f"opponents = {self.opponents} is not allowed: a weight above 0 is needed")
        return self


class CheckpointConfig(Settings):
    """How a run survives being killed."""

    every_rollouts: Positive = Field(description="a checkpoint after so many rollouts")
    keep: Whole = Field(ge=2, description="how many checkpoints stay: an older one is there if the last is damaged")


class EvaluationConfig(Settings):
    """How final policies are measured."""

    worlds: Positive = Field(description="worlds played at once")
    episodes: Positive = Field(description="episodes of each world")
    seed: Seed = Field(description="seed of the evaluation worlds: none that training saw")


class CertificateConfig(Settings):
    """How final policies are certified (:mod:`agents.evaluation.certify`): what is tried to beat them."""

    scratch: Whole = Field(
        ge=0, le=1000, description="learned responses that start from scratch, of each policy and seat"
    )
    warm: Whole = Field(ge=0, le=1000, description="learned responses that start from the policy")
    steps: Positive = Field(description="turns that each response is learned over")
    worlds: Whole = Field(ge=2, description="worlds in which the best deviator is measured beside the policy")
    searcher: Searcher = Field(default="PPO", description="who learns the responses: SB3's PPO, or FastPPO")


class RoundsConfig(Settings):
    """Double oracle rounds after a training (:mod:`agents.training.rounds`)."""

    most: Positive = Field(description="rounds at most")
    quiet: Positive = Field(description="rounds in a row in which nothing gains more than gap: none follows")
    gap: float = Field(ge=0, description="share of a type's return that a response must gain to join the policy")
    response_steps: Positive = Field(description="turns that a response is learned over, from scratch")
    worlds: Whole = Field(ge=2, description="worlds in which each pair of members meets, and a response is measured")
    warm: Annotated[int, Field(ge=1, le=16)] = Field(
        default=1, description="responses of a round that start from the policy, each from another of its members"
    )
    searcher: Searcher = Field(default="PPO", description="who learns the responses: SB3's PPO, or FastPPO")


class TrainingConfig(Settings):
    """A list of scenarios times seeds: each pair is a job that trains one population."""

    name: Name = Field(description="what run folders are called")
    scenarios: list[ScenarioChoice] = Field(min_length=1, description="one population for each, per seed")
    overrides: dict[str, Override] = Field(description="dotted scenario keys that hold for all scenarios")
    seeds: list[Seed] = Field(min_length=1, description="one job per scenario and seed")
    paths: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")], dict[str, Override]] = Field(
        default={},
        description="ways to learn each world, a job for each: name -> dotted settings that differ, of learner, "
        "total_steps and worlds; none: one way",
    )
    total_steps: Positive = Field(description="agent-steps of each job's learners together, rounded up to rollouts")
    worlds: Positive = Field(description="worlds that are stepped together")
    population: PopulationConfig = Field(description="who learns and who sits where")
    learner: LearnerConfig = Field(description="the learner, or each of them")
    rounds: RoundsConfig | None = Field(
        default=None,
        description="what is done about a policy that a response beats, among two states or where one learns; null: "
        "nothing",
    )
    checkpoint: CheckpointConfig = Field(description="checkpoints")
    evaluation: EvaluationConfig = Field(description="evaluation of the final policies")
    certificate: CertificateConfig | None = Field(
        default=None,
        description="certificates of a final policy that plays all states, or all that a cast leaves; null: none, and "
        "no verdict",
    )
    device: str = Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:0")
    workers: Whole = Field(ge=0, le=1024, description="jobs at a time; 0 = one for each core")
    torch_threads: Threads = Field(description="threads of torch in each job")
    world_threads: Threads = Field(description="threads that step the worlds of each job")
    runs: Path = Field(strict=False, description="folder of the run folders")

    @model_validator(mode="after")
    def _is_the_scenarios_game(self) -> TrainingConfig:
        # What is learned, what is scored and what the thresholds speak of are one game.
        if self.learner.gamma != 1:
            raise ValueError(
                f"learner.gamma = {self.learner.gamma} is not allowed: scores do not discount, so that a learner that "
                "does plays another game than the scenario's; only 1 is (the scenario says how its game ends: the "
                "horizon ends it, and chance after any turn where continuation is below 1)"
            )
        return self

    @model_validator(mode="after")
    def _aligned_play_all(self) -> TrainingConfig:
        if self.learner.algorithm == "AlignedPPO" and self.population.mode != "shared":
            raise ValueError(
                f"learner.algorithm = 'AlignedPPO' is not allowed with population.mode = {self.population.mode!r}: it "
                "counts what all states of a world gain, so that it must play them all; take shared, or PPO"
            )
        return self

    @model_validator(mode="after")
    def _rounds_fit(self) -> TrainingConfig:
        population, networks = self.population, self.learner.networks
        fits = population.mode == "shared" or population.cast
        if self.rounds is not None and (not fits or networks != "by_type"):
            raise ValueError(
                f"rounds is not allowed with population.mode = {population.mode!r} and learner.networks = "
                f"{networks!r}: a response takes the place of a type in one policy that plays all states, or the one "
                "that population.cast leaves, so take by_type and shared or a cast, or rounds null"
            )
        return self

    @model_validator(mode="after")
    def _paths_are_trainings(self) -> TrainingConfig:
        for path in self.paths:
            try:
                self.along(path)
            except ValidationError as error:
                raise ValueError(f"paths.{path}: {_sentence(error).rstrip('.')}") from None
        return self

    def along(self, path: str) -> TrainingConfig:
        """The same training on one of its paths, by its settings; raises ValidationError or ValueError."""
        data = self.model_dump(mode="json", exclude={"paths"})
        for key, value in self.paths[path].items():
            group, _, name = key.rpartition(".")
            if key not in ("total_steps", "worlds") and not (group == "learner" and name in LearnerConfig.model_fields):
                raise ValueError(f"paths.{path}.{key} is not a key: allowed are total_steps, worlds and learner.NAME")
            (data[group] if group else data)[name] = value
        return TrainingConfig.model_validate(data)

    @model_validator(mode="after")
    def _jobs_differ(self) -> TrainingConfig:
        names = [choice.name for choice in self.scenarios]
        for what, values in (("scenarios", names), ("seeds", self.seeds)):
            if double := next((v for v in values if list(values).count(v) > 1), None):
                raise ValueError(f"{what}: {double!r} is there twice: each needs its own name (give it a label)")
        return self

    def to_yaml(self) -> str:
        """The training as YAML that :func:`load_training` reads back to an equal object."""
        return dump_yaml(self.model_dump(mode="json"), one_line=False)


def trainings() -> dict[str, Traversable]:
    """The trainings that come with the package, by name."""
    found = (resources.files("agents") / "configs").iterdir()
    return {name.removesuffix(".yaml"): file for name, file in sorted((file.name, file) for file in found)}


def job_folder(run: Path, world: str, path: str, seed: int) -> Path:
    """Folder of a job in that of its run; ``path`` is "" where the training has no paths."""
    return run / "jobs" / "__".join(filter(None, (world, path, f"seed{seed}")))


def load_training(name_or_path: Path | str) -> TrainingConfig:
    """A whole training, by the name of one that comes with the package or by the path of a file.

    Raises:
        ConfigError: if there is none, if it is not a YAML mapping, or has a bad key or value.
    """
    return validated(TrainingConfig, read_mapping(name_or_path))


def read_mapping(name_or_path: Path | str) -> dict[str, Any]:
    """What the YAML of a training holds, unchecked; raises ConfigError."""
    own, path = trainings(), Path(name_or_path)
    file = own.get(str(name_or_path), path)
    try:
        found = read_yaml(read_bounded(file, MOST_BYTES) if isinstance(file, Path) else file.read_bytes())
    except (OSError, ValueError) as error:
        if isinstance(error, ReadError):
            raise ConfigError(f"Config {path}: {error}.") from None
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise ConfigError(f"Config {show(str(path))} cannot be read: {said(error)}.") from None
        near = difflib.get_close_matches(path.stem, own, n=1)
        hint = f"did you mean {near[0]}?" if near else f"by name there are {', '.join(own)}."
        raise ConfigError(f"Config {show(str(path))} does not exist; {hint}") from None
    if not isinstance(found, Mapping):
        raise ConfigError(f"Config {path} holds {show(found)}, but must hold a mapping of keys to values.")
    return dict(found)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on ``base``, key by key where both are mappings; dotted-key mappings of a scenario merge too."""
    found = dict(base)
    for key, value in over.items():
        old = found.get(key)
        found[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def validated(model: type[TrainingConfig], data: dict[str, Any]) -> TrainingConfig:
    """An experiment from plain data; raises ConfigError, one sentence."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    """One complaint of a validation as a sentence: key, value, what is allowed. A key that is none goes before all."""
    details = error.errors(include_url=False)
    first = next((each for each in details if each["type"] == "extra_forbidden"), details[0])
    key = ".".join(str(part) for part in first["loc"])
    kind, value = first["type"], first["input"]
    if kind == "extra_forbidden":
        text = f"{key} is not a key; {nearest_key(key)}"
    elif kind == "missing":
        text = f"{key} is missing: give it in the YAML or as --{key}."
    elif kind == "value_error":
        text = f"{key + '.' if key else ''}{first['ctx']['error']}."
    else:
        text = f"{key} = {show(value)} is not allowed: {first['msg'].removeprefix('Input ')}."
    more = len(details) - 1
    return text if not more else f"{text} There {'is' if more == 1 else 'are'} {more} more."


def keys(model: type[BaseModel] = TrainingConfig, prefix: str = "") -> dict[str, Any]:
    """All dotted keys of a training with their fields, groups among them."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        found[prefix + name] = field
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for group in inner:
            if isinstance(group, type) and issubclass(group, BaseModel):
                found |= keys(group, f"{prefix}{name}.")
    return found


def nearest_key(key: str) -> str:
    """What to say of a key that is none."""
    parent = key.rpartition(".")[0]
    known = [*keys(), "config", "resume"]
    if near := difflib.get_close_matches(key, known, n=1, cutoff=0.75):
        return f"did you mean {near[0]}?"
    beside = [k for k in known if k.rpartition(".")[0] == parent]
    return f"allowed are {', '.join(beside or known)}."
