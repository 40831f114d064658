// One episode that a person and scripted policies play together: agents/play/game.py, in the page itself.
"use strict";

class Table {
  /** `seat`: index of the person's state; `cast`: a strategy a state. */
  static async make(engine, game, { seat, cast, seed, bounds }) {
    return new Table(await Worlds.make(engine, game, { seed, beliefs: true, bounds }), seat, cast, seed);
  }

  constructor(worlds, seat, cast, seed) {
    Object.assign(this, { worlds, seat, cast, seed, memories: [], past: null, rewards: [], attacks: [] });
    const { heads } = worlds.game;
    this.defaults = heads.map((head) => head.noop);
    this.trust = [this.trusted()];
    this.greed = this.each((i) => worlds.read("states", "greed", 0, i)); // of those who ruled at the start
    this.taken = 0;
  }

  /** The person's choices and the policies' are played; turns go on by themselves once the person's state has fallen. */
  act(choices) {
    const { worlds, seat } = this, H = worlds.game.heads.length;
    do {
      const actions = chooseAll(worlds, this.cast, this.memories);
      const own = worlds.read("states", "standing", 0, seat) ? choices : worlds.game.heads.map((head) => head.noop);
      actions.splice(seat * H, H, ...own);
      this.past = blocks(worlds, seat);
      worlds.step(actions);
      this.rewards.push(this.each((i) => worlds.read("rewards", null, 0, i)));
      this.attacks.push(this.each((i) => this.each((j) => worlds.read("pairs", "attacks", 0, i, j)).reduce((x, y) => x + y)));
      this.trust.push(this.trusted());
      const lost = (i) => worlds.read("states", "lost_homeland", 0, i) > 0 || worlds.read("states", "lost_holdings", 0, i) > 0;
      this.taken += this.each(lost).filter(Boolean).length;
      this.last = own;
    } while (!worlds.over() && !worlds.read("states", "standing", 0, seat));
  }

  each(of) {
    return Array.from({ length: this.worlds.n }, (_, i) => of(i));
  }

  /** How far the others trust each state, on average. */
  trusted() {
    const { worlds } = this;
    return this.each((i) => {
      const held = this.each((j) => (j === i ? 0 : worlds.read("pairs", "belief", 0, j, i)));
      return held.reduce((x, y) => x + y) / (worlds.n - 1);
    });
  }

  /** What the person may know now; with the reveal once the game is over. */
  view() {
    const { worlds, seat } = this, mine = this.rewards.map((each) => each[seat]), over = worlds.over();
    const found = seen(worlds, seat, this.past);
    return {
      ...found,
      title: worlds.game.title,
      about: worlds.game.description,
      payoff: mine.length ? rounded(mine.at(-1), 2) : null,
      payoffs: rounded(mine.reduce((x, y) => x + y, 0), 2),
      defaults: this.again(found.heads),
      chosen: false,
      waiting: over || !found.standing ? [] : [found.name],
      people: [found.name],
      over,
      reveal: over ? this.reveal() : null,
    };
  }

  /** What the state goes on with if nothing is changed: the last turn's choices, as far as they are legal; no words. */
  again(heads) {
    if (!this.last) return this.defaults;
    return heads.map((head, k) => (head.head !== "signal" && head.choices[this.last[k]].legal ? this.last[k] : head.noop));
  }

  reveal() {
    const { worlds } = this, { names } = worlds.game, of = (field, i) => worlds.read("states", field, 0, i);
    const sum = (rows, i) => rows.reduce((total, row) => total + row[i], 0);
    const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
    const standing = names.filter((_, i) => of("standing", i));
    const tally = (name) => worlds.read("worlds", name, 0);
    const end = worlds.read("ended", null, 0) === 2 ? "the horizon is reached" : standing.length > 1 ? "chance ends the world" : standing.length ? `${standing[0]} alone stands` : "no state stands";
    const wars = `${count(tally("wars"), "war")} (${tally("tragic_wars")} among security seekers)`;
    return {
      seed: String(this.seed),
      closing: [`after ${count(this.rewards.length, "turn")} ${end}`, `${wars}, ${count(tally("attacks"), "attack")}, land taken ${count(this.taken, "time")}, ${count(tally("fallen"), "state")} fallen`],
      states: names.map((name, i) => ({
        name,
        by: i === this.seat ? "a person" : this.cast[i],
        greed: rounded(this.greed[i], 2),
        standing: Boolean(of("standing", i)),
        return: rounded(sum(this.rewards, i), 2),
        homeland: rounded(of("homeland", i), 2),
        holdings: rounded(of("holdings", i), 2),
        believed: rounded(this.trust.at(-1)[i], 2),
        lowest: rounded(Math.min(...this.trust.map((row) => row[i])), 2),
        attacks: sum(this.attacks, i),
        forecast: null,
      })),
    };
  }
}
