"""What strategies are made of: views, plans, memory, parameters, net assessment and belief."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import agents
from agents.evaluation.threshold import effective_turns, trust_threshold
from agents.strategies import WHOLE_EPISODE, Plan, Strategy, Traits, View
from agents.strategies.assessment import NetAssessor, contest
from agents.strategies.baselines import Dove
from agents.strategies.conduct import best, level_toward
from agents.strategies.realism import BayesianRealist, Believer, Preemptor
from agents.strategies.reciprocity import Appeaser, GrimTrigger, TitForTat
from sd_env import layout
from sd_env.layout import Build, Head, Other, Own, Signal, Stance
from sd_env.policies import PolicyError
from sd_env.rules.war import contest as rule_of_contest
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.agents.strategies.test_strategies import history, with_belief
from tests.table import quiet, random_actions, worlds

# --- views ----------------------------------------------------------------------------------------------------


def test_a_view_names_the_columns_of_the_layout() -> None:
    for context in (True, False):
        observation, mask = next(history(4, 1, perception__context_observed=context))
        view = View(observation, mask)
        assert (view.rows, view.others) == (12, 3)
        for own in Own:
            assert np.array_equal(getattr(view.own, own.name.lower()), observation[:, own])
        for other in Other:
            columns = [layout.OWN_SIZE + slot * layout.OTHER_SIZE + other for slot in range(3)]
            assert np.array_equal(getattr(view.other, other.name.lower()), observation[:, columns])
        names = layout.observation_names(4, context)
        for name in layout.CONTEXT:
            shown = view.context(name)
            if context:
                assert shown is not None
                assert np.array_equal(shown, observation[:, names.index(f"context.{name}")])
            else:
                assert shown is None
        assert view.belief is None


@pytest.mark.parametrize("context", [True, False])
def test_a_view_finds_the_column_of_belief(context: bool) -> None:
    observation, mask = next(history(3, 1, perception__context_observed=context))
    view, plain = View(with_belief(observation, 3, 0.25), mask), View(observation, mask)
    assert view.belief is not None
    assert (view.belief == 0.25).all()
    assert view.belief.shape == (9, 2)
    assert np.array_equal(view.other.reach_in, plain.other.reach_in)
    assert (view.context("conquest") is None) == (not context)


def test_a_view_refuses_what_fits_no_game() -> None:
    observation, mask = next(history(3, 1))
    with pytest.raises(
        PolicyError,
        match=r"An observation of 117 columns is none of 3 states: they have 79, 81, 89, 91, 118, 120, 128, 130\.",
    ):
        View(observation[:, 1:], mask)
    with pytest.raises(PolicyError, match="A mask of 16 entries fits no number of states"):
        View(observation, mask[:, 1:])
    with pytest.raises(AttributeError, match="no column 'gred' in this block; it has standing, homeland"):
        View(observation, mask).own.gred  # noqa: B018
    with pytest.raises(PolicyError, match="The context block has no 'greed'"):
        View(observation, mask).context("greed")


def test_what_a_view_derives() -> None:
    table = worlds(3, states__offense=2.0, states__defense=1.0, technology__distinguishability=1.0)
    noop = layout.noop(3)
    table.step([[[0, 0, Signal.REASSURE, 1, 1], [0, 0, 0, Stance.ATTACK, Stance.ALIGN], [0, 0, 0, 2, 1]]])
    view = View(table.observations[0, :1], table.masks[0, :1])
    assert view.attacked.tolist() == [[True, False]]
    assert view.menaced.tolist() == [[False, True]]
    assert view.standing.all()
    assert not view.first.any()
    assert view.arms.tolist() == [[3.0, 3.0]]
    assert not view.unpledged.any()  # the pledge of two turns has one more after this
    assert view.uncommitted.all()
    # arms 3 and the income: 2 swords against 1 + 1 take 1/2 of 1/2; the attacker gains it
    assert view.own_power.tolist() == pytest.approx(np.array([[3.75]]))
    assert view.power == pytest.approx(np.array([[4.25, 4.0]]))
    table.step([[noop] * 3])
    assert View(table.observations[0, :1], table.masks[0, :1]).unpledged.all()


# --- plans ----------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_plan_becomes_legal_as_the_rules_have_it(data: st.DataObject) -> None:
    """Whatever is allowed and whoever is mobilized or has fallen: what the plan sends is what the rules carry out."""

    def some(choices: Any) -> Any:
        return st.lists(st.sampled_from(choices), min_size=1, unique=True)

    builds = [build.name.lower() for build in Build]
    ladder = data.draw(st.booleans())
    stances = {"neutral", *data.draw(some(["align", "mobilize", "attack"])), *(["mobilize"] if ladder else [])}
    table = worlds(
        3,
        num_worlds=8,
        seed=data.draw(st.integers(0, 99)),
        states__offense=4.0,
        war__conquest=1.0,
        war__outcome="gamble",
        war__collapse=0.5,
        war__mobilization_required=ladder,
        actions__build_offense=["none", *data.draw(some(builds[1:]))],
        actions__build_defense=["none", *data.draw(some(builds[1:]))],
        actions__signal=["silence", *data.draw(some(["reassure", "threaten"]))],
        actions__stance=sorted(stances),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for _ in range(3):
        wanted = random_actions(rng, table)
        sent = np.empty_like(wanted)
        for i in range(3):
            plan = Plan(8, 2)
            plan.build_offense, plan.build_defense = wanted[:, i, 0], wanted[:, i, 1]
            plan.signal, plan.stance = wanted[:, i, 2], wanted[:, i, 3:]
            sent[:, i] = plan.legal(table.masks[:, i])
        table.step(wanted)
        for head in ("build_offense", "build_defense", "signal"):
            assert np.array_equal(sent[:, :, Head[head.upper()]], table.states[head])
        for i in range(3):
            others = [j for j in range(3) if j != i]
            assert np.array_equal(sent[:, i, Head.STANCE :], table.pairs["stance"][:, i, others])


def test_a_plan_begins_as_the_no_op() -> None:
    mask = np.ones((2, layout.mask_size(4)), dtype=np.int8)
    assert Plan(2, 3).legal(mask).tolist() == [layout.noop(4)] * 2


@pytest.mark.parametrize(
    ("head", "value", "sentence"),
    [
        ("signal", np.array([3, 0]), "plan.signal holds 3; whole numbers from 0 to 2 are allowed."),
        ("stance", np.array([[0, 1], [2, -1]]), "plan.stance holds -1; whole numbers from 0 to 3 are allowed."),
        ("build_offense", np.array([0.5, 1.0]), r"plan.build_offense is float64 of shape \(2,\); whole numbers of"),
        ("stance", np.array([1, 1]), r"plan.stance is int64 of shape \(2,\); whole numbers of shape \(2, 2\) are"),
    ],
)
def test_a_plan_refuses_what_is_no_choice(head: str, value: np.ndarray, sentence: str) -> None:
    plan = Plan(2, 2)
    setattr(plan, head, value)
    with pytest.raises(PolicyError, match=sentence):
        plan.legal(np.ones((2, layout.mask_size(3)), dtype=np.int8))


# --- memory and parameters ------------------------------------------------------------------------------------


def attacked_then(turn: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two seats' observation after an attack on both, the same without it and on turn ``turn``, and their masks."""
    table = worlds(2, num_worlds=2)
    table.step([[layout.noop(2), [0, 0, 0, Stance.ATTACK]]] * 2)
    attacked = table.observations[:, 0].copy()
    table.step([[layout.noop(2)] * 2] * 2)
    quiet_one = table.observations[:, 0].copy()
    quiet_one[:, Own.TURN] = turn
    return attacked, quiet_one, table.masks[:, 0].copy()


def test_memory_of_a_seat_is_forgotten_when_its_episode_begins() -> None:
    attacked, later, mask = attacked_then(2)
    policy = GrimTrigger()
    policy.reset(0)
    policy.act(attacked, mask)
    assert policy.act(later, mask)[:, Head.STANCE].tolist() == [Stance.ATTACK, Stance.ATTACK]
    later[1, Own.TURN] = 0
    assert policy.act(later, mask)[:, Head.STANCE].tolist() == [Stance.ATTACK, Stance.NEUTRAL]
    later[1, Own.TURN] = 1
    assert policy.act(later, mask)[:, Head.STANCE].tolist() == [Stance.ATTACK, Stance.NEUTRAL]
    policy.reset(0)
    assert policy.act(later, mask)[:, Head.STANCE].tolist() == [Stance.NEUTRAL, Stance.NEUTRAL]


def test_seats_may_not_change_in_the_midst_of_an_episode_where_there_is_memory() -> None:
    attacked, later, mask = attacked_then(2)
    policy = GrimTrigger()
    policy.reset(0)
    policy.act(attacked, mask)
    with pytest.raises(PolicyError, match="grim-trigger remembers 2 seats, each with 1 others, and was given 1 with 1"):
        policy.act(later[:1], mask[:1])
    assert policy.act(later, mask)[:, Head.STANCE].tolist() == [Stance.ATTACK, Stance.ATTACK]  # nothing is lost
    later[:, Own.TURN] = 0
    assert policy.act(later[:1], mask[:1])[:, Head.STANCE].tolist() == [Stance.NEUTRAL]
    memoryless = TitForTat()
    assert memoryless.memory == 0
    memoryless.act(attacked, mask)
    memoryless.act(later[:1], mask[:1])


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("dove", {"armour": 3}, "dove: armour=3 is not allowed; it should be less than or equal to 2."),
        ("dove", {"armour": True}, "dove: armour=true is not allowed; it should be a valid integer."),
        ("dove", {"armor": 1}, "dove has no parameter 'armor'; it has armour."),
        ("hawk", {"armour": 1}, "hawk has no parameter 'armour'; it has none."),
        ("deterrer", {"alarm": float("nan")}, "deterrer: alarm=nan is not allowed; it should be a finite number."),
        ("generous-tit-for-tat", {"generosity": "much"}, "generosity='much' is not allowed; it should be a valid num"),
        ("bayesian-realist", {"prior": 1}, "bayesian-realist: prior=1 is not allowed; it should be less than 1."),
        ("grit", {"interval": 0}, "grit: interval=0 is not allowed; it should be greater than or equal to 1."),
    ],
)
def test_bad_parameters_get_one_sentence(name: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        agents.make(name, **parameters)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parameter_without_default_must_be_given() -> None:
    class Demanding(Strategy):
        """Wants to be told."""

        name: ClassVar[str] = "demanding"
        traits: ClassVar[Traits] = Traits()
        what: int = Field(description="what it wants")

    with pytest.raises(PolicyError, match="demanding needs the parameter 'what'."):
        Demanding()
    assert Demanding(what=1).what == 1


def test_a_strategy_is_itself_and_cannot_be_altered() -> None:
    one, other = Dove(), Dove()
    assert one != other
    assert len({one, other}) == 2
    with pytest.raises(ValueError, match="frozen"):
        one.armour = 2


def test_without_a_seed_chance_is_fresh() -> None:
    observation, mask = next(history(4, 1))
    policy = agents.make("random")
    drawn = set()
    for _ in range(2):
        policy.reset(None)  # type: ignore[arg-type]
        drawn.add(policy.act(observation, mask).tobytes())
    assert len(drawn) == 2


# --- shared conduct -------------------------------------------------------------------------------------------


def test_building_toward_a_mark() -> None:
    stock, mark = np.array([0.0, 0.49, 0.5, 0.89, 0.9, 2.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    assert level_toward(stock, mark).tolist() == [2, 2, 1, 1, 0, 0, 0]


def test_the_best_among_candidates() -> None:
    score = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0], [5.0, 6.0, 7.0]])
    among = np.array([[False, True, True], [True, True, True], [False, False, False]])
    assert best(score, among).tolist() == [[False, False, True], [True, False, False], [False, False, False]]


FORMS: tuple[Literal["ratio", "difference"], ...] = ("ratio", "difference")


def test_the_contest_is_that_of_the_rules() -> None:
    rng = np.random.default_rng(0)
    force, against, power = rng.choice([0.0, 0.3, 1.0, 7.0], (3, 60))
    power += 0.5
    for form in FORMS:
        difference = float(form == "difference")
        expected = [rule_of_contest(f, s, r, difference) for f, s, r in zip(force, against, power, strict=True)]
        assert contest(force, against, power, form) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("attacker_cost", [0.05, 0.2, 2.0])
@pytest.mark.parametrize("restoration", [0.0, 1.0])
@pytest.mark.parametrize("form", FORMS)
def test_the_threshold_is_that_of_the_formula(
    attacker_cost: float, restoration: float, form: Literal["ratio", "difference"]
) -> None:
    """Between equals whose arms are known, as agents.evaluation.threshold has it from the scenario."""
    scenario = quiet(
        2, states__offense=1.5, states__defense=0.5, technology__offense_advantage=1.3, war__restoration=restoration,
        technology__distinguishability=1.0, technology__dual_use=0.25, war__first_strike=0.5, war__decisiveness=2.0,
        war__attacker_cost=attacker_cost, war__base_defense=0.4, horizon=20, war__peacetime_readiness=0.5,
        war__contest=form,
    )  # fmt: skip
    table = Worlds(scenario, seed=0)
    for turn in range(3):
        m = Preemptor(discount=0.9, peacetime_readiness=0.5, contest=form).threshold(
            View(table.observations[0], table.masks[0])
        )
        turns = 1.0 if restoration else effective_turns(20 - turn, 0.9)
        assert m == pytest.approx(np.full((2, 1), trust_threshold(scenario, 1.5, 0.5, turns)))
        table.step([[layout.noop(2)] * 2])


def test_the_threshold_is_minus_infinity_where_striking_blunts_nothing() -> None:
    table = worlds(2)
    assert np.isneginf(NetAssessor().threshold(View(table.observations[0], table.masks[0]))).all()


# --- belief ---------------------------------------------------------------------------------------------------


class Witness(Believer):
    """Says what it believes."""

    name: ClassVar[str] = "witness"
    traits: ClassVar[Traits] = Traits(memory=WHOLE_EPISODE)


def beliefs_of(witness: Witness, table: Worlds, turns: list[list[list[int]]]) -> list[float]:
    """What state 0 believes of state 1 at the start and after each of the turns."""
    found = []
    witness.reset(0)
    for orders in [None, *turns]:
        if orders is not None:
            table.step([orders])
        view = View(table.observations[0, :1], table.masks[0, :1])
        witness._remember(view)
        found.append(float(witness.beliefs(view)[0, 0]))
    return found


def test_belief_follows_bayes_rule_from_deeds_and_posture() -> None:
    """Prior 1/2; q = .6 and shields only: times 1.6 / .4; quiet: .9 / .6; hostile: .1 / .4; its own answer: no news."""
    witness = Witness(prior=0.5, hostile_seeker=0.1, hostile_greedy=0.4)
    table = worlds(2, states__defense=1.0, technology__distinguishability=0.6)
    noop, mobilize = layout.noop(2), [0, 0, 0, int(Stance.MOBILIZE)]
    turns = [[noop, noop], [noop, mobilize], [mobilize, mobilize], [mobilize, noop]]
    odds = np.array([4.0, 6.0, 1.5, 1.5, 1.5])
    assert beliefs_of(witness, table, turns) == pytest.approx(odds / (1.0 + odds))


def test_a_posture_counts_when_it_changes() -> None:
    """Three swords are built beside one shield: the reading turns, once, and divides by 4; quiet turns are no news."""
    witness = Witness(prior=0.5, hostile_seeker=0.2, hostile_greedy=0.2)
    table = worlds(2, states__defense=1.0, technology__distinguishability=0.6)
    noop = layout.noop(2)
    turns = [[noop, [2, 0, 0, 1]], [noop, [1, 0, 0, 1]], [noop, noop]]
    odds = np.array([4.0, 1.0, 1.0, 1.0])
    assert beliefs_of(witness, table, turns) == pytest.approx(odds / (1.0 + odds))


def test_belief_stays_short_of_certainty() -> None:
    witness = Witness(prior=0.999, hostile_seeker=0.01, hostile_greedy=0.99)
    table = worlds(2)
    noop, attack = layout.noop(2), [0, 0, 0, int(Stance.ATTACK)]
    found = beliefs_of(witness, table, [[noop, noop]] * 3 + [[noop, attack]] * 9)
    assert max(found) == pytest.approx(0.999)
    assert min(found) == pytest.approx(0.001)


def test_an_observed_belief_takes_the_place_of_its_own() -> None:
    """Where m is .9 or so a trust of .99 keeps the peace and one of .5 does not."""
    scenario = Scenario().with_overrides({
        "technology.offense_advantage": 2.0, "technology.distinguishability": 1.0, "war.attacker_cost": 0.2,
        "states.offense": 2.0, "states.defense": 2.0, "perception.noise": 0.0, "war.mobilization_required": False,
    })  # fmt: skip
    table = Worlds(scenario, seed=0)
    observation, mask = table.observations[0], table.masks[0]
    m = BayesianRealist().threshold(View(observation, mask))
    assert ((m > 0.8) & (m < 0.99)).all()
    for belief, stance in ((0.99, Stance.NEUTRAL), (0.5, Stance.ATTACK)):
        policy = BayesianRealist()
        policy.reset(0)
        actions = policy.act(with_belief(observation, 2, belief), mask)
        assert (actions[:, Head.STANCE] == stance).all()


def test_the_appeaser_counts_the_attacks_of_each_state_apart() -> None:
    table = worlds(3)
    policy = Appeaser(patience=1)
    policy.reset(0)
    stances = []
    for first, second in [(1, 1), (3, 1), (1, 3), (3, 3), (1, 1)]:
        action = policy.act(table.observations[0, :1], table.masks[0, :1])[0]
        stances.append(action[Head.STANCE :].tolist())
        table.step([[action, [0, 0, 0, first, 1], [0, 0, 0, second, 1]]])
    # one attack by each is borne; the second by each, both on turn 3, is answered
    assert stances == [[1, 1], [1, 1], [0, 1], [1, 0], [3, 3]]
