// The monitor page: reads the collector's own interfaces, again and again, and shows what they say.

import { daysLater, instantOf, local, midnight, setZone, spoken } from "/monitor/calendar.js";
import { address, chosen } from "/monitor/chosen.js";
import { byId } from "/monitor/elements.js";
import { showCompared, showDefinitions, showEvents, showFilters, showNumbers, showTable } from "/monitor/show.js";
import { showTrend } from "/monitor/trend.js";
import { clock, language, say, whole } from "/monitor/words.js";

const LATEST = 12; // events
const PAUSE = 3000; // ms between two looks at the collector
const BEFORE_FOR = 30e3; // ms for which the numbers of the period before are taken as they were
let shownCounts = "";
let paused = false;
let before = { key: "", at: 0, found: null };
let drawn = () => {}; // draws the trend again, when there is another width for it

// ---- reading --------------------------------------------------------------------------------------------------------

async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.reason ?? `HTTP ${answer.status}`);
  return said;
}

async function cells(by, { begin, end }, within = {}) {
  const query = new URLSearchParams({ by });
  if (begin !== null) query.set("begin", new Date(begin).toISOString());
  if (end !== null) query.set("end", new Date(end).toISOString());
  for (const [kind, name] of Object.entries(within)) if (name !== null) query.set(kind, name);
  return (await read(`/monitor/totals?${query}`)).cells;
}

// The period that is shown and the one before it, of the same length; `before` is null where there is none, or where
// nothing is stored that is as old. Days are counted back from the last that has events, which need not be today.
function spanOf(choice, about) {
  const [first, last] = [about.first, about.last].map((text) => (text === null ? null : Date.parse(text)));
  let { begin, end } = choice;
  let earlier = null;
  if (choice.days !== null && choice.days !== "0" && last !== null) {
    const days = Number(choice.days);
    end = daysLater(midnight(last), 1);
    begin = daysLater(end, -days);
    earlier = daysLater(begin, -days);
  } else if (begin !== null && (end !== null || last !== null)) {
    earlier = begin - ((end ?? last + 1) - begin);
  }
  if (earlier === null) return { begin, end, before: null, why: "all_shown" };
  if (first === null || first >= begin) return { begin, end, before: null, why: "nothing_before" };
  return { begin, end, before: { begin: earlier, end: begin }, why: first > earlier ? "compared_partly" : "compared" };
}

// One kind of cell is counted within the other kinds that were chosen, so that its own rows stay there to choose from.
async function allCells(choice, span) {
  const within = { source: choice.source, content: choice.content, page: choice.page };
  const without = (kind) => ({ ...within, [kind]: null });
  const [all, trend, source, content, page] = await Promise.all([
    cells("all", span, within), cells(choice.by, span, within),
    ...["source", "content", "page"].map((kind) => cells(kind, span, without(kind))),
  ]);
  return { all: all[""], trend, source, content, page };
}

async function cellsBefore(choice, span) {
  if (span.before === null) return null;
  const key = JSON.stringify([span.before, choice.by, choice.source, choice.content, choice.page]);
  if (before.key !== key || performance.now() - before.at > BEFORE_FOR) {
    before = { key, at: performance.now(), found: await allCells(choice, span.before) };
  }
  return before.found;
}

// ---- showing --------------------------------------------------------------------------------------------------------

function showCounts(counts) {
  for (const which of ["good", "bad"]) byId(`${which}-count`).textContent = whole(counts[which]);
  byId("bad-count").classList.toggle("some", counts.bad > 0);
  byId("empty").hidden = counts.total > 0;
}

function showChoice(choice) {
  for (const id of ["metric", "by", "which", "days"]) {
    for (const button of byId(id).querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === choice[id]));
    }
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    link.href = `?lang=${link.dataset.language}${location.hash}`;
    link.toggleAttribute("aria-current", link.dataset.language === language);
  }
  showFilters();
}

function showPeriod(span, about) {
  const said = [];
  if (about.last !== null) {
    said.push(say("extent", { first: spoken(Date.parse(about.first)), last: spoken(Date.parse(about.last)) }));
  }
  if (span.begin !== null && span.end !== null) {
    byId("shown").textContent = say("shown", { begin: spoken(span.begin), end: spoken(span.end) });
  }
  byId("shown").hidden = span.begin === null || span.end === null;
  byId("extent").textContent = [...said, say("zone", { zone: about.definitions.day })].join(" ");
  if (["begin", "end"].includes(document.activeElement?.id)) return; // somebody is typing there
  for (const id of ["begin", "end"]) byId(id).value = span[id] === null ? "" : local(span[id]);
}

async function showAll() {
  const choice = chosen();
  showChoice(choice);
  const about = await read(`/monitor/about?lang=${language}`);
  setZone(about.definitions.day);
  const span = spanOf(choice, about);
  const [now, earlier, items] = await Promise.all([
    allCells(choice, span), cellsBefore(choice, span), read(`/events/${choice.which}?order=newest&max=${LATEST}`),
  ]);
  showDefinitions(about);
  showPeriod(span, about);
  showNumbers(now.all, earlier?.all ?? null);
  showCompared(span, about);
  drawn = () => showTrend(choice, now.trend, earlier?.trend ?? null, span);
  drawn();
  for (const kind of ["source", "content", "page"]) showTable(kind, now[kind], earlier?.[kind] ?? null);
  showEvents(items);
}

// ---- the round ------------------------------------------------------------------------------------------------------

function trouble(text) {
  byId("trouble").hidden = !text;
  if (byId("trouble").textContent !== text) byId("trouble").textContent = text;
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
        showCounts(counts);
        await showAll();
        shownCounts = now;
      }
      trouble("");
      byId("state").classList.toggle("stale", paused);
      byId("state").textContent = say(paused ? "paused" : "read", { n: whole(counts.total), time: clock(new Date()) });
    } catch (failed) {
      trouble(say("unreadable", { why: failed.message }));
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
  const began = performance.now();
  if (!document.hidden && !paused) await look(false);
  // A collector that takes long to count is asked less often.
  setTimeout(keepLooking, Math.max(PAUSE, 4 * (performance.now() - began)));
}

function go(changes) {
  const to = address(changes);
  if (to !== (location.hash || "#")) location.hash = to;
}

for (const id of ["metric", "by", "which", "days"]) {
  byId(id).addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) go({ [id]: button.dataset.value });
  });
}
byId("period").addEventListener("submit", (event) => event.preventDefault());
byId("period").addEventListener("change", () => {
  const [begin, end] = ["begin", "end"].map((id) => instantOf(byId(id).value));
  if (begin !== null && end !== null && begin > end) trouble(say("backwards"));
  else go(begin === null && end === null ? { days: "0" } : { begin, end });
});
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").textContent = say(paused ? "resume" : "pause");
  look(!paused);
});
// No other than our own fragment is an address of ours.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("overview").focus();
});
addEventListener("hashchange", () => look(true));
new ResizeObserver(() => drawn()).observe(byId("chart"));
document.addEventListener("visibilitychange", () => !document.hidden && !paused && look(false));
keepLooking();
