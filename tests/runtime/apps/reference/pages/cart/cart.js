const tracker = require('../../utils/tracker.js')

Page({
  checkout() {
    tracker.track('submit_order', { order_id: 'O-1', amount: 259, currency: 'CNY', coupon: '' })
  }
})
