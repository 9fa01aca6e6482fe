// The trend as SVG: columns where there is room for them, else a line, and the period before as a faint one. Everything
// is built as nodes, never as markup.

import { whole } from "/monitor/words.js";

const SVG = "http://www.w3.org/2000/svg";
const RIGHT = 4;
const TOP = 8;
const BOTTOM = 24;

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The least of 1, 2, 5, 10, 20 … of which at most five reach `top`.
function step(top) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, top / 5)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size * 5 >= top);
}

function columns(slots, place, middle, y) {
  const gap = Math.min(6, place * 0.25);
  const wide = Math.min(56, place - gap);
  return slots.map((slot, index) =>
    node("rect", {
      x: middle(index) - wide / 2, y: y(slot.value), width: wide, height: Math.max(0, y(0) - y(slot.value)),
      rx: Math.min(2, wide / 4), class: "column",
    }));
}

function line(slots, key, middle, y) {
  return slots.map((slot, index) => `${middle(index).toFixed(1)},${y(slot[key]).toFixed(1)}`);
}

// Draws into `box` and calls `read(slot or null)` when a slot is pointed at. A slot is {short, value, before}; `before`
// is null where there is nothing to compare with.
export function draw(box, slots, read) {
  const width = box.clientWidth;
  const height = box.clientHeight;
  box.classList.toggle("none", !slots.length);
  if (width < 80 || !slots.length) {
    box.replaceChildren();
    return;
  }
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const compared = slots.every((slot) => slot.before !== null);
  const top = Math.max(1, ...slots.map((slot) => Math.max(slot.value, slot.before ?? 0)));
  const tick = step(top);
  const ceiling = Math.ceil(top / tick) * tick;
  const left = 10 + 7 * whole(ceiling).length; // room for the longest number of the scale
  const inner = width - left - RIGHT;
  const place = inner / slots.length;
  const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / ceiling);
  const middle = (index) => left + place * (index + 0.5);

  for (let value = 0; value <= ceiling; value += tick) {
    svg.append(node("line", { x1: left, x2: width - RIGHT, y1: y(value), y2: y(value), class: value ? "grid" : "base" }));
    svg.append(node("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, whole(value)));
  }
  const drawn = place >= 4 ? columns(slots, place, middle, y) : [];
  if (drawn.length) {
    svg.append(...drawn);
  } else {
    const points = line(slots, "value", middle, y);
    const area = [`${middle(0)},${y(0)}`, ...points, `${middle(slots.length - 1)},${y(0)}`];
    svg.append(node("polygon", { points: area.join(" "), class: "area" }), node("polyline", { points: points.join(" "), class: "line" }));
  }
  if (compared && slots.length > 1) {
    svg.append(node("polyline", { points: line(slots, "before", middle, y).join(" "), class: "earlier" }));
  } else if (compared) {
    svg.append(node("line", { x1: left, x2: width - RIGHT, y1: y(slots[0].before), y2: y(slots[0].before), class: "earlier" }));
  }
  // A slot's short text where it fits; only the ones that begin something have one.
  let free = left - 20;
  slots.forEach((slot, index) => {
    const half = slot.short.length * 3.6;
    const at = Math.min(Math.max(middle(index), left + half), width - RIGHT - half);
    if (!slot.short || at - half < free) return;
    svg.append(node("text", { x: at, y: height - 6, "text-anchor": "middle" }, slot.short));
    free = at + half + 14;
  });

  const cursor = node("line", { y1: TOP, y2: y(0), class: "cursor", visibility: "hidden" });
  svg.append(cursor);
  let pointed = -1;
  const point = (index) => {
    drawn[pointed]?.classList.remove("on");
    pointed = index;
    drawn[pointed]?.classList.add("on");
    cursor.setAttribute("visibility", pointed >= 0 && !drawn.length ? "visible" : "hidden");
    if (pointed >= 0) for (const end of ["x1", "x2"]) cursor.setAttribute(end, middle(pointed));
    read(slots[pointed] ?? null);
  };
  const within = (index) => Math.min(slots.length - 1, Math.max(0, index));
  box.replaceChildren(svg);
  box.onpointermove = (event) => {
    const x = event.clientX - box.getBoundingClientRect().left - left;
    point(within(Math.floor(x / place)));
  };
  box.onpointerleave = () => point(-1);
  box.onblur = () => point(-1);
  box.onkeydown = (event) => {
    const to = { ArrowLeft: pointed - 1, ArrowRight: pointed + 1, Home: 0, End: slots.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(within(to));
  };
}
