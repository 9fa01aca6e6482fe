module.exports = {
  tenantId: '740843171',
  domain: 'cbe.convertlab.com',
  path: '/cbe/__utm',
  maxStringLength: 255
};
