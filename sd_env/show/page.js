(() => {
  const D = JSON.parse($("data").textContent);
  const N = D.states.length, T = D.turns;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Okabe and Ito's colours, which those who see fewer colours tell apart; beyond eight, dashes tell the rest.
  const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a7a00", "#7a7a7a"];
  const colour = (i) => COLOURS[i % COLOURS.length];
  const dashes = (i) => ["", "6 3", "2 3"][Math.floor(i / COLOURS.length) % 3];
  let turn = 0, seen = -1, playing = null;

  const number = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits));
  const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const hidden = (i) => seen >= 0 && seen !== i;

  // --- the map ------------------------------------------------------------------------------------------------
  const [W, H] = D.stage.size, PLACES = D.stage.places, size = D.stage.scale;
  const arms = (row, i) => D.offense[row][i] + D.defense[row][i];
  let mostArms = 0.5, mostPower = 1e-9;
  for (let t = 0; t <= T; t++) {
    for (let i = 0; i < N; i++) {
      mostArms = Math.max(mostArms, D.offense[t][i], D.defense[t][i]);
      mostPower = Math.max(mostPower, D.power[t][i]);
    }
  }
  const radius = (row, i) => size * (12 + 24 * Math.sqrt(Math.max(0, D.power[row][i]) / mostPower));
  const map = $("map");
  map.setAttribute("viewBox", `0 0 ${W} ${H}`);
  map.classList.toggle("crowded", size < 0.7);

  function between(row, i, j, aside) {
    const [x1, y1] = PLACES[i], [x2, y2] = PLACES[j];
    const long = Math.hypot(x2 - x1, y2 - y1) || 1, dx = (x2 - x1) / long, dy = (y2 - y1) / long;
    const from = radius(row, i) + 6, to = radius(row, j) + 9;
    const ox = -dy * aside, oy = dx * aside;
    return [x1 + dx * from + ox, y1 + dy * from + oy, x2 - dx * to + ox, y2 - dy * to + oy, dx, dy];
  }
  function arrow(row, i, j, aside, kind, head = kind) {
    const [x1, y1, x2, y2, dx, dy] = between(row, i, j, aside);
    draw("line", { x1, y1, x2: x2 - dx * 9, y2: y2 - dy * 9, class: kind }, map);
    const points = [[x2, y2], [x2 - dx * 14 - dy * 8, y2 - dy * 14 + dx * 8], [x2 - dx * 14 + dy * 8, y2 - dy * 14 - dx * 8]];
    draw("polygon", { points: points.map((p) => p.join(",")).join(" "), class: "head-" + head }, map);
    return [x1 + 0.4 * (x2 - x1), y1 + 0.4 * (y2 - y1)];
  }
  const MANY = 12;
  const SHIELD = "M0,-8 L7,-5 L7,1 C7,6 3,9 0,10 C-3,9 -7,6 -7,1 L-7,-5 Z";
  const SWORD = "M-1.5,-10 L0,-13 L1.5,-10 L1.5,3 L5,3 L5,5.5 L1.5,5.5 L1.5,10 L-1.5,10 L-1.5,5.5 L-5,5.5 L-5,3 L-1.5,3 Z";

  function bars(row, i) {
    const [x, y] = PLACES[i], below = y + radius(row, i) + 8 * size;
    if (hidden(i)) {
      const guess = D.estimate[row][seen][i];
      draw("text", { x, y: below + 30 * size, "text-anchor": "middle", class: "faint" }, map, `arms seen ≈ ${number(guess)}`);
      return;
    }
    [["shield", SHIELD, D.defense], ["sword", SWORD, D.offense]].forEach(([kind, path, stock], k) => {
      const left = x + (k === 0 ? -54 : 12) * size, high = 32 * size, share = Math.min(1, stock[row][i] / mostArms);
      draw("rect", { x: left + 16 * size, y: below, width: 8 * size, height: high, class: "bar-back" }, map);
      draw("rect", { x: left + 16 * size, y: below + high * (1 - share), width: 8 * size, height: high * share, class: kind }, map);
      draw("path", { d: path, class: kind, transform: `translate(${left + 5 * size},${below + 14 * size}) scale(${size})` }, map);
      draw("text", { x: left + 14 * size, y: below + high + 5, "text-anchor": "middle", class: "faint stock" }, map, number(stock[row][i]));
    });
  }
  function state(row, i) {
    const [x, y] = PLACES[i], r = radius(row, i);
    const group = draw("g", D.standing[row][i] ? {} : { class: "fallen" }, map);
    const says = draw("title", {}, group);
    const kind = hidden(i) ? "intention hidden" : D.greed[row][i] > 0 ? "greedy" : "security seeker";
    says.textContent = `${D.states[i]}: ${kind}, homeland ${number(D.homeland[row][i])}, holdings ${number(D.holdings[row][i])}`;
    draw("circle", { cx: x, cy: y, r, fill: colour(i), class: "rim" }, group);
    if (!hidden(i) && D.greed[row][i] > 0) draw("circle", { cx: x, cy: y, r: r + 5, class: "greedy" }, group);
    draw("text", { x, y: y - r - 12, "text-anchor": "middle" }, group, short(D.states[i], 18) + (D.standing[row][i] ? "" : " (fallen)"));
    if (D.standing[row][i]) bars(row, i);
  }
  function signal(row, i) {
    const word = D.signals[row][i];
    if (word === "silence" || row === 0) return;
    const [x, y] = PLACES[i], r = radius(row, i);
    draw("text", { x, y: y - r - 28, "text-anchor": "middle", class: word }, map, word === "reassure" ? "“no attack”" : "“or else”");
    for (let j = 0; j < N; j++) {
      if (j === i || !D.standing[row][j]) continue;
      const [x1, y1, x2, y2] = between(row, i, j, -7);
      const dot = draw("circle", { cx: calm ? (x1 + x2) / 2 : x1, cy: calm ? (y1 + y2) / 2 : y1, r: 4.5, class: word }, map);
      if (calm || !dot.animate) continue;
      const there = `translate(${x2 - x1}px,${y2 - y1}px)`;
      dot.animate(
        [{ transform: "translate(0,0)", opacity: 1 }, { transform: there, opacity: 1, offset: 0.8 }, { transform: there, opacity: 0 }],
        { duration: 900, fill: "forwards" },
      );
    }
  }
  function drawMap(row) {
    while (map.lastChild && map.lastChild.id !== "map-says") map.lastChild.remove();
    $("map-says").textContent = `Turn ${row}: ` + (row ? D.events[row - 1].map((e) => e.text).join("; ") || "nothing to tell" : "the start");
    for (const [i, j] of D.allied[row]) {
      const [x1, y1, x2, y2] = between(row, i, j, 0);
      draw("line", { x1, y1, x2, y2, class: "allied" }, map);
    }
    const struck = new Set(D.attacks[row].map(([i, j]) => `${i},${j}`));
    for (const [i, j] of D.mobilized[row]) if (!struck.has(`${i},${j}`)) arrow(row, i, j, 9, "mobilized");
    const came = D.attacks[row].map(([i, j, won]) => [...arrow(row, i, j, 9, "attack", won ? "attack" : "repelled"), won]);
    for (let i = 0; i < N; i++) state(row, i);
    for (const [x, y, won] of came.length > MANY ? [] : came) { // many words would hide one another; heads tell it too
      draw("text", { x, y: y - 8, "text-anchor": "middle" }, map, won ? "land taken" : "repelled");
    }
    for (let i = 0; i < N; i++) signal(row, i);
  }
  function legend() {
    const rows = [
      ["line", { class: "allied", x1: 2, y1: 9, x2: 34, y2: 9 }, "allied"],
      ["line", { class: "mobilized", x1: 2, y1: 9, x2: 34, y2: 9 }, "mobilized against"],
      ["line", { class: "attack", x1: 2, y1: 9, x2: 34, y2: 9 }, "attacks"],
      ["polygon", { class: "head-attack", points: "28,9 14,1 14,17" }, "takes land"],
      ["polygon", { class: "head-repelled", points: "28,9 14,1 14,17" }, "is repelled"],
      ["path", { class: "shield", d: SHIELD, transform: "translate(18,9) scale(.8)" }, "defence"],
      ["path", { class: "sword", d: SWORD, transform: "translate(18,10) scale(.75)" }, "offence"],
      ["circle", { class: "greedy", cx: 18, cy: 9, r: 7 }, "greedy (its secret)"],
      ["circle", { class: "reassure", cx: 18, cy: 9, r: 4.5 }, "reassures"],
      ["circle", { class: "threaten", cx: 18, cy: 9, r: 4.5 }, "threatens"],
    ];
    for (const [tag, attributes, words] of rows) {
      const item = make("li", {}, $("legend"));
      draw(tag, attributes, draw("svg", { viewBox: "0 0 36 18", "aria-hidden": "true" }, item));
      item.append(words);
    }
    make("li", {}, $("legend"), "size: power, the income of its land");
    if (D.stage.map) make("li", {}, $("legend"), "place: as on a map, moved apart where they would hide each other");
  }

  // --- the dilemma itself: what each is, says, and is taken for ----------------------------------------------------
  function taken(row, i) {
    const by = [];
    for (let j = 0; j < N; j++) if (j !== i && D.standing[row][j] && !hidden(j)) by.push([D.belief[row][j][i], D.states[j]]);
    if (!by.length) return "–";
    const percent = ([belief]) => `${Math.round(100 * belief)}%`;
    if (by.length === 1) return percent(by[0]);
    by.sort(([one], [other]) => one - other);
    if (percent(by[0]) === percent(by.at(-1))) return `${percent(by[0])} by all`;
    return `${percent(by[0])} (${short(by[0][1], 14)}) to ${percent(by.at(-1))} (${short(by.at(-1)[1], 14)})`;
  }
  function strip(row) {
    const box = $("strip");
    box.replaceChildren();
    const table = make("table", {}, box);
    const head = make("tr", {}, make("thead", {}, table));
    for (const words of ["State", "Truly", "Says", "Taken for a security seeker"]) make("th", { scope: "col" }, head, words);
    const body = make("tbody", {}, table);
    for (let i = 0; i < N; i++) {
      const line = make("tr", {}, body);
      make("th", { scope: "row" }, line, D.states[i]);
      make("td", {}, line, hidden(i) ? "?" : D.greed[row][i] > 0 ? `greedy ${number(D.greed[row][i], 1)}` : "security seeker");
      const word = row ? D.signals[row][i] : "silence";
      make("td", {}, line, { silence: "–", reassure: "will not attack", threaten: "threatens" }[word]);
      make("td", {}, line, taken(row, i));
    }
  }

  // --- curves ------------------------------------------------------------------------------------------------------
  const CW = 340, CH = 150, LEFT = 38, BOTTOM = 22, cursors = [];
  const welfare = [new Array(N).fill(0)];
  for (let t = 0; t < T; t++) welfare.push(welfare[t].map((sum, i) => sum + D.rewards[t][i]));
  const trusted = (t, i) => {
    let sum = 0;
    for (let j = 0; j < N; j++) if (j !== i) sum += D.belief[t][j][i];
    return sum / (N - 1);
  };
  const CURVES = [
    ["Arms", (t, i) => (hidden(i) ? D.estimate[t][seen][i] : arms(t, i))],
    ["Land", (t, i) => D.homeland[t][i] + D.holdings[t][i]],
    ["Welfare so far", (t, i) => (hidden(i) ? null : welfare[t][i])],
    ["Taken for a security seeker", (t, i) => (seen < 0 ? trusted(t, i) : seen === i ? null : D.belief[t][seen][i])],
  ];
  const across = (t) => LEFT + ((CW - LEFT - 8) * t) / Math.max(1, T);
  function charts() {
    $("charts").replaceChildren();
    cursors.length = 0;
    for (const [name, value] of CURVES) {
      const figure = make("figure", {}, $("charts"));
      make("figcaption", {}, figure, name);
      const box = draw("svg", { viewBox: `0 0 ${CW} ${CH}`, role: "img", "aria-label": `${name}, turn by turn` }, figure);
      let low = 0, high = name.startsWith("Taken") ? 1 : 0.1;
      for (let t = 0; t <= T; t++) {
        for (let i = 0; i < N; i++) {
          const each = value(t, i);
          if (each !== null) [low, high] = [Math.min(low, each), Math.max(high, each)];
        }
      }
      const up = (v) => CH - BOTTOM - ((CH - BOTTOM - 8) * (v - low)) / (high - low || 1);
      for (const mark of [low, (low + high) / 2, high]) {
        draw("line", { x1: LEFT, x2: CW - 8, y1: up(mark), y2: up(mark), class: "axis" }, box);
        draw("text", { x: LEFT - 5, y: up(mark) + 4, "text-anchor": "end", class: "faint" }, box, mark.toFixed(high - low > 20 ? 0 : high - low > 4 ? 1 : 2));
      }
      draw("text", { x: LEFT, y: CH - 5, class: "faint" }, box, "0");
      draw("text", { x: CW - 8, y: CH - 5, "text-anchor": "end", class: "faint" }, box, `turn ${T}`);
      for (let i = 0; i < N; i++) {
        const points = [];
        for (let t = 0; t <= T; t++) if (value(t, i) !== null) points.push(`${across(t).toFixed(1)},${up(value(t, i)).toFixed(1)}`);
        const line = draw("polyline", { points: points.join(" "), class: "curve", stroke: colour(i), "stroke-dasharray": dashes(i) }, box);
        draw("title", {}, line, D.states[i]);
      }
      cursors.push(draw("line", { y1: 4, y2: CH - BOTTOM, class: "cursor" }, box));
      box.addEventListener("pointerdown", (event) => {
        const at = box.getBoundingClientRect();
        const x = ((event.clientX - at.left) / at.width) * CW;
        go(Math.round(((x - LEFT) / (CW - LEFT - 8)) * T));
      });
    }
    const key = make("figure", {}, $("charts"));
    make("figcaption", {}, key, "Whose");
    const list = draw("svg", { viewBox: `0 0 ${CW} ${20 * N + 6}`, role: "img", "aria-label": "Colours of the states" }, key);
    for (let i = 0; i < N; i++) {
      draw("line", { x1: 4, x2: 44, y1: 20 * i + 12, y2: 20 * i + 12, class: "curve", stroke: colour(i), "stroke-dasharray": dashes(i) }, list);
      draw("text", { x: 52, y: 20 * i + 16 }, list, short(D.states[i], 34) + (D.policies[i] ? ` (${short(D.policies[i], 24)})` : ""));
    }
  }

  // --- moving about --------------------------------------------------------------------------------------------------
  function show() {
    drawMap(turn);
    strip(turn);
    $("turn").textContent = turn ? `Turn ${turn} of ${T}` : `The start (${T} turns follow)`;
    const list = $("events");
    list.setAttribute("aria-live", playing ? "off" : "polite");
    list.replaceChildren();
    // first what all see: what each builds and only it knows would fill the list
    const told = (turn ? D.events[turn - 1].filter((event) => event.only < 0 || !hidden(event.only)) : [])
      .sort((one, other) => (one.only >= 0) - (other.only >= 0));
    for (const event of told) make("li", {}, list, event.text + ".");
    if (!told.length) make("li", {}, list, turn ? "Nothing to tell." : "As it begins.");
    for (const cursor of cursors) {
      cursor.setAttribute("x1", across(turn));
      cursor.setAttribute("x2", across(turn));
    }
    $("scrubber").value = String(turn);
    $("scrubber").setAttribute("aria-valuetext", `turn ${turn} of ${T}`);
    if (!playing) history.replaceState(null, "", `#turn=${turn}&seen=${seen < 0 ? "all" : seen}`);
  }
  // where a link points: page.html#turn=5&seen=1
  function arrive() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const whose = Number(wanted.get("seen") ?? "all");
    seen = Number.isInteger(whose) && whose >= 0 && whose < N ? whose : -1;
    $("seen").value = String(seen);
    charts();
    go(Math.trunc(Number(wanted.get("turn"))) || 0);
  }
  function go(to) {
    turn = Math.max(0, Math.min(T, to));
    show();
  }
  function stop() {
    if (playing) clearInterval(playing);
    playing = null;
    $("play").textContent = "Play";
    show();
  }
  function start() {
    if (turn === T) turn = 0;
    $("play").textContent = "Stop";
    playing = setInterval(() => (turn >= T ? stop() : go(turn + 1)), 1000 / Number($("speed").value));
    show();
  }
  const toggle = () => (playing ? stop() : start());
  function theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    $("theme").textContent = dark ? "Light" : "Dark";
  }
  const dark = () => document.documentElement.dataset.theme === "dark";

  $("title").textContent = D.title || D.name;
  $("about").textContent = `${D.name}, ${D.key}`;
  D.states.forEach((name, i) => make("option", { value: String(i) }, $("seen"), `${short(name, 24)} alone`));
  D.closing.forEach((line) => make("li", {}, $("closing"), line));
  D.moments.forEach((moment) => {
    const item = make("li", {}, $("moments"));
    make("button", { type: "button" }, item, `Turn ${moment.turn}`).addEventListener("click", () => go(moment.turn));
    item.append(`: ${moment.text}`);
    if (!moment.more.length) return;
    const more = make("details", {}, item);
    make("summary", {}, more, "More");
    for (const line of moment.more) make("p", {}, more, line);
  });
  if (!D.moments.length) make("li", {}, $("moments"), "No war, no fall.");
  $("scrubber").max = String(T);
  $("ticks").setAttribute("viewBox", "0 0 100 8");
  $("ticks").setAttribute("preserveAspectRatio", "none");
  for (const moment of D.moments) {
    const x = (100 * moment.turn) / Math.max(1, T);
    draw("line", { x1: x, x2: x, y1: 0, y2: 8, class: "tick", "vector-effect": "non-scaling-stroke" }, $("ticks"));
  }
  legend();
  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  arrive();

  addEventListener("hashchange", arrive);
  $("first").addEventListener("click", () => go(0));
  $("last").addEventListener("click", () => go(T));
  $("back").addEventListener("click", () => go(turn - 1));
  $("next").addEventListener("click", () => go(turn + 1));
  $("play").addEventListener("click", toggle);
  $("scrubber").addEventListener("input", (event) => go(Number(event.target.value)));
  $("speed").addEventListener("change", () => { if (playing) { stop(); start(); } });
  $("seen").addEventListener("change", (event) => { seen = Number(event.target.value); charts(); show(); });
  $("theme").addEventListener("click", () => theme(!dark()));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const on = event.target.tagName;
    if (on === "SELECT" || (on === "BUTTON" && (event.key === " " || event.key === "Enter"))) return;
    const does = {
      " ": toggle, ArrowLeft: () => go(turn - 1), ArrowRight: () => go(turn + 1), Home: () => go(0), End: () => go(T),
      d: () => theme(!dark()),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
})();
