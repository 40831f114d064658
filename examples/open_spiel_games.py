"""OpenSpiel: games of a few turns, exported whole, solved by its CFR, and its alpha-rank, compared with our solvers.

python -m examples.open_spiel_games [--smoke]
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pyspiel
from open_spiel.python import policy as policies
from open_spiel.python.algorithms import cfr, exploitability
from open_spiel.python.egt import alpharank

import sd_env
from agents.evaluation.equilibria import fixations, stationary
from agents.evaluation.exact import allowed_actions, exact_gap, legal_actions, state_types, turn_game, with_types
from agents.policies.registry import make
from agents.table.play import play
from examples import say
from sd_env import Worlds, layout

Moves = tuple[int, ...]


def exported(scenario: sd_env.Scenario, name: str) -> pyspiel.Game:
    """A scenario of two states that leaves nothing but types to chance, as an OpenSpiel game.

    Types are drawn first, each state's apart; then the states choose in index order, and the second does not see what
    the first chose on the same turn. An information state is what a state has seen and chosen so far.
    """
    actions, kinds = allowed_actions(scenario), [state_types(scenario, i) for i in range(2)]
    turns = int(scenario.bounds().parameters[0][layout.PARAMETERS.index("horizon")])

    @cache
    def after(types: Moves, moves: Moves) -> tuple[Any, Any, Any, bool]:
        """Returns so far, what is seen, legal actions and whether it is over, after whole turns."""
        greeds = [float(kinds[i][0][kind]) for i, kind in enumerate(types)]
        worlds, returns, over = Worlds(with_types(scenario, greeds), seed=0), np.zeros(2), False
        for chosen in np.reshape(moves, (-1, 2)).astype(int):
            worlds.step(actions[chosen][None])
            returns += worlds.rewards[0]
            over = bool(worlds.terminations[0] | worlds.truncations[0])
        legal = [
            [k for k, action in enumerate(actions) if (legal_actions(mask, worlds.heads) == action).all(1).any()]
            for mask in worlds.masks[0]
        ]
        return returns, worlds.observations[0].copy(), legal, over

    class State(pyspiel.State):
        def __init__(self, game: pyspiel.Game) -> None:
            super().__init__(game)
            self.types: Moves = ()
            self.moves: Moves = ()

        def now(self) -> tuple[Any, Any, Any, bool]:
            return after(self.types, self.moves[: len(self.moves) // 2 * 2])

        def is_terminal(self) -> bool:
            return len(self.types) == 2 and self.now()[3]

        def current_player(self) -> int:
            if len(self.types) < 2:
                return pyspiel.PlayerId.CHANCE
            return pyspiel.PlayerId.TERMINAL if self.is_terminal() else len(self.moves) % 2

        def chance_outcomes(self) -> list[tuple[int, float]]:
            return list(enumerate(kinds[len(self.types)][1].tolist()))

        def _legal_actions(self, player: int) -> list[int]:
            return list(self.now()[2][player])

        def _apply_action(self, action: int) -> None:
            if len(self.types) < 2:
                self.types += (action,)
            else:
                self.moves += (action,)

        def _action_to_string(self, player: int, action: int) -> str:
            return f"type {action}" if player == pyspiel.PlayerId.CHANCE else str(actions[action].tolist())

        def returns(self) -> list[float]:
            return self.now()[0].tolist() if len(self.types) == 2 else [0.0, 0.0]

        def __str__(self) -> str:
            return f"types {self.types}, moves {self.moves}"

    class Observer:
        def __init__(self, *_: Any) -> None:
            self.tensor, self.dict = np.zeros(0, np.float32), {}

        def set_from(self, state: State, player: int) -> None:
            pass

        def string_from(self, state: State, player: int) -> str:
            whole = len(state.moves) // 2 * 2
            seen = b"".join(after(state.types, state.moves[:k])[1][player].tobytes() for k in range(0, whole + 1, 2))
            return f"{player} chose {state.moves[player::2]}, saw {hashlib.sha256(seen).hexdigest()[:16]}"

    kind = pyspiel.GameType(
        short_name=name, long_name=name, dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
        chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
        information=pyspiel.GameType.Information.IMPERFECT_INFORMATION, utility=pyspiel.GameType.Utility.GENERAL_SUM,
        reward_model=pyspiel.GameType.RewardModel.TERMINAL, max_num_players=2, min_num_players=2,
        provides_information_state_string=True, provides_information_state_tensor=False,
        provides_observation_string=False, provides_observation_tensor=False,
    )  # fmt: skip
    most = max(len(each[0]) for each in kinds)
    size = pyspiel.GameInfo(len(actions), most, 2, -1000.0, 1000.0, None, 2 * turns)

    class Game(pyspiel.Game):
        def __init__(self, params: Any = None) -> None:
            super().__init__(kind, size, params or {})

        def new_initial_state(self) -> State:
            return State(self)

        def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> Observer:
            return Observer()

    pyspiel.register_game(kind, Game)
    return pyspiel.load_game(name)


class Retaliator:
    """Attacks whoever attacked it last turn; does nothing else."""

    name, memory = "retaliator", 0

    def reset(self, seed: int | None = None) -> None:
        """Nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Actions int64 `(K, 4)`."""
        struck = observation[:, layout.observation_names(2, context=False).index("other0.they_attacked")] == 1
        chosen = np.tile(layout.noop(2), (len(observation), 1))
        chosen[:, layout.Head.STANCE] = np.where(struck, layout.Stance.ATTACK, layout.Stance.NEUTRAL)
        return chosen


def main() -> None:
    """Export, solve, compare."""
    smoke = say.smoke(__doc__)
    scenario = sd_env.load_scenario("games/one-shot")
    ours, game = turn_game(scenario), exported(scenario, "sd_env_one_shot")
    solver = cfr.CFRSolver(game)
    for _ in range(50 if smoke else 1000):
        solver.evaluate_and_update_policy()
    uniform, solved = policies.TabularPolicy(game), solver.average_policy()
    for tried in (uniform, solved):
        behaviour = [np.zeros((2, 2)) for _ in range(2)]
        for s, t, seat in np.ndindex(2, 2, 2):
            state = game.new_initial_state()
            for action in (s, t, *[0] * seat):  # what the first chose is not seen by the second
                state.apply_action(action)
            behaviour[seat][(s, t)[seat]] = [tried.action_probabilities(state)[k] for k in range(2)]
        theirs = exploitability.nash_conv(game, tried)
        gaps = sum(ours.gap(behaviour, seat).gap for seat in range(2))
        assert abs(theirs - gaps) < 1e-9, f"OpenSpiel says {theirs}, our solver {gaps}"
    assert theirs < (0.05 if smoke else 0.002), f"CFR is {theirs} from equilibrium"
    say.works(f"Bayesian game of one turn: CFR ends {theirs:.1g} from equilibrium; its NashConv is ours to 1e-9")

    for name, turns in (("games/repeated-pd", 2), ("games/stag-hunt", 2 if smoke else 4)):
        scenario = sd_env.load_scenario(name, {"horizon": turns})
        game = exported(scenario, f"sd_env_{name.split('/')[1].replace('-', '_')}")
        actions, player = allowed_actions(scenario), Retaliator()

        def choice(
            state: Any, actions: Any = actions, player: Any = player, scenario: Any = scenario
        ) -> dict[int, float]:
            seat = state.current_player()
            chosen = player.act(state.now()[1][seat][None], np.zeros((1, 0)))[0]
            return {k: float((actions[k] == chosen).all()) for k in state.legal_actions(seat)}

        table = policies.tabular_policy_from_callable(game, choice)
        for seat in range(2):
            found = exploitability.best_response(game, table, seat)
            gap = exact_gap(player, scenario, seat)
            assert abs(found["best_response_value"] - gap.best) < 1e-9, (found["best_response_value"], gap)
            assert abs(found["on_policy_value"] - gap.own) < 1e-9, (found["on_policy_value"], gap)
        say.works(f"{name} over {turns} turns: best responses to a retaliator are worth the same by both, to 1e-9")

    # who beats whom among strategies, as evolution sees it: one population, in which the fitter are imitated
    names, turns = ("dove", "hawk", "tit-for-tat", "grim-trigger"), 10
    scenario = sd_env.load_scenario("games/repeated-pd", {"horizon": turns})
    worth = np.array([
        [play(scenario, [make(mine), make(theirs)], worlds=1, seed=0)["return_0"].mean() for theirs in names]
        for mine in names
    ])  # fmt: skip
    for intensity in (0.1, 1.0):
        *_, theirs, _, _ = alpharank.compute([worth], m=20, alpha=intensity, use_local_selection_model=False)
        ours = stationary(fixations(worth, 20, intensity))
        assert abs(theirs - ours).max() < 1e-9, (theirs, ours)
    stays = ", ".join(f"{name} {share:.2f}" for name, share in zip(names, ours, strict=True))
    say.works(f"alpha-rank of strategies in {turns} rounds is ours to 1e-9: {stays}")


if __name__ == "__main__":
    main()
