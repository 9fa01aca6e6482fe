"use strict";
// What comes is a stranger's: it is put into text nodes only, and what cannot be seen is spelt out.
(() => {
const own = document.body.dataset.own;
const MOST_KEPT = 2000; // rows that are remembered
const STEP = 150; // rows that are shown, and so many more at each asking
const MOST_CHOICES = 200; // of a filter
const FIELDS = ["visitor", "event", "source", "page"];
const byId = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const entries = new Map(); // number → {entry, rows}
const nodes = new Map(); // key of a row → its node
const details = new Map(); // number → promise of the details
const chosen = { which: "all", paused: false, limit: STEP, after: -1, filter: Object.fromEntries(FIELDS.map((name) => [name, ""])) };
let message = null; // the last one
let began = true;

// Control, bidirectional and zero-width characters as \u{…}, so that a name looks like what it is.
const visible = (text) => String(text).replace(
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff]/gu,
  (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
);
// The same for bodies, where lines end.
const visibleLines = (text) => String(text).split("\n").map(visible).join("\n");

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---- rows -----------------------------------------------------------------------------------------------------------

const NAMES = { lookup: "Lookup of a link", aside: "No event", unknown: "Unknown encoding", refused: "Refused" };

// A row for each event of a request, or one for the request.
function rowsOf(entry) {
  const request = { number: entry.number, at: entry.at, format: entry.format, answered: entry.answered, path: entry.path };
  if (entry.kind !== "events") {
    const about = [entry.method, entry.path, entry.client && `from ${entry.client}`, entry.type, entry.size ? `${whole.format(entry.size)} bytes` : ""];
    return [{ ...request, key: `${entry.number}`, place: 0, of: 0, tone: entry.kind === "unknown" || entry.kind === "refused" ? "odd" : "calm",
      event: NAMES[entry.kind] ?? entry.kind, about: about.filter(Boolean).join("  "), why: [entry.why], visitor: "", source: "", page: "", which: "other" }];
  }
  return entry.said.map((said, place) => {
    const why = [said.bad, ...said.notes.map((note) => `${note.code}: ${note.text}`)].filter(Boolean);
    const bad = said.bad || said.notes.some((note) => note.level === "error");
    return { ...request, key: `${entry.number}.${place}`, place, of: entry.events, tone: bad ? "bad" : "good", which: bad ? "bad" : "good",
      event: said.event || "(no event)", visitor: said.visitor, source: said.content ? `${said.source || "(none)"} / ${said.content}` : said.source,
      page: said.page, why, date: said.date };
  });
}

const SIGNS = { good: ["✓", "good"], bad: ["✕", "bad"], odd: ["?", "not read"], calm: ["·", "no event"] };

function replied(answered) {
  if (!answered) return element("span", { textContent: "waiting" });
    const failed = answered.failed || answered.status >= 400;
  const title = `answered ${answered.status} by ${answered.by === "collector" ? "the collector" : "mpsim"}`;
  const made = element("span", { className: failed ? "failed" : "", title, textContent: answered.failed ? "not passed on" : `${answered.status}` });
  if (answered.by === "collector" && !answered.failed) made.append(element("span", { className: "fine", textContent: ` ${whole.format(answered.ms)} ms` }));
  return made;
}

function nodeOf(row) {
  const [sign, meaning] = SIGNS[row.tone];
  const at = new Date(row.at);
  const time = element("time", { dateTime: at.toISOString(), title: exact.format(at) }, clock.format(at),
    element("span", { className: "fine", textContent: `.${String(row.at % 1000).padStart(3, "0")}` }));
  const cell = (label, text, quiet) => {
    const made = element("span", { className: `cell${quiet ? " quiet" : ""}`, title: visible(text) });
    if (label) made.dataset.label = label;
    if (text) made.append(element("bdi", { textContent: visible(text) }));
    return made;
  };
  const wire = [row.format, row.of > 1 ? `${row.place + 1}/${whole.format(row.of)}` : ""].filter(Boolean).join(" ");
  const end = element("span", { className: "cell end" }, wire ? `${visible(wire)} ` : "", replied(row.answered));
  const summary = element("summary", {},
    element("span", { className: "sign", textContent: sign, title: meaning, ariaLabel: meaning, role: "img" }), time,
    element("span", { className: "what" }, element("bdi", { textContent: visible(row.event), title: visible(row.event) })));
  if (row.about === undefined) summary.append(cell("", row.page), cell("visitor", row.visitor), cell("source", row.source));
  else summary.append(element("span", { className: "cell wide", title: visible(row.about) }, element("bdi", { textContent: visible(row.about) })));
  summary.append(end);
  const why = row.answered?.failed ? [...row.why, row.answered.failed] : row.why;
  if (why.length) summary.append(element("span", { className: "why" }, element("bdi", { textContent: visible(why.join("; ")) })));
  const box = element("details", {}, summary);
  box.addEventListener("toggle", () => box.open && open(box, row));
  const node = element("li", { className: row.tone }, box);
  node.dataset.key = row.key;
  return node;
}

// ---- what is inside a request ---------------------------------------------------------------------------------------

async function read(path) {
  const answer = await fetch(own + path, { cache: "no-store" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.reason ?? `HTTP ${answer.status}`);
  return said;
}

function lookOf(look) {
  if (!look) return "";
  const more = look.more > 0 ? `\n… ${whole.format(look.more)} bytes more` : "";
  return (look.hex === undefined ? visibleLines(look.text) : look.hex) + more;
}

function pairs(list) {
  const made = element("dl", { className: "pairs" });
  for (const [key, value] of list) {
    made.append(element("dt", {}, element("bdi", { textContent: visible(key) })), element("dd", { className: "mono" }, element("bdi", { textContent: visible(value) })));
  }
  return made;
}

function part(title, content, wide) {
  const made = element("section", { className: wide ? "whole" : "" }, element("h3", { textContent: title }));
  made.append(typeof content === "string" ? element("pre", { textContent: content }) : content);
  return made;
}

async function open(box, row) {
  const inside = element("div", { className: "inside" });
  box.querySelector(".inside")?.remove();
  box.append(inside);
  let found;
  try {
    found = await read(`request/${row.number}`);
  } catch (failed) {
    inside.append(element("p", { className: "nothing whole", textContent: `Its details cannot be read: ${failed.message}` }));
    return;
  }
  const said = found.said[row.place];
  if (said) {
    const known = [["date", row.date == null ? "" : new Date(row.date).toISOString()], ["device", said.device],
      ...said.identities.map(([kind, value]) => [`identity ${kind}`, value]), ["source", row.source], ["page", row.page]];
    inside.append(part("Decoded", pairs(known.filter(([, value]) => value))));
    inside.append(part("Fields on the wire", said.fields.length ? pairs(said.fields) : element("p", { className: "nothing", textContent: "see the body" })));
  }
  const head = [`${entries.get(row.number)?.entry.method ?? ""} ${found.target}`, ...(found.host ? [`host: ${found.host}`] : []), ...found.headers.map(([key, value]) => `${key}: ${value}`)];
  const packed = found.unpacked ? [`\n\n(unpacked)\n${lookOf(found.unpacked)}`] : [];
  const body = found.size ? `\n\n${lookOf(found.body)}${packed.join("")}` : "";
  inside.append(part("Raw request", head.map(visible).join("\n") + body, true));
  if (found.reply) {
    const answered = row.answered;
    const lines = answered.failed ? [`not passed on: ${answered.failed}`, `the phone got ${answered.status}`]
      : [`${answered.status} by ${answered.by === "collector" ? "the collector" : "mpsim"}${answered.by === "collector" ? `, ${whole.format(answered.ms)} ms` : ""}`,
        ...found.reply.headers.map(([key, value]) => `${key}: ${value}`)];
    const text = lookOf(found.reply.body);
    inside.append(part("Reply", lines.map(visible).join("\n") + (text ? `\n\n${text}` : ""), true));
  }
}

// ---- the list -------------------------------------------------------------------------------------------------------

function passes(row) {
  if (row.number <= chosen.after) return false;
  if (chosen.which !== "all" && row.which !== chosen.which) return false;
  return FIELDS.every((name) => !chosen.filter[name] || (row.which !== "other" && row[name] === chosen.filter[name].slice(1)));
}

function showList() {
  const all = [];
  for (const { rows } of [...entries.values()].sort((one, other) => other.entry.number - one.entry.number)) all.push(...[...rows].reverse());
  const found = all.filter(passes);
  const wanted = found.slice(0, chosen.limit);
  const list = byId("list");
  let next = list.firstElementChild;
  const kept = new Set();
  for (const row of wanted) {
    kept.add(row.key);
    let node = nodes.get(row.key);
    if (!node) {
      node = nodeOf(row);
      if (!began) node.classList.add("fresh");
      nodes.set(row.key, node);
    }
    if (node === next) next = next.nextElementSibling;
    else list.insertBefore(node, next);
  }
  for (const [key, node] of nodes) {
    if (kept.has(key)) continue;
    node.remove();
    nodes.delete(key);
  }
  byId("more").hidden = found.length <= wanted.length;
  const filtered = chosen.which !== "all" || FIELDS.some((name) => chosen.filter[name]);
  const dropped = message && message.counts.dropped ? "; older ones are no longer kept" : "";
  byId("shown").textContent = !all.length ? "" : filtered || found.length > wanted.length
    ? `${whole.format(wanted.length)} of ${whole.format(all.length)} lines${dropped}` : dropped.slice(2);
  byId("empty").hidden = entries.size > 0;
  showChoices(all);
}

function showChoices(rows) {
  for (const name of FIELDS) {
    const select = byId(`filter-${name}`);
    if (document.activeElement === select) continue; // it may be open
    const values = [...new Set(rows.filter((row) => row.which !== "other").map((row) => row[name]))].sort().slice(0, MOST_CHOICES);
    const now = chosen.filter[name];
    const there = ["", ...new Set([...values.map((value) => `=${value}`), ...(now ? [now] : [])])];
    if (JSON.stringify(there) === select.dataset.there) continue;
    select.dataset.there = JSON.stringify(there);
    select.replaceChildren(...there.map((value) => element("option", { value, textContent: value ? visible(value.slice(1)) || "(none)" : "any" })));
    select.value = now;
  }
}

// ---- numbers --------------------------------------------------------------------------------------------------------

function showNumbers() {
  const { counts, figures } = message;
  const [total, ...rows] = figures;
  for (const name of ["pv", "uv", "opens", "new_users"]) byId(name).textContent = whole.format(total[name]);
  byId("rows").replaceChildren(...rows.slice(0, 50).map((row) => {
    const label = element("th", { scope: "row", className: row.source === "(none)" ? "none" : "" }, element("bdi", { textContent: visible(row.source) }));
    return element("tr", {}, label, ...["pv", "uv", "opens", "new_users"].map((name) => element("td", { textContent: whole.format(row[name]) })));
  }));
  const notes = ["Since the listening began; new is who was not seen before in it."];
  if (rows.length > 50) notes.unshift(`${whole.format(rows.length - 50)} more sources.`);
  if (message.repeated) notes.push(`Events that came more than once count once: ${whole.format(message.repeated)} left out.`);
  if (message.nobodys) notes.push(`Opens and views that name nobody make no UV: ${whole.format(message.nobodys)}.`);
  if (message.full) notes.push("More users came than are remembered: UV and new users are too low.");
  byId("figures-note").textContent = notes.join(" ");
  const other = [...entries.values()].filter(({ entry }) => entry.kind !== "events").length;
  byId("count-all").textContent = "";
  byId("count-good").textContent = whole.format(counts.events - counts.bad);
  byId("count-bad").textContent = whole.format(counts.bad);
  byId("count-bad").classList.toggle("some", counts.bad > 0);
  byId("count-other").textContent = whole.format(other);
  document.title = counts.events ? `${whole.format(counts.events)} events · mpsim` : "mpsim is listening";
}

function showWhere() {
  const { facts } = message;
  const spans = [element("span", {}, "on ", element("b", { textContent: facts.url }))];
  if (facts.phone) spans.push(element("span", {}, "for the phone ", element("b", { textContent: facts.phone })));
  spans.push(element("span", {}, facts.pass_on ? "passed on to " : "passed on to nobody", ...(facts.pass_on ? [element("b", { textContent: visible(facts.pass_on) })] : [])));
  if (facts.out) spans.push(element("span", {}, "recorded in ", element("b", { textContent: visible(facts.out) })));
  if (!facts.loopback) spans.push(element("span", { className: "open", textContent: "anybody in this network can send here and see this page" }));
  byId("where").replaceChildren(...spans);
  const address = facts.phone || facts.url;
  byId("address").textContent = address;
  byId("example").textContent = `curl '${address}/cbe/__utm?event=mini_program_open&anonymousId=me&source=poster'`;
  byId("hint-network").textContent = facts.loopback
    ? "A phone cannot reach this address: listen on the network with --listen 0.0.0.0:8001, in the phone's own Wi-Fi."
    : "The phone must be in the same network, and a firewall must let it in.";
}

// ---- the stream -----------------------------------------------------------------------------------------------------

let waiting = []; // messages that came while paused

function take(said) {
  for (const entry of said.entries) {
    const before = entries.get(entry.number);
    entries.delete(entry.number);
    entries.set(entry.number, { entry, rows: rowsOf(entry) });
    if (before) for (const row of before.rows) redraw(row);
  }
  let rows = 0;
  for (const one of entries.values()) rows += one.rows.length;
  for (const number of [...entries.keys()].sort((one, other) => one - other)) {
    if (rows <= MOST_KEPT || entries.size === 1) break;
    rows -= entries.get(number).rows.length;
    entries.delete(number);
  }
  message = said;
}

// A row that changed is made anew, unless somebody reads in it.
function redraw(row) {
  const node = nodes.get(row.key);
  if (!node) return;
  const fresh = rowsOf(entries.get(row.number).entry).find((one) => one.key === row.key);
  const made = nodeOf(fresh);
  const wasOpen = node.firstElementChild.open;
  node.replaceWith(made);
  made.firstElementChild.open = wasOpen;
  nodes.set(row.key, made);
}

function show() {
  showNumbers();
  showWhere();
  showList();
  began = false;
}

function came(said) {
  if (chosen.paused) {
    waiting.push(said);
    if (waiting.length > 100) waiting.shift();
    byId("pause").textContent = `Go on (${whole.format(said.counts.requests - message.counts.requests)} new)`;
    return;
  }
  take(said);
  show();
}

function state(text, kind) {
  byId("state").textContent = text;
  byId("state").className = `state ${kind}`;
}

let listening = null;
function connect(version) {
  const source = new EventSource(`${own}stream`);
  let last = version;
  source.onopen = () => { state("Live", ""); byId("trouble").hidden = true; };
  source.onmessage = (event) => {
    const said = JSON.parse(event.data);
    // Another listening at the same address begins anew.
    if (message && said.facts.began !== message.facts.began) { entries.clear(); waiting = []; chosen.after = -1; message = said; }
    last = said.version;
    came(said);
  };
  source.addEventListener("end", () => { source.close(); over(); });
  source.onerror = () => {
    state("Not connected, trying again…", "waiting");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(last), 2000);
  };
  listening = source;
}

function over() {
  state("The listening has ended", "over");
  byId("trouble").hidden = false;
  byId("trouble").textContent = "The listening has ended. What came stays on this page until it is closed; details of a request are gone.";
  setTimeout(() => connect(0), 3000); // perhaps it is started again
}

// ---- what a person does ---------------------------------------------------------------------------------------------

byId("which").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  for (const other of byId("which").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  chosen.which = button.dataset.value;
  chosen.limit = STEP;
  showList();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
for (const name of FIELDS) {
  byId(`filter-${name}`).addEventListener("change", (event) => {
    chosen.filter[name] = event.target.value;
    event.target.classList.toggle("on", Boolean(event.target.value));
    chosen.limit = STEP;
    showList();
  });
}
byId("pause").addEventListener("click", () => {
  chosen.paused = !chosen.paused;
  byId("pause").setAttribute("aria-pressed", String(chosen.paused));
  byId("pause").textContent = chosen.paused ? "Go on" : "Pause";
  if (chosen.paused) return;
  for (const said of waiting) take(said);
  waiting = [];
  if (message) show();
});
byId("clear").addEventListener("click", () => {
  chosen.after = Math.max(chosen.after, ...entries.keys());
  showList();
});
byId("more").addEventListener("click", () => { chosen.limit += STEP; showList(); });
if (matchMedia("(max-width: 64rem)").matches) byId("sources").open = false;
connect(0);
})();
