// Who is logged in.

var backend = require('./backend.js');

function renew(done) {
  backend.logIn(done);
}

module.exports = { renew: renew };
