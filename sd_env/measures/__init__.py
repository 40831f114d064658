"""Measures: pure functions from episode logs to numbers, one module a concept (docs/measures.md).

Each reads an :class:`~sd_env.record.EpisodeLog` and nothing else; ``summary`` gives all scalar ones at once.
"""

from sd_env.measures.alliances import (
    AllyAtWar,
    Drawn,
    allies_at_war,
    chain_gang_rate,
    chain_gangs,
    drawn_in,
    entrapment_costs,
)
from sd_env.measures.assessment import Assessment, assess
from sd_env.measures.balance import (
    Balancing,
    aggressors,
    balancing,
    balancing_shares,
    buck_passing,
    buck_passing_rate,
    efforts,
    time_to_balance,
)
from sd_env.measures.beliefs import fear, filter_beliefs, misperception, mistrust_bias, mutual_fear
from sd_env.measures.codebook import dyad_years
from sd_env.measures.contests import Duels, duels, projected_success, success_probabilities
from sd_env.measures.cooperation import Hostility, cooperation_index, hostility
from sd_env.measures.deterrence import (
    Show,
    Threat,
    backfires,
    first_shows,
    strikes_after,
    success_rate,
    threats,
    trials,
)
from sd_env.measures.dilemma import Components, components
from sd_env.measures.disputes import HostilityLevel, dispute_of, hostility_levels
from sd_env.measures.episode import MeasureError
from sd_env.measures.motives import Motive, motive, power_shift, war_class
from sd_env.measures.safety import attack_rates, security, self_defeat, self_defeats, waste
from sd_env.measures.scalars import summary
from sd_env.measures.spiral import arms_growth, reaction_slopes, spiral_index
from sd_env.measures.stocks import Arming, arming
from sd_env.measures.war import War, first_strikes, tragic_war_rate, war_of, wars

__all__ = [
    "AllyAtWar",
    "Arming",
    "Assessment",
    "Balancing",
    "Components",
    "Drawn",
    "Duels",
    "Hostility",
    "HostilityLevel",
    "MeasureError",
    "Motive",
    "Show",
    "Threat",
    "War",
    "aggressors",
    "allies_at_war",
    "arming",
    "arms_growth",
    "assess",
    "attack_rates",
    "backfires",
    "balancing",
    "balancing_shares",
    "buck_passing",
    "buck_passing_rate",
    "chain_gang_rate",
    "chain_gangs",
    "components",
    "cooperation_index",
    "dispute_of",
    "drawn_in",
    "duels",
    "dyad_years",
    "efforts",
    "entrapment_costs",
    "fear",
    "filter_beliefs",
    "first_shows",
    "first_strikes",
    "hostility",
    "hostility_levels",
    "misperception",
    "mistrust_bias",
    "motive",
    "mutual_fear",
    "power_shift",
    "projected_success",
    "reaction_slopes",
    "security",
    "self_defeat",
    "self_defeats",
    "spiral_index",
    "strikes_after",
    "success_probabilities",
    "success_rate",
    "summary",
    "threats",
    "time_to_balance",
    "tragic_war_rate",
    "trials",
    "war_class",
    "war_of",
    "wars",
    "waste",
]
