/** For tests of what the engine has no part in: login, archives, mail. Whatever else is asked of it fails the test. */
import type { ServerServices } from '../../server/services.js';

function aside(): never {
  throw new Error('this test does not start an engine');
}

export const engineAside: ServerServices['engine'] = {
  requestDownload: aside,
  jobs: aside,
  job: aside,
  cancel: aside,
  listJobs: aside,
  launch: aside,
  terminate: aside,
  pause: aside,
  resume: aside,
  comment: aside,
  retry: aside,
  rerun: aside,
  completeExternal: aside,
  inbox: aside,
  workItem: aside,
  completeWorkItem: aside,
  delegateWorkItem: aside,
  returnWorkItem: aside,
  wake: aside,
  temporal: () => ({ state: 'stopped', address: undefined, uiUrl: undefined, embedded: false }),
};
