// What wx.setStorage keeps. Values are kept as text, so nothing stays shared; the caller keeps the texts for the next
// cold start. Assumed: sizes are counted in UTF-16 units of what is kept.

const MOST_KEY = 1048576;
const MOST_STORAGE = 10485760;
const stored = new RealMap(); // key → text
let storedSize = 0;

// A letter for what JSON does not know, then JSON.
function storageText(value) {
  if (value === undefined) return "u";
  if (isDate(value)) return `d${textOf(timeOf(value))}`;
  const text = jsonText(value);
  return text === undefined ? "u" : `j${text}`;
}
function storageValue(text) {
  if (text[0] === "j") return jsonValue(slice(text, 1));
  return text[0] === "d" ? new RealDate(numberOf(slice(text, 1))) : "";
}
// What is wrong, or nothing.
function setStored(key, value) {
  if (typeof key !== "string") return `parameter error: parameter.key should be String instead of ${typeof key};`;
  const text = storageText(value);
  const size = text.length + key.length;
  const before = mapHas(stored, key) ? mapGet(stored, key).length + key.length : 0;
  if (size > MOST_KEY) return "entry size limit reached";
  if (storedSize - before + size > MOST_STORAGE) return "exceed storage max size 10Mb";
  storedSize += size - before;
  mapSet(stored, key, text);
  emit(`{"k":"set","key":${jsonText(key)},"text":${jsonText(text)}}`);
  return "";
}
function removeStored(key) {
  if (!mapHas(stored, key)) return;
  storedSize -= mapGet(stored, key).length + key.length;
  mapDelete(stored, key);
  emit(`{"k":"remove","key":${jsonText(key)}}`);
}
function clearStored() {
  mapClear(stored);
  storedSize = 0;
  emit('{"k":"clear"}');
}
function storageInfo() {
  const keys = newList();
  mapEach(stored, (text, key) => append(keys, key));
  return { __proto__: null, keys: arrayOf(keys), currentSize: floor((storedSize + 1023) / 1024), limitSize: 10240 };
}
function syncStorage(name, wrong) {
  if (wrong) throw new RealError(`${name}:fail ${wrong}`);
}
function installStorage(wx) {
  method(wx, "setStorageSync", function (key, value) { syncStorage("setStorageSync", setStored(key, value)); });
  method(wx, "getStorageSync", function (key) {
    return mapHas(stored, key) ? storageValue(mapGet(stored, key)) : "";
  });
  method(wx, "removeStorageSync", function (key) { removeStored(key); });
  method(wx, "clearStorageSync", function () { clearStored(); });
  method(wx, "getStorageInfoSync", function () { return plain(storageInfo()); });
  method(wx, "batchSetStorageSync", function (list) {
    for (let index = 0; isArray(list) && index < list.length; index += 1) {
      syncStorage("batchSetStorageSync", setStored(peek(list[index], "key"), peek(list[index], "value")));
    }
  });
  method(wx, "batchGetStorageSync", function (keys) {
    const values = newList();
    for (let index = 0; isArray(keys) && index < keys.length; index += 1) append(values, wx.getStorageSync(keys[index]));
    return arrayOf(values);
  });
  asynchronous(wx, "setStorage", (given) => setStored(peek(given, "key"), peek(given, "data")));
  asynchronous(wx, "getStorage", (given) => {
    const key = peek(given, "key");
    return mapHas(stored, key) ? { __proto__: null, data: storageValue(mapGet(stored, key)) } : "data not found";
  });
  asynchronous(wx, "removeStorage", (given) => removeStored(peek(given, "key")));
  asynchronous(wx, "clearStorage", () => clearStored());
  asynchronous(wx, "getStorageInfo", () => storageInfo());
}
