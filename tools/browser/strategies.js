// Scripted policies: those of agents/strategies by the same names, a seat at a time. A test plays both in the same worlds.
"use strict";

const NONE = 0, HALF = 1, FULL = 2, SILENCE = 0, REASSURE = 1, ALIGN = 0, NEUTRAL = 1, MOBILIZE = 2, ATTACK = 3;

/** What state i of a world sees, by name: agents/strategies/view.py. */
class View {
  constructor(worlds, b, i) {
    const { arrays, engine, game, n } = worlds, D = game.columns;
    const row = new Float32Array(worlds.memory.buffer, arrays.observations.at + 4 * D * (b * n + i), D);
    const named = (record, start) => {
      const block = {};
      for (const [name, [, offset]] of Object.entries(engine.records[record].fields)) block[name] = row[start + offset / 4];
      return block;
    };
    const own = engine.records.own.size / 4, common = engine.records.others.size / 4;
    this.own = named("own", 0);
    this.other = [];
    for (let slot = 0; slot < n - 1; slot++) {
      const block = named("others", own + slot * game.block);
      // columns that only some scenarios have follow the common ones
      game.extra.forEach((name, k) => { block[name] = row[own + slot * game.block + common + k]; });
      this.other.push(block);
    }
    const end = own + (n - 1) * game.block;
    this.world = game.context ? Object.fromEntries(engine.names.context.map((name, k) => [name, row[end + k]])) : null;
    const M = arrays.masks.shape[2];
    this.mask = new Int8Array(worlds.memory.buffer, arrays.masks.at + M * (b * n + i), M);
    this.first = this.own.turn === 0;
    for (const j of this.other) {
      Object.assign(j, { stands: j.standing > 0, struck: j.they_attacked > 0, menaces: j.they_mobilized > 0 });
      Object.assign(j, { offers: j.aligned > 0, named: j.called_against > 0, arms: j.offense_estimate + j.defense_estimate });
    }
  }
  /** A parameter of the world: as observed, or what the strategy takes it for where it is hidden. */
  assumed(name, otherwise) {
    return this.world ? this.world[name] : otherwise;
  }
}

const level = (stock, mark) => (stock < 0.5 * mark ? FULL : stock < 0.9 * mark ? HALF : NONE);
const most = (view, name) => Math.max(...view.other.map((j) => j[name]));
function keepPace(view, plan) {
  plan.offense = level(view.own.offense, most(view, "offense_estimate"));
  plan.defense = level(view.own.defense, most(view, "defense_estimate"));
}
const unsafe = (view, safe) => (view.other.some((j) => j.their_success > safe) ? FULL : NONE);
/** The slot of highest score among candidates, the first of equals; -1 without any. */
function best(scores, among) {
  let chosen = -1;
  scores.forEach((score, k) => {
    if (among[k] && (chosen < 0 || score > scores[chosen])) chosen = k;
  });
  return chosen;
}
const inKind = (view) => view.other.map((j) => (j.struck ? ATTACK : j.menaces ? MOBILIZE : j.offers ? ALIGN : NEUTRAL));
const strike = (view, plan, when) => view.other.forEach((j, k) => { if (when(j)) plan.stance[k] = ATTACK; });

// --- net assessment ------------------------------------------------------------------------------------------------------
const power = (base, exponent) => (exponent === 1 ? base : exponent === 2 ? base * base : Math.pow(base, exponent));
function contest(force, against, decisiveness) {
  if (force <= 0) return 0;
  return against <= 0 ? 1 : 1 / (1 + power(against / force, decisiveness));
}
/** The trust m below which a security seeker attacks each other state now: agents/strategies/assessment.py. */
function threshold(view, { discount = 0.95 } = {}) {
  const p = (name, otherwise) => view.assumed(name, otherwise);
  const { own } = view, dual = p("dual_use", 1), r = p("decisiveness", 2), omega = p("perceived_offense_advantage", 1);
  const base = p("base_defense", 0.1), defends = own.defense + dual * own.offense, restored = p("restoration", 0);
  const lasting = (1 - Math.pow(discount, Math.max(own.horizon - own.turn, 1))) / (1 - discount);
  const turns = restored + (1 - restored) * lasting;
  return view.other.map((j) => {
    const sent = omega * j.reach_out * (own.offense + dual * own.defense);
    const theirs = omega * j.reach_in * (j.offense_estimate + dual * j.defense_estimate);
    const first = contest(theirs * (1 + p("first_strike", 0.5)), base + defends, r);
    const stake = p("conquest", 0.25) * (first - contest(theirs, base + defends + sent, r)) * turns;
    return stake > 0 ? 1 - p("attacker_cost", 0.5) / stake : -Infinity;
  });
}
/** Belief in each other state: agents/strategies/realism.py, Believer. */
function beliefs(view, memory) {
  const prior = 0.8 / (1 - 0.8), right = (1 + view.assumed("distinguishability", 0)) / 2, defensive = right / Math.max(1 - right, 1e-3);
  memory.odds ||= view.other.map(() => 1);
  memory.posture ||= view.other.map(() => 0);
  return view.other.map((j, k) => {
    if (j.belief !== undefined) return j.belief;
    const deed = j.struck || j.menaces ? 0.05 / 0.25 : (1 - 0.05) / (1 - 0.25);
    if (!(j.at_war > 0 || j.mobilized > 0 || view.first || !j.stands)) memory.odds[k] *= deed;
    const reading = Math.sign(j.offense_estimate - j.defense_estimate);
    if (reading !== 0 && reading !== memory.posture[k]) {
      memory.odds[k] *= Math.pow(defensive, -reading);
      memory.posture[k] = reading;
    }
    memory.odds[k] = Math.min(Math.max(memory.odds[k], 1 / (999 * prior)), 999 / prior);
    return (memory.odds[k] * prior) / (1 + memory.odds[k] * prior);
  });
}

/** Name -> what it writes into a plan, given a view, what it remembers of the episode, and its parameters. */
const STRATEGIES = {
  dove(view, plan) {
    plan.defense = HALF;
    if (view.own.pledge <= 1) plan.signal = REASSURE;
  },
  hawk(view, plan) {
    plan.offense = FULL;
    strike(view, plan, (j) => j.stands);
  },
  isolationist(view, plan) {
    plan.defense = unsafe(view, 0.1);
  },
  "tit-for-tat"(view, plan) {
    plan.stance = inKind(view);
    keepPace(view, plan);
  },
  "grim-trigger"(view, plan, memory) {
    memory.grudge = view.other.map((j, k) => Boolean(memory.grudge?.[k] || j.struck));
    memory.grudge.forEach((grudge, k) => { if (grudge) plan.stance[k] = ATTACK; });
    keepPace(view, plan);
  },
  "kydd-reassurer"(view, plan, memory) {
    memory.failed = view.other.map((j, k) => Boolean(memory.failed?.[k] || j.struck || j.menaces));
    const exploited = view.other.some((j, k) => memory.failed[k] && j.stands);
    keepPace(view, plan);
    if (!exploited) plan.offense = NONE;
    if (view.own.pledge <= 1 && !exploited) plan.signal = REASSURE;
    view.other.forEach((_, k) => { if (!memory.failed[k] && view.own.turn >= 3) plan.stance[k] = ALIGN; });
    strike(view, plan, (j) => j.struck);
  },
  "bayesian-realist"(view, plan, memory, parameters) {
    const m = threshold(view, parameters), belief = beliefs(view, memory);
    const target = best(m.map((each, k) => each - belief[k]), view.other.map((j, k) => j.stands && belief[k] < m[k]));
    if (target >= 0) {
      plan.stance[target] = ATTACK;
      plan.offense = FULL;
    }
    plan.defense = unsafe(view, 0.25);
    const dilemma = view.other.some((j, k) => j.stands && m[k] > 0);
    if (dilemma && target < 0 && view.own.pledge <= 1) plan.signal = REASSURE;
  },
  "worst-case"(view, plan) {
    plan.offense = plan.defense = FULL;
    view.other.forEach((j, k) => { if (j.stands) plan.stance[k] = MOBILIZE; });
    const leads = view.assumed("perceived_offense_advantage", 1) > 1;
    const target = best(view.other.map((j) => j.their_success), view.other.map((j) => j.stands && leads));
    if (target >= 0) plan.stance[target] = ATTACK;
    strike(view, plan, (j) => j.struck);
  },
  "power-maximiser"(view, plan) {
    plan.offense = plan.defense = FULL;
    const target = best(view.other.map((j) => j.our_success), view.other.map((j) => j.stands && j.our_success >= 0.6));
    if (target >= 0) plan.stance[target] = ATTACK;
    strike(view, plan, (j) => j.struck);
  },
  preemptor(view, plan) {
    const m = threshold(view);
    keepPace(view, plan);
    view.other.forEach((j, k) => { if (j.menaces) plan.stance[k] = m[k] > 0 ? ATTACK : MOBILIZE; });
    strike(view, plan, (j) => j.struck);
  },
  "buck-passer"(view, plan) {
    keepPace(view, plan);
    if (view.other.filter((j) => j.stands).length >= 2) {
      plan.offense = NONE;
      plan.defense = view.other.some((j) => j.menaces || j.struck) ? FULL : NONE;
    }
    view.other.forEach((j, k) => { if (j.offers) plan.stance[k] = ALIGN; });
    strike(view, plan, (j) => j.struck);
  },
  "chain-ganger"(view, plan) {
    keepPace(view, plan);
    const fights = (j) => j.attacks > 0 || j.attacked > 0, tied = view.other.some((j) => fights(j) && j.allied > 0);
    view.other.forEach((j, k) => { if (j.offers || view.first) plan.stance[k] = ALIGN; });
    strike(view, plan, (j) => (tied && fights(j) && !(j.allied > 0)) || j.named || j.struck);
  },
};

/** Choices of state i in world b, a number a head: what a strategy, `name:parameter=value`, wants, made legal as the rules would. */
function choose(worlds, b, i, strategy, memory) {
  const view = new View(worlds, b, i), { heads } = worlds.game, [name, given] = strategy.split(":");
  const parameters = Object.fromEntries((given ? given.split(",") : []).map((each) => [each.split("=")[0], Number(each.split("=")[1])]));
  const plan = { offense: NONE, defense: NONE, signal: SILENCE, stance: view.other.map(() => NEUTRAL) };
  STRATEGIES[name](view, plan, memory, parameters);
  const wanted = [plan.offense, plan.defense, plan.signal, ...plan.stance];
  let start = 0;
  return heads.map(({ size, replacements }, k) => {
    let choice = wanted[k];
    while (!view.mask[start + choice]) choice = replacements[choice];
    start += size;
    return choice;
  });
}

/** Choices of all states of all worlds; `cast`: a strategy a state, `memories`: one a world and state, changed in place. */
function chooseAll(worlds, cast, memories) {
  const chosen = [];
  for (let b = 0; b < worlds.count; b++) {
    for (let i = 0; i < worlds.n; i++) chosen.push(...choose(worlds, b, i, cast[i], (memories[b * worlds.n + i] ||= {})));
  }
  return chosen;
}
