// Asking the server, and saying what it refuses.
import { $ } from "./elements.js";

let key = "", busy = false, later = null, socket = null;

/** From now on the server is asked with this key. */
export function use(secret) {
  [key, later] = [secret, null];
  if (socket) socket.close();
}
export const isBusy = () => busy;
/** Do it once what is under way is done. */
export function afterwards(doing) {
  later = doing;
}
export function say(text, wrong) {
  $("says").textContent = text;
  $("says").classList.toggle("wrong", Boolean(wrong));
}
export const isWrong = () => $("says").classList.contains("wrong");

/** What the server answers: to a question, or to a wish. */
export async function ask(path, wish, secret = key) {
  const options = { headers: { authorization: `Bearer ${secret}` }, credentials: "omit" };
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
/** Do something that asks the server, one thing at a time. */
export async function trying(button, doing) {
  if (busy) return;
  busy = true;
  if (button) button.disabled = true;
  try {
    await doing();
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
    if (button) button.disabled = false;
    const next = later;
    later = null;
    if (next) next();
  }
}
/** Told of each change, as long as the key is used; ``current`` says whether it still is. */
export function follow(current, changed, wait = 1000) {
  if (!current()) return;
  const mine = (socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/changes`));
  mine.onopen = () => mine.send(key);
  mine.onmessage = () => {
    wait = 1000;
    if (current()) changed();
  };
  mine.onclose = (event) => {
    if (event.code !== 1008) setTimeout(() => follow(current, changed, Math.min(2 * wait, 15000)), wait);
  };
}
