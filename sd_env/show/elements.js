"use strict";
// Elements of pages, in which all that anybody wrote is shown as text. Every page of sd-env has these.
const SVG = "http://www.w3.org/2000/svg";
export const $ = (id) => document.getElementById(id);

function filled(made, attributes, parent, text) {
  for (const [name, value] of Object.entries(attributes || {})) if (value !== false) made.setAttribute(name, value === true ? "" : value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}
/** An element of HTML; an attribute that is true stands without a value, one that is false not at all. */
export function make(tag, attributes, parent, text) {
  return filled(document.createElement(tag), attributes, parent, text);
}
/** An element of SVG. */
export function draw(tag, attributes, parent, text) {
  return filled(document.createElementNS(SVG, tag), attributes, parent, text);
}
