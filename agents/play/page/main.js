// Which page is shown: the link says it, and with which key the server is asked.
import { afterwards, ask, follow, isBusy, isWrong, say, trying, use } from "./asking.js";
import { $, make } from "./elements.js";
import { lesson } from "./lesson.js";
import { box, main } from "./parts.js";
import { forget, seat } from "./seat.js";
import { setup } from "./setup.js";

const SHOW = { seat, lesson };
let opened = 0;

async function refresh(kind, current) {
  try {
    const found = await ask(`/api/${kind}`);
    if (!current()) return;
    if (isBusy()) return afterwards(() => refresh(kind, current)); // what is under way may answer with what was before
    SHOW[kind](found);
    if (isWrong()) say("");
  } catch (error) {
    if (current()) say(error.message, true);
  }
}
async function open() {
  opened += 1;
  const mine = opened, current = () => mine === opened;
  const [, kind, key] = /^#(host|seat|lesson)=([A-Za-z0-9_-]+)$/.exec(location.hash) || [];
  use(key || "");
  forget();
  say("");
  document.body.classList.toggle("moving", false);
  main.replaceChildren();
  if (kind === "host") return trying(null, setup);
  if (kind) {
    await refresh(kind, current);
    return follow(current, () => refresh(kind, current));
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
