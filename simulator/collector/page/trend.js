// The trend of a number: its hours or days, also those without events, each beside the one of the period before.

import { DAY, HOUR, local, slotsBetween } from "/monitor/calendar.js";
import { draw } from "/monitor/draw.js";
import { byId, element } from "/monitor/elements.js";
import { say, whole } from "/monitor/words.js";

const MOST_SLOTS = 1000; // of a longer trend only the hours or days that have events are shown

const instantOfCell = (name, by) => Date.parse(by === "hour" ? name : `${name}T00:00Z`);

// The slots of a period with their numbers. A cell that fits in none of them stays a slot of its own.
function filled(cells, by, metric, begin, end) {
  const found = Object.entries(cells)
    .map(([name, figures]) => ({ at: instantOfCell(name, by), name, value: figures[metric] ?? 0 }))
    .sort((a, b) => a.at - b.at);
  const slots = begin === null || end === null ? null : slotsBetween(begin, end, by, MOST_SLOTS);
  const all = slots ?? (found.length ? between(found, by) : []);
  const key = (slot) => (by === "hour" ? slot.at : slot.name);
  const rest = new Map(found.map((slot) => [key(slot), slot]));
  const both = all.map((slot) => {
    const known = rest.get(key(slot));
    rest.delete(key(slot));
    return known ? { ...known, at: slot.at } : { ...slot, value: 0 };
  });
  return rest.size ? [...both, ...rest.values()].sort((a, b) => a.at - b.at) : both;
}

// From the first cell to the last, where the period has no bounds.
function between(found, by) {
  const size = by === "hour" ? HOUR : DAY;
  const [from, until] = [found[0].at, found.at(-1).at];
  if ((until - from) / size > MOST_SLOTS) return found;
  const slots = [];
  for (let at = from; at <= until; at += size) {
    slots.push({ at, name: by === "hour" ? local(at).slice(0, 16) : new Date(at).toISOString().slice(0, 10) });
  }
  return slots;
}

// The name of a cell as one reads it: 2026-03-01 09:00, with its offset only where the clock shows that hour twice.
function readable(name, all) {
  const twin = name.length > 16 && all.some((other) => other.name !== name && other.name.startsWith(name.slice(0, 16)));
  return name.slice(0, 16).replace("T", " ") + (twin ? ` (${name.slice(16)})` : "");
}

function summary(slots, { metric, by }) {
  const best = slots.reduce((most, slot) => (slot.value > (most?.value ?? 0) ? slot : most), null);
  const words = { metric: say(metric), when: best && readable(best.name, slots), most: best && whole(best.value) };
  if (!best) return say("trend.none", words);
  if (metric === "uv") return say(`trend.${by}.people`, words); // people of several hours are not those of all
  return say(`trend.${by}`, { ...words, sum: whole(slots.reduce((total, slot) => total + slot.value, 0)) });
}

function short(slot, by, several) {
  const day = slot.name.slice(5, 10);
  if (by === "day") return day;
  const time = slot.name.slice(11, 16);
  return several ? (time === "00:00" ? day : "") : time;
}

// `before`: the same of the period before, or null where there is nothing to compare with.
export function showTrend(choice, now, before, span) {
  const { metric, by } = choice;
  const slots = filled(now, by, metric, span.begin, span.end);
  const earlier = before ? filled(before, by, metric, span.before.begin, span.before.end) : [];
  const several = new Set(slots.map((slot) => slot.name.slice(0, 10))).size > 1;
  const compared = Boolean(before) && earlier.length > 0;
  const shown = slots.map((slot, place) => ({
    ...slot, short: short(slot, by, several), label: readable(slot.name, slots),
    before: compared ? (earlier[place]?.value ?? 0) : null, then: earlier[place] && readable(earlier[place].name, earlier),
  }));
  const said = summary(slots, choice);
  byId("chart").setAttribute("aria-label", said);
  byId("readout").textContent = said;
  byId("legend").hidden = !compared || !slots.length;
  draw(byId("chart"), shown, (slot) => {
    const values = slot && { when: slot.label, n: whole(slot.value), metric: say(metric), then: slot.then, m: whole(slot.before) };
    byId("readout").textContent = !slot ? said : say(slot.then ? "readout.before" : "readout", values);
  });
  showSlots(shown, choice, compared);
}

// The same for those who would rather read numbers; made only when it is looked at.
function showSlots(slots, { metric, by }, compared) {
  const box = byId("as-table");
  const fill = () => {
    if (!box.open) return;
    const titles = [say(by), say(metric), ...(compared ? [say("before_column")] : [])];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col", textContent: title })));
    const rows = slots.map((slot) => {
      const row = element("tr", {}, element("th", { scope: "row", textContent: slot.label }));
      row.append(element("td", { textContent: whole(slot.value) }));
      if (compared) row.append(element("td", { textContent: whole(slot.before) }));
      return row;
    });
    byId("slots").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  };
  box.hidden = !slots.length;
  box.ontoggle = fill;
  fill();
}
