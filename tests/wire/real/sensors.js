// Runs the tracker of sa-sdk-miniprogram, unmodified, through one visit under a small wx of our own and a virtual clock,
// and prints the requests that it makes. Arguments: path of sensorsdata.min.js, and "single" or "batch".
"use strict";
const fs = require("fs");
const vm = require("vm");

const [file, mode] = process.argv.slice(2);
const requests = [], timers = [], storage = {};
let now = 1795444968250, number = 0;

const later = (call, delay, every) => (timers.push({ id: ++number, at: now + Math.max(delay || 0, 1), call, every }), number);
const forget = id => { const at = timers.findIndex(timer => timer.id === id); if (at >= 0) timers.splice(at, 1); };
const pass = milliseconds => {
  const until = now + milliseconds;
  for (;;) {
    timers.sort((one, other) => one.at - other.at || one.id - other.id);
    if (!timers.length || timers[0].at > until) break;
    const timer = timers.shift();
    now = Math.max(now, timer.at);
    if (timer.every) later(timer.call, timer.every, timer.every);
    timer.call();
  }
  now = until;
};

class Clock extends Date {
  constructor(...given) { given.length ? super(...given) : super(now); }
  static now() { return now; }
  getTimezoneOffset() { return -480; }
}

const answered = (options, result) => later(() => { options.success && options.success(result); options.complete && options.complete(result); }, 5);
const info = { model: "iPhone 13<iPhone14,5>", brand: "iPhone", system: "iOS 17.4.1", platform: "ios", version: "8.0.73",
               SDKVersion: "3.0.0", windowWidth: 390, windowHeight: 753, screenWidth: 390, screenHeight: 844,
               language: "zh_CN", host: { appId: "wx" } };
const enter = { path: "pages/home", query: { id: "1", utm_source: "moments" }, scene: 1047, referrerInfo: {} };
const shows = [], hides = [];
const wx = {
  getStorageSync: key => (key in storage ? storage[key] : ""),
  setStorageSync: (key, value) => { storage[key] = value; },
  removeStorageSync: key => { delete storage[key]; },
  getStorage: options => answered(options, { data: storage[options.key] || "" }),
  setStorage: options => { storage[options.key] = options.data; answered(options, {}); },
  removeStorage: options => { delete storage[options.key]; answered(options, {}); },
  getSystemInfoSync: () => info,
  getSystemInfo: options => answered(options, info),
  getNetworkType: options => answered(options, { networkType: "wifi" }),
  getAccountInfoSync: () => ({ miniProgram: { appId: "wx1234567890abcdef", envVersion: "release", version: "1.0" } }),
  getLaunchOptionsSync: () => enter,
  getEnterOptionsSync: () => enter,
  onNetworkStatusChange: () => {}, onMemoryWarning: () => {}, onError: () => {},
  onAppShow: call => shows.push(call), onAppHide: call => hides.push(call),
  setNavigationBarTitle: () => {}, canIUse: () => true,
  request: options => {
    requests.push({ method: options.method || "GET", url: options.url, headers: options.header || {}, body: options.data || "", at: now });
    answered(options, { statusCode: 200, data: "", header: {} });
    return { abort() {} };
  },
};

const pages = [];
let app, made;
const world = {
  wx, console, Date: Clock, module: { exports: {} }, exports: {}, __wxConfig: { appname: "home" },
  setTimeout: (call, delay) => later(call, delay), clearTimeout: forget,
  setInterval: (call, delay) => later(call, delay, delay), clearInterval: forget,
  getApp: () => app, getCurrentPages: () => pages.slice(), require: () => ({}),
  App: options => { app = options; options.onLaunch && options.onLaunch.call(options, enter); options.onShow && options.onShow.call(options, enter); },
  Page: options => { made = options; }, Component: options => { made = options; },
};
world.global = world;
vm.createContext(world);
vm.runInContext(fs.readFileSync(file, "utf8"), world, { filename: "sensorsdata.min.js" });

const sensors = world.module.exports;
const settings = { name: "sensors", server_url: "http://127.0.0.1/sa?project=default", show_log: false,
                   batch_send: mode === "batch" ? { send_timeout: 6000, max_length: 6 } : false,
                   autoTrack: { appLaunch: true, appShow: true, appHide: true, pageShow: true, pageShare: true } };
sensors.setPara(settings);
sensors.init();
vm.runInContext("App({onLaunch() {}, onShow() {}, onHide() {}})", world);
shows.forEach(call => call(enter));
pass(20);
const show = route => {
  vm.runInContext("Page({onLoad() {}, onShow() {}})", world);
  const page = Object.assign(made, { route, __route__: route, options: {} });
  pages.push(page);
  page.onLoad && page.onLoad.call(page, {});
  page.onShow && page.onShow.call(page);
};
show("pages/home");
pass(1000);
sensors.setOpenid("oUser_1");
sensors.track("c_known", {});
pass(1000);
sensors.login("138");
pass(1000);
sensors.track("c_buy", { targetName: "杯子 \"L\"", price: 129.5, n: 2, note: "a&b=c+d\n" });
pass(500);
app.onHide && app.onHide.call(app);
hides.forEach(call => call());
pass(20000);
process.stdout.write(JSON.stringify(requests));
