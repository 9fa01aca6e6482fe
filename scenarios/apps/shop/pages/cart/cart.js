Page({
  // The next page opens when the order has been told.
  submit: function () {
    getApp().cl_tracker.track('c_submit_order', { amount: 129.5 }, function () {
      wx.navigateTo({ url: '/pages/order/done' });
    });
  }
});
