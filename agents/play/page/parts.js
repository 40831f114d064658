// Parts of the page that several of its scripts make.
import { $, draw, make } from "./elements.js";

export const main = $("main");

export function bar(parent, value, most, kind) {
  const svg = draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parent);
  for (const [width, name] of [[100, "back"], [Math.min(100, (100 * value) / most), kind]]) {
    draw("rect", { width, height: 10, class: name }, svg);
  }
}
export function list(parent, lines, attributes) {
  const ul = make("ul", attributes || {}, parent);
  for (const line of lines) make("li", {}, ul, line);
  return ul;
}
export function box(title, parent, attributes) {
  const made = make("section", attributes || {}, parent || main);
  if (title) make("h2", {}, made, title);
  return made;
}
export const percent = (value) => `${Math.round(100 * value)}%`;
export const and = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names[0] || "");
