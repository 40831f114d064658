"""Declared traits stand up to the suite that tries to refute them, and the suite refutes what is false."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import agents
from agents.evaluation.threshold import effective_turns, trust_threshold
from agents.policies import registry
from agents.policies.traits import Traits as BaseTraits
from agents.strategies import BUILT_INS, WHOLE_EPISODE, Cell, Plan, Strategy, Traits, View
from agents.strategies.baselines import Dove, Hawk, Random
from agents.strategies.checks import refutations
from agents.strategies.reciprocity import GenerousTitForTat, GrimTrigger, Grit, TitForTat
from agents.strategies.scenes import SCENES, Deed, Scene, play_scene, scenario_of
from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.policies import PolicyError


@pytest.mark.parametrize("strategy", BUILT_INS, ids=lambda strategy: strategy.name)
def test_nothing_refutes_the_declared_traits(strategy: type[Strategy]) -> None:
    assert refutations(strategy) == ()


# --- a false declaration is found -----------------------------------------------------------------------------


def declaring(strategy: type[Strategy], **false: Any) -> type[Strategy]:
    """The strategy with a declaration that is not true of it."""
    traits = dataclasses.replace(strategy.traits, **false)
    assert traits != strategy.traits
    return type(strategy.__name__, (strategy,), {"traits": traits, "__module__": __name__, "__doc__": "A liar."})


BOOLEANS = [trait.name for trait in dataclasses.fields(Traits) if trait.name != "memory"]


def someone(trait: str, value: bool) -> type[Strategy]:
    """A strategy of which the opposite of ``value`` is true: one that is quick to try."""
    if trait == "stochastic":
        return Dove if value else GenerousTitForTat
    return next(s for s in BUILT_INS if getattr(s.traits, trait) is not value and not s.traits.stochastic)


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("trait", BOOLEANS)
def test_a_false_declaration_is_refuted(trait: str, value: bool) -> None:
    found = refutations(declaring(someone(trait, value), **{trait: value}))
    assert len(found) == 1
    assert found[0].startswith(f"declares {trait}={value}, but ")


@pytest.mark.parametrize(
    ("strategy", "memory", "why"),
    [
        (GrimTrigger, 0, "acts on an earlier past"),
        (GrimTrigger, 2, "acts on an earlier past"),
        (Grit, 0, "acts on an earlier past"),
        (TitForTat, 1, "in no scene acts on a past that long"),
        (GenerousTitForTat, WHOLE_EPISODE, "in no scene acts on a past that long"),
    ],
)
def test_a_false_memory_is_refuted(strategy: type[Strategy], memory: int, why: str) -> None:
    (found,) = refutations(declaring(strategy, memory=memory))
    assert found.startswith(f"declares memory={memory}, but {why}")


class TitForTwoTats(Strategy):
    """Attacks only who attacked it on both of the last two turns: a memory of one turn, too slow to retaliate."""

    name: ClassVar[str] = "tit-for-two-tats"
    traits: ClassVar[Traits] = Traits(memory=1)
    cells: ClassVar[Mapping[str, Cell]] = {"before": Cell("other", False)}

    def decide(self, view: View, plan: Plan) -> None:
        before = self.recall["before"]
        plan.stance[view.attacked & before] = Stance.ATTACK
        before[:] = view.attacked


def test_a_memory_of_one_turn_is_told_from_none_and_from_a_longer_one() -> None:
    assert refutations(TitForTwoTats) == ()
    for memory in (0, 2, WHOLE_EPISODE):
        assert len(refutations(declaring(TitForTwoTats, memory=memory))) == 1


class Assassin(Strategy):
    """Attacks one state out of the blue on one single turn, and only among four or more."""

    name: ClassVar[str] = "assassin"
    traits: ClassVar[Traits] = Traits()

    def decide(self, view: View, plan: Plan) -> None:
        if view.others >= 3:
            plan.stance[view.own.turn == 7, 1] = Stance.ATTACK


class Lottery(Strategy):
    """Says that it has no chance, and throws a coin of its own that no seed governs."""

    name: ClassVar[str] = "lottery"
    traits: ClassVar[Traits] = Traits(reassures=True)
    flips: ClassVar[list[int]] = []

    def decide(self, view: View, plan: Plan) -> None:
        self.flips.append(0)
        plan.signal[:] = len(self.flips) % 7 // 4


class Outlaw(Dove):
    """Sends what is illegal."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.STANCE] = Stance.ATTACK
        return actions


def test_one_attack_on_one_turn_is_a_first_strike() -> None:
    (found,) = refutations(Assassin)
    assert found == "declares first_strikes=False, but the scene 'three quiet neighbours' shows otherwise"


def test_chance_beside_the_seed_is_found() -> None:
    assert "it acts in two ways with one seed" in "; ".join(refutations(Lottery))


def test_an_illegal_choice_is_found() -> None:
    (found,) = refutations(Outlaw)
    assert found == "it sends an illegal choice in the scene 'a weak neighbour, where attack needs mobilization'"


def test_what_is_no_action_is_found() -> None:
    class Short(Dove):
        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return super().act(observation, mask)[:, :2]

    class Wild(Dove):
        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return super().act(observation, mask) + 3

    with pytest.raises(PolicyError, match=r"In the scene 'a quiet neighbour' it sends \[0, 1\], which is no action"):
        refutations(Short)
    with pytest.raises(PolicyError, match="which is no action"):
        refutations(Wild)


def test_a_scene_of_ones_own_bears_an_admission_out() -> None:
    """What a strategy does only in a situation of its own is shown by a scene of its own."""

    class Shopkeeper(Strategy):
        """Attacks who has no homeland left to speak of."""

        name: ClassVar[str] = "shopkeeper"
        traits: ClassVar[Traits] = Traits(first_strikes=True)

        def decide(self, view: View, plan: Plan) -> None:
            plan.stance[view.standing & (view.other.homeland < 0.2)] = Stance.ATTACK

    assert refutations(Shopkeeper) == ("declares first_strikes=True, but it does so in no scene",)
    own = Scene("a rump state", "peace", overrides={"states.homeland": 0.1}, first={"homeland": 1.0})
    assert refutations(Shopkeeper, (*SCENES, own)) == ()


def test_without_traits_there_is_nothing_to_refute() -> None:
    with pytest.raises(PolicyError, match="nothing to refute"):
        refutations(lambda: Dove())
    assert refutations(lambda: Dove(), traits=Dove.traits) == ()
    assert BaseTraits is Traits


# --- the scenes are what they say -----------------------------------------------------------------------------


def column(scene: Scene, observations: np.ndarray, state: int, name: str) -> np.ndarray:
    return observations[:, layout.OWN_SIZE + scene.slot(state) * layout.OTHER_SIZE + layout.Other[name]]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_scenes_show_what_their_kind_says(scene: Scene) -> None:
    record = play_scene(Dove(), scene)
    names = ("THEY_ATTACKED", "THEY_MOBILIZED", "CALLED_AGAINST", "CALLED")
    seen = {name: column(scene, record.observations, 1, name) for name in names}
    if scene.kind == "peace":
        for state in range(1, scene.n_states):
            for name in ("THEY_ATTACKED", "THEY_MOBILIZED", "CALLED_AGAINST"):
                assert not column(scene, record.observations, state, name).any()
        return
    turns = np.arange(scene.turns)
    if scene.kind == "mobilization":
        assert np.array_equal(seen["THEY_MOBILIZED"] > 0, turns >= 2)  # seen a turn after it is done
        assert not seen["THEY_ATTACKED"].any()
    elif scene.kind == "attack":
        assert np.array_equal(seen["THEY_ATTACKED"] > 0, (turns >= 3) & (turns <= 6))
    else:
        assert seen["CALLED"][2] == 2.0  # call_turns
        assert column(scene, record.observations, 2, "CALLED_AGAINST")[2] == 1.0
        assert not play_scene(Dove(), scene).honoured
        assert play_scene(Hawk(), scene).honoured


def test_an_ally_that_begins_a_war_is_an_ally_if_one_wants_it() -> None:
    scene = next(scene for scene in SCENES if scene.name == "an ally that begins a war")
    record = play_scene(TitForTat(), scene)
    assert column(scene, record.observations, 1, "ALLIED")[2:].all()
    assert column(scene, record.observations, 1, "ATTACKS")[3:].all()


def test_every_kind_and_every_place_of_a_neighbour_occurs() -> None:
    assert {scene.kind for scene in SCENES} == {"peace", "mobilization", "attack", "call"}
    assert {scene.slot(1) for scene in SCENES} == {0, 1, 2}
    assert len({scene.name for scene in SCENES}) == len(SCENES)


def test_where_offence_leads_fear_is_enough_for_war() -> None:
    """m of those scenes by the formula of model.md, independently of their code but for the discount, .95."""
    scene = next(scene for scene in SCENES if scene.name == "a neighbour where offence leads")
    m = trust_threshold(scenario_of(scene), 2.0, 2.0, effective_turns(40, 0.95))
    assert 0.95 < m < 0.98


def test_deeds_are_carried_out_on_their_turns() -> None:
    scene = Scene(
        "once", "peace", 3,
        (Deed(2, toward=1, stance=Stance.MOBILIZE, start=1, stop=2), Deed(1, signal=Signal.THREATEN, stop=0),
         Deed(2, build=Build.FULL, start=1, stop=1)),
        seat=2, turns=4,
    )  # fmt: skip
    seen = play_scene(Dove(), scene).observations
    assert column(scene, seen, 2, "MOBILIZATIONS").tolist() == [0.0, 0.0, 1.0, 1.0]
    assert column(scene, seen, 1, "HEARD_THREATEN").tolist() == [0.0, 1.0, 0.0, 0.0]
    # .5 swords at the start, a tenth lost to age each turn, two levels of .25 on turn 1
    assert column(scene, seen, 2, "OFFENSE_ESTIMATE") == pytest.approx([0.5, 0.45, 0.905, 0.8145])


def test_traits_in_words() -> None:
    assert Hawk.traits.words() == "first strikes, preempts, retaliates, honours calls, builds offense"
    assert Traits(memory=2, forgives=False).words() == "memory 2"
    assert GrimTrigger.traits.words() == "retaliates, builds offense, memory"
    assert Random.traits.stochastic


def test_search_agrees_with_the_declarations() -> None:
    peaceful = {strategy.name for strategy in BUILT_INS if not strategy.traits.first_strikes}
    assert set(agents.search(first_strikes=False)) & {s.name for s in BUILT_INS} == peaceful
    assert registry.search(stochastic=True) == ("generous-tit-for-tat", "never-attack", "random")
