// A lesson: its games as they stand, and the links to hand out.
import { ask, say, trying } from "./asking.js";
import { $, make } from "./elements.js";
import { and, box, list, main } from "./parts.js";

const here = (kind, key) => `${location.origin}/#${kind}=${key}`;

export function lesson(found) {
  const open = Boolean($("links-box") && $("links-box").open);
  main.replaceChildren();
  document.title = `Class: ${found.title}`;
  $("title").textContent = found.title;
  const games = box(found.games.length > 1 ? "The games" : "The game");
  make("p", { class: "about" }, games, `${found.scenario}${found.against.length ? `, the other states played by ${and(found.against)}` : ""}. What states want is shown once a game is over.`);
  const wide = make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Games" }, games);
  const table = make("table", { id: "games" }, wide);
  const head = make("tr", {}, make("thead", {}, table));
  for (const text of ["Game", "Turn", "Waiting for", "Attacks", "Fallen", "Outcome"]) make("th", { scope: "col" }, head, text);
  const body = make("tbody", {}, table);
  for (const game of found.games) {
    const row = make("tr", {}, body);
    make("th", { scope: "row" }, row, game.number);
    make("td", {}, row, game.over ? "over" : game.turn);
    const waits = make("td", {}, row);
    const names = game.seats.filter((each) => each.waiting).map((each) => each.name);
    make("span", {}, waits, and(names) || "–");
    if (names.length && game.seats.length > names.length) {
      const button = make("button", { type: "button" }, waits, "Go on without");
      button.addEventListener("click", () => trying(button, async () => lesson(await ask("/api/hurry", { game: game.number, turn: game.turn }))));
    }
    make("td", {}, row, game.attacks);
    make("td", {}, row, and(game.fallen) || "–");
    const outcome = make("td", {}, row);
    if (game.over) {
      make("span", {}, outcome, game.reveal.closing[1] + " ");
      make("a", { href: `/replay/${game.ending}`, target: "_blank", rel: "noopener" }, outcome, "replay");
      list(outcome, game.reveal.states.map((each) => `${each.name} (${each.greed > 0 ? "greedy" : "security seeker"}): ${each.return.toFixed(2)}`));
    } else make("span", {}, outcome, "–");
  }
  const links = make("details", { class: "box", id: "links-box" }, main);
  links.open = open || found.games.every((game) => game.played === 0);
  make("summary", {}, links, "Links to hand out: one for each seat, and each a secret");
  const all = found.games.flatMap((game) => game.seats.map((each) => [`Game ${game.number}, ${each.name}`, here("seat", each.key)]));
  const ul = make("ul", { id: "links" }, links);
  for (const [text, address] of all) make("a", { href: address, target: "_blank", rel: "noopener" }, make("li", {}, ul), text);
  make("label", { for: "copy" }, links, "All of them as text");
  make("textarea", { id: "copy", readonly: true, spellcheck: false }, links, all.map((each) => each.join("\t")).join("\n"));
  const row = make("div", { class: "row" }, main);
  const csv = make("button", { type: "button", id: "csv" }, row, "Outcomes as CSV");
  csv.addEventListener("click", () => trying(csv, async () => {
    const address = URL.createObjectURL(await ask("/api/lesson.csv"));
    make("a", { href: address, download: "outcomes.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }));
  const forget = make("button", { type: "button" }, row, "Forget these games");
  forget.addEventListener("click", () => {
    if (!confirm("Remove these games from the server? Links and replays will open nothing.")) return;
    trying(forget, async () => {
      await ask("/api/forget", {});
      main.replaceChildren();
      say("The games are forgotten.");
    });
  });
}
