// The page: a game to set up, many games at once, and the table at which one is played.
"use strict";

const DATA = JSON.parse($("data").textContent), GAMES = 200, FIRST = "jervis/doubly-dangerous";
const FAMILIES = { jervis: "Jervis's worlds", history: "History", theories: "Theories", games: "Small games" };
/** What sliders change: a parameter, what it is, how far it goes. */
const SLIDERS = [["offense_advantage", "Advantage of attack ω", 0.3, 3], ["distinguishability", "Weapons told apart q", 0, 1], ["p_greedy", "How many are greedy", 0, 1]];
let table = null;

// --- what the page of a seat asks its server elsewhere ----------------------------------------------------------------
function say(text, wrong) {
  $("says").textContent = text;
  $("says").classList.toggle("wrong", Boolean(wrong));
}
async function trying(button, doing) {
  if (button) button.disabled = true;
  try {
    await doing();
  } catch (error) {
    say(error.message, true);
  } finally {
    if (button) button.disabled = false;
  }
}
async function ask(_, wish) {
  table.act(wish.choices);
  return shownTo(table);
}
function shownTo(table) {
  const view = { ...table.view(), forecasts: false };
  if (view.over) setTimeout(() => again(), 0);
  return view;
}
/** At the end of a game, below what was hidden. */
function again() {
  const row = make("p", {}, main);
  make("button", { type: "button", class: "main", id: "again" }, row, "Another game").addEventListener("click", setup);
}

// --- many games at once ---------------------------------------------------------------------------------------------------
/** Games that strategies play: in how many there is war, and in how many security seekers fight one another. */
async function count(game, cast, bounds, games = GAMES, seed = 1) {
  const worlds = await Worlds.make(DATA.engine, game, { worlds: games, seed, bounds }), memories = [], ended = new Set();
  const found = { games, wars: 0, tragic: 0 };
  while (ended.size < games) {
    worlds.step(chooseAll(worlds, cast, memories));
    for (let b = 0; b < games; b++) {
      if (ended.has(b) || !worlds.over(b)) continue;
      ended.add(b);
      found.wars += worlds.read("worlds", "wars", b) > 0;
      found.tragic += worlds.read("worlds", "tragic_wars", b) > 0;
    }
    await new Promise((resume) => setTimeout(resume)); // the page stays alive
  }
  return found;
}
/** Wilson's 95% interval of a share. */
function wilson(hits, of, z = 1.959964) {
  const p = hits / of, middle = p + (z * z) / (2 * of), wide = z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  return [(middle - wide) / (1 + (z * z) / of), (middle + wide) / (1 + (z * z) / of)];
}
function drawShare(parent, value, low, high) {
  parent.replaceChildren();
  const svg = draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "share" }, parent);
  draw("rect", { width: 100, height: 10, class: "back" }, svg);
  draw("rect", { width: 100 * value, height: 10, class: "war" }, svg);
  draw("line", { x1: 100 * low, x2: 100 * high, y1: 5, y2: 5, class: "range" }, svg);
}

// --- a new game ------------------------------------------------------------------------------------------------------------
function field(parent, label, id, options) {
  const row = make("div", { class: "field" }, parent);
  make("label", { for: id }, row, label);
  const select = make("select", { id }, row);
  for (const [value, text] of options) make("option", { value }, select, text);
  return select;
}
/** Low and high of a parameter of a game, or of what its states start with. */
function bounds(game, name) {
  const { parameters, initial } = DATA.engine.names, world = parameters.includes(name), names = world ? parameters : initial;
  const numbers = new Float64Array(bytes(game.bounds[world ? "parameters" : "states"]).buffer);
  const found = Array.from(numbers).filter((_, k) => names[k % names.length] === name);
  return [Math.min(...found), Math.max(...found)];
}
function sliders(parent, game, changed) {
  return SLIDERS.map(([name, label, least, most]) => {
    const [low, high] = bounds(game, name), line = make("label", { class: "slide" }, parent);
    make("span", {}, line, label);
    const input = make("input", { type: "range", id: name, min: Math.min(least, low), max: Math.max(most, high), step: 0.05 }, line);
    const output = make("output", { for: name }, line), made = { name, value: null }; // as the scenario has it, until it is moved
    const tell = () => {
      output.textContent = made.value === null ? (low < high ? `${low} to ${high}` : String(low)) : String(made.value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.value = String((low + high) / 2);
    input.addEventListener("input", () => {
      made.value = Number(input.value);
      tell();
    });
    input.addEventListener("change", changed);
    tell();
    return made;
  });
}
function setup() {
  forget();
  say("");
  table = null;
  main.replaceChildren();
  document.body.classList.toggle("moving", false);
  document.title = "Play the security dilemma";
  $("title").textContent = "The security dilemma";
  $("fresh").hidden = true;
  make("p", {}, box(""), "You lead a state. You want to be safe, or more than that; what the others want you cannot see. What you buy for your safety may frighten them, and what they buy may frighten you. The rules run in this page; nothing is asked of any host.");
  const form = make("form", { id: "setup" }, main), world = box("The world", form), groups = {};
  const scenario = field(world, "Scenario", "scenario", []), about = make("p", { class: "about" }, world), technology = make("div", {}, world);
  for (const each of DATA.games) {
    const family = each.name.split("/")[0];
    groups[family] ||= make("optgroup", { label: FAMILIES[family] || family }, scenario);
    make("option", { value: each.name }, groups[family], each.title);
  }
  scenario.value = FIRST;
  const players = box("Who plays", form), who = make("div", { class: "field" }, players), cast = make("div", { class: "cast" }, players);
  make("p", { class: "about" }, players, "What plays your own state counts only where you watch.");
  const own = make("div", { class: "field" }, players);
  make("label", { for: "seed" }, own, "Seed (empty: a new world each time)");
  const given = make("input", { id: "seed", type: "text", inputmode: "numeric", pattern: "[0-9]{0,18}", autocomplete: "off" }, own);
  const go = make("p", { class: "row" }, form);
  make("button", { class: "main", type: "submit", id: "begin" }, go, "Begin");
  const watching = box("Or watch", form);
  make("p", { class: "about" }, watching, `All states are played as chosen above, yours too, in ${GAMES} games from seed 1.`);
  const watch = make("button", { type: "button", id: "watch" }, make("p", {}, watching), `Play ${GAMES} games`);
  make("p", { id: "many", role: "status" }, watching);
  const drawn = make("div", {}, watching);
  let game = null, place = null, selects = [], changed = [], asked = 0;

  const chosen = () => Object.fromEntries(changed.filter(({ value }) => value !== null).map(({ name, value }) => [name, value]));
  async function play() {
    const mine = ++asked;
    $("many").textContent = "Playing ...";
    const { wars, tragic, games } = await count(game, selects.map((each) => each.value), chosen());
    if (mine !== asked) return;
    const [low, high] = wilson(wars, games), percents = [low, high].map((each) => Math.round(100 * each));
    $("many").textContent = `War in ${wars} of ${games} games, 95% interval ${percents[0]}% to ${percents[1]}%; in ${tragic} of them security seekers fought one another.`;
    drawShare(drawn, wars / games, low, high);
  }
  const anew = () => { if (asked) trying(null, play); };
  function shown() {
    game = DATA.games.find((each) => each.name === scenario.value);
    about.textContent = game.description;
    technology.replaceChildren();
    changed = sliders(technology, game, anew);
    who.replaceChildren();
    place = field(who, "You are", "place", game.names.map((name, i) => [i, name]));
    cast.replaceChildren();
    selects = game.names.map((name, i) => {
      const select = field(cast, `${name} is played by`, `cast-${i}`, DATA.strategies.map((each) => [each, each]));
      select.value = DATA.strategies[0];
      select.addEventListener("change", anew);
      return select;
    });
    anew();
  }
  scenario.addEventListener("change", shown);
  shown();
  watch.addEventListener("click", () => trying(watch, play));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trying($("begin"), async () => {
      const seed = given.value || crypto.getRandomValues(new Uint32Array(1))[0];
      const wanted = { seat: Number(place.value), cast: selects.map((each) => each.value), seed, bounds: chosen() };
      table = await Table.make(DATA.engine, game, wanted);
      asked = 0;
      $("fresh").hidden = false;
      seat(shownTo(table));
    });
  });
}
function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").textContent = dark ? "Light" : "Dark";
}
theme(matchMedia("(prefers-color-scheme: dark)").matches);
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));
$("fresh").addEventListener("click", setup);
setup();
