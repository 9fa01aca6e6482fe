const tracker = require('../../utils/tracker.js')

Page({
  data: { goods: [{ sku: 'SKU-1001' }, { sku: 'SKU-1002' }] },
  onLoad(query) {
    this.query = query
  },
  onShow() {
    if (this.identified) return
    this.identified = true
    setTimeout(() => {
      wx.login({ success: () => tracker.identified('oTEST_openid_0001', 'member-0001') })
    }, 1500)
  },
  openGoods(event) {
    wx.navigateTo({ url: `/pages/product/detail?id=${event.currentTarget.dataset.sku}&from=home` })
  }
})
