// The stack of pages and the tabs: which hooks a move calls, and what cannot be.

function isTab(route) {
  for (let index = 0; index < config.tabs.length; index += 1) if (config.tabs[index] === route) return true;
  return false;
}
function isPage(route) {
  for (let index = 0; index < config.pages.length; index += 1) if (config.pages[index] === route) return true;
  return false;
}
function absolute(path) {
  if (path[0] === "/") return slice(path, 1);
  const end = indexOf(path, "?");
  const route = end < 0 ? path : slice(path, 0, end);
  const whole = joined(folderOf(topRoute()), route);
  const query = end < 0 ? "" : slice(path, end);
  if (whole !== undefined && isPage(whole)) return whole + query;
  return isPage(route) ? path : (whole === undefined ? route : whole) + query;
}
function open(path) {
  const page = newPage(path, routeOf(path));
  append(stack, page);
  loadPage(page);
  showPage(page);
  later(() => readyPage(page));
  return page;
}
function closeAll() {
  while (stack.size) {
    const page = removeLast(stack);
    mapDelete(tabPages, page.route);
    unloadPage(page);
  }
  mapEach(tabPages, (page) => unloadPage(page));
  mapClear(tabPages);
}
// Each returns what is wrong, or nothing. `channel` is that of navigateTo.
function navigateTo(path, channel) {
  const route = routeOf(path);
  if (!isPage(route)) return `page "${path}" is not found`;
  if (isTab(route)) return "can not navigateTo a tabbar page";
  if (stack.size >= MOST_PAGES) return "webview count limit exceed";
  if (stack.size) hidePage(stack[stack.size - 1]);
  const page = open(path);
  page.channel = channel;
  return "";
}
function redirectTo(path) {
  const route = routeOf(path);
  if (!isPage(route)) return `page "${path}" is not found`;
  if (isTab(route)) return "can not redirectTo a tabbar page";
  if (stack.size) {
    const old = removeLast(stack);
    mapDelete(tabPages, old.route);
    unloadPage(old);
  }
  open(path);
  return "";
}
function reLaunch(path) {
  if (!isPage(routeOf(path))) return `page "${path}" is not found`;
  closeAll();
  openAny(path);
  return "";
}
function openAny(path) {
  const page = open(path);
  if (isTab(page.route)) mapSet(tabPages, page.route, page);
}
function switchTab(path) {
  const route = routeOf(path);
  if (!isTab(route)) return "can not switch to no-tabBar page";
  if (stack.size && topRoute() === route) return "";
  while (stack.size) {
    const page = removeLast(stack);
    if (isTab(page.route)) hidePage(page);
    else unloadPage(page);
  }
  const known = mapGet(tabPages, route);
  if (known === undefined) openAny(route);
  else {
    append(stack, known);
    showPage(known);
  }
  return "";
}
function navigateBack(pages) {
  if (stack.size <= 1) return "cannot navigate back at first page.";
  let left = pages < stack.size ? pages : stack.size - 1;
  while (left > 0) {
    unloadPage(removeLast(stack));
    left -= 1;
  }
  showPage(stack[stack.size - 1]);
  return "";
}
// As an app would: a tab by switchTab, further pages on top, the eleventh in the place of the tenth.
function goTo(path) {
  const route = routeOf(path);
  if (isTab(route)) {
    if (topRoute() !== route) switchTab(path);
    else {
      hidePage(stack[0]);
      showPage(stack[0]);
    }
    tapTab(route);
    return "";
  }
  return stack.size >= MOST_PAGES ? redirectTo(path) : navigateTo(path);
}
function tapTab(route) {
  for (let index = 0; index < config.tabs.length; index += 1) {
    if (config.tabs[index] !== route) continue;
    const told = plain({ __proto__: null, index: `${index}`, pagePath: route, text: config.tabTexts[index] });
    callHook(stack[stack.size - 1].self, "onTabItemTap", [told]);
  }
}
// An entry by a path that app.json does not name.
function notFound(path, isEntryPage) {
  const told = plain({ __proto__: null, path: routeOf(path), query: queryOf(path), isEntryPage });
  mark("error", `page "${routeOf(path)}" is not found: app.json does not name it`, undefined, "");
  callHook(app, "onPageNotFound", [told]);
  tellListeners("onPageNotFound", [told]);
}
function enterPath(path) {
  if (isPage(routeOf(path))) openAny(path);
  else {
    notFound(path, true);
    later(() => { if (stack.size === 0 && config.entry) openAny(config.entry); });
  }
}
