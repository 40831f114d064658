(() => {
  const D = JSON.parse($("data").textContent);
  const said = D.steps.map(() => null); // what was predicted, step by step
  let at = 0, address = null;

  const scaled = (step, value) => (step.unit === "states" ? value : 100 * value);
  const shown = (step, value) => (step.unit === "states" ? value.toFixed(1).replace(/\.0$/, "") : (100 * value).toFixed(0));
  const told = (step, value) => (step.unit === "states" ? `${value} of ${step.most} states` : `${value} of 100`);

  // --- an episode: the replay page with its numbers put in, in a frame ------------------------------------------------
  function replay(parent, episode, turn, label) {
    parent.replaceChildren();
    if (address) URL.revokeObjectURL(address);
    const numbers = JSON.stringify(episode).replace(/[<>&]/g, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
    address = URL.createObjectURL(new Blob([D.skeleton[0], numbers, D.skeleton[1]], { type: "text/html" }));
    const link = make("p", {}, parent, `${label}. Opened at turn ${turn}; the buttons below it go back to the start. `);
    make("a", { href: `${address}#turn=${turn}`, target: "_blank", rel: "noopener" }, link, "In a tab of its own");
    make("iframe", { src: `${address}#turn=${turn}`, title: `Replay: ${label}` }, parent);
  }
  function frame(parent, key, turn, label) {
    parent.replaceChildren();
    const asked = make("div", {}, parent), held = make("div", { class: "replay" }, parent);
    if (D.otherwise[key]) otherwise(asked, held, key, turn, label);
    replay(held, D.replays[key], turn, label);
  }

  // --- one deed otherwise -----------------------------------------------------------------------------------------------
  async function unpacked(key) {
    const bytes = Uint8Array.from(atob(D.otherwise[key].packed), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }
  function otherwise(parent, held, key, turn, label) {
    const { deeds } = D.otherwise[key], form = make("form", { class: "otherwise" }, parent), box = make("fieldset", {}, form);
    make("legend", {}, box, "What if?");
    const row = make("div", { class: "deed" }, box), says = make("div", { "aria-live": "polite", id: "became" }, box);
    const selects = [["On turn", "on"], ["state", "who"], ["does otherwise and", "deed"]].map(([name, id]) => make("select", { id, name: id }, make("label", {}, row, `${name} `)));
    const chosen = (upto) => deeds.filter((deed) => selects.slice(0, upto).every((select, k) => String(deed[k]) === select.value));
    function fill(from) { // what may be chosen hangs on what was chosen before it
      selects.forEach((select, k) => {
        if (k < from) return;
        const values = [...new Set(chosen(k).map((deed) => String(deed[k])))], before = select.value;
        select.replaceChildren(...values.map((value) => make("option", { value }, null, value)));
        if (values.includes(before)) select.value = before;
      });
    }
    selects.forEach((select, k) => select.addEventListener("change", () => fill(k + 1)));
    fill(0);
    make("button", { type: "submit", class: "main", id: "change" }, row, "Play it so");
    const back = make("button", { type: "button", id: "undo", disabled: true }, row, "As it was");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [deed] = chosen(3), { told, replay: episode } = (await unpacked(key))[deeds.indexOf(deed)];
      if (!form.isConnected) return; // the reader has gone on
      const what = `${deed[1]} ${deed[2]} on turn ${deed[0]}`;
      says.replaceChildren(...told.map((text) => make("p", {}, null, text)));
      replay(held, episode, Math.min(deed[0], episode.turns), `${label}, but ${what}`);
      back.disabled = false;
    });
    back.addEventListener("click", () => {
      says.replaceChildren();
      replay(held, D.replays[key], turn, label);
      back.disabled = true;
      $("change").focus();
    });
  }

  // --- what was counted ---------------------------------------------------------------------------------------------------
  function bars(step, guess, parent) {
    const list = make("ul", { class: "bars" }, parent);
    step.bars.forEach((bar, k) => {
      const item = make("li", {}, list), of = step.unit === "states" ? "" : " of 100";
      make("div", {}, item, bar.label + (bar.beside ? ` (${bar.beside})` : ""));
      const box = draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, item);
      const across = (value) => (100 * scaled(step, value)) / step.most;
      draw("rect", { x: 0, y: 0, width: 100, height: 10, class: "ground" }, box);
      draw("rect", { x: 0, y: 0, width: across(bar.value), height: 10, class: "bar" }, box);
      draw("line", { x1: across(bar.low), x2: across(bar.high), y1: 5, y2: 5, class: "whisker" }, box);
      if (k === step.answer && step.unit !== "choice") {
        const x = (100 * guess) / step.most;
        draw("line", { x1: x, x2: x, y1: -2, y2: 12, class: "guess" }, box);
      }
      const words = make("div", { class: "of" }, item);
      words.textContent = `${shown(step, bar.value)}${of} [${shown(step, bar.low)}, ${shown(step, bar.high)}], n = ${bar.of}`;
      if (k === step.answer && step.unit !== "choice") make("span", { class: "swatch" }, words, ` ┆ your prediction: ${guess}`);
    });
  }
  const near = (step, guess) =>
    step.unit === "choice" ? step.right.includes(guess) : Math.abs(guess - scaled(step, step.bars[step.answer].value)) <= step.most / 10;
  function verdict(step, guess) {
    const bar = step.bars[step.answer];
    if (step.unit === "choice") {
      return `You said: ${step.bars[guess].label}. ` + (near(step, guess) ? "So it is." : `It is: ${bar.label}.`);
    }
    const counted = `in ${bar.of} games it was ${told(step, shown(step, bar.value))}, with a 95% interval from ${shown(step, bar.low)} to ${shown(step, bar.high)}`;
    return `You said ${told(step, guess)}; ${counted}. ` + (near(step, guess) ? "Well predicted." : `Off by ${Math.abs(guess - scaled(step, bar.value)).toFixed(step.unit === "states" ? 1 : 0)}.`);
  }

  // --- the map --------------------------------------------------------------------------------------------------------------
  function worlds(parent) {
    const M = D.map, left = 62, top = 32, wide = 68, high = 46;
    const columns = M.omegas.length, rows = M.qs.length, width = left + columns * wide + 40, height = top + rows * high + 62;
    const place = (list, value) => { // the grid is drawn evenly; lines are bent to it
      let k = 0;
      while (k < list.length - 2 && value > list[k + 1]) k++;
      return k + (value - list[k]) / (list[k + 1] - list[k]);
    };
    const x = (omega) => left + (place(M.omegas, omega) + 0.5) * wide;
    const y = (q) => top + (rows - 0.5 - place(M.qs, q)) * high;
    const grade = (cell) => (cell.value < 0.1 ? 0 : cell.value <= 0.6 ? 1 : 2);
    make("h3", {}, parent, "The map");
    const box = make("div", { class: "map" }, parent);
    const sliders = [["Advantage of attack ω", M.omegas, 1.2, "omega"], ["Weapons told apart q", M.qs, 0, "q"]].map(([name, list, first, id]) => {
      const line = make("label", { class: "slide" }, box);
      make("span", {}, line, name);
      const input = make("input", { type: "range", min: 0, max: list.length - 1, step: 1, id }, line);
      input.value = String(Math.max(0, list.indexOf(first)));
      const output = make("output", { for: id }, line);
      return { input, output, list };
    });
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Map of the worlds: wars in 100 games by ω and q; the sliders above choose a square" }, box);
    M.cells.forEach((cell) => {
      const cx = x(cell.omega), cy = y(cell.q), level = grade(cell);
      const square = draw("rect", { x: cx - wide / 2, y: cy - high / 2, width: wide, height: high, class: `cell l${level}` }, svg);
      square.addEventListener("click", () => {
        sliders[0].input.value = String(M.omegas.indexOf(cell.omega));
        sliders[1].input.value = String(M.qs.indexOf(cell.q));
        chosen();
      });
    });
    for (const cell of M.cells) {
      if (cell.name) draw("rect", { x: x(cell.omega) - wide / 2 + 4, y: y(cell.q) - high / 2 + 4, width: wide - 8, height: high - 8, class: "world" }, svg);
    }
    const here = draw("rect", { width: wide - 4, height: high - 4, class: "here" }, svg);
    M.lines.forEach((line, k) => {
      const points = line.points.map(([omega, q]) => `${x(omega).toFixed(1)},${y(q).toFixed(1)}`).join(" ");
      draw("polyline", { points, class: `under` }, svg);
      draw("polyline", { points, class: `line k${k}` }, svg);
      if (!line.points.length) return;
      const [omega, q] = line.points.at(-1), star = line.name === "q*"; // named where it ends: at the right, or at the top
      const spot = star ? { x: left + columns * wide + 4, y: y(q) + 6 } : { x: x(omega), y: top - 10, "text-anchor": "middle" };
      draw("text", { ...spot, class: "halo through" }, svg, line.name);
    });
    M.cells.forEach((cell) => {
      const level = grade(cell);
      draw("text", { x: x(cell.omega), y: y(cell.q) - 5, "text-anchor": "middle", class: `through on${level}` }, svg, (100 * cell.value).toFixed(0));
    });
    M.omegas.forEach((omega) => draw("text", { x: x(omega), y: top + rows * high + 22, "text-anchor": "middle" }, svg, String(omega)));
    M.qs.forEach((q) => draw("text", { x: left - 10, y: y(q) + 6, "text-anchor": "end" }, svg, String(q)));
    draw("text", { x: left + (columns * wide) / 2, y: height - 10, "text-anchor": "middle" }, svg, "defence leads ← ω → attack leads");
    draw("text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(16,${top + (rows * high) / 2}) rotate(-90)` }, svg, "q: weapons told apart →");
    make("p", { class: "of" }, box, "Numbers: wars in 100 games. Dashed: m = 0. Solid: m = t. Dotted: q*. Dotted frames: Jervis's four worlds.");
    const readout = make("p", { class: "verdict", "aria-live": "polite", id: "readout" }, box);
    const held = make("div", { class: "frame" }, parent);
    let waiting = null;
    function chosen() {
      const [omega, q] = sliders.map(({ input, list }) => list[Number(input.value)]);
      sliders.forEach(({ input, output, list }) => {
        output.textContent = String(list[Number(input.value)]);
        input.setAttribute("aria-valuetext", output.textContent);
      });
      const cell = M.cells.find((each) => each.omega === omega && each.q === q);
      here.setAttribute("x", x(omega) - wide / 2 + 2);
      here.setAttribute("y", y(q) - high / 2 + 2);
      const says = cell.m <= 0 ? "m is at or below 0: peace is best whatever one thinks of the other" : cell.m <= M.trust ? `m = ${cell.m.toFixed(2)} is not above trust t = ${M.trust}: theory expects peace` : q >= cell.star ? `m = ${cell.m.toFixed(2)} is above t = ${M.trust}, but q is not below q* = ${cell.star.toFixed(2)}: theory expects peace` : `m = ${cell.m.toFixed(2)} is above t = ${M.trust} and q is below q* = ${cell.star.toFixed(2)}: theory expects war`;
      readout.textContent = `ω = ${omega}, q = ${q}${cell.name ? ` (the ${cell.name} world)` : ""}: war in ${(100 * cell.value).toFixed(0)} of 100 games [${(100 * cell.low).toFixed(0)}, ${(100 * cell.high).toFixed(0)}], n = ${cell.of}. ${says}.`;
      clearTimeout(waiting);
      waiting = setTimeout(() => frame(held, cell.replay, cell.turn, `One game at ω = ${omega}, q = ${q}`), 200);
    }
    sliders.forEach(({ input }) => input.addEventListener("input", chosen));
    chosen();
  }

  // --- a step ------------------------------------------------------------------------------------------------------------------
  function question(step, main) {
    const form = make("form", {}, main), box = make("fieldset", {}, form);
    make("legend", {}, box, "What do you predict?");
    make("p", { class: "ask", id: "ask" }, box, step.ask);
    let answer;
    if (step.unit === "choice") {
      step.choices.forEach((k) => {
        const line = make("label", { class: "choice" }, box);
        const radio = make("input", { type: "radio", name: "choice", value: k, required: "" }, line);
        if (said[at] === k) radio.checked = true;
        make("span", {}, line, step.bars[k].label);
      });
      answer = () => Number(new FormData(form).get("choice"));
    } else {
      const line = make("div", { class: "slide" }, box), states = step.unit === "states";
      const input = make("input", { type: "range", min: 0, max: step.most, step: states ? 1 : 5, "aria-labelledby": "ask", id: "guess" }, line);
      input.value = String(said[at] ?? Math.round(step.most / 2));
      const output = make("output", { for: "guess" }, line);
      const say = () => {
        output.textContent = told(step, input.value);
        input.setAttribute("aria-valuetext", output.textContent);
      };
      input.addEventListener("input", say);
      say();
      answer = () => Number(input.value);
    }
    make("button", { type: "submit", class: "main", id: "predict" }, box, "I predict this: show me");
    if (said[at] !== null) box.disabled = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      said[at] = answer();
      show(true);
    });
  }
  function result(step, main) {
    const box = make("div", { class: "result", id: "result" }, main);
    make("h3", { tabindex: "-1", id: "came" }, box, "What came of it");
    make("p", { class: "verdict", id: "verdict" }, box, verdict(step, said[at]));
    bars(step, said[at], box);
    step.told.forEach((text) => make("p", {}, box, text));
    if (at === D.map.step) worlds(box);
    if (step.shown.length) {
      make("h3", {}, box, "Look at a game");
      const row = make("div", { class: "shown" }, box), held = make("div", { class: "frame" }, box), buttons = [];
      step.shown.forEach(({ key, label, turn }) => {
        const button = make("button", { type: "button", "aria-pressed": "false" }, row, label);
        button.addEventListener("click", () => {
          buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
          frame(held, key, turn, label);
        });
        buttons.push(button);
      });
    }
    const how = make("details", {}, box);
    make("summary", {}, how, "How this was counted");
    make("p", {}, how, D.counted);
    const games = make("ul", {}, how);
    step.bars.forEach((bar) => make("li", {}, games, `${bar.label}: ${bar.made}; n = ${bar.of}.`));
    const from = make("details", {}, box);
    make("summary", {}, from, "Read on");
    const list = make("ul", { class: "sources" }, from);
    step.sources.forEach((source) => make("li", {}, list, source));
    if (at === D.steps.length - 1) summary(box);
  }
  function summary(box) {
    make("h3", {}, box, "Your half hour");
    const table = make("table", {}, make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Your predictions" }, box));
    const head = make("tr", {}, make("thead", {}, table));
    for (const words of ["Step", "You said", "It was"]) make("th", { scope: "col" }, head, words);
    const body = make("tbody", {}, table);
    D.steps.forEach((step, k) => {
      const line = make("tr", {}, body), bar = step.bars[step.answer], choice = step.unit === "choice";
      make("th", { scope: "row" }, line, step.title);
      make("td", {}, line, said[k] === null ? "–" : choice ? step.bars[said[k]].label : told(step, said[k]));
      make("td", {}, line, said[k] === null ? "not predicted yet" : choice ? bar.label : told(step, shown(step, bar.value)));
    });
    const well = D.steps.filter((step, k) => said[k] !== null && near(step, said[k])).length;
    make("p", { id: "score" }, box, `${well} of ${D.steps.length} predicted well (within a tenth of the scale, or the right choice).`);
  }
  function show(answered) {
    const step = D.steps[at], main = $("step");
    main.replaceChildren();
    make("h2", { id: "heading" }, main, `${at + 1}. ${step.title}`);
    step.text.forEach((text) => make("p", {}, main, text));
    question(step, main);
    if (said[at] !== null) result(step, main);
    [...$("steps").querySelectorAll("button")].forEach((button, k) => {
      if (k === at) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    $("back").disabled = at === 0;
    $("next").disabled = at === D.steps.length - 1;
    $("where").textContent = `Step ${at + 1} of ${D.steps.length}`;
    history.replaceState(null, "", `#step=${at + 1}`);
    if (answered) {
      $("came").focus({ preventScroll: true });
      $("came").scrollIntoView();
    }
  }
  function go(to) {
    at = Math.max(0, Math.min(D.steps.length - 1, to));
    show(false);
    scrollTo(0, 0);
    $("step").focus({ preventScroll: true });
  }
  const arrive = () => {
    at = Math.max(0, Math.min(D.steps.length - 1, Math.trunc(Number(new URLSearchParams(location.hash.slice(1)).get("step"))) - 1 || 0));
    show(false);
  };

  D.steps.forEach((step, k) => {
    const button = make("button", { type: "button", "aria-label": `Step ${k + 1}: ${step.title}` }, make("li", {}, $("steps")));
    make("span", {}, button, String(k + 1));
    make("span", { class: "name" }, button, ` ${step.title}`);
    button.addEventListener("click", () => go(k));
  });
  $("back").addEventListener("click", () => go(at - 1));
  $("next").addEventListener("click", () => go(at + 1));
  addEventListener("hashchange", arrive);
  arrive();
})();
