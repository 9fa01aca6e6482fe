// What is shown, as the address says it: whoever gets the link sees the same.

export const METRICS = ["pv", "uv", "opens", "new_users"];
export const KINDS = ["source", "content", "page"];
const CHOICES = { metric: METRICS, by: ["hour", "day"], which: ["good", "bad"], days: ["7", "1", "30", "0"] };
const FIRST = Object.fromEntries(Object.entries(CHOICES).map(([name, choices]) => [name, choices[0]]));

// The choices in the address; what cannot be one is as if it were not there. `days` is null where bounds are given.
export function chosen() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = {};
  for (const [name, choices] of Object.entries(CHOICES)) {
    found[name] = choices.includes(given.get(name)) ? given.get(name) : choices[0];
  }
  for (const name of KINDS) found[name] = given.get(name) || null;
  for (const name of ["begin", "end"]) {
    const instant = Date.parse(given.get(name) ?? "");
    found[name] = Number.isNaN(instant) ? null : instant;
  }
  if (found.begin !== null || found.end !== null) found.days = null;
  return found;
}

// The address of what is shown now, with some of it changed.
export function address(changes) {
  const wanted = { ...chosen(), ...changes };
  if (changes.days !== undefined) wanted.begin = wanted.end = null;
  else if (wanted.begin !== null || wanted.end !== null) wanted.days = null;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null || value === FIRST[name]) continue;
    query.set(name, typeof value === "number" ? new Date(value).toISOString() : value);
  }
  return `#${query}`;
}
