// Without a tracker: the test replaces this file.
module.exports = {
  launched() {},
  identified() {},
  track() {}
}
