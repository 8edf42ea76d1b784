import { defineJobAction } from '../job-action.js';

export const workflowCancelCommand = defineJobAction({
  name: 'workflow cancel',
  summary: 'lets a workflow end where it can',
  act: (engine, user, id) => engine.cancel(user, id),
  done: 'cancelling',
});
