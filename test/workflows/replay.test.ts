/**
 * Histories that earlier versions of the interpreter wrote must still replay: a running workflow survives an update.
 * Recorded with `SATCHEL_RECORD_HISTORIES=1 npx vitest run test/workflows`; a history that is here is never recorded anew,
 * changes go behind `patched()`.
 */
import { pino } from 'pino';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { installTemporalRuntime } from '../../engine/temporal/install-runtime.js';
import { changedBundle } from '../support/changed-bundle.js';
import { workflowBundle } from '../support/workflow-bundle.js';

const folder = new URL('../histories/', import.meta.url);
const files = (await readdir(fileURLToPath(folder))).filter((name) => name.endsWith('.json')).sort();

describe('recorded histories', () => {
  let bundle: { codePath: string };
  beforeAll(async () => {
    installTemporalRuntime(pino({ level: 'silent' }));
    bundle = await workflowBundle();
  });
  const read = async (file: string) =>
    temporal.api.history.v1.History.fromObject(
      JSON.parse(await readFile(new URL(file, folder), 'utf8')) as Record<string, unknown>,
    );

  it('are there', () => {
    expect(files).not.toEqual([]);
  });

  it.each(files)('%s replays', async (file) => {
    const history = await read(file);
    const recorded = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
    // The server that skips time leaves the id out; nothing that was recorded on it is named after it.
    const workflowId = recorded === '' ? 'test-unnamed' : recorded;
    expect(workflowId).toMatch(file.startsWith('built-in-') ? /^\d{8}-/ : /^test-/);
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId)).resolves.toBeUndefined();
  });

  it('do not replay when they tell of other steps', async () => {
    const history = await read('remote-and-local-steps.json');
    const types = history.events.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType ?? []);
    for (const type of types) type.name = 'test/other@1';
    expect(types).not.toEqual([]);
    await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history)).rejects.toBeInstanceOf(
      DeterminismViolationError,
    );
  });

  it.each([
    {
      title: 'runs steps in reverse order',
      history: 'remote-and-local-steps.json',
      file: 'run-nodes/run-sequence.ts',
      from: 'let position = 0;',
      to: 'let position = 0; sequence = sequence.toReversed();',
    },
    {
      title: 'gives one command more',
      history: 'goto.json',
      file: 'execute-step.ts',
      from: 'if (!step.chunked) {',
      to: 'if (!step.chunked) { await countChunks(run, step, order);',
    },
    {
      title: 'forgets to close work items',
      history: 'participant-cancelled.json',
      file: 'run-nodes/run-participant.ts',
      from: 'if (!progress.over) await',
      to: 'if (progress.over) await',
    },
  ])('do not replay with an interpreter that $title', async ({ history: file, title, ...change }) => {
    const changed = await changedBundle(title.replaceAll(' ', '-'), change);
    try {
      const history = await read(file);
      const replayed = Worker.runReplayHistory({ workflowBundle: changed }, history);
      await expect(replayed).rejects.toBeInstanceOf(DeterminismViolationError);
    } finally {
      await rm(dirname(changed.codePath), { recursive: true, force: true });
    }
  });
});
