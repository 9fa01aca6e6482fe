// Private copies of the language's builtins, taken before the program runs.
//
// A program may patch any prototype, replace JSON or Date, and throw from any getter. So nothing in these files looks a
// method up on a shared prototype at run time: no `x.push(y)`, no spread, no for-of, no destructuring of arrays, no
// assignment to an array's free index (a setter on Array.prototype would see it). Records are made with a null
// prototype, lists are `List` below, and what leaves the isolate is text that is put together here.

const { apply, construct, ownKeys, deleteProperty, getPrototypeOf } = Reflect;
const define = Reflect.defineProperty;
const descriptorOf = Reflect.getOwnPropertyDescriptor;
const uncurry = (method) => (self, ...given) => apply(method, self, given);

const bare = () => ({ __proto__: null });
const create = Object.create;
const isArray = Array.isArray;
const ObjectPrototype = Object.prototype;
const DatePrototype = Date.prototype;
const hasOwn = uncurry(ObjectPrototype.hasOwnProperty);

const RealDate = Date;
const RealError = Error;
const RealTypeError = TypeError;
const RealEvalError = EvalError;
const RealSyntaxError = SyntaxError;
const RealFunction = Function;
const RealPromise = Promise;
const RealProxy = Proxy;
const RealMap = Map;
const RealArrayBuffer = ArrayBuffer;
const Bytes = Uint8Array;
const captureStackTrace = RealError.captureStackTrace;
const promiseThen = uncurry(RealPromise.prototype.then);

const jsonText = JSON.stringify;
const jsonValue = JSON.parse;
const textOf = String;
const numberOf = Number;
const isFiniteNumber = Number.isFinite;
const floor = Math.floor;
const imul = Math.imul;
const encodePart = encodeURIComponent;
const decodePart = decodeURIComponent;

const indexOf = uncurry(String.prototype.indexOf);
const lastIndexOf = uncurry(String.prototype.lastIndexOf);
const slice = uncurry(String.prototype.slice);
const upper = uncurry(String.prototype.toUpperCase);
const lower = uncurry(String.prototype.toLowerCase);
const trim = uncurry(String.prototype.trim);
const timeOf = uncurry(DatePrototype.getTime);
const isoOf = uncurry(DatePrototype.toISOString);
const dateText = uncurry(DatePrototype.toString);

const mapGet = uncurry(RealMap.prototype.get);
const mapSet = uncurry(RealMap.prototype.set);
const mapDelete = uncurry(RealMap.prototype.delete);
const mapHas = uncurry(RealMap.prototype.has);
const mapClear = uncurry(RealMap.prototype.clear);
const mapEach = uncurry(RealMap.prototype.forEach);
const mapSize = uncurry(descriptorOf(RealMap.prototype, "size").get);
const RealWeakMap = WeakMap;
const weakGet = uncurry(WeakMap.prototype.get);
const weakSet = uncurry(WeakMap.prototype.set);
const weakHas = uncurry(WeakMap.prototype.has);

const TypedArrayPrototype = getPrototypeOf(Bytes.prototype);
const bufferOf = uncurry(descriptorOf(TypedArrayPrototype, "buffer").get);
const offsetOf = uncurry(descriptorOf(TypedArrayPrototype, "byteOffset").get);
const lengthOf = uncurry(descriptorOf(TypedArrayPrototype, "byteLength").get);
const kindOf = uncurry(descriptorOf(TypedArrayPrototype, Symbol.toStringTag).get); // undefined: no typed array
const bufferLength = uncurry(descriptorOf(RealArrayBuffer.prototype, "byteLength").get);

// A list that no patched Array.prototype can see.
function newList() {
  return { __proto__: null, size: 0 };
}
function append(list, item) {
  list[list.size] = item;
  list.size += 1;
}
function removeLast(list) {
  list.size -= 1;
  const item = list[list.size];
  delete list[list.size];
  return item;
}
function removeItem(list, item) {
  let kept = 0;
  const size = list.size;
  for (let index = 0; index < size; index += 1) {
    const one = list[index];
    if (one !== item) {
      list[kept] = one;
      kept += 1;
    }
  }
  for (let index = kept; index < size; index += 1) delete list[index];
  list.size = kept;
}
// An ordinary array for the program, made without any setter being asked.
function arrayOf(list) {
  const array = [];
  for (let index = 0; index < list.size; index += 1) put(array, index, list[index]);
  return array;
}
// An own, ordinary property, whatever the prototypes say.
function put(object, key, value) {
  define(object, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}
// An ordinary object for the program, with the same properties.
function plain(record) {
  const object = {};
  const keys = ownKeys(record);
  for (let index = 0; index < keys.length; index += 1) put(object, keys[index], record[keys[index]]);
  return object;
}

// A property of a record that came from the caller; nothing that a program put on Object.prototype.
function own(record, key) {
  return record !== undefined && hasOwn(record, key) ? record[key] : undefined;
}

function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
// A property of a program's object; undefined where reading it throws.
function peek(object, key) {
  try {
    return isObject(object) ? object[key] : undefined;
  } catch {
    return undefined;
  }
}
function safeText(value) {
  if (typeof value === "string") return value;
  try {
    return textOf(value);
  } catch {
    return "[unprintable]";
  }
}
function isDate(value) {
  try {
    timeOf(value);
    return true;
  } catch {
    return false;
  }
}
function isBuffer(value) {
  try {
    bufferLength(value);
    return true;
  } catch {
    return false;
  }
}
function isTyped(value) {
  return isObject(value) && RealArrayBuffer.isView !== undefined && viewKind(value) !== undefined;
}
function viewKind(value) {
  try {
    return kindOf(value);
  } catch {
    return undefined;
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
function bytesOf(value) {
  return isBuffer(value) ? new Bytes(value) : new Bytes(bufferOf(value), offsetOf(value), lengthOf(value));
}
function toBase64(bytes) {
  let text = "";
  const size = lengthOf(bytes);
  for (let index = 0; index < size; index += 3) {
    const more = size - index;
    const three = (bytes[index] << 16) | ((more > 1 ? bytes[index + 1] : 0) << 8) | (more > 2 ? bytes[index + 2] : 0);
    text += BASE64[(three >> 18) & 63] + BASE64[(three >> 12) & 63];
    text += more > 1 ? BASE64[(three >> 6) & 63] : "=";
    text += more > 2 ? BASE64[three & 63] : "=";
  }
  return text;
}
function fromBase64(text) {
  let size = text.length;
  while (size > 0 && text[size - 1] === "=") size -= 1;
  const bytes = new Bytes(floor((size * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let index = 0; index < size; index += 1) {
    const value = indexOf(BASE64, text[index]);
    if (value < 0) continue;
    held = ((held << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = (held >> bits) & 255;
      at += 1;
    }
  }
  return bufferOf(bytes);
}
