Page({
  data: { sku: '' },

  onLoad: function (query) {
    this.setData({ sku: query.id || '' });
  },

  addToCart: function () {
    getApp().cl_tracker.track('c_add_to_cart', '加入购物车', this.data.sku, { quantity: 1, price: 129.5 });
  },

  onShareAppMessage: function () {
    return { title: '好物', path: 'pages/product/detail?id=' + this.data.sku + '&cl_sr=share&cl_ctnm=card' };
  }
});
