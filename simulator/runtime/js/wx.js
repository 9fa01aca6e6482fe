// The `wx` of the program: the calls that trackers and the code around them make.

const API_MARKS = { __proto__: null, login: true, checkSession: true, navigateTo: true, redirectTo: true, reLaunch: true,
  switchTab: true, navigateBack: true, navigateToMiniProgram: true, getUserProfile: true, getUserInfo: true,
  reportEvent: true, reportAnalytics: true, requestSubscribeMessage: true, requestPayment: true };

const afterReturn = new RealWeakMap(); // bodies that run when the caller has returned

// A call with success, fail and complete, or a promise without them. `body` returns nothing or a record for success, a
// non-empty text for what is wrong; it runs at once, the callbacks come in a later turn.
function asynchronous(wx, name, body) {
  const isDeferred = weakHas(afterReturn, body);
  method(wx, name, function (options) {
    const given = isObject(options) ? options : {};
    if (API_MARKS[name]) countedMark("api", name, shownValue(given), stackHere());
    const success = peek(given, "success");
    const fail = peek(given, "fail");
    const complete = peek(given, "complete");
    let resolved;
    let rejected;
    let promise;
    if (success === undefined && fail === undefined && complete === undefined) {
      promise = new RealPromise((yes, no) => { resolved = yes; rejected = no; });
    }
    const settle = (result) => {
      const wrong = typeof result === "string" ? result : "";
      const told = isObject(result) ? plain(result) : {};
      put(told, "errMsg", wrong ? `${name}:fail ${wrong}` : `${name}:ok`);
      if (promise) {
        if (wrong) rejected(told);
        else resolved(told);
        return;
      }
      const heard = wrong ? fail : success;
      if (typeof heard === "function") callProgram(heard, undefined, [told]);
      if (typeof complete === "function") callProgram(complete, undefined, [told]);
    };
    // Storage and the like happen now; navigation happens when the caller has returned.
    const run = () => {
      try {
        return body(given);
      } catch (error) {
        return errorText(error);
      }
    };
    if (isDeferred) later(() => settle(run()));
    else {
      const result = run();
      later(() => settle(result));
    }
    return promise;
  });
}
function deferred(body) {
  weakSet(afterReturn, body, true);
  return body;
}
function listening(wx, event) {
  method(wx, event, function (listener) {
    if (typeof listener !== "function") return;
    if (listeners[event] === undefined) listeners[event] = newList();
    append(listeners[event], listener);
  });
  method(wx, `off${slice(event, 2)}`, function (listener) {
    if (listeners[event] === undefined) return;
    if (listener === undefined) listeners[event] = newList();
    else removeItem(listeners[event], listener);
  });
}
function answered(wx, name, record) {
  method(wx, name, function () { return copied(plain(record())); });
}
function both(wx, name, record) {
  answered(wx, `${name}Sync`, record);
  asynchronous(wx, name, record);
}

// ---- the phone ------------------------------------------------------------------------------------------------------

function windowInfo() {
  const device = config.device;
  return { __proto__: null, pixelRatio: 3, screenWidth: device.width, screenHeight: device.height + 91, windowWidth: device.width,
    windowHeight: device.height, statusBarHeight: 47, screenTop: 91,
    safeArea: { left: 0, right: device.width, top: 47, bottom: device.height + 57, width: device.width, height: device.height + 10 } };
}
function deviceInfo() {
  const device = config.device;
  return { __proto__: null, abi: "arm64", benchmarkLevel: 40, brand: device.brand, model: device.model, system: device.system,
    platform: device.platform, cpuType: "unknown", memorySize: 4096 };
}
function appBaseInfo() {
  return { __proto__: null, SDKVersion: config.library, enableDebug: false, host: { appId: "", env: "WeChat" }, language: "zh_CN",
    version: config.wechat, theme: "light", fontSizeSetting: 16, fontSizeScaleFactor: 1, PCKernelVersion: "" };
}
function systemSetting() {
  return { __proto__: null, bluetoothEnabled: false, locationEnabled: true, wifiEnabled: config.network === "wifi", deviceOrientation: "portrait" };
}
function authorizeSetting() {
  return { __proto__: null, albumAuthorized: "not determined", bluetoothAuthorized: "not determined", cameraAuthorized: "not determined",
    locationAuthorized: "not determined", locationReducedAccuracy: false, microphoneAuthorized: "not determined",
    notificationAuthorized: "not determined", phoneCalendarAuthorized: "not determined" };
}
function systemInfo() {
  const info = bare();
  const parts = [windowInfo(), deviceInfo(), appBaseInfo(), systemSetting(), authorizeSetting()];
  for (let index = 0; index < parts.length; index += 1) {
    const keys = ownKeys(parts[index]);
    for (let each = 0; each < keys.length; each += 1) info[keys[each]] = parts[index][keys[each]];
  }
  return info;
}
function networkInfo() {
  return { __proto__: null, networkType: config.network, signalStrength: 0, hasSystemProxy: false, isConnected: config.network !== "none" };
}
let drawCode;
function loginCode() {
  const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  let code = "0";
  while (code.length < 32) code += letters[floor(drawCode() * 62)];
  return code;
}

function installDevice(wx) {
  answered(wx, "getWindowInfo", windowInfo);
  answered(wx, "getDeviceInfo", deviceInfo);
  answered(wx, "getAppBaseInfo", appBaseInfo);
  answered(wx, "getSystemSetting", systemSetting);
  answered(wx, "getAppAuthorizeSetting", authorizeSetting);
  both(wx, "getSystemInfo", systemInfo);
  asynchronous(wx, "getSystemInfoAsync", systemInfo);
  asynchronous(wx, "getNetworkType", networkInfo);
  both(wx, "getBatteryInfo", () => ({ __proto__: null, level: 80, isCharging: false, isLowPowerModeEnabled: false }));
  answered(wx, "getMenuButtonBoundingClientRect", () => ({ __proto__: null, width: 87, height: 32, top: 51, bottom: 83,
    left: config.device.width - 94, right: config.device.width - 7 }));
  answered(wx, "getAccountInfoSync", () => ({ __proto__: null, miniProgram: { appId: config.appid, envVersion: "release", version: config.version },
    plugin: {} }));
  method(wx, "getLaunchOptionsSync", function () { return copied(launchOptions); });
  method(wx, "getEnterOptionsSync", function () { return copied(enterOptions); });
  asynchronous(wx, "getScreenBrightness", () => ({ __proto__: null, value: 0.5 }));
  asynchronous(wx, "getClipboardData", () => ({ __proto__: null, data: "" }));
  const silent = ["setClipboardData", "vibrateShort", "vibrateLong", "setKeepScreenOn", "setScreenBrightness", "makePhoneCall",
    "hideKeyboard", "getBackgroundFetchData", "requestSubscribeMessage"];
  for (let index = 0; index < silent.length; index += 1) asynchronous(wx, silent[index], () => undefined);
  const denied = ["getUserInfo", "getUserProfile", "getLocation", "getFuzzyLocation", "chooseAddress", "chooseLocation", "authorize",
    "getWeRunData", "chooseImage", "chooseMedia", "scanCode", "requestPayment"];
  for (let index = 0; index < denied.length; index += 1) asynchronous(wx, denied[index], () => "auth deny");
  asynchronous(wx, "getSetting", () => ({ __proto__: null, authSetting: {}, subscriptionsSetting: { mainSwitch: true } }));
  asynchronous(wx, "openSetting", () => ({ __proto__: null, authSetting: {} }));
  asynchronous(wx, "login", () => ({ __proto__: null, code: loginCode() }));
  asynchronous(wx, "checkSession", () => undefined);
}

// ---- pages and what is seen ---------------------------------------------------------------------------------------

function eventChannel() {
  const heard = bare();
  const channel = {};
  method(channel, "on", function (name, listener) {
    if (typeof listener !== "function") return;
    if (heard[name] === undefined) heard[name] = newList();
    append(heard[name], listener);
  });
  method(channel, "once", function (name, listener) { channel.on(name, listener); });
  method(channel, "off", function (name) { delete heard[name]; });
  method(channel, "emit", function (name, ...given) {
    const list = heard[name];
    for (let index = 0; list !== undefined && index < list.size; index += 1) callProgram(list[index], undefined, given);
  });
  return channel;
}
function going(go) {
  return deferred((given) => {
    const url = peek(given, "url");
    if (typeof url !== "string" || url === "") return "parameter error: parameter.url should be String";
    const wrong = go(absolute(url), given);
    if (typeof wrong === "string" && slice(wrong, 0, 6) === "page \"") notFound(absolute(url), false);
    return wrong;
  });
}
function installPages(wx) {
  asynchronous(wx, "navigateTo", going((path, given) => {
    const channel = eventChannel();
    const events = peek(given, "events");
    if (isObject(events)) {
      const names = ownKeys(events);
      for (let index = 0; index < names.length; index += 1) channel.on(names[index], events[names[index]]);
    }
    const wrong = navigateTo(path, channel);
    return wrong || { __proto__: null, eventChannel: channel };
  }));
  asynchronous(wx, "redirectTo", going(redirectTo));
  asynchronous(wx, "reLaunch", going(reLaunch));
  asynchronous(wx, "switchTab", going((path) => (indexOf(path, "?") >= 0 ? "url should not contain a query" : switchTab(path))));
  asynchronous(wx, "navigateBack", deferred((given) => {
    const delta = numberOf(peek(given, "delta"));
    return navigateBack(delta >= 1 ? floor(delta) : 1);
  }));
  asynchronous(wx, "navigateToMiniProgram", () => "cancel");
  asynchronous(wx, "exitMiniProgram", () => "it is not a tap");
  const silent = ["setNavigationBarTitle", "setNavigationBarColor", "showNavigationBarLoading", "hideNavigationBarLoading", "showToast",
    "hideToast", "showLoading", "hideLoading", "stopPullDownRefresh", "startPullDownRefresh", "pageScrollTo", "showShareMenu",
    "hideShareMenu", "updateShareMenu", "showTabBar", "hideTabBar", "setTabBarBadge", "removeTabBarBadge", "setTabBarItem", "setTabBarStyle",
    "showTabBarRedDot", "hideTabBarRedDot", "setBackgroundColor", "setBackgroundTextStyle", "loadFontFace", "previewImage", "hideHomeButton",
    "enableAlertBeforeUnload", "disableAlertBeforeUnload", "openCustomerServiceChat", "preloadPage"];
  for (let index = 0; index < silent.length; index += 1) asynchronous(wx, silent[index], () => undefined);
  asynchronous(wx, "showModal", () => ({ __proto__: null, confirm: true, cancel: false, content: null }));
  asynchronous(wx, "showActionSheet", () => "cancel");
  method(wx, "nextTick", function (run) { if (typeof run === "function") later(() => callProgram(run, undefined, [])); });
  method(wx, "createSelectorQuery", function () { return selectorQuery(); });
  method(wx, "createIntersectionObserver", function () { return observer(); });
  method(wx, "createMediaQueryObserver", function () { return observer(); });
  method(wx, "createAnimation", function () { return chain(["export"]); });
}
// An object whose methods answer it; `names` answer nothing.
function chain(names) {
  const object = {};
  return new RealProxy(object, { __proto__: null, get(target, key) {
    if (hasOwn(target, key) || typeof key !== "string" || key === "then" || key === "toJSON") return target[key];
    for (let index = 0; index < names.length; index += 1) if (names[index] === key) return () => ({});
    return () => chain(names);
  } });
}
// Nothing is laid out here, so every query finds null.
function selectorQuery() {
  const calls = newList();
  const query = {};
  const node = {};
  const ask = (callback) => { append(calls, callback); return query; };
  const names = ["boundingClientRect", "scrollOffset", "fields", "context", "node"];
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    method(node, name, function (first, second) { return ask(typeof first === "function" ? first : second); });
  }
  method(query, "in", function () { return query; });
  method(query, "select", function () { return node; });
  method(query, "selectAll", function () { return node; });
  method(query, "selectViewport", function () { return node; });
  method(query, "exec", function (callback) {
    const nothing = newList();
    for (let index = 0; index < calls.size; index += 1) append(nothing, null);
    later(() => {
      for (let index = 0; index < calls.size; index += 1) {
        if (typeof calls[index] === "function") callProgram(calls[index], undefined, [null]);
      }
      if (typeof callback === "function") callProgram(callback, undefined, [arrayOf(nothing)]);
    });
    return query;
  });
  return query;
}
function observer() {
  const object = {};
  const same = ["relativeTo", "relativeToViewport"];
  for (let index = 0; index < same.length; index += 1) method(object, same[index], function () { return object; });
  method(object, "observe", function () {});
  method(object, "disconnect", function () {});
  return object;
}

// ---- the rest -----------------------------------------------------------------------------------------------------

function installRest(wx) {
  const events = ["onAppShow", "onAppHide", "onError", "onUnhandledRejection", "onPageNotFound", "onMemoryWarning", "onThemeChange",
    "onWindowResize", "onNetworkStatusChange", "onNetworkWeakChange", "onAudioInterruptionBegin", "onAudioInterruptionEnd",
    "onUserCaptureScreen", "onKeyboardHeightChange", "onBeforeAppRoute", "onAppRoute", "onAppRouteDone", "onLazyLoadError",
    "onShareAppMessage", "onCopyUrl", "onAddToFavorites", "onScreenRecordingStateChanged", "onBackgroundFetchData",
    "onAfterPageLoad", "onBeforePageLoad", "onAfterPageUnload", "onBeforePageUnload", "onLocationChange", "onAccelerometerChange",
    "onCompassChange", "onDeviceMotionChange", "onGyroscopeChange"];
  for (let index = 0; index < events.length; index += 1) listening(wx, events[index]);
  method(wx, "request", function (options) { return request(options); });
  method(wx, "canIUse", function (schema) {
    const text = safeText(schema);
    const end = indexOf(text, ".");
    return (end < 0 ? text : slice(text, 0, end)) in wx;
  });
  method(wx, "arrayBufferToBase64", function (buffer) { return toBase64(bytesOf(buffer)); });
  method(wx, "base64ToArrayBuffer", function (text) { return fromBase64(safeText(text)); });
  asynchronous(wx, "getRandomValues", (given) => {
    const size = numberOf(peek(given, "length"));
    if (!(size > 0 && size <= 1048576)) return "invalid length";
    const bytes = new Bytes(floor(size));
    for (let index = 0; index < size; index += 1) bytes[index] = floor(drawCode() * 256);
    return { __proto__: null, randomValues: bufferOf(bytes) };
  });
  const logger = () => {
    const log = {};
    const names = ["debug", "info", "log", "warn", "error", "setFilterMsg", "addFilterMsg", "in"];
    for (let index = 0; index < names.length; index += 1) method(log, names[index], function () {});
    return log;
  };
  method(wx, "getLogManager", function () { return logger(); });
  method(wx, "getRealtimeLogManager", function () { return logger(); });
  method(wx, "getPerformance", function () {
    const performance = {};
    method(performance, "now", function () { return readClock() - launchedAt; });
    method(performance, "getEntries", function () { return []; });
    method(performance, "getEntriesByName", function () { return []; });
    method(performance, "getEntriesByType", function () { return []; });
    method(performance, "mark", function () {});
    method(performance, "createObserver", function () { return observer(); });
    put(performance, "timeOrigin", launchedAt);
    return performance;
  });
  method(wx, "getUpdateManager", function () {
    const manager = {};
    const names = ["onCheckForUpdate", "onUpdateReady", "onUpdateFailed", "applyUpdate"];
    for (let index = 0; index < names.length; index += 1) method(manager, names[index], function () {});
    return manager;
  });
  method(wx, "getFileSystemManager", function () { return fileSystem(); });
  const ignored = ["reportEvent", "reportAnalytics", "reportMonitor", "reportPerformance"];
  for (let index = 0; index < ignored.length; index += 1) {
    const name = ignored[index];
    method(wx, name, function (...given) { countedMark("api", name, shownValue(given)); });
  }
  asynchronous(wx, "getExtConfig", () => ({ __proto__: null, extConfig: {} }));
  method(wx, "getExtConfigSync", function () { return {}; });
  put(wx, "env", { USER_DATA_PATH: "http://usr" });
}
// There are no files: everything that would read or write one fails as WeChat words it.
function fileSystem() {
  const manager = {};
  const names = ["access", "readFile", "writeFile", "appendFile", "mkdir", "readdir", "rmdir", "stat", "unlink", "saveFile", "copyFile",
    "rename", "getFileInfo", "getSavedFileList", "removeSavedFile"];
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    const words = `${name}:fail no such file or directory`;
    method(manager, name, function (options) {
      const told = plain({ __proto__: null, errMsg: words, errno: 1300002 });
      later(() => {
        if (typeof peek(options, "fail") === "function") callProgram(options.fail, undefined, [told]);
        if (typeof peek(options, "complete") === "function") callProgram(options.complete, undefined, [told]);
      });
    });
    method(manager, `${name}Sync`, function () { throw new RealError(`${name}Sync:fail no such file or directory`); });
  }
  return manager;
}

const missing = bare(); // names already told of
function newWx() {
  const wx = {};
  installStorage(wx);
  installDevice(wx);
  installPages(wx);
  installRest(wx);
  // The properties of the real one are seen by Object.assign({}, wx) and for-in.
  const names = ownKeys(wx);
  for (let index = 0; index < names.length; index += 1) {
    define(wx, names[index], { __proto__: null, enumerable: true });
  }
  return new RealProxy(wx, { __proto__: null, get(target, key) {
    const value = target[key];
    if (value === undefined && typeof key === "string" && !(key in target) && key !== "then" && key !== "toJSON" && !missing[key]) {
      missing[key] = true;
      countedMark("missing_api", key, undefined, stackHere());
    }
    return value;
  } });
}
