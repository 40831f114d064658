// A new game.
import { ask, trying } from "./asking.js";
import { $, make } from "./elements.js";
import { box, main } from "./parts.js";

const FIRST = "jervis/doubly-dangerous";
const FAMILIES = { jervis: "Jervis's worlds", history: "History", theories: "Theories", games: "Small games" };
/** A name that nothing has: 128 bits. */
const newName = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");

export async function setup() {
  const menu = await ask("/api/menu");
  main.replaceChildren();
  document.title = "A new game: the security dilemma";
  $("title").textContent = "The security dilemma";
  const intro = box("");
  make("p", {}, intro, "You lead a state. You want to be safe, or more than that; what the others want you cannot see. What you buy for your safety may frighten them, and what they buy may frighten you.");
  const form = make("form", { id: "setup" }, main);
  const world = box("The world", form);
  const field = (parent, label, tag, attributes, about) => {
    const row = make("div", { class: "field" }, parent);
    make("label", { for: attributes.id }, row, label);
    const input = make(tag, attributes, row);
    if (about) {
      make("span", { class: "about", id: `${attributes.id}-about` }, row, about);
      input.setAttribute("aria-describedby", `${attributes.id}-about`);
    }
    return input;
  };
  const scenario = field(world, "Scenario", "select", { id: "scenario" });
  const groups = {};
  for (const each of menu.scenarios) {
    const family = each.name.includes("/") ? each.name.split("/")[0] : "";
    const parent = (groups[family] ||= make("optgroup", { label: FAMILIES[family] || family || "Other" }));
    make("option", { value: each.name }, parent, each.title);
  }
  for (const family of [...Object.keys(FAMILIES), ...Object.keys(groups).filter((k) => !(k in FAMILIES))]) if (groups[family]) scenario.append(groups[family]);
  scenario.value = menu.scenarios.some((each) => each.name === FIRST) ? FIRST : menu.scenarios[0].name;
  const about = make("p", { class: "about" }, world);
  const players = box("Who plays", form);
  const people = make("fieldset", {}, players);
  const against = field(players, "The other states are played by", "select", { id: "against" });
  for (const name of menu.policies) make("option", { value: name }, against, name);
  if (menu.policies.includes("tit-for-tat")) against.value = "tit-for-tat";
  const more = make("details", { class: "box" }, form);
  make("summary", {}, more, "A class, a forecast, a seed");
  const games = field(more, "Number of games", "input", { id: "games", type: "number", min: 1, max: menu.most, value: 1 }, "For a class: as many games of this scenario, with links to hand out.");
  const seed = field(more, "Seed", "input", { id: "seed", type: "text", inputmode: "numeric", pattern: "[0-9]{0,20}", autocomplete: "off" }, "Empty: each game is a world of its own. A number: all games are the same world, and who knows the number can work out what the others want.");
  const label = make("label", { class: "check" }, more);
  const forecasts = make("input", { type: "checkbox", id: "forecasts" }, label);
  label.append("Ask for a forecast before each turn (who attacks whom, how likely); it is scored at the end");
  function states() {
    const chosen = menu.scenarios.find((each) => each.name === scenario.value);
    about.textContent = chosen.about;
    people.replaceChildren();
    make("legend", {}, people, "States played by people");
    const row = make("div", { class: "row" }, people);
    chosen.states.forEach((name, i) => {
      const one = make("label", { class: "check" }, row);
      make("input", { type: "checkbox", name: "people", value: name, checked: i === 0 }, one);
      one.append(name);
    });
    make("p", { class: "about" }, people, "Choose one to play by yourself. Each further one gets a link for another person.");
  }
  scenario.addEventListener("change", states);
  states();
  const go = make("p", {}, form);
  const button = make("button", { class: "main", type: "submit" }, go, "Begin");
  let wished = ["", ""];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trying(button, async () => {
      const wish = {
        scenario: scenario.value, people: [...people.querySelectorAll("input:checked")].map((each) => each.value),
        against: [against.value], games: Number(games.value), seed: seed.value.trim() || null, forecasts: forecasts.checked,
      };
      const said = JSON.stringify(wish);
      if (wished[0] !== said) wished = [said, newName()];  // sent twice, it is made once
      const { lesson } = await ask("/api/lessons", { ask: wished[1], ...wish });
      wished = ["", ""];
      if (wish.games > 1 || wish.people.length > 1) return void (location.hash = `lesson=${lesson}`);
      const made = await ask("/api/lesson", undefined, lesson);
      location.hash = `seat=${made.games[0].seats[0].key}`;
    });
  });
}
