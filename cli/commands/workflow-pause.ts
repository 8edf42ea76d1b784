import { defineJobAction } from '../job-action.js';

export const workflowPauseCommand = defineJobAction({
  name: 'workflow pause',
  summary: 'keeps a workflow from starting further steps',
  act: (engine, user, id) => engine.pause(user, id),
  done: 'paused; what runs now goes on',
});
