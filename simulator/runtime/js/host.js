// What the caller of the isolate can ask for, and the globals that the program sees. The last expression is the only
// way in: a function under a name that no program can know.

let launchedAt = 0;

function installConsole() {
  const console = {};
  const names = ["log", "info", "warn", "error", "debug", "trace", "dir", "table", "assert"];
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    method(console, name, function (...given) {
      if (name === "assert" && given[0]) return;
      if (consoleLeft <= 0) return;
      consoleLeft -= 1;
      let text = name;
      for (let each = name === "assert" ? 1 : 0; each < given.length && each < 50; each += 1) text += " " + consoleText(given[each]);
      mark("console", consoleLeft > 0 ? text : "runtime: further lines are not shown");
    });
  }
  const silent = ["group", "groupCollapsed", "groupEnd", "time", "timeEnd", "timeLog", "count", "countReset", "clear"];
  for (let index = 0; index < silent.length; index += 1) method(console, silent[index], function () {});
  putGlobal("console", console);
}
function consoleText(value) {
  if (typeof value === "string") return value;
  if (isObject(value) && typeof value !== "function") {
    const stackText = errorStack(value);
    return stackText && peek(value, "message") !== undefined ? errorText(value) : shownValue(value);
  }
  return safeText(value);
}

// As in WeChat, code is never made from text; `Function("return this")` is the exception that its documents name.
function installCodeRules() {
  const refuse = (what) => { throw new RealEvalError(`${what} is not allowed in a mini program`); };
  const Function = function (...given) {
    const body = given.length ? trim(safeText(given[given.length - 1])) : "";
    if (given.length <= 1 && (body === "return this" || body === "return this;")) return function anonymous() { return globalThis; };
    return refuse("new Function");
  };
  define(Function, "prototype", { __proto__: null, value: RealFunction.prototype, writable: false });
  put(RealFunction.prototype, "constructor", Function);
  hide(RealFunction.prototype, "constructor");
  putGlobal("Function", Function);
  putGlobal("eval", function () { return refuse("eval"); });
  const others = [async function () {}, function* () {}, async function* () {}];
  for (let index = 0; index < others.length; index += 1) {
    define(getPrototypeOf(others[index]), "constructor", { __proto__: null, value: Function, configurable: true });
  }
}

function installGlobals() {
  const unknown = ["WebAssembly", "SharedArrayBuffer", "Atomics", "Temporal", "Intl", "FinalizationRegistry"];
  for (let index = 0; index < unknown.length; index += 1) deleteProperty(globalThis, unknown[index]);
  globalThis.__timer_manager = undefined; // of the engine's binding
  installDate();
  installTimers();
  installConsole();
  installCodeRules();
  const random = newRandom(config.seed);
  method(Math, "random", function () { return random(); });
  drawCode = newRandom(config.seed ^ 0x5bd1e995);
  putGlobal("global", globalThis);
  putGlobal("wx", newWx());
  putGlobal("App", function App(options) { startApp(options); });
  putGlobal("Page", function Page(options) { definePage(options); });
  putGlobal("Component", function Component(options) { defineComponent(options); return registering; });
  putGlobal("Behavior", function Behavior(options) { return options; });
  putGlobal("getApp", function getApp() { return app; });
  putGlobal("getCurrentPages", function getCurrentPages() {
    const pages = newList();
    for (let index = 0; index < stack.size; index += 1) append(pages, stack[index].self);
    return arrayOf(pages);
  });
  putGlobal("requirePlugin", function requirePlugin(name) { throw new RealError(`plugin ${safeText(name)} is not there`); });
  putGlobal("requireMiniProgram", function requireMiniProgram() { return {}; });
  putGlobal("__wxConfig", { envVersion: "release", accountInfo: { appId: config.appid, nickname: config.name },
    pages: copied(config.pages), entryPagePath: `${config.entry}.html`, global: copied(config.window), debug: false });
}

// ---- what the caller asks for ---------------------------------------------------------------------------------------

const asks = {
  __proto__: null,
  configure(given) {
    config = given;
    now = given.now;
    launchedAt = now;
    turnsLeft = given.bounds.turns;
    mostTimers = given.bounds.timers;
    requestsLeft = given.bounds.requests;
    marksLeft = given.bounds.marks;
    consoleLeft = given.bounds.console_lines;
    longestText = given.bounds.text;
    mostBody = given.bounds.body;
    requestNumber = given.first;
    for (let index = 0; index < given.watch.modules.length; index += 1) append(watchedModules, given.watch.modules[index]);
    for (let index = 0; index < given.watch.methods.length; index += 1) append(watchedMethods, given.watch.methods[index]);
    const keys = ownKeys(given.storage);
    for (let index = 0; index < keys.length; index += 1) {
      const text = given.storage[keys[index]];
      mapSet(stored, keys[index], text);
      storedSize += text.length + keys[index].length;
    }
    installGlobals();
  },
  json: defineJson,
  broken: defineBroken,
  launch(options) {
    launchOptions = options;
    enterOptions = copied(options);
    later(() => {
      if (mapHas(definitions, "app.js")) {
        try {
          load("app.js");
        } catch (error) {
          reportError(error);
        }
      }
      if (app === undefined) {
        mark("error", "app.js does not call App()", undefined, "");
        startApp({});
      }
      watchApp();
    });
    for (let index = 0; index < config.files.length; index += 1) {
      const one = config.files[index];
      later(() => registerFile(one.path, one.file, one.page));
    }
    later(() => enterPath(config.start));
  },
  hide() {
    later(() => {
      if (stack.size) hidePage(stack[stack.size - 1]);
      hiddenAt = now;
      hideApp();
    });
  },
  show(options, path) {
    hiddenAt = -1;
    suspended = false;
    enterOptions = options;
    // The entry comes before what waited for it.
    const overdue = waiting;
    waiting = newList();
    later(() => showApp(enterOptions));
    later(() => {
      if (path) {
        closeAll();
        enterPath(path);
      } else if (stack.size) showPage(stack[stack.size - 1]);
    });
    later(() => {
      for (let index = 0; index < overdue.size; index += 1) append(waiting, overdue[index]);
    });
  },
  view(path) {
    later(() => {
      const wrong = isPage(routeOf(path)) ? goTo(path) : "";
      if (!isPage(routeOf(path))) notFound(path, false);
      if (wrong) mark("error", wrong, undefined, "");
    });
  },
  back(pages) {
    later(() => {
      const wrong = navigateBack(pages);
      if (wrong) mark("error", wrong, undefined, "");
    });
  },
  tap(handler) { later(() => tap(handler)); },
  share() { later(() => share("menu", undefined)); },
  network(type) {
    config.network = type;
    later(() => tellListeners("onNetworkStatusChange", [plain({ __proto__: null, isConnected: type !== "none", networkType: type })]));
  },
  answer,
};

// One callback of the program, at most: the microtasks run when it has returned to the engine. The first letter says
// how it stands: I nothing left up to `limit`, M more, R a request was sent and wants an answer, D dead.
function turn(wanted) {
  reads = 0;
  if (dead) return flush("D");
  const limit = wanted > now ? wanted : now;
  const entry = suspended ? undefined : nextEntry();
  const standstill = hiddenAt >= 0 && !suspended ? hiddenAt + SUSPEND_AFTER : limit + 1;
  if (standstill <= limit && (entry === undefined || entry.due >= standstill)) {
    if (standstill > now) now = standstill;
    suspended = true;
    mark("suspended", "");
    interruptRequests();
    return flush("M");
  }
  if (entry === undefined || entry.due > limit) {
    now = limit;
    return flush("I");
  }
  if (turnsLeft <= 0) {
    stop(`more than ${config.bounds.turns} callbacks`);
    return flush("D");
  }
  turnsLeft -= 1;
  if (entry.due > now) now = entry.due;
  removeItem(waiting, entry);
  try {
    entry.run();
    if (app !== undefined) watchApp();
  } catch (error) {
    reportError(error);
  }
  return flush("M");
}
function flush(state) {
  const text = out;
  out = "";
  const told = dead ? "D" : wantsAnswer ? "R" : state;
  wantsAnswer = false;
  return `${told}[${slice(text, 0, -1)}]`;
}

return function host(name, given, body) {
  if (name === "define") {
    defineModule(given, body);
    return "";
  }
  const values = jsonValue(given);
  if (name === "turn") return turn(values[0]);
  if (name === "flush") return flush("I");
  apply(asks[name], asks, values);
  return "";
};
