// Page, Component, Behavior: instances, their hooks and data, the components on a page, taps and shares.

function definePage(options) {
  if (registering === "") {
    reportError(new RealError("Page() is called outside of a page's file"));
    return;
  }
  mapSet(pageTypes, registering, { __proto__: null, options, component: false });
}
function defineComponent(options) {
  if (registering === "") {
    reportError(new RealError("Component() is called outside of a component's file"));
    return;
  }
  mapSet(componentTypes, registering, options);
  mapSet(pageTypes, registering, { __proto__: null, options, component: true });
}
function registerFile(path, file, isPage) {
  registering = path;
  try {
    load(file);
  } catch (error) {
    reportError(error);
  } finally {
    registering = "";
  }
  if (isPage && !mapHas(pageTypes, path)) {
    mark("error", `${file} registers no page: Page() or Component() was not called`, undefined, "");
  }
}

// What the behaviors of a component say, then itself: later ones win, lifetimes are all called.
function layersOf(options, layers, depth) {
  const behaviors = peek(options, "behaviors");
  if (isArray(behaviors) && depth < 8) {
    for (let index = 0; index < behaviors.length; index += 1) {
      if (isObject(behaviors[index])) layersOf(behaviors[index], layers, depth + 1);
    }
  }
  append(layers, options);
  return layers;
}
function fillComponent(self, layers) {
  const data = {};
  for (let index = 0; index < layers.size; index += 1) {
    const layer = layers[index];
    copyOwn(self, peek(layer, "methods"));
    copyOwn(data, copied(peek(layer, "data")));
    const properties = peek(layer, "properties");
    if (!isObject(properties)) continue;
    const names = ownKeys(properties);
    for (let each = 0; each < names.length; each += 1) put(data, names[each], firstValue(properties[names[each]]));
  }
  put(self, "data", data);
  put(self, "properties", data);
}
function firstValue(property) {
  const type = isObject(property) && typeof property !== "function" ? property.type : property;
  if (isObject(property) && typeof property !== "function" && hasOwn(property, "value")) return copied(property.value);
  switch (peek(type, "name")) {
    case "String": return "";
    case "Number": return 0;
    case "Boolean": return false;
    case "Array": return [];
    default: return null;
  }
}
function callLifetime(layers, self, group, name, given) {
  for (let index = 0; index < layers.size; index += 1) {
    const grouped = peek(peek(layers[index], group), name);
    const hook = typeof grouped === "function" ? grouped : group === "lifetimes" ? peek(layers[index], name) : undefined;
    if (typeof hook === "function") callProgram(hook, self, given);
  }
}
function commonMethods(self, page) {
  method(self, "setData", function (changes, callback) {
    setData(self, changes);
    if (typeof callback === "function") later(() => callProgram(callback, self, []));
  });
  method(self, "triggerEvent", function (name, detail) { trigger(page, self, safeText(name), detail); });
  method(self, "selectComponent", function (selector) { return selectPart(page, safeText(selector)); });
  method(self, "selectAllComponents", function (selector) {
    const found = selectPart(page, safeText(selector));
    return found ? [found] : [];
  });
  method(self, "createSelectorQuery", function () { return selectorQuery(); });
  method(self, "createIntersectionObserver", function () { return observer(); });
  method(self, "getOpenerEventChannel", function () { return page.channel || eventChannel(); });
  method(self, "getPageId", function () { return `page-${page.id}`; });
  method(self, "getRelationNodes", function () { return []; });
  method(self, "groupSetData", function (run) { if (typeof run === "function") apply(run, self, []); });
  method(self, "animate", function () {});
  method(self, "clearAnimation", function () {});
  method(self, "hasBehavior", function () { return false; });
}
function setData(self, changes) {
  if (!isObject(changes)) return;
  if (!isObject(peek(self, "data"))) put(self, "data", {});
  const keys = ownKeys(changes);
  for (let index = 0; index < keys.length; index += 1) {
    if (typeof keys[index] === "string") setPath(self.data, keys[index], copied(changes[keys[index]]));
  }
}
// "a.b[0].c"
function setPath(object, path, value) {
  let target = object;
  let key = "";
  let at = 0;
  const step = (part, nextIsIndex) => {
    if (!isObject(peek(target, part))) put(target, part, nextIsIndex ? [] : {});
    target = target[part];
  };
  while (at < path.length) {
    const char = path[at];
    if (char === ".") {
      if (key !== "") step(key, false);
      key = "";
    } else if (char === "[") {
      if (key !== "") step(key, true);
      const end = indexOf(path, "]", at);
      key = slice(path, at + 1, end < 0 ? path.length : end);
      at = end < 0 ? path.length : end;
      if (path[at + 1] === "[") {
        step(key, true);
        key = "";
      }
    } else key += char;
    at += 1;
  }
  if (key !== "") put(target, key, value);
}
function getPath(object, path) {
  let value = object;
  let key = "";
  for (let at = 0; at <= path.length; at += 1) {
    const char = path[at];
    if (char === undefined || char === "." || char === "[" || char === "]") {
      if (key !== "") value = peek(value, key);
      key = "";
    } else key += char;
  }
  return value;
}

function newPage(path, route) {
  const type = mapGet(pageTypes, route);
  pageIds += 1;
  const query = queryOf(path);
  const page = { __proto__: null, id: pageIds, route, text: path, query, shown: false, ready: false, parts: newList(),
    layers: undefined, channel: undefined, self: undefined };
  const self = {};
  page.self = self;
  if (type !== undefined && type.component) {
    page.layers = layersOf(type.options, newList(), 0);
    commonMethods(self, page);
    fillComponent(self, page.layers);
    fillProperties(self, query);
  } else {
    commonMethods(self, page);
    const layers = type === undefined ? newList() : layersOf(type.options, newList(), 0);
    const data = {};
    for (let index = 0; index < layers.size; index += 1) {
      copyOwn(self, layers[index]);
      copyOwn(data, copied(peek(layers[index], "data")));
    }
    put(self, "data", data);
  }
  put(self, "route", route);
  put(self, "__route__", route);
  put(self, "is", route);
  put(self, "options", copied(query));
  put(self, "__displayReporter", {});
  hide(self, "__displayReporter");
  return page;
}
// The query of a page that is a component fills its properties of the same names.
function fillProperties(self, query) {
  const keys = ownKeys(query);
  for (let index = 0; index < keys.length; index += 1) {
    if (hasOwn(self.data, keys[index])) put(self.data, keys[index], query[keys[index]]);
  }
}
function loadPage(page) {
  mark("page_load", "", shownValue(page.query), "", page.route);
  if (page.layers) {
    callLifetime(page.layers, page.self, "lifetimes", "created", []);
    callLifetime(page.layers, page.self, "lifetimes", "attached", []);
  }
  attachParts(page);
  callHook(page.self, "onLoad", [copied(page.query)]);
}
function showPage(page) {
  page.shown = true;
  mark("page_show", "", shownValue(page.query), "", page.route);
  callHook(page.self, "onShow", []);
  if (page.layers) callLifetime(page.layers, page.self, "pageLifetimes", "show", []);
  eachPart(page, "pageLifetimes", "show");
}
function readyPage(page) {
  if (page.ready) return;
  page.ready = true;
  eachPart(page, "lifetimes", "ready");
  if (page.layers) callLifetime(page.layers, page.self, "lifetimes", "ready", []);
  callHook(page.self, "onReady", []);
}
function hidePage(page) {
  if (!page.shown) return;
  page.shown = false;
  mark("page_hide", "", undefined, "", page.route);
  callHook(page.self, "onHide", []);
  if (page.layers) callLifetime(page.layers, page.self, "pageLifetimes", "hide", []);
  eachPart(page, "pageLifetimes", "hide");
}
function unloadPage(page) {
  page.shown = false;
  mark("page_unload", "", undefined, "", page.route);
  callHook(page.self, "onUnload", []);
  eachPart(page, "lifetimes", "detached");
  if (page.layers) callLifetime(page.layers, page.self, "lifetimes", "detached", []);
}

// ---- components on a page -----------------------------------------------------------------------------------------

// The components whose tags stand in the page's markup; each once, with the attributes of its first tag. Those inside of
// other components are not made.
function attachParts(page) {
  const tags = own(config.parts, page.route);
  if (tags === undefined) return;
  for (let index = 0; index < tags.length; index += 1) {
    const options = mapGet(componentTypes, tags[index].path);
    if (options === undefined) continue;
    const self = {};
    const part = { __proto__: null, self, layers: layersOf(options, newList(), 0), tag: tags[index] };
    commonMethods(self, page);
    fillComponent(self, part.layers);
    put(self, "is", part.tag.path);
    put(self, "id", part.tag.id);
    put(self, "dataset", datasetOf(page, part.tag.dataset));
    const given = part.tag.given;
    const names = ownKeys(given);
    for (let each = 0; each < names.length; each += 1) {
      if (hasOwn(self.data, names[each])) put(self.data, names[each], bound(page, given[names[each]]));
    }
    append(page.parts, part);
    callLifetime(part.layers, self, "lifetimes", "created", []);
    callLifetime(part.layers, self, "lifetimes", "attached", []);
  }
}
function eachPart(page, group, name) {
  for (let index = 0; index < page.parts.size; index += 1) {
    callLifetime(page.parts[index].layers, page.parts[index].self, group, name, []);
  }
}
function selectPart(page, selector) {
  for (let index = 0; index < page.parts.size; index += 1) {
    const tag = page.parts[index].tag;
    if (selector === `#${tag.id}` || selector === tag.name || selector === `.${tag.className}`) return page.parts[index].self;
  }
  return null;
}
function trigger(page, self, name, detail) {
  for (let index = 0; index < page.parts.size; index += 1) {
    const part = page.parts[index];
    if (part.self !== self) continue;
    const handler = own(part.tag.bound, name);
    if (handler === undefined) return;
    const event = eventFor(name, part.tag.id, self.dataset, detail === undefined ? {} : detail);
    callHook(page.self, handler, [event]);
  }
}
// A value of the markup: "{{a.b}}" is read from the page's data, "{{true}}" and numbers are themselves.
function bound(page, text) {
  if (slice(text, 0, 2) !== "{{" || slice(text, -2) !== "}}") return text;
  const inner = trim(slice(text, 2, -2));
  if (inner === "true") return true;
  if (inner === "false") return false;
  if (inner !== "" && isFiniteNumber(numberOf(inner))) return numberOf(inner);
  const first = inner[0];
  if ((first === "'" || first === '"') && inner[inner.length - 1] === first) return slice(inner, 1, -1);
  return getPath(page.self.data, inner);
}
function datasetOf(page, attributes) {
  const dataset = {};
  const names = ownKeys(attributes);
  for (let index = 0; index < names.length; index += 1) put(dataset, names[index], bound(page, attributes[names[index]]));
  return dataset;
}

// ---- taps ---------------------------------------------------------------------------------------------------------

let lastStamp = 0;
function eventFor(type, id, dataset, detail) {
  const since = now - launchedAt;
  lastStamp = since > lastStamp ? since : lastStamp + 1; // strictly growing
  const target = () => plain({ __proto__: null, id, dataset: copied(dataset), offsetLeft: 0, offsetTop: 0 });
  const touch = () => plain({ __proto__: null, identifier: 0, pageX: 180, pageY: 300, clientX: 180, clientY: 300, force: 1 });
  return plain({
    __proto__: null, type, timeStamp: lastStamp, target: target(), currentTarget: target(), mark: {}, detail,
    touches: [touch()], changedTouches: [touch()], mut: false, _requireActive: true,
  });
}
function tap(handler) {
  if (stack.size === 0) return;
  const page = stack[stack.size - 1];
  let self = page.self;
  if (typeof peek(self, handler) !== "function") {
    self = undefined;
    for (let index = 0; index < page.parts.size; index += 1) {
      if (typeof peek(page.parts[index].self, handler) === "function") self = page.parts[index].self;
    }
  }
  if (self === undefined) {
    mark("error", `nothing on ${page.route} has a handler ${handler}`, undefined, "");
    return;
  }
  const known = own(own(config.taps, page.route), handler) || { __proto__: null, type: "tap", id: "", dataset: bare() };
  const detail = known.type === "tap" ? { x: 180, y: 300 } : known.type === "submit" ? { value: {} } : {};
  mark("tap", handler);
  callHook(self, handler, [eventFor(known.type, known.id, datasetOf(page, known.dataset), detail)]);
}
function share(from, target) {
  if (stack.size === 0) return;
  const page = stack[stack.size - 1];
  const asked = plain({ __proto__: null, from, target, webViewUrl: undefined });
  const hook = peek(page.self, "onShareAppMessage");
  const told = typeof hook === "function" ? callProgram(hook, page.self, [asked]) : undefined;
  const path = peek(told, "path");
  const shared = { __proto__: null, title: safeText(peek(told, "title") || config.name), path: path ? safeText(path) : page.text };
  if (peek(told, "imageUrl")) shared.imageUrl = safeText(peek(told, "imageUrl"));
  mark("share", typeof hook === "function" ? "" : "the page has no onShareAppMessage", shownValue(plain(shared)));
}
