// App: what getApp() returns, its hooks, and the state that every file of the program shares.

let app; // what getApp() returns
let launchOptions;
let enterOptions;
let config; // as host.js was given it
let dead = false; // stopped, nothing runs any more
let hiddenAt = -1; // in the background since; -1: in the foreground
let suspended = false;
let registering = ""; // the page or component whose file is being evaluated
const pageTypes = new RealMap(); // by route: {options, component}
const componentTypes = new RealMap(); // by path
const stack = newList(); // of open pages: {route, query, text, self, shown, parts, tab}
const tabPages = new RealMap(); // tab pages that live on below, by route
const listeners = bare(); // by event: list of functions
let pageIds = 0;
const MOST_PAGES = 10;

function stop(why) {
  if (dead) return;
  dead = true;
  emit(`{"k":"stop","at":${now},"why":${quote(why)}}`);
}
function topRoute() {
  return stack.size ? stack[stack.size - 1].route : "";
}
function routeOf(path) {
  const end = indexOf(path, "?");
  const route = end < 0 ? path : slice(path, 0, end);
  return route[0] === "/" ? slice(route, 1) : route;
}
function queryOf(path) {
  const query = {};
  const begin = indexOf(path, "?");
  let at = begin < 0 ? path.length : begin + 1;
  while (at < path.length) {
    let end = indexOf(path, "&", at);
    if (end < 0) end = path.length;
    const pair = slice(path, at, end);
    at = end + 1;
    if (pair === "") continue;
    const middle = indexOf(pair, "=");
    const key = middle < 0 ? pair : slice(pair, 0, middle);
    put(query, decoded(key), middle < 0 ? "" : decoded(slice(pair, middle + 1)));
  }
  return query;
}
function decoded(text) {
  try {
    return decodePart(text);
  } catch {
    return text;
  }
}

// ---- App ----------------------------------------------------------------------------------------------------------

function startApp(options) {
  if (app !== undefined) {
    reportError(new RealError("App() is called a second time"));
    return;
  }
  app = newApp();
  copyOwn(app, options);
  mark("app_launch", "", shownValue(launchOptions));
  callHook(app, "onLaunch", [copied(launchOptions)]);
  showApp(enterOptions);
}
// Whatever the program puts on the app under a watched name is watched from then on.
function newApp() {
  const proto = {};
  const names = config.watch.properties;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    define(proto, name, {
      __proto__: null,
      configurable: true,
      enumerable: false,
      get: undefined,
      set(value) { put(this, name, watch(value)); },
    });
  }
  return create(proto);
}
function watchApp() {
  const names = config.watch.properties;
  for (let index = 0; index < names.length; index += 1) watch(peek(app, names[index]));
}
function showApp(options) {
  mark("app_show", "", shownValue(options));
  callHook(app, "onShow", [copied(options)]);
  tellListeners("onAppShow", [copied(options)]);
}
function hideApp() {
  mark("app_hide", "");
  callHook(app, "onHide", [plain({ __proto__: null, path: topRoute() })]);
  tellListeners("onAppHide", [plain({ __proto__: null, path: topRoute() })]);
}
function tellListeners(event, given) {
  const list = listeners[event];
  if (list === undefined) return;
  const told = newList();
  for (let index = 0; index < list.size; index += 1) append(told, list[index]);
  for (let index = 0; index < told.size; index += 1) callProgram(told[index], undefined, given);
}
function callHook(object, name, given) {
  const hook = peek(object, name);
  return typeof hook === "function" ? callProgram(hook, object, given) : undefined;
}
// Own properties of a program's object, onto ours.
function copyOwn(target, source) {
  if (!isObject(source)) return;
  const keys = ownKeys(source);
  for (let index = 0; index < keys.length; index += 1) {
    const entry = descriptorOf(source, keys[index]);
    if (entry !== undefined && entry.enumerable) target[keys[index]] = source[keys[index]];
  }
}
// A copy without live references, as setData, storage and data make it; functions stay what they are.
function copied(value, depth) {
  if (!isObject(value) || typeof value === "function") return value;
  const level = depth || 0;
  if (level > 40) return undefined;
  if (isDate(value)) return new RealDate(timeOf(value));
  if (isArray(value)) {
    const array = [];
    for (let index = 0; index < value.length; index += 1) put(array, index, copied(value[index], level + 1));
    return array;
  }
  const proto = getPrototypeOf(value);
  if (proto !== ObjectPrototype && proto !== null) return value;
  const object = {};
  const keys = ownKeys(value);
  for (let index = 0; index < keys.length; index += 1) {
    if (typeof keys[index] === "string") put(object, keys[index], copied(value[keys[index]], level + 1));
  }
  return object;
}
