import { defineJobAction } from '../job-action.js';

export const workflowTerminateCommand = defineJobAction({
  name: 'workflow terminate',
  summary: 'ends a workflow at once, whatever it does',
  act: (engine, user, id) => engine.terminate(user, id),
  done: 'terminated',
});
