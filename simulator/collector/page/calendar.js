// Instants (milliseconds since 1970) and the hours and days of the collector's zone.

export const HOUR = 3600e3;
export const DAY = 24 * HOUR;
let format = null;

export function setZone(zone) {
  format = new Intl.DateTimeFormat("en", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
}

// The local time of an instant: 2026-03-01T09:00:00.
export function local(instant) {
  const p = Object.fromEntries(format.formatToParts(new Date(instant)).map((part) => [part.type, part.value]));
  return `${p.year.padStart(4, "0")}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}`;
}

export const spoken = (instant) => local(instant).replace("T", " ");
// Without seconds where there are none.
export const brief = (instant) => spoken(instant).replace(/:00$/, "");

// The instant of a local time: the zone's offset there, looked up twice because it may change in between.
export function instantOf(text) {
  const asUtc = Date.parse(text + (text.length === 16 ? ":00Z" : "Z"));
  if (Number.isNaN(asUtc)) return null;
  let instant = asUtc;
  for (let round = 0; round < 2; round += 1) instant = asUtc - (Date.parse(local(instant) + "Z") - instant);
  return instant;
}

export const midnight = (instant) => instantOf(local(instant).slice(0, 10) + "T00:00:00");

// Midnight so many days later, or earlier.
export function daysLater(instant, days) {
  const date = new Date(Date.parse(local(instant).slice(0, 10) + "T00:00Z") + days * DAY).toISOString().slice(0, 10);
  return instantOf(date + "T00:00:00");
}

// The hours or days that [begin, end) touches, each with where it begins; null where they are more than `most`.
export function slotsBetween(begin, end, by, most) {
  if ((end - begin) / (by === "hour" ? HOUR : DAY) > most) return null;
  const slots = [];
  if (by === "day") {
    for (let at = midnight(begin); at < end; at = daysLater(at, 1)) slots.push({ at, name: local(at).slice(0, 10) });
  } else {
    const first = begin - (Date.parse(local(begin) + "Z") % HOUR);
    for (let at = first; at < end; at += HOUR) slots.push({ at, name: local(at).slice(0, 16) });
  }
  return slots;
}
