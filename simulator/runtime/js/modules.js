// require: CommonJS over the files that the caller defined.

const definitions = new RealMap(); // by file: what to run, or why it cannot be
const loaded = new RealMap(); // by file: module
let watchedModules = newList();

function defineModule(number, body) {
  mapSet(definitions, config.modules[numberOf(number)], { __proto__: null, body, json: undefined, broken: "" });
}
function defineJson(file, text) {
  mapSet(definitions, file, { __proto__: null, body: undefined, json: text, broken: "" });
}
function defineBroken(file, why) {
  mapSet(definitions, file, { __proto__: null, body: undefined, json: undefined, broken: why });
}

function folderOf(file) {
  const end = lastIndexOf(file, "/");
  return end < 0 ? "" : slice(file, 0, end);
}
// "a/b" + "../c" → "a/c"; undefined where it leads out of the program.
function joined(folder, path) {
  const parts = newList();
  const whole = folder ? `${folder}/${path}` : path;
  let begin = 0;
  while (begin <= whole.length) {
    let end = indexOf(whole, "/", begin);
    if (end < 0) end = whole.length;
    const part = slice(whole, begin, end);
    begin = end + 1;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.size === 0) return undefined;
      removeLast(parts);
    } else append(parts, part);
  }
  let text = "";
  for (let index = 0; index < parts.size; index += 1) text += (index ? "/" : "") + parts[index];
  return text;
}
function asFile(path) {
  if (path === undefined) return undefined;
  if (mapHas(definitions, path)) return path;
  if (mapHas(definitions, `${path}.js`)) return `${path}.js`;
  if (mapHas(definitions, `${path}.json`)) return `${path}.json`;
  return undefined;
}
function asFolder(path) {
  if (path === undefined) return undefined;
  const entry = mapGet(definitions, path ? `${path}/package.json` : "package.json");
  if (entry && entry.json !== undefined) {
    const main = peek(jsonValue(entry.json), "main");
    if (typeof main === "string" && main) {
      const found = asFile(joined(path, main)) || asFile(joined(path, `${main}/index`));
      if (found) return found;
    }
  }
  return asFile(path ? `${path}/index` : "index");
}
function resolve(from, name) {
  const folder = folderOf(from);
  if (name[0] === "/") {
    const path = joined("", name);
    return asFile(path) || asFolder(path);
  }
  const path = joined(folder, name);
  const near = asFile(path) || (name[0] === "." ? asFolder(path) : undefined);
  if (near || name[0] === ".") return near;
  // A bare name: next to the file (above), then packages from here up to the root, then from the root.
  for (let up = folder; ; up = folderOf(up)) {
    for (let kind = 0; kind < 2; kind += 1) {
      const home = joined(up, `${kind ? "node_modules" : "miniprogram_npm"}/${name}`);
      const found = asFile(home) || asFolder(home);
      if (found) return found;
    }
    if (up === "") break;
  }
  const root = joined("", name);
  return asFolder(path) || asFile(root) || asFolder(root);
}

function requireFrom(from, name) {
  if (typeof name !== "string") throw new RealTypeError(`require needs a path, not ${typeof name}`);
  const file = resolve(from, name);
  if (file === undefined) {
    throw new RealError(`module '${name}' is not defined, require args is '${name}' (in ${from})`);
  }
  return load(file);
}
function load(file) {
  const known = mapGet(loaded, file);
  if (known !== undefined) return known.exports; // in a circle: what it has exported so far
  const entry = mapGet(definitions, file);
  if (entry.broken) throw new RealSyntaxError(entry.broken);
  const module = {};
  put(module, "exports", {});
  put(module, "id", file);
  mapSet(loaded, file, module);
  if (entry.json !== undefined) {
    module.exports = jsonValue(entry.json);
    return module.exports;
  }
  const require = function require(name) { return requireFrom(file, name); };
  put(require, "async", function (name) {
    return new RealPromise((resolved) => { resolved(requireFrom(file, name)); });
  });
  try {
    apply(entry.body, module.exports, [require, module, module.exports]);
  } catch (error) {
    mapDelete(loaded, file);
    throw error;
  }
  for (let index = 0; index < watchedModules.size; index += 1) {
    if (`${watchedModules[index]}.js` === slice(file, lastIndexOf(file, "/") + 1)) watch(module.exports);
  }
  return module.exports;
}

// ---- watching a tracker -------------------------------------------------------------------------------------------

let watchedMethods = newList();
const wrappers = new RealWeakMap(); // made here
let within = 0; // calls of watched methods under way; what a tracker calls of itself is its own business

function watch(object) {
  if (!isObject(object)) return object;
  for (let index = 0; index < watchedMethods.size; index += 1) {
    const name = watchedMethods[index];
    const body = peek(object, name);
    if (typeof body !== "function" || weakHas(wrappers, body)) continue;
    const wrapper = watched(name, body);
    const own = descriptorOf(object, name);
    try {
      define(object, name, {
        __proto__: null, value: wrapper, writable: true, configurable: true, enumerable: own ? own.enumerable : false,
      });
    } catch {
      // a proxy that refuses: then these calls stay unseen
    }
  }
  return object;
}
function watched(name, body) {
  const wrapper = function (...given) {
    if (within === 0) countedMark("call", name, shownValue(given), stackHere());
    within += 1;
    try {
      return new.target === undefined ? apply(body, this, given) : construct(body, given, new.target);
    } finally {
      within -= 1;
    }
  };
  define(wrapper, "name", { __proto__: null, value: name, configurable: true });
  define(wrapper, "length", { __proto__: null, value: peek(body, "length") | 0, configurable: true });
  weakSet(wrappers, wrapper, true);
  return wrapper;
}
