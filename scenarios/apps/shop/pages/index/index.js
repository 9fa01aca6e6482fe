Page({
  data: { products: ['SKU-1001', 'SKU-1002', 'SKU-2001', 'SKU-3007'] },

  onOpenProduct: function (event) {
    wx.navigateTo({ url: '/pages/product/detail?id=' + event.currentTarget.dataset.sku });
  },

  onShareAppMessage: function () {
    return { title: '春季会员店', path: 'pages/index/index?cl_sr=share&cl_ctnm=home' };
  }
});
