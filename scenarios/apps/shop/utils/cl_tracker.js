// A small tracker with the documented interface: track, push, onAppLaunch, onAppShow.
//
// Every event is put together when it happens (so a retry is the same event), waits in a queue that lives in storage
// (so nothing is lost by a restart), and leaves one after another. It does not hook App: the application calls
// onAppLaunch and onAppShow. It hooks Page, to send one view each time a page is shown.

var conf = require('./conf.js');

var STATE = 'cl_data_shop';
var QUEUE = 'cl_queue_shop';
var FIRST_PAUSE = 2000;
var LONGEST_PAUSE = 30000;
var MOST_WAITING = 200;

var state = wx.getStorageSync(STATE) || { anonymousId: identifier(), props: {}, count: 0, last: 0 };
var queue = wx.getStorageSync(QUEUE) || [];
var source = {};
var scene = '';
var target = { name: '', id: '' };
var device = {};
var held = false; // while the complete URL behind a code is looked up
var waiting = []; // calls that came meanwhile
var launching = false;
var sending = false;
var pause = FIRST_PAUSE;
var timer = null;
var callbacks = {};

function identifier() {
  var text = '';
  while (text.length < 32) {
    text += Math.floor(Math.random() * 16).toString(16);
  }
  return text;
}

function save() {
  wx.setStorageSync(STATE, state);
  wx.setStorageSync(QUEUE, queue);
}

// ---- sources -----------------------------------------------------------------------------------------------------

function sourceOf(query) {
  var found = {};
  Object.keys(query).forEach(function (key) {
    if (key === 'cl_sr') {
      found.source = query[key];
    } else if (key === 'cl_ctnm') {
      found.contentName = query[key];
    } else if (/^cl_source[0-9]+$/.test(key)) {
      found[key.slice(3)] = query[key];
    }
  });
  return found;
}

function parse(url) {
  var query = {};
  var text = url.split('?')[1] || '';
  text.split('&').forEach(function (pair) {
    var place = pair.indexOf('=');
    if (place > 0) {
      query[pair.slice(0, place)] = decodeURIComponent(pair.slice(place + 1));
    }
  });
  return query;
}

// A code stands for a complete URL that is too long for a path: it is looked up before anything is tracked.
function lookUp(code) {
  held = true;
  wx.request({
    url: 'https://' + conf.domain + '/v1/source/links/' + encodeURIComponent(code),
    success: function (answer) {
      if (answer.statusCode === 200 && answer.data && answer.data.url) {
        source = sourceOf(parse(answer.data.url));
      }
    },
    complete: function () {
      held = false;
      waiting.splice(0).forEach(function (event) {
        enqueue(event);
      });
    }
  });
}

function enter(options, cold) {
  var query = (options && options.query) || {};
  scene = options ? String(options.scene) : '';
  if (query.scene) {
    source = {};
    lookUp(decodeURIComponent(query.scene));
  } else if (cold || query.cl_sr) {
    source = sourceOf(query);
  }
}

// ---- events ------------------------------------------------------------------------------------------------------

function cut(value) {
  return typeof value === 'string' ? value.slice(0, conf.maxStringLength) : value;
}

function track(event, first, second, third, fourth) {
  var props = {};
  var callback;
  if (typeof first === 'string') {
    props = Object.assign({}, third);
    props.targetName = first;
    props.targetId = second;
    callback = fourth;
  } else {
    props = Object.assign({}, first);
    callback = second;
  }
  target.name = props.targetName = props.targetName || target.name;
  target.id = props.targetId = props.targetId || target.id;

  state.last = Math.max(Date.now(), state.last + 1);
  state.count += 1;
  var event_ = {
    at: state.last,
    props: Object.assign({ pageType: 'wechatMiniPgm' }, device, state.props, { scene: scene }, props),
    event: event,
    externalId: state.anonymousId + '-' + state.count
  };
  if (callback) {
    callbacks[event_.externalId] = callback;
  }
  if (held) {
    waiting.push(event_);
    return;
  }
  enqueue(event_);
}

// The source of the open is known by now, also where it had to be looked up.
function enqueue(event) {
  event.props = Object.assign(event.props, source);
  queue.push(event);
  queue.splice(0, Math.max(0, queue.length - MOST_WAITING));
  save();
  send();
}

function query(event) {
  var pairs = Object.assign({}, event.props, {
    date: new Date(event.at).toISOString(),
    externalId: event.externalId,
    anonymousId: state.anonymousId,
    tenantId: conf.tenantId,
    event: event.event
  });
  return Object.keys(pairs)
    .filter(function (key) {
      return pairs[key] !== undefined && pairs[key] !== null && pairs[key] !== '';
    })
    .map(function (key) {
      return key + '=' + encodeURIComponent(cut(pairs[key]));
    })
    .join('&');
}

function send() {
  if (sending || timer || !queue.length) {
    return;
  }
  sending = true;
  var event = queue[0];
  wx.request({
    url: 'https://' + conf.domain + conf.path + '?' + query(event),
    success: function (answer) {
      done(event, answer.statusCode === 200);
    },
    fail: function () {
      done(event, false);
    }
  });
}

function done(event, stored) {
  sending = false;
  if (!stored) {
    timer = setTimeout(again, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return;
  }
  queue.shift();
  pause = FIRST_PAUSE;
  save();
  if (callbacks[event.externalId]) {
    callbacks[event.externalId]();
    delete callbacks[event.externalId];
  }
  send();
}

function again() {
  clearTimeout(timer);
  timer = null;
  send();
}

function push(props) {
  if (props && typeof props === 'object') {
    Object.assign(state.props, props);
    save();
  }
}

// ---- hooks -------------------------------------------------------------------------------------------------------

function onAppLaunch() {
  this.cl_tracker = tracker;
  var system = wx.getSystemInfoSync();
  device = {
    model: system.model,
    screen_width: system.windowWidth,
    screen_height: system.windowHeight,
    os: system.system.split(' ')[0],
    os_version: system.system.split(' ')[1]
  };
  enter(wx.getLaunchOptionsSync(), true);
  launching = true;
}

function onAppShow(params) {
  if (!launching) {
    enter(params, false);
  }
  launching = false;
  again();
}

var OriginalPage = Page;
Page = function (page) {
  var onShow = page.onShow;
  page.onShow = function () {
    track('mini_program_view', { targetName: this.route, targetId: wx.getAccountInfoSync().miniProgram.appId });
    if (onShow) {
      onShow.apply(this, arguments);
    }
  };
  OriginalPage(page);
};

var tracker = { track: track, push: push, onAppLaunch: onAppLaunch, onAppShow: onAppShow };
module.exports = tracker;
