"""Who plays: what a policy is, who sits in which seat, and how a seat is asked for its actions.

Whatever plays policies in worlds stands on :class:`Cast`, so that the same policies with the same seed play the same
wherever they are put. Its two rules: every seat has a policy of its own, and its chance follows from the seed, the
episode, the first world and the seat alone.

A policy sees and chooses among the standard heads, ``none``, ``half`` and ``full``, whatever the heads of the scenario
(:func:`ask`): what was written for one is at home in all. One that is to know a scenario's own heads has a method
``act_with(observation, mask, heads)``.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeGuard, TypeVar

import numpy as np

from sd_env import layout
from sd_env.errors import RefusedError, said
from sd_env.layout import Heads, standard_heads

_P = TypeVar("_P")


class PolicyError(RefusedError):
    """A policy that cannot be, that does not fit, or that answers with what is no action: one sentence."""


class Policy(Protocol):
    """Whoever can sit in a seat: batched over K rows, one a world."""

    def reset(self, seed: int) -> None:
        """An episode begins; all chance of the policy is to follow from ``seed`` (0 to 2**32 - 1)."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Integers ``(K, H)`` for observations float32 ``(K, D)`` and flat action masks int8 ``(K, M)``.

        Both are those of the standard heads. A policy that has a method ``act_with(observation, mask, heads)`` is asked
        by that one where the heads are others.
        """


#: One policy for all seats, one a seat in index order, or one a seat by the state's name.
CastLike: TypeAlias = "Policy | Sequence[Policy] | Mapping[str, Policy]"


class Board:
    """Where the policies of a cast that speak in words write what they say, for each other and for nobody else.

    What is said on a turn is heard on the next: all move at once. Who reads it is to know the signal that it came with,
    since the game may let a signal be misheard.

    Attributes:
        over: rows of worlds that have ended, where whoever plays them says so.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[int, int, int], tuple[int, str]] = {}
        self.over: set[int] = set()

    def clear(self) -> None:
        """An episode begins."""
        self._said.clear()
        self.over.clear()

    def say(self, turn: int, seat: int, row: int, signal: int, words: str) -> None:
        """State ``seat`` of the world in ``row`` says ``words`` with a signal; "" says nothing."""
        self._said.pop((turn - 2, seat, row), None)
        self._said[turn, seat, row] = (signal, words)

    def said(self, turn: int, seat: int, row: int) -> tuple[int, str] | None:
        """The signal and the words of a state on a turn; None without words."""
        found = self._said.get((turn, seat, row))
        return found if found is not None and found[1] else None


class Speaker(Policy, Protocol):
    """A policy that speaks in words and gives forecasts: beside a policy's methods it has these, all or none."""

    def sit(self, seat: int, agents: Sequence[str], board: Board) -> None:
        """It plays the state ``seat`` of ``agents``, and hears and speaks by ``board``."""

    def foresees(self) -> np.ndarray:
        """Chances of attacks on the turn that it was last asked about, ``(K, N, N)``: attacker by target, NaN: none."""

    def counts(self) -> Mapping[str, np.ndarray]:
        """Numbers of the episode so far, ``(K,)`` each, by name."""


class AnyHeads:
    """A policy of any heads: a subclass gives ``act_with``."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Integers ``(K, H)`` for observations float32 ``(K, D)`` and flat masks int8 ``(K, M)`` of standard heads."""
        return self.act_with(observation, mask, standard_heads(layout.num_states_of(mask.shape[1])))

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """Integers ``(K, H)`` for observations float32 ``(K, D)`` and flat masks int8 ``(K, M)`` of these heads."""
        raise NotImplementedError


class RandomPolicy(AnyHeads):
    """Uniform over the legal choices of each head; follows from the seed of its last ``reset``."""

    def __init__(self, seed: int = 0) -> None:
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Begin the random stream of ``seed``."""
        self._random = np.random.default_rng(seed)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """int64 ``(K, H)`` for flat masks ``(K, M)``: the greatest of independent uniforms is a uniform choice."""
        rows, size = mask.shape
        keys = np.where(mask != 0, self._random.random((rows, size)), -1.0)
        sizes = heads.sizes
        actions = np.empty((rows, len(sizes)), dtype=np.int64)
        start = 0
        for head, choices in enumerate(sizes):
            actions[:, head] = keys[:, start : start + choices].argmax(axis=1)
            start += choices
        return actions


class Cast:
    """Policies in their seats, each seat with one of its own.

    A policy that is given for several seats plays the first of them itself and the others by deep copies. So no call of
    ``act`` holds rows of two states of one world, of which each may show what the other is not to know, and what a seat
    plays is the same whether or not its policy plays other seats too.

    Attributes:
        seats: index of each seat -> its policy, in ascending order.
        board: what those say that speak in words.

    Args:
        policies: who plays.
        agents: names of all states, in index order.
        seats: indices of the states that are played; default all.
        heads: of the scenario; default the standard ones.

    Raises:
        PolicyError: for a seat without a policy, a policy without a seat, what is no policy, or one for several seats
            that cannot be copied.
    """

    def __init__(
        self,
        policies: CastLike,
        agents: Sequence[str],
        seats: Sequence[int] | None = None,
        *,
        heads: Heads | None = None,
    ) -> None:
        self.heads = heads or standard_heads(len(agents))
        held = sorted(range(len(agents)) if seats is None else seats)
        given = _one_a_seat(policies, [agents[seat] for seat in held])
        seen: set[int] = set()
        self.seats: dict[int, Policy] = {}
        for seat, policy in zip(held, given, strict=True):
            check_policy(policy, f"the cast has {policy!r} for {agents[seat]}")
            self.seats[seat] = another(policy) if id(policy) in seen else policy
            seen.add(id(policy))
        self.board = Board()
        for seat, speaker in self.speakers.items():
            speaker.sit(seat, tuple(agents), self.board)

    @property
    def names(self) -> list[str]:
        """What the policies call themselves, by seat."""
        return [name_of(policy) for policy in self.seats.values()]

    @property
    def speakers(self) -> dict[int, Speaker]:
        """The policies that speak in words, by seat."""
        return {seat: policy for seat, policy in self.seats.items() if is_speaker(policy)}

    def reset(self, seed: int, episode: int = 0, world: int = 0) -> None:
        """An episode begins in worlds of which ``world`` is the first: every policy gets the seed of its seat."""
        self.board.clear()
        for seat, policy in self.seats.items():
            policy.reset(derived_seed(seed, episode, world, seat))

    def act(self, observations: np.ndarray, masks: np.ndarray, actions: np.ndarray) -> None:
        """Ask every seat and write its actions into ``actions``.

        Args:
            observations: float32 ``(B, N, D)`` of all states; each policy is shown a copy of its own seat's rows.
            masks: int8 ``(B, N, M)``, likewise.
            actions: int64 ``(B, N, H)``; entries of other seats stay as they are.

        Raises:
            PolicyError: for an answer that holds no actions.
        """
        with one_thread():
            for seat, policy in self.seats.items():
                actions[:, seat] = ask(policy, observations[:, seat], masks[:, seat], self.heads)


def ask(policy: Policy, observation: np.ndarray, mask: np.ndarray, heads: Heads | None = None) -> np.ndarray:
    """What a policy does, int64 ``(K, H)``, shown copies of ``observation`` ``(K, D)`` and ``mask`` ``(K, M)``.

    Where the ``heads`` are not the standard ones (None), one without ``act_with`` is shown the game as if they were;
    ``full`` is then the whole, and ``half`` the level nearest to it.

    Raises:
        PolicyError: for an answer of another shape, of what are no integers, or of what is no choice of a head, or if
            it fails. A choice that is only illegal just now is one: the rules replace it.
    """
    heads = heads or standard_heads(layout.num_states_of(mask.shape[1]))
    if not heads.standard and not hasattr(policy, "act_with"):
        return heads.from_standard(ask(policy, *as_standard(observation, mask, heads)))
    try:
        chosen = np.asarray(answer(policy, observation.copy(), mask.copy(), heads))
    except PolicyError:
        raise
    except Exception as error:  # whatever somebody's code raises, as a network of another number of states does
        shown = f"observations {observation.shape} and masks {mask.shape}"
        raise PolicyError(
            f"policy {name_of(policy)}: act failed for {shown} of {heads.num_states} states: "
            f"{type(error).__name__}: {said(error)}."
        ) from error
    sizes = np.array(heads.sizes)
    wanted = (len(mask), len(sizes))
    if chosen.shape != wanted or chosen.dtype.kind not in "iu":
        raise PolicyError(
            f"policy {name_of(policy)}: act gave {chosen.dtype} {chosen.shape}; integers {wanted} are needed."
        )
    odd = (chosen < 0) | (chosen >= sizes)
    if odd.any():
        row, head = np.argwhere(odd)[0].tolist()
        name = heads.kinds[head].label
        raise PolicyError(
            f"policy {name_of(policy)}: act gave {chosen[row, head]} for {name}; 0 to {sizes[head] - 1} are allowed."
        )
    return chosen.astype(np.int64, copy=False)


def answer(policy: Policy, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
    """What a policy does, as in :func:`ask`, but unchecked and shown these very arrays: for policies made of others."""
    if heads.standard:
        return policy.act(observation, mask)
    if not hasattr(policy, "act_with"):
        return heads.from_standard(policy.act(*as_standard(observation, mask, heads)))
    chosen: np.ndarray = policy.act_with(observation, mask, heads)
    return chosen


def as_standard(observation: np.ndarray, mask: np.ndarray, heads: Heads) -> tuple[np.ndarray, np.ndarray]:
    """Observations ``(..., D)`` and masks ``(..., M)`` as a scenario of standard heads would show them.

    A standard choice is legal where the one that stands for it is; columns about extents are left out, those about
    institutions stay.
    """
    n, limits = heads.num_states, heads.limits_force
    parts = layout.observation_parts(observation.shape[-1], n, limits)
    names = layout.observation_names(n, *parts)
    plain = set(layout.observation_names(n, *parts._replace(force=False)))
    columns = [column for column, name in enumerate(names) if name in plain]
    first = np.cumsum([0, *heads.sizes])
    kept = [first[entry] + choice for entry, head in enumerate(heads.kinds) if head in standard_heads(n).all
            for choice in heads.standing_for(head)]  # fmt: skip
    return observation[..., columns], mask[..., kept]


def is_policy(thing: object) -> bool:
    """Whether ``thing`` can be reset and can act."""
    return callable(getattr(thing, "reset", None)) and callable(getattr(thing, "act", None))


def is_speaker(thing: object) -> TypeGuard[Speaker]:
    """Whether ``thing`` is a policy that speaks in words."""
    return all(callable(getattr(thing, name, None)) for name in ("sit", "foresees", "counts"))


def check_policy(thing: object, what: str) -> None:
    """Refuse what is no policy in a sentence that begins with ``what``.

    Raises:
        PolicyError: if it cannot be reset or cannot act.
    """
    if not is_policy(thing):
        raise PolicyError(f"{what}; a policy has reset(seed) and act(observation, mask).")


def another(policy: _P) -> _P:
    """A copy of a policy, or of what plays for several, for another seat: neither knows what the other sees.

    Raises:
        PolicyError: if it cannot be copied.
    """
    try:
        return copy.deepcopy(policy)
    except Exception as error:  # whatever it holds may refuse in its own way
        raise PolicyError(
            f"policy {name_of(policy)} cannot be copied for another seat ({type(error).__name__}); "
            "give each seat a policy of its own."
        ) from error


def name_of(policy: object) -> str:
    """What a policy calls itself, else the name of its class."""
    name = getattr(policy, "name", None)
    return name if isinstance(name, str) and name else type(policy).__name__


def derived_seed(*key: int) -> int:
    """A seed, 0 to 2**32 - 1, that follows from whole numbers of any size: other numbers, other seed."""
    return int(np.random.SeedSequence(list(key)).generate_state(1)[0])


@contextmanager
def one_thread() -> Iterator[None]:
    """Networks compute on one thread within: the same numbers whatever the machine and however many workers."""
    torch: Any = sys.modules.get("torch")
    before = 1 if torch is None else torch.get_num_threads()  # None: nobody has imported it
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _one_a_seat(policies: CastLike, agents: Sequence[str]) -> list[Any]:
    """The policy of each of the named seats, as given."""
    if isinstance(policies, Mapping):
        if set(policies) != set(agents):
            given, needed = (", ".join(map(str, names)) for names in (policies, agents))
            raise PolicyError(f"the cast names {given or 'nobody'}; a policy is needed for each of {needed}.")
        return [policies[agent] for agent in agents]
    if isinstance(policies, Sequence):
        if len(policies) != len(agents):
            raise PolicyError(f"the cast has {len(policies)} policies; {len(agents)} are needed, one a state.")
        return list(policies)
    return [policies] * len(agents)
