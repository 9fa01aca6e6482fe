// What leaves the isolate: one text of JSON records, put together piece by piece.

let out = ""; // records, each followed by a comma
let marksLeft = 0;
let consoleLeft = 0;
let longestText = 0;

const quote = (text) => jsonText(cut(text));

function cut(text) {
  return text.length > longestText ? slice(text, 0, longestText) + "…" : text;
}

function emit(text) {
  out += text + ",";
}

// A value of the program as JSON text, bounded in depth, width and length; what JSON cannot say is left out or null.
function shown(value, depth, budget) {
  if (value === null || value === undefined) return "null";
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "number":
      return isFiniteNumber(value) ? textOf(value) : "null";
    case "string":
      budget.left -= value.length;
      return quote(value);
    case "bigint":
      return quote(safeText(value));
    case "function":
    case "symbol":
      return "null";
    default:
  }
  if (depth > 8 || budget.left <= 0) return '"…"';
  try {
    if (isDate(value)) return quote(isFiniteNumber(timeOf(value)) ? isoOf(value) : "Invalid Date");
    return isArray(value) ? shownArray(value, depth, budget) : shownObject(value, depth, budget);
  } catch {
    return '"[unreadable]"';
  }
}
function shownArray(array, depth, budget) {
  let text = "[";
  const size = array.length > 200 ? 200 : array.length;
  for (let index = 0; index < size; index += 1) {
    text += (index ? "," : "") + shown(peek(array, index), depth + 1, budget);
  }
  return text + "]";
}
function shownObject(object, depth, budget) {
  let text = "";
  const keys = ownKeys(object);
  for (let index = 0; index < keys.length && index < 200; index += 1) {
    const key = keys[index];
    if (typeof key !== "string") continue;
    const entry = descriptorOf(object, key);
    if (entry === undefined || !entry.enumerable) continue;
    const value = peek(object, key);
    if (value === undefined || typeof value === "function" || typeof value === "symbol") continue;
    budget.left -= key.length;
    text += (text ? "," : "") + quote(key) + ":" + shown(value, depth + 1, budget);
  }
  return "{" + text + "}";
}
function shownValue(value) {
  return shown(value, 0, { __proto__: null, left: longestText * 5 });
}

// `stack` is read by the caller for the first line that is the program's own.
function mark(moment, detail, data, stack, page) {
  emit(
    `{"k":"mark","at":${now},"m":"${moment}","page":${quote(page === undefined ? topRoute() : page)},"detail":${quote(detail)},` +
      `"data":${data === undefined ? "null" : data},"stack":${quote(stack || "")}}`,
  );
}
// Marks of which a program can make any number.
function countedMark(moment, detail, data, stack) {
  if (marksLeft > 0) {
    marksLeft -= 1;
    mark(moment, detail, data, stack);
    if (marksLeft === 0) mark("console", "runtime: further calls are not shown");
  }
}

// Where the program is now, as V8 writes it; empty when the program keeps V8 from saying so.
function stackHere() {
  const holder = bare();
  return withPlainStacks(() => {
    captureStackTrace(holder);
    return typeof holder.stack === "string" ? holder.stack : "";
  });
}
// The program may have set Error.prepareStackTrace or Error.stackTraceLimit.
function withPlainStacks(read) {
  const prepare = descriptorOf(RealError, "prepareStackTrace");
  const limit = descriptorOf(RealError, "stackTraceLimit");
  try {
    if (prepare) deleteProperty(RealError, "prepareStackTrace");
    define(RealError, "stackTraceLimit", { __proto__: null, value: 30, writable: true, configurable: true, enumerable: true });
    return read();
  } catch {
    return "";
  } finally {
    if (prepare) define(RealError, "prepareStackTrace", bareDescriptor(prepare));
    if (limit) define(RealError, "stackTraceLimit", bareDescriptor(limit));
  }
}
// A descriptor made by the engine has Object.prototype, where a program may have put a `get`.
function bareDescriptor(found) {
  const copy = bare();
  const keys = ownKeys(found);
  for (let index = 0; index < keys.length; index += 1) copy[keys[index]] = found[keys[index]];
  return copy;
}

function errorText(error) {
  if (!isObject(error)) return safeText(error);
  const message = peek(error, "message");
  const name = peek(error, "name");
  if (message === undefined && name === undefined) return slice(shownValue(error), 0, 500);
  const head = safeText(name === undefined ? "Error" : name);
  return message ? `${head}: ${safeText(message)}` : head;
}
function errorStack(error) {
  const stack = peek(error, "stack");
  return typeof stack === "string" ? stack : "";
}

// ---- calling the program ------------------------------------------------------------------------------------------

let telling = false; // an error is being told to the program's listeners

// Call a function of the program. What it throws is reported, and the runtime goes on.
function callProgram(method, self, given) {
  let result;
  try {
    result = apply(method, self, given);
  } catch (error) {
    reportError(error);
    return undefined;
  }
  watchRejection(result);
  return result;
}
// An async hook that fails is an unhandled rejection; other forgotten promises cannot be seen from JavaScript.
function watchRejection(result) {
  if (typeof result !== "object" || result === null) return;
  try {
    promiseThen(result, undefined, (reason) => {
      mark("error", `unhandled rejection: ${errorText(reason)}`, undefined, errorStack(reason));
      tellListeners("onUnhandledRejection", [plain({ __proto__: null, reason, promise: result })]);
    });
  } catch {
    // no promise
  }
}
function reportError(error) {
  const text = errorText(error);
  const stack = errorStack(error);
  mark("error", text, undefined, stack);
  if (telling) return;
  telling = true;
  const told = `${stack || text}`;
  try {
    const hook = peek(app, "onError");
    if (typeof hook === "function") callProgram(hook, app, [told]);
    tellListeners("onError", [told]);
  } finally {
    telling = false;
  }
}
