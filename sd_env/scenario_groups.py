"""The groups of a scenario: each number with its meaning, unit, allowed range, default and source.

Payoffs are counted in *homeland turns*: what a whole homeland of economy 1 earns in one turn. Arms are counted
in *arms*: stocks on the scale of what one turn's full effort of such a homeland builds at ``build_rate`` 1/2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool, create_model

from sd_env.layout import Head
from sd_env.scenario_texts import Texts
from sd_env.scenario_values import (
    Choices,
    Group,
    Number,
    PairNumber,
    PairQuantity,
    Quantity,
    StateNumber,
    StateQuantity,
    WholeNumber,
)

PAYOFF = "homeland turns"
ARMS = "arms"
DESIGN = "sd-env docs/model.md"
JERVIS = "Jervis 1978, Cooperation under the Security Dilemma"
CONTEST = "Hirshleifer 1989 and Tullock 1980, contest success functions"
SNYDER = "Snyder 1984, The Security Dilemma in Alliance Politics"
FEARON = "Fearon 1997, Signaling Foreign Policy Interests"
RICHARDSON = "Richardson 1960, Arms and Insecurity"
BOULDING = "Boulding 1962, Conflict and Defense (loss-of-strength gradient)"
JERVIS_1976 = "Jervis 1976, Perception and Misperception in International Politics"
WENDT = "Wendt 1992, Anarchy Is What States Make of It"
KYDD = "Kydd 2000, Trust, Reassurance, and Cooperation"
SCHELLING = "Schelling 1966, Arms and Influence (the dynamics of mutual alarm)"
ESCALATION = "Schelling 1966, Arms and Influence; Powell 1990, Nuclear Deterrence Theory (limited force)"
GOULD = "Gould 1968, Adjustment Costs in the Theory of Investment of the Firm"
POWELL = "Powell 1993, Guns, Butter, and Anarchy"
GLASER = "Glaser 1997, The Security Dilemma Revisited"


class States(Group):
    """What each state starts with: a value for all states, or a mapping from state names to values."""

    names: Annotated[tuple[str, ...] | None, Texts(optional=True, names=True)] = Field(
        default=None, description="Names of the states in index order; null names them state_0, state_1 and so on."
    )
    homeland: Annotated[StateNumber, StateQuantity(0, 1, "share", DESIGN)] = Field(
        default=1.0, description="Share of its own homeland that the state holds."
    )
    holdings: Annotated[StateNumber, StateQuantity(0, 100, "homelands", DESIGN)] = Field(
        default=0.0, description="Foreign land that the state holds."
    )
    economy: Annotated[StateNumber, StateQuantity(0, 1000, "income of a whole homeland per turn", RICHARDSON)] = Field(
        default=1.0, description="Income that land brings: what the state lives on and what limits its arms."
    )
    growth: Annotated[StateNumber, StateQuantity(-0.5, 0.2, "share per turn", "Fearon 1995 (shifting power)")] = Field(
        default=0.0, description="Growth of the economy per turn; differences between states shift power."
    )
    offense: Annotated[StateNumber, StateQuantity(0, 1000, ARMS, JERVIS)] = Field(
        default=0.0, description="Stock of offensive arms."
    )
    defense: Annotated[StateNumber, StateQuantity(0, 1000, ARMS, JERVIS)] = Field(
        default=(0.1, 0.3), description="Stock of defensive arms."
    )
    reliability: Annotated[StateNumber, StateQuantity(0, 1, "share", SNYDER)] = Field(
        default=1.0, description="Record of honoured alliance calls that the state starts with."
    )
    greed: Annotated[
        StateNumber | None, StateQuantity(0, 1000, "homelands per foreign homeland", GLASER, optional=True)
    ] = Field(
        default=None,
        description="Value of foreign land, fixed for sure (0 = security seeker); null, and a state that a mapping "
        "leaves out, is drawn from motives.greed and motives.p_greedy.",
    )
    trust: Annotated[StateNumber | None, StateQuantity(0, 1, "probability", JERVIS_1976, optional=True)] = Field(
        default=None,
        description="t: how probable all others think it, before any deed, that the state is a security seeker; null, "
        "and for a state that a mapping leaves out: as probable as it is.",
    )


class Geography(Group):
    """How far force reaches."""

    reach: Annotated[PairNumber, PairQuantity(0, 1, "share", BOULDING)] = Field(
        default=1.0, description="w_ij: share of i's force that arrives at j across distance, sea and mountains."
    )


class Technology(Group):
    """Arms technology: Jervis's two variables."""

    offense_advantage: Annotated[Number, Quantity(0, 100, "ratio", JERVIS, above=True)] = Field(
        default=1.0,
        description="ω: force of an offensive weapon for each unit of defence that a defensive weapon gives.",
    )
    perceived_offense_advantage: Annotated[
        Number | None, Quantity(0, 100, "ratio", "Christensen and Snyder 1990", above=True, optional=True)
    ] = Field(
        default=None, description="ω that the states believe in (the cult of the offensive); null = the true one."
    )
    distinguishability: Annotated[Number, Quantity(0, 1, "share", JERVIS)] = Field(
        default=0.0,
        description="q: how far weapons that protect differ from weapons that attack, in sight and in effect.",
    )
    dual_use: Annotated[Number | None, Quantity(0, 1, "share", JERVIS, optional=True)] = Field(
        default=None, description="How far a weapon serves the other purpose in effect; null = 1 - distinguishability."
    )
    drift: Annotated[Number, Quantity(0, 1, "standard deviation of log ω per turn", JERVIS)] = Field(
        default=0.0, description="Random walk of the offensive advantage."
    )


class Arming(Group):
    """How arms are made, paid for and lost to age."""

    arms_cost: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per level", RICHARDSON)] = Field(
        default=0.06, description="Cost of a level of building; half is one level, full is two."
    )
    convexity: Annotated[Number, Quantity(0, 1, "share", GOULD)] = Field(
        default=0.0,
        description="c: how far the cost of u levels together is that of u² / 2 instead of u: 0 = each level costs "
        "the same, 1 = each costs more than the one before.",
    )
    levels: Annotated[int, Quantity(2, 10, "steps", DESIGN, whole=True, ranged=False)] = Field(
        default=2,
        description="Into how many steps of equal size the building of either kind of arms is divided: 2 = none, half "
        "and full, 4 = none, 1/4, half, 3/4 and full.",
    )
    build_rate: Annotated[Number, Quantity(0, 100, "arms per level and unit of income", RICHARDSON)] = Field(
        default=0.25, description="Arms that a level of building adds."
    )
    depreciation: Annotated[Number, Quantity(0, 1, "share per turn", RICHARDSON)] = Field(
        default=0.1, description="Share of each stock that age takes each turn."
    )
    capacity_cap: Annotated[Number, Quantity(0, 1000, "income", DESIGN)] = Field(
        default=2.0, description="Income above which a state builds no faster."
    )
    investment_return: Annotated[Number, Quantity(0, 0.2, "share per turn", POWELL)] = Field(
        default=0.0,
        description="Growth of the economy per turn of a state that spends nothing on arms, beyond states.growth "
        "(guns against butter).",
    )


class Signals(Group):
    """What reassurances and threats cost."""

    signal_cost: Annotated[Number, Quantity(0, 1000, PAYOFF, FEARON)] = Field(
        default=0.02, description="Cost of either signal at once (sunk cost)."
    )
    pledge_turns: Annotated[WholeNumber, Quantity(0, 1000, "turns", KYDD, whole=True)] = Field(
        default=4, description="How long a reassurance binds."
    )
    commitment_turns: Annotated[WholeNumber, Quantity(0, 1000, "turns", FEARON, whole=True)] = Field(
        default=4, description="How long a threat binds."
    )
    audience_cost: Annotated[Number, Quantity(0, 1000, PAYOFF, FEARON)] = Field(
        default=0.3, description="Cost of breaking a pledge or failing a commitment (tied hands)."
    )


class Alliances(Group):
    """What allies give and owe."""

    alignment_cost: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per state", SNYDER)] = Field(
        default=0.0, description="Cost of aligning toward one state for one turn."
    )
    alliance_commitment: Annotated[Number, Quantity(0, 1, "share", SNYDER)] = Field(
        default=0.3, description="κ: share of its arms that an ally adds to the defence of the one attacked."
    )
    call_turns: Annotated[WholeNumber, Quantity(0, 1000, "turns", SNYDER, whole=True)] = Field(
        default=2, description="Turns in which a call to arms may be honoured."
    )
    abandonment_cost: Annotated[Number, Quantity(0, 1000, PAYOFF, SNYDER)] = Field(
        default=0.2, description="Cost of letting a call pass."
    )
    rupture_turns: Annotated[WholeNumber, Quantity(0, 1000, "turns", SNYDER, whole=True)] = Field(
        default=5, description="Turns in which an alliance cannot re-form after abandonment."
    )
    reliability_rate: Annotated[Number, Quantity(0, 1, "share", SNYDER)] = Field(
        default=0.3, description="How fast the record of honoured calls moves with a new one."
    )
    amity: Annotated[PairNumber, PairQuantity(-1, 1, "index", WENDT)] = Field(
        default=0.0, description="Amity of i toward j at the start: -1 enmity, 1 friendship."
    )


class War(Group):
    """Escalation, battle, conquest and their costs."""

    mobilization_required: StrictBool = Field(
        default=True,
        description="Whether only a state that mobilized, or was at war, last turn can attack.",
        json_schema_extra={"unit": "true or false", "source": JERVIS},
    )
    mobilization_cost: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per target", JERVIS)] = Field(
        default=0.03, description="Cost of a turn of mobilization against one state."
    )
    first_strike: Annotated[Number, Quantity(0, 10, "share", JERVIS)] = Field(
        default=0.5, description="φ: by how much surprise multiplies force, beyond 1."
    )
    base_defense: Annotated[Number, Quantity(0, 1000, ARMS, CONTEST)] = Field(
        default=0.1, description="Defence that a state has without any arms."
    )
    peacetime_readiness: Annotated[Number, Quantity(0, 1, "share", SCHELLING)] = Field(
        default=1.0,
        description="Share of its arms that defend a state which neither mobilized against an attacker nor fights one.",
    )
    contest: Literal["ratio", "difference"] = Field(
        default="ratio",
        description="Whether success follows the ratio F / S of force and defence, or their difference F - S.",
        json_schema_extra={"unit": "ratio or difference", "source": "Hirshleifer 1989"},
    )
    decisiveness: Annotated[Number, Quantity(0, 20, "exponent, or per arm", CONTEST, above=True)] = Field(
        default=2.0,
        description="r: how surely the stronger side of a battle wins; k, per arm of difference, where contest is "
        "difference.",
    )
    conquest: Annotated[Number, Quantity(0, 1, "share", JERVIS)] = Field(
        default=0.25, description="τ: share of its homeland and holdings that a defeated state loses."
    )
    spoils: Annotated[Number, Quantity(0, 1, "share", "Van Evera 1999, Causes of War (cumulativity of resources)")] = (
        Field(default=0.8, description="ρ_s: share of conquered land that the attackers gain as holdings.")
    )
    outcome: Literal["gamble", "share"] = Field(
        default="gamble",
        description="gamble draws success; share transfers the expected amount.",
        json_schema_extra={"unit": "gamble or share", "source": CONTEST},
    )
    attrition_loser: Annotated[Number, Quantity(0, 1, "share", DESIGN)] = Field(
        default=0.6, description="Share of its arms that the losing side of a battle loses."
    )
    attrition_winner: Annotated[Number, Quantity(0, 1, "share", DESIGN)] = Field(
        default=0.15, description="Share of its arms that the winning side of a battle loses."
    )
    attacker_cost: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per target", "Fearon 1995 (costs of war)")] = Field(
        default=0.5, description="c_A: cost of attacking one state for one turn."
    )
    defender_cost: Annotated[Number, Quantity(0, 1000, PAYOFF, "Fearon 1995 (costs of war)")] = Field(
        default=0.5, description="c_D: cost of being attacked for one turn, whatever the number of attackers."
    )
    collapse: Annotated[Number, Quantity(0, 1, "share", DESIGN)] = Field(
        default=0.05, description="Share of its homeland below which a state falls."
    )
    restoration: Annotated[Number, Quantity(0, 1, "share", DESIGN)] = Field(
        default=0.0,
        description="Share of a turn's conquests handed back at its end, after payoffs: 0 = conquest for good, "
        "1 = limited war, which makes a repeated game stationary.",
    )
    force_levels: Annotated[int, Quantity(1, 10, "steps", ESCALATION, whole=True, ranged=False)] = Field(
        default=1,
        description="L: into how many steps mobilization and force are divided: 1 = who mobilizes or attacks does it "
        "wholly; above, a state chooses how far, 1 / L to 1.",
    )


class Anarchy(Group):
    """How far anarchy is tempered."""

    enforcement: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per unprovoked attack", "Herz 1950")] = Field(
        default=0.0, description="Penalty for each unprovoked attack: 0 = anarchy."
    )
    enforcement_lasts: Annotated[Number, Quantity(0, 1, "share", "Herz 1950")] = Field(
        default=0.0,
        description="Share of the penalty on each later turn of a war that was begun unprovoked, when the one attacked "
        "fights back.",
    )


class Motives(Group):
    """What states want, beyond their homeland."""

    greed: Annotated[Number, Quantity(0, 1000, "homelands per foreign homeland", GLASER)] = Field(
        default=1.5, description="g: value that a greedy state puts on foreign land."
    )
    p_greedy: Annotated[Number, Quantity(0, 1, "probability", KYDD)] = Field(
        default=0.25, description="π: probability that a state is greedy; otherwise it is a security seeker."
    )
    turnover: Annotated[
        Number, Quantity(0, 1, "probability per turn", "Mearsheimer 2001; Copeland 2000, The Origins of Major War")
    ] = Field(
        default=0.0,
        description="Probability that a state's leader falls and its greed is drawn anew from greed and p_greedy, "
        "unseen by others.",
    )
    power_motive: Annotated[
        Number, Quantity(0, 1000, f"{PAYOFF} per whole share of power", "Morgenthau 1948, Politics Among Nations")
    ] = Field(default=0.0, description="χ: value of the state's share of all power for its own sake.")
    routine: Annotated[Number, Quantity(0, 1000, PAYOFF, "Mitzen 2006, Ontological Security in World Politics")] = (
        Field(default=0.0, description="κ_r: cost of a turn in which the state's posture changes.")
    )
    identification: Annotated[Number, Quantity(0, 10, "ratio", WENDT)] = Field(
        default=0.0, description="ι: weight of the material payoffs of states toward which amity is positive."
    )
    amity_rate: Annotated[Number, Quantity(0, 1, "share per turn", WENDT)] = Field(
        default=0.2, description="α: how fast amity follows deeds."
    )


class Perception(Group):
    """How truly states see."""

    noise: Annotated[Number, Quantity(0, 5, "standard deviation of log arms", "Jervis 1976")] = Field(
        default=0.1, description="σ: error of the estimates of others' arms."
    )
    threat_inflation: Annotated[Number, Quantity(-1, 100, "share", "Butterfield 1951; Jervis 1976")] = Field(
        default=0.0, description="By how much others' arms are overestimated."
    )
    worst_case: Annotated[Number, Quantity(0, 1, "share", WENDT)] = Field(
        default=0.0, description="How far an estimate stands at the top of its error band instead of at chance."
    )
    mistrust: Annotated[Number, Quantity(0, 1, "share", "Butterfield 1951; Wendt 1992")] = Field(
        default=0.0,
        description="Share of the odds of being a security seeker that beliefs take from another state when they are "
        "seen: 1 = everybody is taken for greedy.",
    )
    signal_noise: Annotated[Number, Quantity(0, 1, "probability", "Jervis 1976")] = Field(
        default=0.0, description="Probability that a reassurance is heard as a threat, or a threat as a reassurance."
    )
    context_observed: StrictBool = Field(
        default=True,
        description="Whether the observation shows the world's parameters.",
        json_schema_extra={"unit": "true or false", "source": DESIGN},
    )
    beliefs: StrictBool = Field(
        default=False,
        description="Whether the observation shows how probable it is, by Bayes' rule from deeds, that each other "
        "state is a security seeker.",
        json_schema_extra={"unit": "true or false", "source": KYDD},
    )
    buildup_evidence: Annotated[
        Number, Quantity(0, 100, "log odds per arm", "Kydd 1997, Game Theory and the Spiral Model")
    ] = Field(
        default=0.0,
        description="λ: how much arms that a state builds beyond its need speak for its greed, to beliefs.",
    )


if TYPE_CHECKING:

    class Actions(Group):
        """What the action mask allows at all, by head: made below from the table of heads."""

        def __getattr__(self, head: str) -> tuple[str, ...]: ...

else:
    Actions = create_model(
        "Actions",
        __base__=Group,
        __module__=__name__,
        __doc__="What the action mask allows at all; the no-op always stays legal.",
        **{
            head.label: (
                Annotated[tuple[str, ...], Choices(head)],
                Field(default=tuple(head.labels[choice] for choice in head.usual), description=head.meaning),
            )
            for head in Head
        },
    )
