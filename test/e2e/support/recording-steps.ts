/**
 * A plugin whose steps leave traces: a line in a file for every execution, and one node for every idempotency key, which is what an
 * execution makes visible. Models of all kinds of steps come with it.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { openSatchel } from '../../../compose.js';
import { adminUser, type Session } from '../../../repository/api.js';

/** Below it one node for each idempotency key. */
const recordsRoot = '/var/dam/records';

const chunks = 4;

/** What can be launched: nodes by name, with the step that each runs. */
const recordingModels = {
  'record/remote': { one: 'record/remote', two: 'record/remote', three: 'record/remote' },
  'record/local': { one: 'record/local', two: 'record/local', three: 'record/local' },
  'record/chunks': { first: 'record/remote', chunks: 'record/chunks', last: 'record/local' },
  'record/heavy': { first: 'record/local', heavy: 'record/heavy', last: 'record/remote' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type RecordingModel = keyof typeof recordingModels;

/** All kinds in turns. */
export function mixOf(count: number): RecordingModel[] {
  const kinds = Object.keys(recordingModels) as RecordingModel[];
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length] ?? 'record/remote');
}

/** The idempotency keys of a run. */
export function keysOf(id: string, model: RecordingModel): string[] {
  return Object.entries(recordingModels[model]).flatMap(([name, step]) => {
    const key = `${id}/${name}`;
    return step === 'record/chunks' ? Array.from({ length: chunks }, (_, index) => `${key}/${index}`) : [key];
  });
}

export interface Recorder {
  /** Folder of the plugin, for `plugins` of satchel.json. */
  readonly plugin: string;
  /** Idempotency keys in the order of the executions that began, one line each. */
  executions(): Promise<string[]>;
  /** Steps go on from now on, where they wait for it. */
  release(): Promise<void>;
}

export interface RecorderOptions {
  /** Milliseconds that a remote step takes. */
  readonly ms?: number;
  /** Remote steps wait until they are released, or asked to stop. `deaf`: only until they are released. */
  readonly hold?: 'until-stopped' | 'deaf';
  readonly maximumAttempts?: number;
}

/** @param folder empty or missing; the plugin and its traces lie there */
export async function createRecorder(folder: string, options: RecorderOptions = {}): Promise<Recorder> {
  const plugin = path.join(folder, 'plugin');
  const executions = path.join(folder, 'executions');
  const released = path.join(folder, 'released');
  await mkdir(plugin, { recursive: true });
  await writeFile(executions, '');
  const manifest = { name: 'record', satchel: { apiVersion: 1, steps: ['steps.ts'], overlays: ['overlays'] } };
  await writeFile(path.join(plugin, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(plugin, 'steps.ts'), stepsFile(executions, released, options));
  for (const [id, steps] of Object.entries(recordingModels)) {
    const place = path.join(plugin, 'overlays/apps/settings/workflow/models', id);
    await mkdir(place, { recursive: true });
    const nodes = Object.entries(steps).map(([name, step]) => [
      name,
      {
        'jcr:primaryType': 'satchel:WorkflowStep',
        step,
        ...(options.maximumAttempts !== undefined && { maximumAttempts: options.maximumAttempts }),
      },
    ]);
    const content = {
      'jcr:primaryType': 'satchel:WorkflowModel',
      'jcr:title': id,
      ...(Object.fromEntries(nodes) as object),
    };
    await writeFile(path.join(place, '.content.json'), JSON.stringify(content));
  }
  return {
    plugin,
    executions: async () => (await readFile(executions, 'utf8')).split('\n').filter((line) => line !== ''),
    release: async () => writeFile(released, ''),
  };
}

/** Saves requests that whichever process starts next launches. @returns their ids */
export async function saveRequests(dataFolder: string, models: readonly RecordingModel[]): Promise<string[]> {
  const satchel = await openSatchel({ dataFolder, mode: 'command', work: false, log: pino({ level: 'silent' }) });
  try {
    const ids: string[] = [];
    for (const model of models) {
      const { id } = await satchel.engine.launch({ model, payload: '/content/dam', initiator: adminUser });
      ids.push(id);
    }
    return ids;
  } finally {
    await satchel.close();
  }
}

/** The idempotency keys that became visible, each as often as it did. */
export async function visibleKeys(session: Session): Promise<string[]> {
  const keys: string[] = [];
  for await (const node of session.children(recordsRoot)) keys.push(node.text('key') ?? '');
  return keys;
}

function stepsFile(executions: string, released: string, { ms = 0, hold }: RecorderOptions): string {
  return `
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { defineStep, z } from 'satchel/sdk';

async function record({ idempotencyKey: key, serviceSession }) {
  const session = await serviceSession();
  const path = '${recordsRoot}/' + createHash('sha256').update(key).digest('hex');
  await session.ensureNode('${recordsRoot}');
  if (!(await session.findNode(path))) await session.addNode(path, { properties: { key } });
  await session.save();
}

async function begin({ idempotencyKey }) {
  await appendFile(${JSON.stringify(executions)}, idempotencyKey + '\\n');
}

async function work(context) {
  await begin(context);
  await wait(${ms}, undefined, { signal: context.signal });
  while (${hold !== undefined} && !existsSync(${JSON.stringify(released)})) {
    ${hold === 'deaf' ? '' : 'context.signal.throwIfAborted();'}
    await wait(20);
  }
  await record(context);
  return null;
}

const shared = { description: 'Leaves traces.', config: z.strictObject({}), result: z.null(), examples: [] };

export const remote = defineStep({ ...shared, id: 'record/remote', title: 'Remote', run: work });
export const heavy = defineStep({ ...shared, id: 'record/heavy', title: 'Heavy', queue: 'heavy', run: work });
export const chunks = defineStep({ ...shared, id: 'record/chunks', title: 'Chunks', chunks: async () => ${chunks}, run: work });
export const local = defineStep({
  ...shared,
  id: 'record/local',
  title: 'Local',
  local: true,
  async run(context) {
    await begin(context);
    await record(context);
    return null;
  },
});
`;
}
