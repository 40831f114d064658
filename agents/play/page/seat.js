// One state's turn, and the end.
import { ask, say, trying } from "./asking.js";
import { $, make } from "./elements.js";
import { and, bar, box, list, main, percent } from "./parts.js";

let shown = "";  // what of the game is on the page

/** The next view is shown anew. */
export function forget() {
  shown = "";
}
function card(j, most, own) {
  const made = make("div", { class: j.standing ? "state" : "state fallen" });
  make("h3", {}, made, j.standing ? j.name : `${j.name} (fallen)`);
  if (!j.standing) return made;
  if (j.ties.length) list(made, j.ties, { class: "ties" });
  const rows = make("dl", {}, made);
  const row = (term, text, ...drawn) => {
    make("dt", {}, rows, term);
    const dd = make("dd", {}, rows);
    if (drawn.length) bar(dd, ...drawn);
    make("span", {}, dd, text);
  };
  const about = own ? "" : "≈ ";
  row("Homeland", percent(j.homeland), j.homeland, 1, "land");
  if (j.holdings > 0) row("Foreign land", j.holdings.toFixed(2));
  row("Swords", about + (own ? j.offense : j.offense_estimate).toFixed(2), own ? j.offense : j.offense_estimate, most, "sword");
  row("Shields", about + (own ? j.defense : j.defense_estimate).toFixed(2), own ? j.defense : j.defense_estimate, most, "shield");
  if (own) return made;
  row("If it attacks you", `${percent(j.their_success)} chance to win`);
  row("If you attack it", `${percent(j.our_success)} chance to win`);
  if (j.belief !== undefined) row("Wants only safety?", `${percent(j.belief)} likely by its deeds`);
  return made;
}
function heads(view, form) {
  const moves = make("div", { class: "moves" }, form);
  const fieldsets = view.heads.map((head, k) => {
    const set = make("fieldset", {}, moves);
    make("legend", {}, set, head.asks);
    const row = make("div", { class: "choices" }, set);
    const means = make("p", { class: "means", id: `means-${k}` });
    head.choices.forEach((choice, number) => {
      const label = make("label", { title: choice.legal ? choice.means : choice.why }, row);
      const input = make("input", { type: "radio", name: `head-${k}`, value: number, disabled: !choice.legal, checked: number === view.defaults[k], "aria-describedby": `means-${k}` }, label);
      make("span", {}, label, choice.word);
      input.addEventListener("change", () => { means.textContent = choice.means; extents(); });
    });
    set.append(means);
    means.textContent = head.choices[view.defaults[k]].means;
    const why = head.choices.find((choice) => !choice.legal);
    const more = make("details", {}, set);
    make("summary", { class: "about" }, more, "What does this mean?");
    make("p", { class: "about" }, more, head.about);
    list(more, head.choices.map((choice) => `${choice.word}: ${choice.means}${choice.legal ? "" : ` (${choice.why})`}`), { class: "about" });
    if (why && head.head === "stance" && why.word === "attack") make("p", { class: "about" }, set, `attack: ${why.why}`);
    set.hidden = head.choices.filter((choice) => choice.legal).length < 2;
    return set;
  });
  const chosen = () => view.heads.map((_, k) => Number(form.querySelector(`input[name="head-${k}"]:checked`).value));
  // how far to go matters only where one mobilizes or attacks
  function extents() {
    const now = chosen();
    view.heads.forEach((head, k) => {
      if (head.head === "extent") fieldsets[k].hidden = !["mobilize", "attack"].includes(view.heads[k - 1].choices[now[k - 1]].word);
    });
  }
  extents();
  return chosen;
}
function forecast(view, form) {
  if (!view.forecasts) return () => [];
  const set = make("fieldset", { id: "forecast" }, form);
  make("legend", {}, set, "Your forecast for this turn");
  make("p", { class: "about" }, set, "How likely is each attack? Say as much as you like; at the end you see how well you knew the others.");
  const index = (name) => view.states.indexOf(name);
  const standing = view.others.filter((j) => j.standing);
  const selects = [];
  const row = (parent, i, j, text) => {
    const label = make("label", { class: "guess" }, parent, text);
    const select = make("select", {}, label);
    make("option", { value: "" }, select, "no forecast");
    for (const chance of [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100]) make("option", { value: chance / 100 }, select, `${chance}%`);
    selects.push([i, j, select]);
  };
  for (const j of standing) row(set, index(j.name), view.seat, `${j.name} attacks you`);
  if (standing.length > 1) {
    const more = make("details", {}, set);
    make("summary", {}, more, "Others among themselves");
    for (const i of standing) for (const j of standing) if (i !== j) row(more, index(i.name), index(j.name), `${i.name} attacks ${j.name}`);
  }
  return () => selects.filter(([, , select]) => select.value !== "").map(([i, j, select]) => [i, j, Number(select.value)]);
}
function waitingText(view) {
  const others = view.waiting.filter((each) => each !== view.name);
  if (view.chosen) return `You have chosen. Waiting for ${and(others)}.`;
  return view.people.length > 1 && others.length < view.people.length - 1 && view.standing ? "Others have chosen and wait for you." : "";
}
/** Show what the state sees now, or that others have chosen meanwhile. */
export function seat(view) {
  const state = JSON.stringify([view.turn, view.chosen, view.over, view.standing]);
  if (state === shown) {  // somebody else has chosen: what is being filled in stays
    const waits = $("waits");
    if (waits) waits.textContent = waitingText(view);
    return;
  }
  const first = shown === "";
  shown = state;
  main.replaceChildren();
  document.body.classList.toggle("moving", false);
  document.title = `${view.name}, turn ${view.turn + 1}: ${view.title}`;
  $("title").textContent = view.title;
  if (view.over) return reveal(view);
  const turn = make("h2", { tabindex: -1, id: "turn" }, main, `Turn ${view.turn + 1} of ${view.horizon}: you are ${view.name}`);
  make("p", { class: "wants" }, main, view.wants);
  if (!view.standing) {
    make("p", { class: "alarm" }, main, "Your state has fallen. The others play on; here you will see how it ends and what they wanted.");
  }
  const news = box(view.turn ? "What happened" : "Where things stand");
  if (view.turn) {
    if (view.news.length) list(news, view.news, { id: "news" });
    else make("p", { id: "news" }, news, "Nothing that you could see.");
    make("p", { class: "faint" }, news, `You earned ${view.payoff.toFixed(2)} on the last turn, ${view.payoffs.toFixed(2)} in all. A whole homeland earns 1 a turn; arms, words and wars cost.`);
  } else {
    make("p", {}, news, view.about);
    make("p", { class: "faint" }, news, "Each turn all states choose at once: what to build, what to say, and how to stand toward each other. Then all see what came of it, each with its own eyes.");
  }
  const rules = make("details", { class: "box" }, main);
  make("summary", {}, rules, "The rules of this world in numbers");
  if (view.facts.length) list(rules, view.facts);
  else make("p", {}, rules, "They are hidden from you.");
  const known = box("What you see");
  const all = [view.you.offense, view.you.defense, ...view.others.flatMap((j) => [j.offense_estimate, j.defense_estimate])];
  const most = Math.max(1, ...all);
  const grid = make("div", { class: "others" }, known);
  grid.append(card({ ...view.you, name: `${view.name} (you)`, standing: view.standing, ties: view.promises }, most, true));
  for (const j of view.others) grid.append(card(j, most, false));
  if (view.standing && !view.chosen) {
    const form = make("form", { id: "move" }, main);
    const choosing = box("Your move", form);
    const foreseen = forecast(view, choosing);
    const chosen = heads(view, choosing);
    const go = make("div", { class: "go" }, form);
    const button = make("button", { class: "main", type: "submit" }, go, `Play turn ${view.turn + 1}`);
    document.body.classList.toggle("moving", true);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      trying(button, async () => {
        const found = await ask("/api/act", { turn: view.turn + 1, choices: chosen(), forecast: foreseen() });
        say("");
        seat(found);
      });
    });
  }
  make("p", { id: "waits", role: "status" }, main, waitingText(view));
  if (!first) {
    turn.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}
function reveal(view) {
  const told = view.reveal;
  const title = make("h2", { tabindex: -1, id: "turn" }, main, "The game is over: what was hidden");
  list(box(""), told.closing);
  const who = box("Who wanted what");
  const wide = make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Who wanted what" }, who);
  const table = make("table", { id: "reveal" }, wide);
  const head = make("tr", {}, make("thead", {}, table));
  for (const [text, number] of [["State"], ["It wanted"], ["Trusted", 1], ["Played by"], ["Attacks", 1], ["Return", 1], ["Homeland", 1]]) make("th", { scope: "col", class: number ? "number" : "" }, head, text);
  const body = make("tbody", {}, table);
  for (const each of told.states) {
    const row = make("tr", {}, body);
    make("th", { scope: "row" }, row, each.name + (each.name === view.name ? " (you)" : "") + (each.standing ? "" : ", fallen"));
    make("td", {}, row, each.greed > 0 ? `land (greedy, ${each.greed.toFixed(1)})` : "only safety (security seeker)");
    make("td", { class: "number" }, row, `${percent(each.believed)} (lowest ${percent(each.lowest)})`);
    make("td", {}, row, each.by);
    for (const text of [each.attacks, each.return.toFixed(2), percent(each.homeland)]) make("td", { class: "number" }, row, text);
  }
  make("p", { class: "about" }, who, "Trusted: how likely it was to the others, by its deeds and Bayes' rule, that it only wanted to be safe; at the end, and at the lowest.");
  const mine = told.states.find((each) => each.name === view.name).forecast;
  if (mine) {
    const scored = box("Your forecasts");
    make("p", { id: "brier" }, scored, `Brier score ${mine.brier.toFixed(3)} over ${mine.count} forecast${mine.count === 1 ? "" : "s"}: 0 is perfect, always saying 50% has 0.250.`);
    make("p", {}, scored, `${percent(mine.share)} of the attacks that you were asked about happened; who had always said just that would have ${mine.constant.toFixed(3)}.`);
  }
  const look = box("Look again");
  if (view.ending) {
    const links = make("ul", {}, look);
    make("a", { href: `/replay/${view.ending}`, id: "replay", target: "_blank", rel: "noopener" }, make("li", {}, links), "Replay: every turn, with everyone's intentions and beliefs");
    make("a", { href: `/log/${view.ending}`, id: "log", download: true }, make("li", {}, links), "The log, for sd-env replay, explain and verify");
  }
  make("p", { class: "faint" }, look, `The same world again: seed ${told.seed}`);
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}
