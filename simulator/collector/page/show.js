// Cards, tables, events and definitions: what the collector said, as nodes.

import { brief, spoken } from "/monitor/calendar.js";
import { address, chosen, KINDS, METRICS } from "/monitor/chosen.js";
import { byId, element, visible } from "/monitor/elements.js";
import { percent, reason, say, whole } from "/monitor/words.js";

const FEW_ROWS = 10; // of a table at first
const MOST_ROWS = 500; // of it when all are wanted
const FIELDS = { source: "source", scene: "scene", user: "identityValue", device: "anonymousId" };
const expanded = new Set(); // tables of which all rows are wanted

const nameOf = (cell) => (cell === "(none)" ? say("none") : visible(cell));

// How a number moved: an arrow for the eye, the sign for everybody.
function change(now, before, risen = "from_none") {
  if (before === 0) return [say(now === 0 ? "same" : risen)];
  const part = (now - before) / before;
  if (now === before) return [say("same")];
  const arrow = element("span", { ariaHidden: "true", textContent: now > before ? "▲" : "▼" });
  return [element("b", { className: now > before ? "up" : "down" }, arrow, ` ${percent(part)}`)];
}

export function showNumbers(now, before) {
  for (const metric of METRICS) {
    const value = now[metric];
    byId(metric).textContent = whole(value);
    const said = byId(`${metric}-change`);
    if (value === null) said.textContent = say("of_no_page");
    else if (!before) said.textContent = "";
    else {
      const moved = change(value, before[metric]);
      const beside = before[metric] ? [" ", element("span", { textContent: say("before", { n: whole(before[metric]) }) })] : [];
      said.replaceChildren(...moved, ...beside);
    }
  }
}

// What the change is against, or why there is none.
export function showCompared(span, about) {
  const values = {
    begin: span.before && brief(span.before.begin), end: span.before && brief(span.before.end),
    first: about.first && spoken(Date.parse(about.first)),
  };
  const ends = span.end !== null && about.last !== null && Date.parse(about.last) < span.end - 3600e3;
  const goesOn = ends ? say("goes_on", { last: spoken(Date.parse(about.last)), end: brief(span.end) }) : "";
  byId("compared").textContent = about.last === null ? "" : `${say(span.why, values)} ${goesOn}`;
}

function row(kind, name, figures, before, most, metrics) {
  const choice = chosen();
  const is = choice[kind] === name;
  const rank = figures[metrics[0]] ?? 0;
  const share = element("span", { className: "share", ariaHidden: "true" });
  share.style.width = `${(100 * rank) / most}%`;
  const label = element("bdi", { className: name === "(none)" ? "none" : "", textContent: nameOf(name) });
  const link = element("a", { href: address({ [kind]: is ? null : name }) }, label);
  link.title = say(is ? "unfilter" : "choose", { what: nameOf(name) });
  if (is) link.setAttribute("aria-current", "true");
  const made = element("tr", { className: is ? "chosen" : "" }, element("th", { scope: "row" }, link, share));
  for (const metric of METRICS.filter((one) => one in figures && figures[one] !== null)) {
    made.append(element("td", { textContent: whole(figures[metric]) }));
  }
  if (before) made.append(element("td", { className: "moved" }, ...change(figures.pv, before[name]?.pv ?? 0, "new")));
  return made;
}

// `before`: the cells of the period before, or null where there is nothing to compare with.
export function showTable(kind, cells, before) {
  const wanted = chosen().metric;
  const some = Object.values(cells)[0];
  const metrics = some && some[wanted] !== null ? [wanted, "pv"] : ["pv"];
  const value = ([, figures]) => metrics.map((metric) => figures[metric] ?? 0);
  const rows = Object.entries(cells).sort((a, b) => value(b)[0] - value(a)[0] || (value(b)[1] ?? 0) - (value(a)[1] ?? 0));
  const table = byId(kind);
  if (!rows.length) {
    table.replaceChildren(element("caption", { textContent: say("nothing") }));
    return;
  }
  const most = Math.max(1, ...rows.map((one) => value(one)[0]));
  const head = element("tr", {}, element("th", { scope: "col", textContent: say(kind) }));
  for (const metric of METRICS.filter((one) => some[one] !== null)) head.append(element("th", { scope: "col", textContent: say(metric) }));
  if (before) head.append(element("th", { scope: "col", className: "moved", textContent: say("change") }));
  const limit = expanded.has(kind) ? MOST_ROWS : FEW_ROWS;
  const body = rows.slice(0, limit).map(([name, figures]) => row(kind, name, figures, before, most, metrics));
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  if (rows.length > FEW_ROWS) table.append(foot(kind, rows.length, () => showTable(kind, cells, before)));
}

function foot(kind, all, again) {
  const is = expanded.has(kind);
  const button = element("button", { type: "button", className: "plain", textContent: is ? say("fewer") : say("more", { n: whole(all) }) });
  button.onclick = () => {
    if (is) expanded.delete(kind);
    else expanded.add(kind);
    again();
    byId(kind).querySelector("caption button").focus();
  };
  const cut = is && all > MOST_ROWS ? [say("cut", { n: whole(MOST_ROWS), all: whole(all) }), " "] : [];
  return element("caption", {}, ...cut, button);
}

// Of what alone the numbers are, each with a link to do without.
export function showFilters() {
  const choice = chosen();
  const chips = KINDS.filter((kind) => choice[kind] !== null).map((kind) => {
    const what = `${say(`filter.${kind}`)} ${nameOf(choice[kind])}`;
    const chip = element("a", { href: address({ [kind]: null }), className: "chip" });
    chip.append(`${say(`filter.${kind}`)} `, element("bdi", { textContent: nameOf(choice[kind]) }), element("span", { ariaHidden: "true", textContent: " ×" }));
    chip.setAttribute("aria-label", say("unfilter", { what }));
    return chip;
  });
  const all = element("a", { href: address({ source: null, content: null, page: null }), textContent: say("unfilter_all") });
  byId("filters").hidden = !chips.length;
  byId("filters").replaceChildren(...(chips.length ? [element("span", { className: "quiet", textContent: say("filters") }), ...chips, all] : []));
}

function eventLine(item) {
  const fields = item.event;
  const hints = [];
  if (item.reason) hints.push(element("span", { className: "reason", textContent: visible(reason(item.reason)) }));
  if (fields.targetName) hints.push(element("span", {}, element("b", { textContent: visible(fields.targetName) })));
  for (const [label, key] of Object.entries(FIELDS)) {
    if (fields[key]) hints.push(element("span", {}, `${say(`field.${label}`)} `, element("b", { textContent: visible(fields[key]) })));
  }
  const at = Date.parse(fields.date ?? "") || Date.parse(item.received);
  const time = element("time", { dateTime: new Date(at).toISOString(), textContent: spoken(at) });
  const name = element("bdi", { className: "what", textContent: fields.event ? visible(fields.event) : say("no_name") });
  const details = element("dl", { className: "fields" });
  const rest = [[say("field.received"), item.received], [say("field.request"), item.request]];
  for (const [key, value] of [...Object.entries(fields).map(([key, value]) => [visible(key), value]), ...rest]) {
    details.append(element("dt", { textContent: key }), element("dd", { className: "mono", textContent: visible(value) }));
  }
  const line = element("details", {}, element("summary", {}, time, name, element("span", { className: "about" }, ...hints)), details);
  line.dataset.id = item.id;
  return element("li", {}, line);
}

export function showEvents(items) {
  const box = byId("events");
  const open = new Set([...box.querySelectorAll("details[open]")].map((line) => line.dataset.id));
  const focused = box.contains(document.activeElement) ? document.activeElement.parentElement.dataset.id : null;
  const none = element("li", { className: "nothing", textContent: say(chosen().which === "good" ? "no_good" : "no_bad") });
  box.replaceChildren(...(items.length ? items.map(eventLine) : [none]));
  for (const line of box.querySelectorAll("details")) {
    line.open = open.has(line.dataset.id);
    if (line.dataset.id === focused) line.firstElementChild.focus();
  }
}

export function showDefinitions(about) {
  const tenant = about.tenant ? `&tenantId=${encodeURIComponent(about.tenant)}` : "";
  byId("example").textContent = `curl '${location.origin}/cbe/__utm?event=mini_program_open&anonymousId=me${tenant}'`;
  byId("definitions").replaceChildren(
    ...Object.entries(about.words).flatMap(([key, sentence]) => [
      element("dt", { textContent: say(key === "day" ? "hours_days" : key) }), element("dd", { textContent: sentence }),
    ]),
  );
}
