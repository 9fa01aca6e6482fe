var cl_tracker = require('./utils/cl_tracker.js');
var backend = require('./utils/backend.js');

App({
  onLaunch: function () {
    cl_tracker.onAppLaunch.apply(this);
    this.cl_tracker.track('mini_program_open', '春季会员店', 'wx0123456789abcdef');
    this.logIn();
  },

  onShow: function (params) {
    cl_tracker.onAppShow(params);
  },

  onHide: function () {},

  // Whoever the backend knows is told to the tracker at once; nobody else is.
  logIn: function () {
    var tracker = this.cl_tracker;
    backend.logIn(function (member) {
      if (member.openid) {
        tracker.push({ identityType: 'applet-wechat', identityValue: member.openid });
      }
      if (member.unionid) {
        tracker.push({ identityType2: 'wechat-unionid', identityValue2: member.unionid });
      }
      if (member.mobile) {
        tracker.push({ identityType3: 'mobile', identityValue3: member.mobile });
      }
    });
  }
});
