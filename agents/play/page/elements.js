// Building the page: all that anybody wrote is shown as text.
const SVG = "http://www.w3.org/2000/svg";
export const $ = (id) => document.getElementById(id);
export const main = $("main");

export function make(tag, attributes, parent, text) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== false) made.setAttribute(name, value === true ? "" : value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}
export function bar(parent, value, most, kind) {
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
