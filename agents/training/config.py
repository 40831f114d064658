"""What an experiment is: the types of its YAML, and reading it with overrides from the command line.

The YAML holds every value; these classes hold types, ranges and meanings, and no second set of defaults. A setting
that only some learners have may be left out for the others; leaving it out for a learner that needs it is an error.

Why pydantic-settings and not jsonargparse (both were tried on this file): it reports errors as data (key, value,
what is allowed), so that each becomes one sentence, where jsonargparse hands out finished text of several lines below
a usage block; and it leaves whole numbers of an override whole (``n_states: 4`` became 4.0).
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from agents.numerals import whole_number

DEFAULT_CONFIG = Path("configs/four_worlds.yaml")
#: Keys that say how fast a run is computed, not what: the only ones that ``--resume`` lets change.
MACHINE_KEYS = frozenset({"workers"})


def _whole(value: Any) -> Any:
    """A text that is a whole number, ``1e4`` too, as that number; anything else as it was."""
    number = whole_number(value) if isinstance(value, str) else None
    return value if number is None else number


Positive = Annotated[int, BeforeValidator(_whole), Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Scalar = bool | int | float | str | None
Override = Scalar | list[Any] | dict[str, Any]


class ConfigError(ValueError):
    """A bad key, value or file of an experiment; the message is one sentence."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ScenarioChoice(_Model):
    """One scenario of an experiment; its name or path alone will do."""

    scenario: str = Field(description="catalogue name (jervis/doubly-dangerous) or path of a YAML file")
    label: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="name in folders and tables; null = last part of the scenario's name",
    )
    overrides: dict[str, Override] = Field(default={}, description="dotted keys of the scenario and their values")

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        return {"scenario": given} if isinstance(given, str) else given

    @property
    def name(self) -> str:
        """The label, or the last part of the scenario's name."""
        return self.label or re.sub(r"[^A-Za-z0-9._-]", "-", Path(self.scenario).stem)


Algorithm = Literal["PPO", "A2C", "MaskablePPO", "RecurrentPPO"]

_CLIPPED = ("batch_size", "n_epochs", "clip_range", "target_kl")
_MEMORY = ("lstm_hidden_size", "n_lstm_layers")
_RMSPROP = ("rms_prop_eps",)
#: Which of the optional settings each learner has. ``target_kl`` may be null everywhere.
SETTINGS: dict[str, tuple[str, ...]] = {
    "PPO": _CLIPPED,
    "MaskablePPO": _CLIPPED,
    "RecurrentPPO": _CLIPPED + _MEMORY,
    "A2C": _RMSPROP,
}


class LearnerConfig(_Model):
    """One SB3 learner and its hyper-parameters; names are SB3's."""

    algorithm: Algorithm = Field(description="which learner")
    learning_rate: float = Field(gt=0, description="step size of the optimiser at the start")
    learning_rate_end: float = Field(ge=0, description="step size at the end; it falls linearly")
    n_steps: Positive = Field(description="turns of each world in a rollout")
    gamma: float = Field(
        ge=0, le=1, description="discount a turn: 1 in trainings, whose horizon is the end of the game"
    )
    gae_lambda: float = Field(ge=0, le=1, description="trace decay of the advantage estimate")
    normalize_advantage: bool = Field(description="advantages of a batch with mean 0 and deviation 1")
    ent_coef: float = Field(ge=0, description="weight of the entropy bonus at the start")
    ent_coef_end: float | None = Field(
        default=None,
        gt=0,
        description="weight of the entropy bonus in the last fifth; it falls geometrically to there; null: stays",
    )
    vf_coef: float = Field(ge=0, description="weight of the value loss")
    max_grad_norm: float = Field(gt=0, description="longest gradient")
    reward_scale: float = Field(gt=0, description="what the learner's rewards are multiplied by; metrics are not")
    batch_size: int | None = Field(default=None, ge=2, description="agent-steps in a minibatch")
    n_epochs: int | None = Field(default=None, ge=1, description="passes over each rollout")
    clip_range: float | None = Field(default=None, gt=0, description="PPO's clip range")
    target_kl: float | None = Field(default=None, gt=0, description="stop a rollout's passes beyond 1.5 times this")
    rms_prop_eps: float | None = Field(default=None, gt=0, description="RMSProp's epsilon")
    lstm_hidden_size: int | None = Field(default=None, ge=1, description="units of the LSTM")
    n_lstm_layers: int | None = Field(default=None, ge=1, description="layers of the LSTM")
    network: Literal["flat", "set"] = Field(
        description="flat: weights of its own for each other state; set: the same for all, fit for any number of them"
    )
    networks: Literal["shared", "by_type"] = Field(
        default="shared",
        description="shared: one network for security seekers and greedy states; by_type: one for each",
    )
    net_arch: list[Positive] = Field(
        description="hidden layers, the same for policy and value, not shared; of a set: embeddings, pooled, more"
    )
    activation: Literal["tanh", "relu"] = Field(description="of the hidden layers")
    observations: Literal["symlog", "raw"] = Field(description="squash observations with sign(x) log(1+|x|), or not")
    culture: Literal["uniform", "peaceful", "hostile"] = Field(description="initial bias of the stance logits")
    culture_strength: float = Field(ge=0, description="that bias, in nats")

    @model_validator(mode="after")
    def _fits_the_learner(self) -> LearnerConfig:
        own = SETTINGS[self.algorithm]
        for name in _CLIPPED + _MEMORY + _RMSPROP:
            value = getattr(self, name)
            if name in own and value is None and name != "target_kl":
                raise ValueError(f"{name} is missing: {self.algorithm} needs it")
            if name not in own and value is not None:
                raise ValueError(f"{name} = {value} is not a setting of {self.algorithm}: leave it out or null")
        if self.network == "set" and self.algorithm == "RecurrentPPO":
            raise ValueError("network = 'set' is not allowed with RecurrentPPO, whose memory is flat: take flat")
        if self.networks == "by_type" and (self.network == "set" or self.algorithm not in ("PPO", "A2C")):
            with_what = "network set" if self.network == "set" else self.algorithm
            raise ValueError(f"networks = 'by_type' is not allowed with {with_what}: take PPO or A2C and network flat")
        if self.ent_coef_end is not None and self.ent_coef == 0:
            raise ValueError(
                f"ent_coef_end = {self.ent_coef_end} is not allowed with ent_coef = 0: it falls from there"
            )
        if self.network == "set" and not self.net_arch:
            raise ValueError("net_arch = [] is not allowed with network set: it needs a layer, its embeddings")
        return self


Mode = Literal["shared", "independent", "roles", "league", "versus"]
Weight = Annotated[float, Field(ge=0)]
#: Which of the settings of a population each mode has.
MODES: dict[str, tuple[str, ...]] = {
    "shared": (),
    "independent": (),
    "roles": ("roles",),
    "versus": ("opponents",),
    "league": ("opponents", "latest_weight", "past_weight", "snapshot_rollouts", "keep_snapshots"),
}
_OF_MODES = tuple(dict.fromkeys(name for names in MODES.values() for name in names))


class PopulationConfig(_Model):
    """Who learns and who sits where."""

    mode: Mode = Field(
        description="shared: one policy plays all states; independent: one for each state; roles: one for each role; "
        "league: one against its past selves and opponents; versus: one against opponents"
    )
    roles: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")], list[str]] | None = Field(
        default=None, min_length=1, description="role -> its states, each state in one role"
    )
    opponents: dict[str, Weight] | None = Field(
        default=None, description="strategy or path of a bundle -> weight in the draw of each state's player"
    )
    latest_weight: Weight | None = Field(default=None, description="weight of the latest past self")
    past_weight: Weight | None = Field(default=None, description="weight of all older past selves together")
    snapshot_rollouts: int | None = Field(default=None, ge=1, description="a past self after so many rollouts")
    keep_snapshots: int | None = Field(default=None, ge=1, description="how many past selves stay in the league")
    interventions: dict[str, dict[str, str]] | None = Field(
        default=None, description="state, or all -> part of its action -> what it is bound to, whatever it would choose"
    )

    @model_validator(mode="after")
    def _fits_the_mode(self) -> PopulationConfig:
        own = MODES[self.mode]
        for name in _OF_MODES:
            value = getattr(self, name)
            if name in own and value is None:
                raise ValueError(f"{name} is missing: mode {self.mode} needs it")
            if name not in own and value is not None:
                raise ValueError(f"{name} = {value} is not a setting of mode {self.mode}: leave it out or null")
        weights = [*(self.opponents or {}).values(), self.latest_weight or 0.0, self.past_weight or 0.0]
        if "opponents" in own and not sum(weights) > 0:
            raise ValueError(f"opponents = {self.opponents} is not allowed: a weight above 0 is needed")
        return self


class CheckpointConfig(_Model):
    """How a run survives being killed."""

    every_rollouts: Positive = Field(description="a checkpoint after so many rollouts")
    keep: int = Field(ge=2, description="how many checkpoints stay: an older one is there if the last is damaged")


class EvaluationConfig(_Model):
    """How final policies are measured."""

    worlds: Positive = Field(description="worlds played at once")
    episodes: Positive = Field(description="episodes of each world")
    seed: Seed = Field(description="seed of the evaluation worlds: none that training saw")


class CertificateConfig(_Model):
    """How final policies are certified (:mod:`agents.evaluation.certify`): what is tried to beat them."""

    scratch: int = Field(ge=0, description="learned responses that start from scratch, of each policy and seat")
    warm: int = Field(ge=0, description="learned responses that start from the policy")
    steps: Positive = Field(description="turns that each response is learned over")
    worlds: Positive = Field(description="worlds in which the best deviator is measured beside the policy")


class RoundsConfig(_Model):
    """Double oracle rounds after a training (:mod:`agents.training.rounds`)."""

    most: Positive = Field(description="rounds at most; none follows where no response gains more than gap")
    gap: float = Field(ge=0, description="share of a type's return that a response must gain to take its place")
    response_steps: Positive = Field(description="turns that a response is learned over, from scratch")
    worlds: int = Field(ge=2, description="worlds in which it is measured beside the policy")
    steps: Positive = Field(description="agent-steps that the policy learns on, where a response took a place in it")
    ent_coef: float = Field(gt=0, description="weight of the entropy bonus then, at the start; it falls as in training")
    learning_rate: float = Field(gt=0, description="step size then, at the start; it falls as in training")


class TrainingConfig(_Model):
    """A list of scenarios times seeds: each pair is a job that trains one population."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="what run folders are called")
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
        default=None, description="what is done about a policy that some response beats; null: nothing"
    )
    checkpoint: CheckpointConfig = Field(description="checkpoints")
    evaluation: EvaluationConfig = Field(description="evaluation of the final policies")
    certificate: CertificateConfig | None = Field(
        default=None, description="certificates of final policies that play all states; null: none, and no verdict"
    )
    device: str = Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:0")
    workers: int = Field(ge=0, description="jobs at a time; 0 = one for each core")
    torch_threads: Positive = Field(description="threads of torch in each job")
    world_threads: Positive = Field(description="threads that step the worlds of each job")
    runs: Path = Field(description="folder of the run folders")

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
    def _rounds_fit(self) -> TrainingConfig:
        if self.rounds is not None and (self.population.mode != "shared" or self.learner.networks != "by_type"):
            raise ValueError(
                f"rounds is not allowed with population.mode = {self.population.mode!r} and learner.networks = "
                f"{self.learner.networks!r}: a response takes the place of a type in one policy that plays all states, "
                "so take shared and by_type, or rounds null"
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
        """The experiment as YAML that :func:`read_yaml` reads back to an equal object."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


class _CommandLine(TrainingConfig, BaseSettings):
    """Train the worlds of an experiment. Every value comes from the YAML of --config; each --key here overrides one."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    config: str | None = Field(default=None, description=f"YAML of the experiment (default {DEFAULT_CONFIG})")
    resume: str | None = Field(default=None, description="run folder to continue")


class _Where(BaseSettings):
    """First look at the command line: which file holds the values."""

    config: str | None = None
    resume: str | None = None


def read_yaml(path: Path | str) -> TrainingConfig:
    """Read a whole experiment from ``path``.

    Raises:
        ConfigError: if the file is missing, is not a YAML mapping, or has a bad key or value.
    """
    return validated(TrainingConfig, _mapping(Path(path)))


def parse(argv: list[str]) -> tuple[TrainingConfig, Path | None]:
    """The experiment that a command line asks for, and the run folder to resume, if any.

    Values come from ``--config`` (or, with ``--resume RUN``, from ``RUN/config.yaml``); ``--any.key value`` overrides
    them. Nothing is created here.

    Raises:
        ConfigError: one sentence that names the key, the value and what is allowed.
        SystemExit: after ``--help``.
    """
    try:
        where = CliSettingsSource(
            _Where, cli_parse_args=_bare(argv), cli_ignore_unknown_args=True, cli_exit_on_error=False
        )()
    except SettingsError as error:
        raise ConfigError(_cli_sentence(error, argv)) from error
    resume = where.get("resume")
    if resume is not None:
        if where.get("config") is not None:
            raise ConfigError(f"--resume {resume} goes with the run's own config: leave --config out.")
        path = Path(resume) / "config.yaml"
        if not path.is_file():
            raise ConfigError(f"--resume {resume} is not a run folder: it has no config.yaml.")
    else:
        path = Path(where.get("config") or DEFAULT_CONFIG)
    try:
        cli: CliSettingsSource[Any] = CliSettingsSource(
            _CommandLine,
            cli_parse_args=argv,
            cli_prog_name="train.py",
            cli_exit_on_error=False,
            cli_enforce_required=False,
            cli_implicit_flags=False,
        )
        given: dict[str, Any] = cli()
    except SettingsError as error:
        raise ConfigError(_cli_sentence(error, argv)) from error
    given.pop("config", None)
    given.pop("resume", None)
    if resume is not None and (others := sorted(set(given) - MACHINE_KEYS)):
        raise ConfigError(
            f"--{others[0]} cannot change when a run is resumed; allowed beside --resume are "
            f"{' and '.join('--' + key for key in sorted(MACHINE_KEYS))} alone."
        )
    base = _mapping(path)
    if "paths" in given:  # as a whole: '{}' asks for one way to learn
        base.pop("paths", None)
    merged = _merge(base, given)
    return validated(TrainingConfig, merged), (None if resume is None else Path(resume))


def _bare(argv: list[str]) -> list[str]:
    """The arguments without --help, which the full parser answers."""
    return [word for word in argv if word not in ("-h", "--help")]


def _mapping(path: Path) -> dict[str, Any]:
    if not path.is_file():
        known = ", ".join(str(p) for p in sorted(path.parent.glob("*.yaml"))) or "none there"
        raise ConfigError(f"Config file {path} does not exist; files in its folder: {known}.")
    try:
        data = YamlConfigSettingsSource(_CommandLine, yaml_file=path, yaml_file_encoding="utf-8")()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"Config file {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    except (TypeError, ValueError, SettingsError) as error:
        raise ConfigError(f"Config file {path} must hold a mapping of keys to values.") from error
    return dict(data)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` on ``base``, key by key where both are mappings; dotted-key mappings of a scenario merge too."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def validated(model: type[TrainingConfig], data: dict[str, Any]) -> TrainingConfig:
    """An experiment from plain data; raises ConfigError, one sentence."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    """The first complaint of a validation as one sentence: key, value, what is allowed."""
    details = error.errors(include_url=False)
    first = details[0]
    key = ".".join(str(part) for part in first["loc"])
    kind, value = first["type"], first["input"]
    if kind == "extra_forbidden":
        text = f"{key} is not a key; {_nearest(key)}"
    elif kind == "missing":
        text = f"{key} is missing: give it in the YAML or as --{key}."
    elif kind == "value_error":
        text = f"{key + '.' if key else ''}{first['ctx']['error']}."
    else:
        text = f"{key} = {value!r} is not allowed: {first['msg'].removeprefix('Input ')}."
    more = len(details) - 1
    return text if not more else f"{text} There {'is' if more == 1 else 'are'} {more} more."


def _keys(model: type[BaseModel] = TrainingConfig, prefix: str = "") -> list[str]:
    """All dotted keys of the experiment."""
    keys = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += _keys(inner, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _nearest(key: str) -> str:
    parent = key.rpartition(".")[0]
    keys = [*_keys(), "config", "resume"]
    if near := difflib.get_close_matches(key, keys, n=1, cutoff=0.75):
        return f"did you mean {near[0]}?"
    beside = [k for k in keys if k.rpartition(".")[0] == parent]
    return f"allowed are {', '.join(beside or keys)}."


def _cli_sentence(error: SettingsError, argv: list[str]) -> str:
    """A complaint of the command line's parser as one sentence."""
    text = " ".join(str(error.__cause__ or error).split()).removeprefix("error parsing CLI: ")
    if match := re.search(r"unrecognized arguments: (\S+)", text):
        word = match[1]
        if word.startswith("--"):
            key = word.removeprefix("--").partition("=")[0]
            return f"--{key} is not a key; {_nearest(key)}"
        return f"{word!r} is not expected here: settings are given as --key value."
    return f"Command line: {text}."
