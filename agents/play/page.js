"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const main = $("main");
  let key = "", kind = "", socket = null, shown = "", generation = 0, sending = false, missed = false;

  // --- building: all that anybody wrote is shown as text ------------------------------------------------------------
  function make(tag, attributes, parent, text) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== false) made.setAttribute(name, value === true ? "" : value);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }
  function bar(parent, value, most, kind) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 10");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const [width, name] of [[100, "back"], [Math.min(100, (100 * value) / most), kind]]) {
      const rect = document.createElementNS(SVG, "rect");
      for (const [k, v] of [["width", width], ["height", 10], ["class", name]]) rect.setAttribute(k, v);
      svg.append(rect);
    }
    parent.append(svg);
  }
  function list(parent, lines, attributes) {
    const ul = make("ul", attributes || {}, parent);
    for (const line of lines) make("li", {}, ul, line);
    return ul;
  }
  function box(title, parent, attributes) {
    const made = make("section", attributes || {}, parent || main);
    if (title) make("h2", {}, made, title);
    return made;
  }
  const percent = (value) => `${Math.round(100 * value)}%`;
  const and = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names[0] || "");

  function say(text, wrong) {
    $("says").textContent = text;
    $("says").classList.toggle("wrong", Boolean(wrong));
  }
  async function ask(path, wish) {
    const options = { headers: { authorization: `Bearer ${key}` }, credentials: "omit" };
    if (wish !== undefined) {
      options.method = "POST";
      options.headers["content-type"] = "application/json";
      options.body = JSON.stringify(wish);
    }
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Error("The server does not answer. Nothing is lost: try again in a moment.");
    }
    if (path.endsWith(".csv") && answer.ok) return answer.blob();
    const found = await answer.json();
    if (!answer.ok) throw new Error(`It was refused: ${found.error}.`);
    return found;
  }
  /** Do something that asks the server; what it refuses is said. */
  async function trying(button, doing) {
    if (sending) return;
    sending = true;
    if (button) button.disabled = true;
    try {
      await doing();
    } catch (error) {
      say(error.message, true);
    } finally {
      sending = false;
      if (button) button.disabled = false;
      if (missed) refresh(generation);
      missed = false;
    }
  }
  const here = (kind, key) => `${location.origin}/#${kind}=${key}`;

  // --- a new game ---------------------------------------------------------------------------------------------------
  const FIRST = "jervis/doubly-dangerous";
  const FAMILIES = { jervis: "Jervis's worlds", history: "History", theories: "Theories", games: "Small games" };
  async function setup() {
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
        if (wished[0] !== said) wished = [said, name()];  // sent twice, it is made once
        const { lesson } = await ask("/api/lessons", { ask: wished[1], ...wish });
        wished = ["", ""];
        if (wish.games > 1 || wish.people.length > 1) return void (location.hash = `lesson=${lesson}`);
        key = lesson;
        const made = await ask("/api/lesson");
        location.hash = `seat=${made.games[0].seats[0].key}`;
      });
    });
  }
  const name = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");

  // --- one state's turn -----------------------------------------------------------------------------------------------
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
  function seat(view) {
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
    for (const [text, number] of [["State"], ["It wanted"], ["Taken for one that wants only safety", 1], ["Played by"], ["Attacks", 1], ["Return", 1], ["Homeland", 1]]) make("th", { scope: "col", class: number ? "number" : "" }, head, text);
    const body = make("tbody", {}, table);
    for (const each of told.states) {
      const row = make("tr", {}, body);
      make("th", { scope: "row" }, row, each.name + (each.name === view.name ? " (you)" : "") + (each.standing ? "" : ", fallen"));
      make("td", {}, row, each.greed > 0 ? `land (greedy, ${each.greed.toFixed(1)})` : "only safety (security seeker)");
      make("td", { class: "number" }, row, `${percent(each.believed)} (lowest ${percent(each.lowest)})`);
      make("td", {}, row, each.by);
      for (const text of [each.attacks, each.return.toFixed(2), percent(each.homeland)]) make("td", { class: "number" }, row, text);
    }
    make("p", { class: "about" }, who, "Taken for one that wants only safety: how likely that was to the others at the end, and at the lowest, by its deeds and Bayes' rule.");
    const mine = told.states.find((each) => each.name === view.name).forecast;
    if (mine) {
      const scored = box("Your forecasts");
      make("p", { id: "brier" }, scored, `Brier score ${mine.brier.toFixed(3)} over ${mine.count} forecasts: 0 is perfect, always saying 50% has 0.250.`);
      make("p", {}, scored, `${percent(mine.share)} of the attacks that you were asked about happened; who had always said just that would have ${mine.constant.toFixed(3)}.`);
    }
    const look = box("Look again");
    const links = make("ul", {}, look);
    make("a", { href: `/replay/${view.ending}`, id: "replay", target: "_blank", rel: "noopener" }, make("li", {}, links), "Replay: every turn, with everyone's intentions and beliefs");
    make("a", { href: `/log/${view.ending}`, id: "log", download: true }, make("li", {}, links), "The log, for sd-env replay, explain and verify");
    make("p", { class: "faint" }, look, `The same world again: seed ${told.seed}`);
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  // --- a lesson -------------------------------------------------------------------------------------------------------
  function lesson(found) {
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

  // --- which page, and news -----------------------------------------------------------------------------------------------
  const SHOW = { seat, lesson };
  async function refresh(mine) {
    try {
      const found = await ask(`/api/${kind}`);
      if (mine !== generation) return;
      if (sending) return void (missed = true);  // its answer may be older than this one's cause
      SHOW[kind](found);
      if ($("says").classList.contains("wrong")) say("");
    } catch (error) {
      if (mine === generation) say(error.message, true);
    }
  }
  function follow(mine, wait) {
    if (mine !== generation) return;
    socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/changes`);
    socket.onopen = () => socket.send(key);
    socket.onmessage = () => { wait = 1000; refresh(mine); };
    socket.onclose = (event) => {
      if (mine !== generation || event.code === 1008) return;
      setTimeout(() => follow(mine, Math.min(2 * wait, 15000)), wait);
    };
  }
  async function open() {
    generation += 1;
    const mine = generation;
    if (socket) socket.close();
    const [, what, secret] = /^#(host|seat|lesson)=([A-Za-z0-9_-]+)$/.exec(location.hash) || [];
    [kind, key, shown] = [what || "", secret || "", ""];
    say("");
    document.body.classList.toggle("moving", false);
    main.replaceChildren();
    if (kind === "host") return trying(null, setup);
    if (kind) {
      await refresh(mine);
      return follow(mine, 1000);
    }
    make("p", {}, box(""), "Open the link that you were given, or the one that sd-env serve printed.");
  }
  function theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    $("theme").textContent = dark ? "Light" : "Dark";
  }
  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  $("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));
  addEventListener("hashchange", open);
  open();
})();
