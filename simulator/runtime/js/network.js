// wx.request: WeChat's rules for what goes out, ten at once, and what becomes of it.

const MOST_AT_ONCE = 10;
const LONGEST_WAIT = 60000;
const SUSPEND_AFTER = 5000;

let requestNumber = 0;
let requestsLeft = 0;
let mostBody = 0;
let wantsAnswer = false; // something was sent in this turn
const open_ = newList(); // sent, without outcome
const queue = newList(); // waiting for one of the ten to end

const UNSETTABLE = { __proto__: null, referer: true, "user-agent": true };

function request(options) {
  const given = isObject(options) ? options : {};
  const callbacks = { __proto__: null, success: peek(given, "success"), fail: peek(given, "fail"), complete: peek(given, "complete") };
  const one = { __proto__: null, number: requestNumber, callbacks, done: false, sent: false, lost: false, after: -1, timeout: LONGEST_WAIT,
    wanted: peek(given, "responseType"), dataType: peek(given, "dataType"), heard: newList(), entry: undefined };
  const url = peek(given, "url");
  if (typeof url !== "string" || !(slice(url, 0, 8) === "https://" || slice(url, 0, 7) === "http://")) {
    mark("api", "request", shownValue(plain({ __proto__: null, url })), stackHere());
    later(() => finish(one, "request:fail invalid url", 600009));
    return task(one);
  }
  if (requestsLeft <= 0) {
    stop(`more than ${config.bounds.requests} requests`);
    return task(one);
  }
  requestsLeft -= 1;
  requestNumber += 1;
  const timeout = numberOf(peek(given, "timeout") === undefined ? config.timeout : peek(given, "timeout"));
  if (timeout > 0 && timeout < LONGEST_WAIT) one.timeout = floor(timeout);
  one.after = hiddenAt < 0 ? -1 : now - hiddenAt;
  describe(one, url, given);
  if (one.after >= SUSPEND_AFTER) later(() => finish(one, "request:fail interrupted", 600003));
  else if (config.network === "none") later(() => finish(one, "request:fail ", 600000));
  else if (open_.size < MOST_AT_ONCE) send(one);
  else append(queue, one);
  return task(one);
}
function describe(one, url, given) {
  const method = upper(safeText(peek(given, "method") || "GET"));
  const headers = headersOf(peek(given, "header"));
  const data = peek(given, "data");
  const inUrl = method === "GET" || method === "HEAD";
  let address = url;
  let body = "";
  let binary = false;
  if (data !== undefined && data !== null) {
    if (inUrl) address = withQuery(url, data);
    else if (isBuffer(data) || isTyped(data)) {
      const bytes = bytesOf(data);
      if (lengthOf(bytes) > mostBody) stop(`a request's body of ${lengthOf(bytes)} bytes`);
      else body = toBase64(bytes);
      binary = true;
    } else body = bodyText(data, headers.type);
  }
  if (body.length > mostBody * 2 || address.length > mostBody) stop(`a request of ${body.length + address.length} characters`);
  emit(
    `{"k":"request","n":${one.number},"at":${now},"method":${jsonText(method)},"url":${jsonText(address)},` +
      `"headers":${headers.text},"body":${jsonText(dead ? "" : body)},"binary":${binary},"page":${quote(topRoute())},` +
      `"after":${one.after},"stack":${quote(stackHere())},"bytes":${one.wanted === "arraybuffer"}}`,
  );
}
// As text: [[name, value], …], content-type first where the program gives none.
function headersOf(header) {
  let text = "";
  let type;
  if (isObject(header)) {
    const keys = ownKeys(header);
    for (let index = 0; index < keys.length && index < 200; index += 1) {
      const name = keys[index];
      const value = peek(header, name);
      if (typeof name !== "string" || value === undefined || UNSETTABLE[lower(name)]) continue;
      if (lower(name) === "content-type") type = lower(safeText(value));
      text += `,[${jsonText(name)},${jsonText(safeText(value))}]`;
    }
  }
  if (type === undefined) {
    type = "application/json";
    text = `,["content-type","application/json"]${text}`;
  }
  return { __proto__: null, text: `[${slice(text, 1)}]`, type };
}
function pairs(data) {
  let text = "";
  const keys = ownKeys(data);
  for (let index = 0; index < keys.length; index += 1) {
    const name = keys[index];
    const entry = typeof name === "string" ? descriptorOf(data, name) : undefined;
    if (entry === undefined || !entry.enumerable) continue;
    const value = peek(data, name);
    const shownText = isObject(value) ? jsonOf(value) : safeText(value);
    text += `${text ? "&" : ""}${escaped(name)}=${escaped(shownText)}`;
  }
  return text;
}
function escaped(text) {
  try {
    return encodePart(text);
  } catch {
    return encodePart("�"); // half of a surrogate pair
  }
}
function jsonOf(value) {
  try {
    const text = jsonText(value);
    return text === undefined ? "" : text;
  } catch {
    return "";
  }
}
function withQuery(url, data) {
  const query = isObject(data) && !isBuffer(data) ? pairs(data) : safeText(data);
  if (query === "") return url;
  const hash = indexOf(url, "#");
  const bare_ = hash < 0 ? url : slice(url, 0, hash);
  return bare_ + (indexOf(bare_, "?") < 0 ? "?" : "&") + query;
}
function bodyText(data, type) {
  if (!isObject(data)) return safeText(data);
  return indexOf(type, "application/x-www-form-urlencoded") >= 0 ? pairs(data) : jsonOf(data);
}

function send(one) {
  one.sent = true;
  wantsAnswer = true;
  append(open_, one);
  emit(`{"k":"sent","n":${one.number},"at":${now}}`);
  one.entry = schedule(now + one.timeout, () => finish(one, "request:fail timeout", 5));
}
// The caller says what came back: a reply, or words of failure.
function answer(number, at, words, errno, status, headers, body, coded) {
  for (let index = 0; index < open_.size; index += 1) {
    const one = open_[index];
    if (one.number !== number) continue;
    if (at > now + one.timeout) return;
    schedule(at > now ? at : now, () => {
      if (one.done || one.lost) return;
      if (words) finish(one, words, errno);
      else receive(one, status, headers, body, coded);
    });
    return;
  }
}
function end(one) {
  one.done = true;
  if (one.entry) removeItem(waiting, one.entry);
  removeItem(open_, one);
  removeItem(queue, one);
  while (queue.size && open_.size < MOST_AT_ONCE && !suspended) {
    const next = queue[0];
    removeItem(queue, next);
    send(next);
  }
}
function finish(one, words, errno) {
  if (one.done) return;
  end(one);
  emit(`{"k":"failed","n":${one.number},"at":${now},"why":${quote(words)}}`);
  const told = plain({ __proto__: null, errMsg: words, errno });
  if (typeof one.callbacks.fail === "function") callProgram(one.callbacks.fail, undefined, [told]);
  if (typeof one.callbacks.complete === "function") callProgram(one.callbacks.complete, undefined, [told]);
}
function receive(one, status, headers, body, coded) {
  end(one);
  emit(`{"k":"received","n":${one.number},"at":${now}}`);
  const header = {};
  const cookies = newList();
  for (let index = 0; index < headers.length; index += 1) {
    const name = headers[index][0];
    if (lower(name) === "set-cookie") append(cookies, headers[index][1]);
    put(header, name, headers[index][1]);
  }
  let data = body;
  if (coded) data = fromBase64(body);
  else if (one.dataType === undefined || one.dataType === "json") {
    try {
      data = jsonValue(body);
    } catch {
      data = body;
    }
  }
  for (let index = 0; index < one.heard.size; index += 1) {
    callProgram(one.heard[index], undefined, [plain({ __proto__: null, header, statusCode: status, cookies: arrayOf(cookies) })]);
  }
  const told = plain({ __proto__: null, data, statusCode: status, header, cookies: arrayOf(cookies), errMsg: "request:ok", profile: {} });
  if (typeof one.callbacks.success === "function") callProgram(one.callbacks.success, undefined, [told]);
  if (typeof one.callbacks.complete === "function") callProgram(one.callbacks.complete, undefined, [told]);
}
function task(one) {
  const object = {};
  method(object, "abort", function () { if (!one.done) finishLater(one, "request:fail abort", 600002); });
  method(object, "onHeadersReceived", function (heard) { if (typeof heard === "function") append(one.heard, heard); });
  method(object, "offHeadersReceived", function (heard) { removeItem(one.heard, heard); });
  method(object, "onChunkReceived", function () {});
  method(object, "offChunkReceived", function () {});
  return object;
}
function finishLater(one, words, errno) {
  later(() => finish(one, words, errno));
}
// 5 s in the background: what has no outcome has failed; the program hears of it after its return.
function interruptRequests() {
  const failing = newList();
  for (let index = 0; index < open_.size; index += 1) append(failing, open_[index]);
  for (let index = 0; index < queue.size; index += 1) append(failing, queue[index]);
  for (let index = 0; index < failing.size; index += 1) {
    const one = failing[index];
    one.lost = true; // whatever comes back now comes too late
    if (one.entry) removeItem(waiting, one.entry);
    removeItem(open_, one);
    removeItem(queue, one);
    emit(`{"k":"failed","n":${one.number},"at":${now},"why":"request:fail interrupted"}`);
    finishLater(one, "request:fail interrupted", 600003);
  }
}
