"""The card of a policy of the zoo: how it was trained, what it earns, what was tried against it, and what it does.

Cards are written by :mod:`agents.publish.zoo`, from what was measured. Whoever reads one finds it whole, or is told in
a sentence what is wrong with it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.policies import PolicyError
from sd_env.reading import MOST_BYTES, ReadError, read_json

FORMAT: Final = "sd-env zoo card"
VERSION: Final = 1
#: The file of a bundle that holds the digest of its weights, and so is the whole bundle's.
_MANIFEST: Final = "bundle.json"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Member(_Data):
    """A network of the mixture: what it is, and its shares in either type."""

    name: str
    seekers: Share
    greedy: Share


class Training(_Data):
    """How the policy was trained.

    Attributes:
        config: name of the config.
        sha256: digest of the config as it was run.
        command: that ran it.
        start: which of the config's ways to learn; "" if it has one.
        algorithm: who learned.
        seed: of the job.
        agent_steps: of the first training, before any round.
        rounds: how many rounds followed; 0 where none did.
        response_steps: turns over which each response of a round was learned.
        members: of the mixture; none where the policy is a single network.
    """

    config: str
    sha256: Digest
    command: str
    start: str
    algorithm: str
    seed: Count
    agent_steps: Count
    rounds: Count
    response_steps: Count
    members: list[Member]


class Return(_Data):
    """The return of the states of a type: mean and standard error over worlds, in homeland-incomes an episode."""

    mean: float
    error: float | None
    states: Count


class Played(_Data):
    """What the policy did in all seats, to be played again: one episode in each of the worlds of a seed.

    Attributes:
        worlds: how many.
        seed: of the worlds and of the policy's draws.
        returns: by type.
        rates: by type, as :meth:`agents.evaluation.deeds.Deeds.rates` gives them.
    """

    worlds: Count
    seed: Count
    returns: dict[str, Return]
    rates: dict[str, dict[str, float | None]]


class Gap(_Data):
    """What the best deviator found gains a type in a seat: a row of :func:`agents.evaluation.certify.certificates`."""

    state: str
    type: str
    own: float
    gain: float
    low: float
    high: float
    response: str
    searches: Count
    failed: Count
    verdict: str


class Certificate(_Data):
    """What was tried against the policy, and what it gained.

    Attributes:
        allowed: share of a type's return that a deviator may gain.
        scratch, warm: learned responses to each seat, from scratch and from the policy.
        scripts: scripted deviators tried.
        searcher: who learned the responses.
        steps: turns over which each was learned.
        worlds: in which the best was measured.
        gaps: what was found, by seat and type.
    """

    allowed: float
    scratch: Count
    warm: Count
    scripts: Count
    searcher: str
    steps: Count
    worlds: Count
    gaps: Annotated[list[Gap], Field(min_length=1)]

    @property
    def holds(self) -> bool:
        """Whether all gaps are certified, and each is by its own numbers."""
        return all(
            gap.verdict == "certified" and gap.high <= self.allowed and gap.failed < gap.searches for gap in self.gaps
        )

    def largest(self, kind: str) -> Gap | None:
        """The largest gap of a type, over seats; None if there is none."""
        return max((gap for gap in self.gaps if gap.type == kind), key=lambda gap: gap.gain, default=None)


class Files(_Data):
    """The bundle: bytes of its files, and the digest of its manifest, which holds that of the weights."""

    bytes: Count
    sha256: Digest


class Card(_Data):
    """All that is known of a policy.

    Attributes:
        name: by which it is made.
        scenario: of the catalogue, in which it was trained.
        fingerprint: of that scenario.
        words: what the policy does, sentences made of the rates of ``played``.
        certified: whether the certificate holds.
        versions: of the packages, when the card was written.
        machine: on which it was.
    """

    format: Literal["sd-env zoo card"]
    version: Literal[1]
    name: str
    scenario: str
    fingerprint: Digest
    words: list[str]
    training: Training
    played: Played
    certificate: Certificate
    certified: bool
    bundle: Files
    versions: dict[str, str]
    machine: str

    @model_validator(mode="after")
    def _follows(self) -> Card:
        if self.certified != self.certificate.holds:
            raise ValueError(f"certified is {self.certified}, which does not follow from its gaps")
        return self

    def check(self, bundle: Path) -> None:
        """Refuse a bundle that is not the one of the card; that its files are whole, its own digests say.

        Raises:
            PolicyError: one sentence.
        """
        try:
            found = hashlib.sha256(read_bounded(bundle / _MANIFEST)).hexdigest()
        except (OSError, RefusedError) as error:
            raise PolicyError(f"{self.name} cannot be used: {said(error).rstrip('.')}.") from None
        if found != self.bundle.sha256:
            raise PolicyError(f"{self.name} cannot be used: its bundle is not the one that its card is of.")

    def returned(self, kind: str) -> str:
        """The return of a type in words: ``26.06 ± 0.11``, mean and standard error; ``-`` if there is none."""
        found = self.played.returns.get(kind)
        if found is None:
            return "-"
        return f"{found.mean:.2f}" + ("" if found.error is None else f" ± {found.error:.2f}")

    def gap(self, kind: str) -> str:
        """The largest gap of a type in words: ``0.9% (1.4%)``, in brackets the end of its interval; ``-`` if none."""
        found = self.certificate.largest(kind)
        return "-" if found is None else f"{found.gain:.1%} ({found.high:.1%})"

    def made(self) -> str:
        """How it came to be, in a sentence."""
        training, count = self.training, len(self.training.members)
        what = f"A mixture of {count} networks" if count > 1 else "One network"
        rounds = f" and {training.rounds} round{'s' * (training.rounds > 1)}" if training.rounds else ""
        sure = "certified" if self.certified else "not certified"
        return (
            f"{what}, trained in {self.scenario} by {training.config} at seed {training.seed}: {training.algorithm}, "
            f"{training.agent_steps:,} agent-steps{rounds}; {sure}."
        )

    def told(self) -> str:
        """How it came to be and what it does, two paragraphs."""
        return f"{self.made()}\n\n{' '.join(self.words)}"


def read(path: Path, name: str) -> Card:
    """The card at ``path``, of the policy ``name``.

    Raises:
        PolicyError: if it is not as it was written, or of another policy; one sentence.
    """
    try:
        found = Card.model_validate(read_json(read_bounded(path, MOST_BYTES), "it"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        why = f"{key or 'its content'} is not allowed ({first['msg'].removeprefix('Value error, ')})"
    except (ReadError, RefusedError, OSError) as error:
        why = said(error).rstrip(".")
    else:
        if found.name == name:
            return found
        why = f"it is of {found.name!r:.80}"
    raise PolicyError(f"The card of {name} cannot be used: {why}.")
