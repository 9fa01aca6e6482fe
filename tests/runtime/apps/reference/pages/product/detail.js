const tracker = require('../../utils/tracker.js')

Page({
  onLoad(query) {
    this.sku = query.id
  },
  addToCart() {
    tracker.track('add_to_cart', { product_id: this.sku, product_name: '春季外套', price: 129.5, quantity: 2 })
  },
  openCart() {
    wx.navigateTo({ url: '../cart/cart' })
  },
  onShareAppMessage() {
    return { title: '春季外套', path: `/pages/product/detail?id=${this.sku}` }
  }
})
