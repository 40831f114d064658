"""PettingZoo faces of one world: ``ParallelEnv``, and AEC through PettingZoo's own conversion."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pettingzoo
from gymnasium import logger, spaces
from gymnasium.error import ResetNeeded
from pettingzoo.utils.conversions import parallel_to_aec_wrapper
from pettingzoo.utils.wrappers import BaseWrapper, OrderEnforcingWrapper

from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.events import Event
from sd_env.scenario import Scenario, ScenarioLike
from sd_env.show.ansi import ansi
from sd_env.show.raster import raster
from sd_env.spaces import ActionSpace, check_action, check_render_mode, check_seed, observation_space, state_space
from sd_env.turn_events import turn_events
from sd_env.worlds import Worlds

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog


def parallel_env(
    scenario: ScenarioLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
    dict_observation: bool = False,
    mask_in_info: bool = True,
) -> ParallelEnv:
    """A PettingZoo ``ParallelEnv`` of one world; see :class:`ParallelEnv`."""
    given: dict[str, Any] = {"render_mode": render_mode, "dict_observation": dict_observation}
    return ParallelEnv(scenario, overrides=overrides, mask_in_info=mask_in_info, **given)


def env(
    scenario: ScenarioLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
    dict_observation: bool = False,
    mask_in_info: bool = True,
) -> pettingzoo.AECEnv[str, Any, Any]:
    """A PettingZoo ``AECEnv`` of one world: PettingZoo's own conversion of :class:`ParallelEnv`.

    All states still move at once: the world turns when the last of them has chosen. Bad actions are refused when
    they are given, and calls out of order by PettingZoo's ``OrderEnforcingWrapper``.
    """
    given: dict[str, Any] = {"render_mode": render_mode, "dict_observation": dict_observation}
    base = parallel_env(scenario, overrides=overrides, mask_in_info=mask_in_info, **given)
    return OrderEnforcingWrapper(_RefuseBadActions(parallel_to_aec_wrapper(base)))


class _RefuseBadActions(BaseWrapper[str, Any, Any]):  # type: ignore[misc]
    """Refuse a bad action when its agent gives it: at the end of the cycle it could no longer be put right."""

    def step(self, action: Any) -> None:
        agent = self.agent_selection
        if not (self.terminations[agent] or self.truncations[agent]):
            place, heads = self.possible_agents.index(agent), self.action_space(agent).heads
            action = check_action(agent, place, self.possible_agents, action, heads)
        super().step(action)

    def __str__(self) -> str:
        return str(self.env)


class ParallelEnv(pettingzoo.ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """One world of states in anarchy: the security dilemma.

    ## Description
    N states (2 to 16) arm, signal, ally, mobilize and attack, all at once each turn (a turn is a year). Some want only
    to be safe (security seekers, greed 0), others want land (greedy); nobody sees who is who. Rules and sources:
    docs/model.md. What differs between worlds (technology, geography, motives, perception) is the scenario.

    ## Action space
    ``MultiDiscrete([3, 3, 3] + [4] * (N - 1))``, int64; ``sample`` takes the flat mask below.

    | Head | Choices | Meaning |
    |---|---|---|
    | build_offense | 0 none, 1 half, 2 full | share of the turn's capacity for offensive arms |
    | build_defense | 0 none, 1 half, 2 full | share of the turn's capacity for defensive arms |
    | signal | 0 silence, 1 reassure, 2 threaten | what the state says in public |
    | stance | 0 align, 1 neutral, 2 mobilize, 3 attack | one head for each other state, in index order |
    | extent | 0 full, 1 limited | how far: one after each stance, with ``war.force_levels`` above 1 |

    ``arming.levels`` and ``war.force_levels`` give the first two and the last more choices: ``scenario.heads``.

    ``infos[agent]["action_mask"]`` is an int8 array ``(sum(nvec),)``, heads laid end to end, 1 where a choice is legal
    this turn. An illegal choice is carried out as its nearest legal one and counted; what is no action at all (an
    agent missing, another shape, out of range, not whole) is refused by a ``ValueError``, and nothing has changed.

    ## Observation space
    float32 ``Box(D)``, upper bound 1e6, lower bound 0, or -1 where marked ±. With ``dict_observation`` it is
    ``{"observation": Box(D), "action_mask": int8 (sum(nvec),)}``. First the state itself, without noise:

    | Column | Meaning |
    |---|---|
    | own.standing | 1 until it falls |
    | own.homeland | share of its homeland that it holds |
    | own.holdings | foreign land held, in homelands |
    | own.economy | income of a whole homeland per turn |
    | own.growth | of the economy per turn, ± |
    | own.reliability | record of honoured alliance calls, 0 to 1 |
    | own.pledge | turns left on its reassurance, the one just played included |
    | own.commitment | turns left on its threat, the one just played included |
    | own.greed | value of a unit of foreign land; 0 = security seeker |
    | own.offense | stock of offensive arms |
    | own.defense | stock of defensive arms |
    | own.owed | 1 if its threat bids it to attack by next turn |
    | own.step | turns played / horizon |
    | own.turn | turns played |
    | own.horizon | turns in the episode |

    Then the same block for each other state j, in index order (``other0.``, ``other1.``, ...):

    | Column | Meaning |
    |---|---|
    | other.standing | 1 until j falls |
    | other.homeland | share of its homeland that j holds |
    | other.holdings | foreign land that j holds |
    | other.economy | income of j's whole homeland |
    | other.growth | of j's economy, ± |
    | other.reliability | j's record of honoured calls |
    | other.pledge | turns left on j's reassurance |
    | other.commitment | turns left on j's threat |
    | other.heard_reassure | 1 if j was heard to reassure (through signal noise) |
    | other.heard_threaten | 1 if j was heard to threaten (through signal noise) |
    | other.offense_estimate | of j's offensive arms, noisy |
    | other.defense_estimate | of j's defensive arms, noisy |
    | other.their_success | perceived probability that an attack of j on this state succeeds now |
    | other.our_success | ... of this state's attack on j |
    | other.reach_out | share of this state's force that reaches j |
    | other.reach_in | share of j's force that reaches this state |
    | other.amity | this state's toward j, ± |
    | other.their_amity | j's toward this state, ± |
    | other.allied | 1 if allied with j |
    | other.aligned | 1 if j chose align toward this state |
    | other.mobilized | 1 if this state is mobilized against j |
    | other.they_mobilized | 1 if j is mobilized against this state |
    | other.at_war | 1 if this state attacked j last turn |
    | other.they_attacked | 1 if j attacked this state last turn |
    | other.rupture | turns until an alliance with j can form again |
    | other.called | turns left to honour j's call |
    | other.called_against | 1 if an open call names j as the aggressor |
    | other.they_called | turns left for j to honour this state's call |
    | other.allies | share of the third states that j is allied with |
    | other.attacks | share of the third states that j attacks |
    | other.attacked | share of the third states that attack j |
    | other.mobilizations | share of the third states that j is mobilized against |
    | other.belief | probability that j is a security seeker, by its deeds; only with ``perception.beliefs: true`` |
    | other.accused | 1 if this state was found to break the treaty; only with ``institutions`` that tell something |
    | other.found | 1 if j was; likewise |
    | other.report | what a mediator tells of j: 1 a security seeker, -1 greedy, 0 nothing, ±; likewise |
    | other.alert | turns in a row that this state has been mobilized against j; likewise |
    | other.their_alert | ... j against this state; likewise |
    | other.extent | how far this state mobilizes against j or attacks it; only with ``war.force_levels`` above 1 |
    | other.their_extent | how far j goes against this state; likewise |
    | other.extents | mean of how far j goes against the third states; likewise |

    Last, unless the scenario sets ``perception.context_observed: false``, the world's parameters in the order of
    ``sd_env.layout.CONTEXT`` (``context.``; ``threat_inflation`` ±). ``sd_env.layout.observation_names`` lists all
    columns. ``state()`` gives the global state, types included, for centralised critics: ``layout.STATE_COLUMNS`` (each
    for all states), ``PAIR_COLUMNS`` (each for all ordered pairs), ``WORLD_COLUMNS``.

    ## Rewards
    Income of the homeland held, plus greed times holdings, less the costs of arms, signals, mobilization, war, broken
    pledges and abandoned allies; plus the terms for power, routine and identification where a scenario sets them.

    ## Starting state
    The scenario's; every ``[low, high]`` range and every state's type is drawn anew at each reset. ``reset(seed=s)``
    begins the stream of s (0 is a seed), ``reset()`` its next episode. The first ``reset()`` without a seed draws one.
    ``options`` are ignored.

    ## Episode end
    All agents end on the same turn with the same flag: truncation at the horizon; termination when at most one state
    stands or ``continuation`` ends the world. A fallen state stays, and only doing nothing is legal for it.

    ## Arguments
    - ``scenario``: a name of the catalogue (``sd_env.scenarios()``), a path to a YAML file, a mapping or a ``Scenario``
    - ``overrides``: dotted keys to values, ``{"technology.offense_advantage": 2.0}``
    - ``render_mode``: ``None``; ``"ansi"``: ``render()`` returns text; ``"human"``: each turn is printed;
      ``"rgb_array"``: ``render()`` returns a picture, of which videos are made
    - ``dict_observation``: put the action mask into the observation too
    - ``mask_in_info``: False keeps it out of ``infos``, which are then empty, for libraries that store or stack them

    Besides PettingZoo's own attributes there are ``scenario``, ``events`` (of the last turn) and ``worlds`` (the
    :class:`sd_env.worlds.Worlds` beneath, for logs and measures).

    ## Version history
    - v0: first version
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "sd_env_v0",
        "render_modes": ["ansi", "human", "rgb_array"],
        "render_fps": 4,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        scenario: ScenarioLike,
        *,
        overrides: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        dict_observation: bool = False,
        mask_in_info: bool = True,
    ) -> None:
        self.render_mode = check_render_mode(render_mode, self.metadata["render_modes"])
        self.scenario = Scenario.load(scenario, overrides)
        self.dict_observation, self.mask_in_info = dict_observation, mask_in_info
        self.possible_agents = list(self.scenario.agents)
        self.agents: list[str] = []
        self.worlds = Worlds(self.scenario)
        heads, size = self.worlds.heads, self.worlds.observations.shape[-1]
        # One space an agent, not one for all: learners seed them agent by agent.
        self.observation_spaces: dict[str, spaces.Space[Any]] = {
            agent: observation_space(heads, size, dict_observation) for agent in self.possible_agents
        }
        self.action_spaces: dict[str, spaces.Space[Any]] = {agent: ActionSpace(heads) for agent in self.possible_agents}
        self.state_space = state_space(heads)
        self._in_order = itemgetter(*self.possible_agents)
        self._shape = (heads.num_states, len(heads.kinds))
        self._started = False
        self._events: tuple[Event, ...] | None = ()
        self._before = (b"", b"")
        self._actions = np.empty(0, np.int64)
        self._played: list[np.ndarray] = []

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """The observation space of ``agent``: the same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """The action space of ``agent``: the same object at each call."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode: the first of the stream of ``seed``, or the next of the present stream.

        Returns observations and infos by agent. ``options`` are ignored. ValueError for a seed that is none.
        """
        self.worlds.reset(check_seed(seed))
        self.agents = self.possible_agents[:]
        self._started = True
        self._events, self._played = (), []
        observed = self._observe()
        if self.render_mode == "human":
            self.render()
        return observed

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play a turn. ``actions``: by agent, integers ``(3 + N - 1,)``, one for every agent.

        Returns observations, rewards, terminations, truncations and infos by agent. ValueError, and nothing has
        changed, for what is not an action; ``gymnasium.error.ResetNeeded`` when no episode is on.
        """
        names = self.possible_agents
        if not self.agents:
            over = "the episode is over" if self._started else "no episode has begun"
            raise ResetNeeded(f"{over}: call reset() before step()")
        chosen = self._as_array(actions)
        worlds = self.worlds
        # Kept as bytes, so that the events can be told later if anyone asks: far cheaper than telling them.
        before = (worlds.states.tobytes(), worlds.pairs.tobytes())
        try:
            worlds.step(chosen[None])
        except RefusedError:
            self._explain(actions)  # in the words of this face
            raise
        self._before, self._actions, self._events = before, chosen, None
        self._played.append(chosen)
        terminated, truncated = bool(worlds.terminations[0]), bool(worlds.truncations[0])
        if terminated or truncated:
            self.agents = []
        observations, infos = self._observe()
        if self.render_mode == "human":
            self.render()
        return (
            observations,
            dict(zip(names, worlds.rewards[0].tolist())),  # noqa: B905
            dict.fromkeys(names, terminated),
            dict.fromkeys(names, truncated),
            infos,
        )

    def _observe(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        # Lengths are equal by construction, and zip's keyword `strict` alone takes as long as the rest of a zip.
        names = self.possible_agents
        # A copy for each agent: rows of one array would lead, through ``.base``, to what the others see of themselves.
        rows = [row.copy() for row in self.worlds.observations[0]]
        masks = [mask.copy() for mask in self.worlds.masks[0]]
        infos: dict[str, dict[str, Any]] = {agent: {"action_mask": mask} for agent, mask in zip(names, masks)}  # noqa: B905
        if not self.mask_in_info:
            infos = {agent: {} for agent in names}
        if self.dict_observation:
            pairs = zip(names, rows, masks)  # noqa: B905
            return {agent: {"observation": row, "action_mask": mask} for agent, row, mask in pairs}, infos
        return dict(zip(names, rows)), infos  # noqa: B905

    def _as_array(self, actions: Mapping[str, Any]) -> np.ndarray:
        """All actions as int64 ``(N, H)``, whose range is for the worlds to see."""
        try:
            array = np.array(self._in_order(actions))
        except (KeyError, TypeError, ValueError):
            return self._explain(actions)
        if array.dtype != np.int64 and array.dtype.kind in "iu":
            array = array.astype(np.int64)
        if array.dtype != np.int64 or array.shape != self._shape or len(actions) != len(array):
            return self._explain(actions)
        return array

    def _explain(self, actions: Any) -> np.ndarray:
        names = self.possible_agents
        if not isinstance(actions, Mapping):
            raise ValueError(f"actions: {actions!r} is not allowed; allowed is a mapping from agent to action")
        for agent in names:
            if agent not in actions:
                raise ValueError(f"actions has none for agent {agent!r}: each of {', '.join(names)} acts every turn")
        for agent in actions:
            if agent not in names:
                raise ValueError(f"actions names the unknown agent {agent!r}; the agents are {', '.join(names)}")
        return np.stack(
            [check_action(agent, i, names, actions[agent], self.worlds.heads) for i, agent in enumerate(names)]
        )

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened in the last turn (empty after a reset), told when first asked for: :mod:`sd_env.events`."""
        if self._events is None:
            worlds = self.worlds
            states, pairs = worlds.states[0].view(np.ndarray), worlds.pairs[0].view(np.ndarray)
            before = (
                np.frombuffer(self._before[0], layout.STATES),
                np.frombuffer(self._before[1], layout.PAIRS).reshape(pairs.shape),
            )
            turn = int(worlds.worlds["turn"][0])
            self._events = turn_events(self.possible_agents, turn, before, (states, pairs), self._actions, worlds.heads)
        return self._events

    def state(self) -> np.ndarray:
        """The global state with true types and arms: float64 ``(layout.state_size(N),)``."""
        if not self._started:
            raise ResetNeeded("no episode has begun: call reset() before state()")
        return self.worlds.state(0)

    def log(self) -> EpisodeLog:
        """The episode so far, one turn at least, as :mod:`sd_env.record` keeps them: it is played again.

        Raises:
            ResetNeeded: if no turn was played.
        """
        from sd_env.record.recorder import Tape  # only who asks needs it

        if not self._played:
            raise ResetNeeded("no turn has been played: there is nothing to tell of before step()")
        tape = Tape(self.scenario, 0)
        tape.begin(self.worlds.seed, int(self.worlds.worlds["episode"][0]))
        for actions in self._played:
            tape.play(actions)
        return tape.log()

    def replay(self) -> str:
        """The episode so far as one offline page for a browser, HTML (:func:`sd_env.show.page.page`)."""
        from sd_env.show.page import page

        return page(self.log())

    def render(self) -> str | np.ndarray | None:
        """The world as text (``"ansi"``), printed (``"human"``), or uint8 ``(480, 640, 3)`` (``"rgb_array"``)."""
        if self.render_mode is None:
            logger.warn('render() shows nothing: make the environment with render_mode="ansi", "human" or "rgb_array"')
            return None
        if not self._started:
            raise ResetNeeded("no episode has begun: call reset() before render()")
        if self.render_mode == "rgb_array":
            return raster(self.worlds, self.possible_agents, self.scenario.title, given=self.scenario.places)
        text = ansi(self.worlds, self.possible_agents, self.scenario.title, self.events)
        if self.render_mode == "ansi":
            return text
        print(text)
        return None

    def close(self) -> None:
        """Give back what the world holds; closing twice is allowed."""
        self.worlds.close()
