import { defineJobAction } from '../job-action.js';

export const workflowResumeCommand = defineJobAction({
  name: 'workflow resume',
  summary: 'lets a paused workflow go on',
  act: (engine, user, id) => engine.resume(user, id),
  done: 'goes on',
});
