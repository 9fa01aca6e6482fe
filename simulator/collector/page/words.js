// What the page says, in its language: every text is in words.json.

export const language = document.documentElement.lang === "zh" ? "zh" : "en";
const texts = await (await fetch("/monitor/words.json")).json();
const locale = language === "zh" ? "zh-CN" : "en";

const numbers = new Intl.NumberFormat(locale);
const parts = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1, signDisplay: "always" });
const large = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0, signDisplay: "always" });

// The text of a key with its gaps filled.
export function say(key, values = {}) {
  return texts[key][language].replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
}

export const whole = (number) => (number === null || number === undefined ? "–" : numbers.format(number));
export const percent = (part) => (Math.abs(part) < 10 ? parts : large).format(part);
export const clock = (date) => date.toLocaleTimeString(locale, { hour12: false });

// Why an event is bad, as the collector says it in English, in the page's language; what it quotes stays.
const reasons = Object.entries(texts)
  .filter(([key]) => key.startsWith("reason."))
  .map(([key, text]) => {
    const names = [...text.en.matchAll(/\{(\w+)\}/g)].map((gap) => gap[1]);
    const plain = text.en.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { key, names, form: new RegExp(`^${plain.join("(.*)")}$`, "s") };
  });

export function reason(said) {
  for (const { key, names, form } of reasons) {
    const found = form.exec(said);
    if (found) return say(key, Object.fromEntries(names.map((name, place) => [name, found[place + 1]])));
  }
  return said;
}
