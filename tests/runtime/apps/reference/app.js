// The journey on which the published behaviour of real trackers was measured; the test puts the tracker beside it.
const tracker = require('./utils/tracker.js')

App({
  onLaunch(options) {
    tracker.launched(this, options)
  },
  onShow(options) {
    this.scene = options.scene
  },
  onHide() {
    this.hiddenAt = Date.now()
  }
})
