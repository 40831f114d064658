/* docs/thresholds.md: m of model.md section 5 by hand. The same closed form as agents/evaluation/threshold.py. */
"use strict";
(() => {
  const MOST = 8;
  const SVG = "http://www.w3.org/2000/svg";

  /* Success of a surprise attack and of an attack when both strike, both sides with arms x, half of them swords. */
  const successes = (w, x) => {
    const dual = 1 - w.q;
    const attack = (x / 2) * (1 + dual);
    const shields = (x / 2) * (1 + dual);
    const contest = (f, s) => (f <= 0 ? 0 : s <= 0 ? 1 : 1 / (1 + Math.pow(s / f, w.r)));
    const force = w.omega * attack;
    return [
      contest(force * (1 + w.phi), w.base + w.ready * shields),
      contest(force, w.base + shields + force),
    ];
  };

  const threshold = (w, x) => {
    const [first, both] = successes(w, x);
    const stake = w.conquest * (first - both) * w.turns;
    return stake > 0 ? 1 - w.cost / stake : -Infinity;
  };

  /* Arms from which on m exceeds trust: 0 from the first, null never. */
  const armsOfWar = (w, trust) => {
    const steps = 400;
    const ready = (x) => threshold(w, x) > trust;
    let last = 0.01;
    if (ready(last)) return 0;
    for (let k = 1; k <= steps; k++) {
      const x = 0.01 * Math.pow(MOST / 0.01, k / steps);
      if (ready(x)) {
        let low = last;
        let high = x;
        while (high - low > 1e-4) {
          const middle = (low + high) / 2;
          if (ready(middle)) high = middle;
          else low = middle;
        }
        return high;
      }
      last = x;
    }
    return null;
  };

  const told = (value) => (Number.isFinite(value) ? value.toFixed(2) : "no bound");

  const draw = (svg, w, trust) => {
    const [left, right, top, bottom] = [40, 630, 10, 270];
    const across = (x) => left + ((right - left) * x) / MOST;
    const down = (m) => bottom - ((bottom - top) * (Math.max(m, -0.5) + 0.5)) / 1.5;
    const add = (kind, attributes, text) => {
      const node = document.createElementNS(SVG, kind);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      if (text !== undefined) node.textContent = text;
      svg.appendChild(node);
    };
    svg.replaceChildren();
    for (const m of [0, 0.5, 1]) {
      add("line", { x1: left, x2: right, y1: down(m), y2: down(m), class: "sd-grid" });
      add("text", { x: left - 6, y: down(m) + 4, "text-anchor": "end" }, m.toString());
    }
    for (let x = 0; x <= MOST; x += 2) add("text", { x: across(x), y: bottom + 18, "text-anchor": "middle" }, x);
    add("text", { x: across(MOST - 1), y: bottom + 18, "text-anchor": "middle" }, "arms x");
    const points = [];
    for (let k = 1; k <= 200; k++) {
      const x = (MOST * k) / 200;
      const m = threshold(w, x);
      if (m > -0.5) points.push(`${across(x).toFixed(1)},${down(m).toFixed(1)}`);
    }
    add("polyline", { points: points.join(" "), class: "sd-m" });
    add("line", { x1: left, x2: right, y1: down(trust), y2: down(trust), class: "sd-trust" });
    add("circle", { cx: across(w.arms), cy: down(threshold(w, w.arms)), r: 5, class: "sd-point" });
  };

  const start = () => {
    const box = document.getElementById("sd-thresholds");
    if (!box) return;
    const inputs = [...box.querySelectorAll("input")];
    const given = new URLSearchParams(location.search);
    for (const input of inputs) {
      const value = given.get(input.name);
      if (value !== null && value !== "" && Number.isFinite(Number(value))) input.value = value;
    }
    const show = () => {
      const w = Object.fromEntries(inputs.map((input) => [input.name, Number(input.value)]));
      for (const input of inputs) input.parentElement.querySelector("output").textContent = input.value;
      const trust = 1 - w.greedy;
      const m = threshold(w, w.arms);
      const star = armsOfWar(w, trust);
      const [first, both] = successes(w, w.arms);
      const steeper = ((w.omega * (1 + w.phi) - w.ready) * (2 - w.q)) / 2;
      const say = (id, text) => (document.getElementById(id).textContent = text);
      say("sd-t", trust.toFixed(2));
      say("sd-m", m > 0 ? m.toFixed(3) : "at or below 0");
      say("sd-xstar", star === null ? "never" : star.toFixed(2));
      say("sd-xc", told(steeper > 0 ? w.base / steeper : Infinity));
      say("sd-pf", first.toFixed(3));
      say("sd-ps", both.toFixed(3));
      say("sd-says", m <= 0 ? "Peace is dominant." : m > trust ? "A security seeker strikes first." : "A security seeker waits.");
      draw(box.querySelector("svg"), w, trust);
    };
    box.querySelector("form").addEventListener("input", show);
    show();
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
