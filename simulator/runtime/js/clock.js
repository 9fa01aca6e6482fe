// The virtual clock: Date, timers, Math.random, and the queue of what happens next.

let now = 0; // Unix milliseconds
let reads = 0; // of the clock in this turn
let turnsLeft = 0;
let mostTimers = 0;

// A loop that waits for the clock must end, so reading it often moves it.
const READS_PER_MS = 1000;
function readClock() {
  reads += 1;
  if (reads % READS_PER_MS === 0) now += 1;
  return now;
}

function installDate() {
  function Date(...given) {
    if (new.target === undefined) return dateText(new RealDate(readClock()));
    return construct(RealDate, given.length ? given : [readClock()], new.target === Date ? RealDate : new.target);
  }
  define(Date, "length", { __proto__: null, value: 7, configurable: true });
  define(Date, "prototype", { __proto__: null, value: DatePrototype, writable: false });
  put(DatePrototype, "constructor", Date);
  hide(DatePrototype, "constructor");
  const parse = RealDate.parse;
  const UTC = RealDate.UTC;
  method(Date, "now", function () { return readClock(); });
  method(Date, "parse", function (text) { return parse(text); });
  method(Date, "UTC", function (...given) { return apply(UTC, RealDate, given); });
  putGlobal("Date", Date);
}
function hide(object, key) {
  define(object, key, { __proto__: null, enumerable: false });
}
function method(object, name, body) {
  put(object, name, body);
  hide(object, name);
}
// As a global of the engine's: not enumerable, and the program may put another in its place.
function putGlobal(name, value) {
  if (define(globalThis, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true })) return;
  globalThis[name] = value; // one that the engine's binding declared with `var`
}

// xorshift128+, so that the same visitor draws the same numbers.
function newRandom(seed) {
  let a = seed | 0 || 1;
  let b = imul(a, 0x9e3779b1) ^ 0x85ebca6b;
  const next = () => {
    a ^= a << 13;
    a ^= a >>> 17;
    a ^= a << 5;
    b = (imul(b, 1664525) + 1013904223) | 0;
    return (a ^ b) >>> 0;
  };
  for (let warm = 0; warm < 16; warm += 1) next();
  return () => (next() * 2097152 + (next() >>> 11)) / 9007199254740992;
}

// ---- what happens next ------------------------------------------------------------------------------------------

let order = 0;
let waiting = newList(); // of {due, order, run, timer}
const timers = new RealMap(); // by id, of the program's own

function schedule(due, run, timer) {
  order += 1;
  const entry = { __proto__: null, due, order, run, timer: timer || 0 };
  append(waiting, entry);
  return entry;
}
// In a turn of its own, at this instant.
function later(run) {
  return schedule(now, run);
}
function nextEntry() {
  let best;
  for (let index = 0; index < waiting.size; index += 1) {
    const entry = waiting[index];
    if (best === undefined || entry.due < best.due || (entry.due === best.due && entry.order < best.order)) best = entry;
  }
  return best;
}

let timerIds = 0;
let nesting = 0; // of timers that set timers, as browsers count it

function setTimer(name, given, every) {
  const callback = given[0];
  if (typeof callback !== "function") {
    mark("error", `${name} needs a function, not ${typeof callback}`, undefined, stackHere());
    return 0;
  }
  if (mapSize(timers) >= mostTimers) {
    stop(`more than ${mostTimers} timers wait at once`);
    return 0;
  }
  let delay = numberOf(given[1]);
  if (!(delay >= 1)) delay = 1;
  if (delay > 2147483647) delay = 1;
  if (nesting >= 5 && delay < 4) delay = 4;
  delay = floor(delay);
  timerIds += 1;
  const id = timerIds;
  const passed = [];
  for (let index = 2; index < given.length; index += 1) put(passed, index - 2, given[index]);
  const depth = nesting + 1;
  const timer = bare();
  timer.entry = undefined;
  const fire = () => {
    if (every) timer.entry = schedule(now + delay, fire, id);
    else mapDelete(timers, id);
    nesting = depth;
    try {
      callProgram(callback, globalThis, passed);
    } finally {
      nesting = 0;
    }
  };
  timer.entry = schedule(now + delay, fire, id);
  mapSet(timers, id, timer);
  return id;
}
function clearTimer(id) {
  const timer = mapGet(timers, id);
  if (timer === undefined) return;
  mapDelete(timers, id);
  removeItem(waiting, timer.entry);
}
function installTimers() {
  putGlobal("setTimeout", function setTimeout(...given) { return setTimer("setTimeout", given, false); });
  putGlobal("setInterval", function setInterval(...given) { return setTimer("setInterval", given, true); });
  putGlobal("clearTimeout", function clearTimeout(id) { clearTimer(id); });
  putGlobal("clearInterval", function clearInterval(id) { clearTimer(id); });
}
