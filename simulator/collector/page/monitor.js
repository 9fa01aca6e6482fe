// The monitor page: reads the collector's own interfaces and shows them. What comes from there was said by strangers:
// it is put into text nodes only, and what cannot be seen is spelt out.

import { draw } from "/monitor/draw.js";

const HOUR = 3600e3;
const DAY = 24 * HOUR;
const MOST_SLOTS = 1000; // of a trend; a longer one shows only the hours or days that have events
const MOST_ROWS = 30; // of a table
const LATEST = 12; // events
const PAUSE = 3000; // ms between two looks at the collector
const METRICS = { pv: "PV", uv: "UV", opens: "Opens", new_users: "New users" };

const byId = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en");
const chosen = { metric: "pv", by: "hour", which: "good", days: 7, begin: null, end: null };
let about = null; // definitions and extent
let trend = { hour: {}, day: {} };
let shownCounts = "";

// ---- text -----------------------------------------------------------------------------------------------------------

// Control, bidirectional and zero-width characters as \u{…}, so that a name looks like what it is.
function visible(text) {
  return String(text).replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---- time, in the zone of the collector's days ------------------------------------------------------------------------

function parts(instant) {
  const format = new Intl.DateTimeFormat("en", {
    timeZone: about.definitions.day, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(new Date(instant)).map((part) => [part.type, part.value]));
}

function local(instant) {
  const p = parts(instant);
  return `${p.year.padStart(4, "0")}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}`;
}

const spoken = (instant) => local(instant).replace("T", " ");

// The instant of a local time: the zone's offset there, looked up twice because it may change in between.
function instantOf(text) {
  const asUtc = Date.parse(text + (text.length === 16 ? ":00Z" : "Z"));
  if (Number.isNaN(asUtc)) return null;
  let instant = asUtc;
  for (let round = 0; round < 2; round += 1) instant = asUtc - (Date.parse(local(instant) + "Z") - instant);
  return instant;
}

const midnight = (instant) => instantOf(local(instant).slice(0, 10) + "T00:00:00");

// ---- reading --------------------------------------------------------------------------------------------------------

async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.reason ?? `HTTP ${answer.status}`);
  return said;
}

function period() {
  const query = new URLSearchParams();
  if (chosen.begin !== null) query.set("begin", new Date(chosen.begin).toISOString());
  if (chosen.end !== null) query.set("end", new Date(chosen.end).toISOString());
  return query;
}

async function cells(by) {
  const query = period();
  query.set("by", by);
  return (await read(`/monitor/totals?${query}`)).cells;
}

// ---- showing --------------------------------------------------------------------------------------------------------

function showNumbers(all) {
  for (const metric of Object.keys(METRICS)) byId(metric).textContent = whole.format(all[""]?.[metric] ?? 0);
}

function showTable(id, title, found, columns) {
  const rows = Object.entries(found).sort(([, a], [, b]) => b.pv - a.pv || (b.opens ?? 0) - (a.opens ?? 0));
  const most = Math.max(1, ...rows.map(([, figures]) => figures.pv));
  const head = element("tr", {}, element("th", { scope: "col", textContent: title }));
  for (const metric of columns) head.append(element("th", { scope: "col", textContent: METRICS[metric] }));
  const body = rows.slice(0, MOST_ROWS).map(([name, figures]) => {
    const share = element("span", { className: "share", ariaHidden: "true" });
    share.style.width = `${(100 * figures.pv) / most}%`;
    const label = element("bdi", { className: name === "(none)" ? "none" : "", textContent: visible(name) });
    const row = element("tr", {}, element("th", { scope: "row" }, label, share));
    for (const metric of columns) row.append(element("td", { textContent: whole.format(figures[metric]) }));
    return row;
  });
  const table = byId(id);
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  if (rows.length > MOST_ROWS) {
    table.append(element("caption", { textContent: `and ${whole.format(rows.length - MOST_ROWS)} more` }));
  }
  if (!rows.length) table.replaceChildren(element("caption", { textContent: "Nothing in this period." }));
}

// The hours or days of the trend, also those in between that have no cell because nothing happened in them.
function slots() {
  const found = Object.entries(trend[chosen.by]).map(([name, figures]) => ({
    at: chosen.by === "hour" ? Date.parse(name) : Date.parse(name + "T00:00Z"), name, value: figures[chosen.metric],
  }));
  found.sort((a, b) => a.at - b.at);
  if (!found.length) return [];
  const size = chosen.by === "hour" ? HOUR : DAY;
  const last = found.at(-1).at;
  if ((last - found[0].at) / size > MOST_SLOTS) return found;
  const known = new Map(found.map((slot) => [slot.at, slot]));
  const filled = [];
  for (let at = found[0].at; at <= last; at += size) {
    const name = chosen.by === "day" ? new Date(at).toISOString().slice(0, 10) : local(at).slice(0, 16);
    filled.push(known.get(at) ?? { at, name, value: 0 });
  }
  return filled;
}

// The name of a cell as one reads it: 2026-03-01 09:00, with its offset only where the clock shows that hour twice.
function readable(name) {
  const twin = name.length > 16 && Object.keys(trend.hour).some((other) => other !== name && other.startsWith(name.slice(0, 16)));
  return name.slice(0, 16).replace("T", " ") + (twin ? ` (${name.slice(16)})` : "");
}

function showTrend() {
  const all = slots();
  const several = new Set(all.map((slot) => slot.name.slice(0, 10))).size > 1;
  const named = all.map((slot) => {
    const day = slot.name.slice(0, 10);
    const time = slot.name.slice(11, 16);
    const short = chosen.by === "day" ? day.slice(5) : several ? (time === "00:00" ? day.slice(5) : "") : time;
    return { value: slot.value, short, label: readable(slot.name) };
  });
  const sum = chosen.metric === "uv" ? "" : `, ${whole.format(all.reduce((total, slot) => total + slot.value, 0))} in all`;
  const best = all.reduce((most, slot) => (slot.value > (most?.value ?? 0) ? slot : most), null);
  const summary = best
    ? `${METRICS[chosen.metric]} by ${chosen.by}: most ${whole.format(best.value)} ${chosen.by === "day" ? "on" : "at"} ${readable(best.name)}${sum}`
    : `${METRICS[chosen.metric]} by ${chosen.by}: nothing in this period`;
  byId("chart").setAttribute("aria-label", summary);
  draw(byId("chart"), named, (slot) => {
    byId("readout").replaceChildren(
      ...(slot ? [`${slot.label}  `, element("b", { textContent: `${whole.format(slot.value)} ${METRICS[chosen.metric]}` })] : [summary]),
    );
  });
  byId("readout").textContent = summary;
}

function showEvents(items) {
  const list = items.map((item) => {
    const fields = item.event;
    const hints = [];
    if (item.reason) hints.push(element("span", { className: "reason", textContent: visible(item.reason) }));
    for (const [label, key] of [["", "targetName"], ["source", "source"], ["user", "identityValue"], ["device", "anonymousId"]]) {
      if (fields[key]) hints.push(element("span", {}, label ? `${label} ` : "", element("b", { textContent: visible(fields[key]) })));
    }
    const at = Date.parse(fields.date ?? "") || Date.parse(item.received);
    const time = element("time", { dateTime: new Date(at).toISOString(), textContent: spoken(at) });
    const name = element("bdi", { className: "what", textContent: visible(fields.event || "(no event)") });
    const details = element("dl", { className: "fields" });
    for (const [key, value] of [...Object.entries(fields), ["received", item.received], ["request", item.request]]) {
      details.append(element("dt", { textContent: visible(key) }), element("dd", { className: "mono", textContent: visible(value) }));
    }
    const line = element("details", {}, element("summary", {}, time, name, element("span", { className: "about" }, ...hints)), details);
    line.dataset.id = item.id;
    return element("li", {}, line);
  });
  const open = new Set([...byId("events").querySelectorAll("details[open]")].map((line) => line.dataset.id));
  const none = chosen.which === "good" ? "No events yet." : "No bad events. Each would be listed with its reason.";
  byId("events").replaceChildren(...(list.length ? list : [element("li", { className: "nothing", textContent: none })]));
  for (const line of byId("events").querySelectorAll("details")) line.open = open.has(line.dataset.id);
}

function showDefinitions() {
  const tenant = about.tenant ? `&tenantId=${encodeURIComponent(about.tenant)}` : "";
  byId("example").textContent = `curl '${location.origin}/cbe/__utm?event=mini_program_open&anonymousId=me${tenant}'`;
  const names = { ...METRICS, day: "Hours, days" };
  byId("definitions").replaceChildren(
    ...Object.entries(about.words).flatMap(([key, sentence]) => [
      element("dt", { textContent: names[key] ?? key }), element("dd", { textContent: sentence }),
    ]),
  );
}

function showCounts(counts) {
  for (const which of ["good", "bad"]) byId(`${which}-count`).textContent = whole.format(counts[which]);
  byId("bad-count").classList.toggle("some", counts.bad > 0);
  byId("empty").hidden = counts.total > 0;
}

function showPeriod() {
  const zone = `Times are those of ${about.definitions.day}.`;
  byId("extent").textContent =
    about.last === null ? zone : `Stored: ${spoken(Date.parse(about.first))} to ${spoken(Date.parse(about.last))}. ${zone}`;
  byId("begin").value = chosen.begin === null ? "" : local(chosen.begin);
  byId("end").value = chosen.end === null ? "" : local(chosen.end);
  for (const button of byId("period").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.days) === chosen.days));
  }
}

// ---- the round ------------------------------------------------------------------------------------------------------

// The last days that have events, which need not be those of the calendar on the wall.
function spanOfDays() {
  if (!chosen.days || about.last === null) {
    if (chosen.days === 0) [chosen.begin, chosen.end] = [null, null];
    return;
  }
  const last = midnight(Date.parse(about.last));
  chosen.begin = midnight(last - (chosen.days - 1) * DAY + 12 * HOUR);
  chosen.end = midnight(last + 36 * HOUR);
}

async function showAll() {
  about = await read("/monitor/about");
  if (chosen.days !== null) spanOfDays();
  const [all, hour, day, source, content, page, items] = await Promise.all([
    ...["all", "hour", "day", "source", "content", "page"].map(cells),
    read(`/events/${chosen.which}?order=newest&max=${LATEST}`),
  ]);
  trend = { hour, day };
  showDefinitions();
  if (!byId("period").contains(document.activeElement) || document.activeElement.tagName === "BUTTON") showPeriod();
  showNumbers(all);
  showTrend();
  showTable("source", "Source", source, ["pv", "uv", "opens", "new_users"]);
  showTable("content", "Content", content, ["pv", "uv", "opens", "new_users"]);
  showTable("page", "Page", page, ["pv", "uv"]);
  showEvents(items);
}

let running = null;
let again = false;

// One look at a time. `always` draws anew even when nothing was stored since.
async function look(always) {
  if (running) {
    again = again || always;
    return running;
  }
  running = (async () => {
    try {
      const counts = await read("/events/all");
      const now = JSON.stringify(counts);
      if (always || now !== shownCounts) {
        byId("state").textContent = "Counting…";
        showCounts(counts);
        await showAll();
        shownCounts = now;
      }
      byId("trouble").hidden = true;
      byId("state").classList.remove("stale");
      byId("state").textContent = `${whole.format(counts.total)} events · read ${new Date().toLocaleTimeString("en-GB")}`;
    } catch (failed) {
      byId("trouble").hidden = false;
      byId("trouble").textContent = `The collector could not be read: ${failed.message}. What is shown is older.`;
      byId("state").classList.add("stale");
      shownCounts = "";
    }
  })();
  await running;
  running = null;
  if (again) {
    again = false;
    await look(true);
  }
}

async function keepLooking() {
  const before = performance.now();
  if (!document.hidden) await look(false);
  // A collector that takes long to count is asked less often.
  setTimeout(keepLooking, Math.max(PAUSE, 4 * (performance.now() - before)));
}

function segments(id, then) {
  byId(id).addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const other of byId(id).querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    chosen[id] = button.dataset.value;
    then();
  });
}

segments("metric", showTrend);
segments("by", showTrend);
segments("which", () => look(true));
byId("period").addEventListener("submit", (event) => event.preventDefault());
byId("period").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  chosen.days = Number(button.dataset.days);
  look(true);
});
byId("period").addEventListener("change", () => {
  if (about === null) return;
  chosen.days = null;
  chosen.begin = instantOf(byId("begin").value);
  chosen.end = instantOf(byId("end").value);
  if (chosen.begin !== null && chosen.end !== null && chosen.begin > chosen.end) {
    byId("trouble").hidden = false;
    byId("trouble").textContent = "The period begins after its end.";
    return;
  }
  look(true);
});
new ResizeObserver(() => about !== null && showTrend()).observe(byId("chart"));
document.addEventListener("visibilitychange", () => !document.hidden && look(false));
keepLooking();
