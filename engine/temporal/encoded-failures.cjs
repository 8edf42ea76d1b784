/**
 * Messages and stack traces of failures as payloads, so that they are encrypted too. Temporal's SDK loads this by its path, with
 * `require`, into workers and clients as well as into the workflow bundle: hence plain CommonJS.
 */
const { DefaultFailureConverter } = require('@temporalio/common');

module.exports = { failureConverter: new DefaultFailureConverter({ encodeCommonAttributes: true }) };
