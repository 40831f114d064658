"use strict";
// The game in a browser: numba's code of the rules as WebAssembly, and the memory on which it works.
// ENGINE is { module, data, arguments, records, names } of tools/browser/compile.py and games.py.

const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
const modules = new Map(); // compiled once a page

/** The module of an engine. */
async function compiled(engine) {
  if (!modules.has(engine)) modules.set(engine, WebAssembly.compile(bytes(engine.module)));
  return modules.get(engine);
}

const READ = {
  f64: (view, at) => view.getFloat64(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  u64: (view, at) => view.getBigUint64(at, true),
  i8: (view, at) => view.getInt8(at),
};
const WIDTH = { f64: 8, f32: 4, i64: 8, u64: 8, i8: 1 };
const STACK = 1 << 16;

/** B worlds of one game in flat memory: sd_env.Worlds, with the same names. */
class Worlds {
  /** Lay out worlds and begin an episode in each; `seed` is a whole number or a BigInt. */
  static async make(engine, game, { worlds = 1, seed = 1, beliefs = false, bounds = {} } = {}) {
    return new Worlds(engine, await compiled(engine), game, worlds, BigInt(seed), beliefs || game.beliefs, bounds);
  }

  constructor(engine, module, game, worlds, seed, track, changed) {
    Object.assign(this, { engine, game, seed, track, count: worlds, n: game.agents.length });
    const b = worlds, n = this.n, records = engine.records, H = game.heads.length;
    const M = game.heads.reduce((sum, head) => sum + head.size, 0), D = game.columns, P = engine.names.parameters.length;
    const S = engine.names.initial.length;
    this.arrays = {};
    let end = Math.ceil((engine.data + STACK) / 16) * 16;
    const lay = (name, kind, ...shape) => {
      const item = typeof kind === "number" ? kind : WIDTH[kind];
      const strides = shape.map((_, k) => shape.slice(k + 1).reduce((x, y) => x * y, item));
      const array = { at: end, item, shape, strides, kind, size: shape.reduce((x, y) => x * y, item) };
      end = Math.ceil((end + array.size) / 16) * 16;
      this.arrays[name] = array;
      return array;
    };
    lay("bounds", "f64", 2, P);
    lay("state_bounds", "f64", 2, n, S);
    lay("pair_bounds", "f64", 2, n, n, 2);
    lay("identity", "i64", n);
    lay("chosen", "i8", b);
    lay("params", records.params.size, b);
    for (const name of ["worlds", "final_tallies"]) lay(name, records.worlds.size, b);
    lay("states", records.states.size, b, n);
    lay("pairs", records.pairs.size, b, n, n);
    lay("actions", "i64", b, n, H);
    lay("rewards", "f64", b, n);
    lay("ended", "i64", b);
    for (const name of ["observations", "final_observations"]) lay(name, "f32", b, n, D);
    for (const name of ["masks", "final_masks"]) lay(name, "i8", b, n, M);
    const { params, observations } = this.arrays, row = D * 4;
    this.arrays.flat = { at: params.at, item: 8, shape: [b, P], strides: [8 * P, 8], size: params.size };
    this.arrays.own = { at: observations.at, item: records.own.size, shape: [b, n], strides: [n * row, row] };
    const block = { shape: [b, n, n - 1], strides: [n * row, row, game.block * 4] };
    this.arrays.others = { at: observations.at + records.own.size, item: records.others.size, ...block };

    const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) });
    const stack = new WebAssembly.Global({ value: "i32", mutable: true }, Math.floor((engine.data + STACK) / 16) * 16);
    this.memory = new DataView(memory.buffer);
    this.rules = new WebAssembly.Instance(module, { env: { __linear_memory: memory, __stack_pointer: stack } }).exports;
    for (const [name, given] of [["bounds", "parameters"], ["state_bounds", "states"], ["pair_bounds", "pairs"]]) {
      new Uint8Array(memory.buffer).set(bytes(game.bounds[given]), this.arrays[name].at);
    }
    for (const [name, value] of Object.entries(changed)) this.bound(name, value);
    for (let i = 0; i < n; i++) this.memory.setBigInt64(this.arrays.identity.at + 8 * i, BigInt(i), true);
    for (let w = 0; w < b; w++) this.memory.setBigInt64(this.at("worlds", "index", w), BigInt(w), true);
    this.reset();
  }

  /** Set a parameter of the scenario, or what every state starts with, to a number, before a reset. */
  bound(name, value) {
    const { parameters, initial } = this.engine.names, of = parameters.includes(name) ? "bounds" : "state_bounds";
    const { at, shape } = this.arrays[of], k = (of === "bounds" ? parameters : initial).indexOf(name), width = shape.at(-1);
    if (k < 0) throw new Error(`no parameter ${name}`);
    for (let row = 0; row < shape.reduce((x, y) => x * y) / width; row++) {
      this.memory.setFloat64(at + 8 * (row * width + k), value, true);
      if (name === "p_greedy") { // trust, unless the scenario says otherwise, is what is left of it
        const high = shape[1] + (row % shape[1]); // rows are low, then high of every state
        const greedy = this.memory.getFloat64(at + 8 * (high * width + initial.indexOf("greed")), true) > 0;
        this.memory.setFloat64(at + 8 * (row * width + initial.indexOf("trust")), greedy ? 1 - value : 1, true);
      }
    }
  }

  /** Begin an episode in every world: the first of the seed, or with `next` the one after the present. */
  reset(next = false) {
    for (let w = 0; w < this.count; w++) {
      const at = this.at("worlds", "episode", w);
      this.memory.setBigInt64(at, next ? this.memory.getBigInt64(at, true) + 1n : 0n, true);
      this.memory.setInt8(this.arrays.chosen.at + w, 1);
      this.memory.setBigInt64(this.arrays.ended.at + 8 * w, 0n, true);
    }
    this.call("reset", { seed: this.seed });
  }

  /** Play a turn in every world; `actions`: a number for each head of each state of each world, flat. */
  step(actions) {
    actions.forEach((choice, k) => this.memory.setBigInt64(this.arrays.actions.at + 8 * k, BigInt(choice), true));
    this.call("step", { seed: this.seed, autoreset: 0, track: Number(this.track) });
  }

  /** Call a rule with numba's arguments: of an array memory's owner, its parent, items, bytes an item, start, sizes, steps. */
  call(name, scalars) {
    const given = [this.engine.data + 16, this.engine.data + 24]; // where result and trouble go: the far end of the stack
    for (const [argument, dimensions] of this.engine.arguments[name]) {
      if (dimensions === 0) given.push(scalars[argument]);
      else {
        const { at, item, shape, strides } = this.arrays[argument];
        given.push(0, 0, BigInt(shape.reduce((x, y) => x * y, 1)), BigInt(item), at, ...shape.map(BigInt), ...strides.map(BigInt));
      }
    }
    if (this.rules[name](...given) !== 0) throw new Error(`the rules failed in ${name}`);
  }

  /** Where a field of a record is in memory, or a number of an array (`field` null). */
  at(name, field, ...indices) {
    const array = this.arrays[name];
    const start = indices.reduce((sum, index, k) => sum + index * array.strides[k], array.at);
    return field === null ? start : start + this.engine.records[name === "final_tallies" ? "worlds" : name].fields[field][1];
  }

  /** A field of a record, or a number of an array (`field` null). */
  read(name, field, ...indices) {
    const kind = field === null ? this.arrays[name].kind : this.engine.records[name].fields[field][0];
    return READ[kind](this.memory, this.at(name, field, ...indices));
  }

  /** Whether a world's episode is over. */
  over(world = 0) {
    return this.read("ended", null, world) !== 0;
  }

  /** An array's bytes, to be compared. */
  raw(name) {
    const { at, size } = this.arrays[name];
    return new Uint8Array(this.memory.buffer, at, size);
  }
}
