// What one state sees of a game, in words for people: agents/play/view.py and words.py, held equal to them by a test.
"use strict";

/** Rounded to so many digits as Python rounds: what lies just between two goes to the even one. */
function fixed(value, digits) {
  const scaled = value * 10 ** digits, tie = Number.isInteger(value * 2 ** (digits + 1)) && Math.abs(scaled % 1) === 0.5;
  return tie ? (2 * Math.round(scaled / 2) / 10 ** digits).toFixed(digits) : value.toFixed(digits);
}
const rounded = (value, digits) => Number(fixed(value, digits)) + 0;
const turns = (number) => `${fixed(number, 0)} turn${number === 1 ? "" : "s"}`;
const others = (count) => (count === 1 ? "another state" : `${count} other states`);
const share = (value) => `${fixed(100 * value, 0)}%`;

function ownPromises(own) {
  const found = [];
  if (own.pledge > 1) found.push(`You promised not to attack anybody; that binds you for ${turns(own.pledge - 1)} more.`);
  if (own.commitment > 1) found.push(`You promised to strike back; that binds you for ${turns(own.commitment - 1)} more.`);
  if (own.owed) found.push("You owe a blow: attack an aggressor this turn, or your threat was empty and costs you.");
  return found;
}
/** How things stand between the state and another, in a few words each. */
function ties(all, j) {
  const found = [];
  if (j.allied) found.push("allied with you");
  else if (j.aligned) found.push("held out a hand to you");
  if (j.they_attacked) found.push("attacks you");
  else if (j.they_mobilized) found.push("mobilized against you");
  if (j.at_war) found.push("attacked by you");
  else if (j.mobilized) found.push("you are mobilized against it");
  if (j.found) found.push("found to have more swords than the treaty allows");
  if (j.report) found.push(`a mediator says that it ${j.report > 0 ? "only wants to be safe" : "wants land"}`);
  if (j.their_alert > 1) found.push(`mobilized against you for ${turns(j.their_alert)} now`);
  if (j.pledge > 1) found.push(`promised not to attack anybody, for ${turns(j.pledge - 1)} more`);
  if (j.commitment > 1) found.push(`promised to strike back for itself and its allies, for ${turns(j.commitment - 1)} more`);
  if (j.called) {
    const against = all.filter((each) => each.called_against).map((each) => each.name).join(" and ");
    found.push(`calls you${against ? ` against ${against}` : ""}: attack within ${turns(j.called)}, or you let your ally down`);
  }
  if (j.they_called) found.push(`called by you, with ${turns(j.they_called)} left`);
  if (j.rupture) found.push(`no alliance possible for ${turns(j.rupture)}`);
  if (all.length > 1) {
    for (const [column, does] of [["attacks", "attacks"], ["mobilizations", "is mobilized against"], ["allies", "is allied with"], ["attacked", "is attacked by"]]) {
      const count = Number(fixed(j[column] * (all.length - 1), 0));
      if (count) found.push(`${does} ${others(count)}`);
    }
  }
  return found;
}
/** What has happened on the last turn as far as the state could see. */
function news(now, past) {
  const found = [], own = now.own, was = past.own, seen = 0.5 * 10 ** -3;
  if (now.others[0].accused) found.push("You were found to have more swords than the treaty allows.");
  now.others.forEach((j, k) => {
    const old = past.others[k];
    if (j.they_attacked) found.push(`${j.name} attacked you.`);
    else if (j.they_mobilized && !old.they_mobilized) found.push(`${j.name} mobilized against you.`);
    else if (old.they_mobilized && !j.they_mobilized) found.push(`${j.name} is no longer mobilized against you.`);
    if (j.at_war) found.push(`You attacked ${j.name}.`);
    if (j.allied && !old.allied) found.push(`You and ${j.name} are allied.`);
    else if (old.allied && !j.allied) found.push(`You and ${j.name} are no longer allied.`);
    if (j.called && !old.called) found.push(`${j.name} was attacked and calls you, its ally.`);
    if (j.heard_reassure) found.push(`${j.name} was heard to promise not to attack.`);
    if (j.heard_threaten) found.push(`${j.name} was heard to threaten whoever attacks it or its allies.`);
    if (old.standing && !j.standing) found.push(`${j.name} has fallen.`);
    else if (old.homeland - j.homeland > seen) found.push(`${j.name} lost ${fixed(old.homeland - j.homeland, 2)} of its homeland.`);
  });
  if (was.standing && !own.standing) found.push("You have fallen: too little of your homeland is left.");
  else if (was.homeland - own.homeland > seen) found.push(`You lost ${fixed(was.homeland - own.homeland, 2)} of your homeland.`);
  if (own.holdings - was.holdings > seen) found.push(`You gained ${fixed(own.holdings - was.holdings, 2)} of foreign land.`);
  return found;
}
/** The rules that matter most, in sentences. */
function facts(c) {
  const omega = c.perceived_offense_advantage, told = c.distinguishability;
  const side = omega > 1 ? "attack has the advantage" : omega < 1 ? "defence has the advantage" : "neither has it";
  const how = told === 0 ? "cannot be told apart at all" : told === 1 ? "are plain to see" : `are told apart to ${share(told)}`;
  const found = [`An attacker's arms count ${fixed(omega, 2)} times, as all believe: ${side}.`];
  if (c.first_strike > 0) found.push(`Who strikes first, at a state that is not ready, strikes ${share(c.first_strike)} harder.`);
  found.push(
    `Swords and shields ${how}; numbers of others' arms are off by about ${share(c.noise)}.`,
    `An attack that succeeds takes ${share(c.conquest)} of a state's land, ${share(c.spoils)} of which is left for the attackers.`,
    `War costs ${fixed(c.attacker_cost, 2)} for each state attacked and ${fixed(c.defender_cost, 2)} for being attacked.`,
    `A whole homeland of economy 1 earns 1 a turn. All-out building of one kind of arms costs ${fixed(2 * c.arms_cost, 2)}, mobilizing ${fixed(c.mobilization_cost, 2)}, a word ${fixed(c.signal_cost, 2)}, a broken word ${fixed(c.audience_cost, 2)}.`,
  );
  if (c.mobilization_required) found.push("Only who was mobilized on the turn before, or is at war already, can attack.");
  found.push(`An ally adds ${share(c.alliance_commitment)} of its arms to your defence. To let an attacked ally down costs ${fixed(c.abandonment_cost, 2)}.`);
  if (c.enforcement > 0) found.push(`An authority fines each unprovoked attack ${fixed(c.enforcement, 2)}.`);
  if (c.continuation < 1) found.push(`After each turn the world ends with a chance of ${share(1 - c.continuation)}.`);
  return found;
}
/** An observation with its numbers rounded, and the others' names. */
function blocks(worlds, seat) {
  const view = new View(worlds, 0, seat), { names } = worlds.game;
  const round = (block) => Object.fromEntries(Object.entries(block).map(([name, value]) => [name, rounded(value, 3)]));
  const columns = [...Object.keys(worlds.engine.records.others.fields), ...worlds.game.extra];
  return {
    own: round(view.own),
    others: view.other.map((j, slot) => {
      const name = names[slot + (slot >= seat)];
      return { ...round(Object.fromEntries(columns.map((column) => [column, j[column]]))), name };
    }),
    world: view.world && round(view.world),
    mask: view.mask,
  };
}
/** Each entry of an action: what it asks, and its choices with what they do and whether they are legal. */
function askedOf(worlds, now) {
  let start = 0, slot = -1;
  return worlds.game.heads.map((head) => {
    if (head.name === "stance") slot++;
    const toward = head.toward ? now.others[slot].name : null;
    const legal = head.words.map((_, k) => Boolean(now.mask[start + k]));
    const mobilizes = head.name === "stance" && legal[MOBILIZE];
    start += head.size;
    const choices = head.words.map(({ word, means, refused, climbing }, k) => {
      return { word, means, legal: legal[k], why: legal[k] ? "" : mobilizes ? climbing : refused };
    });
    return { head: head.name, toward, asks: head.asks.replace("{}", toward), about: head.about, noop: head.noop, choices };
  });
}
/** What a state sees: `past` are the blocks of the turn before, null at the start. */
function seen(worlds, seat, past) {
  const now = blocks(worlds, seat), { own } = now;
  const greed = `You want land: foreign land is worth ${fixed(own.greed, 2)} times your own to you (greedy).`;
  return {
    name: worlds.game.names[seat],
    turn: own.turn,
    horizon: own.horizon,
    standing: Boolean(own.standing),
    wants: own.greed === 0 ? "You only want to be safe: foreign land is worth nothing to you (a security seeker)." : greed,
    you: own,
    promises: ownPromises(own),
    others: now.others.map((j) => ({ ...j, standing: Boolean(j.standing), ties: ties(now.others, j) })),
    news: past ? news(now, past) : [],
    facts: now.world ? facts(now.world) : [],
    heads: askedOf(worlds, now),
  };
}
