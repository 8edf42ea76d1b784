import { Context } from '@temporalio/activity';
import { expect, it } from 'vitest';
import { releaseAbandonedWork } from '../../engine/temporal/release-abandoned-work.js';
import { gate, model, step, useInterpreter } from '../workflows/interpreter-world.js';

const { run, client } = useInterpreter();

it('tries the steps of a dead worker again at once, and leaves other queues alone', async () => {
  const reached = gate();
  const started = Date.now();
  // The first attempt is one whose worker died: it neither answers nor gives a sign of life.
  const abandoned = gate();
  const ended = await run(
    model([step('one')]),
    {
      steps: {
        'test/one@1': async () => {
          if (Context.current().info.attempt > 1) return { result: 'second attempt', partial: false };
          reached.open();
          await abandoned.opened;
          throw new Error('too late');
        },
      },
    },
    async (handle) => {
      await reached.opened;
      expect(await releaseAbandonedWork(client(), 'another-queue')).toBe(0);
      expect(await releaseAbandonedWork(client(), handle.workflowId)).toBe(1);
      await handle.result();
      abandoned.open();
    },
  );
  expect(ended.state.steps[0]).toMatchObject({ state: 'completed', result: 'second attempt' });
  // Not by the heartbeat timeout.
  expect(Date.now() - started).toBeLessThan(30_000);
});
