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

const step = (id: string) => ({ 'jcr:primaryType': 'satchel:WorkflowStep', step: `record/${id}` });
const branch = (nodes: object) => ({ 'jcr:primaryType': 'satchel:WorkflowBranch', ...nodes });

/** What can be launched, and the idempotency keys of a run, without its id. */
const recordingModels = {
  'record/remote': {
    nodes: { one: step('remote'), two: step('remote'), three: step('remote') },
    keys: ['one', 'two', 'three'],
  },
  'record/local': {
    nodes: { one: step('local'), two: step('local'), three: step('local') },
    keys: ['one', 'two', 'three'],
  },
  'record/chunks': {
    nodes: { first: step('remote'), chunks: step('chunks'), last: step('local') },
    keys: ['first', ...Array.from({ length: chunks }, (_, index) => `chunks/${index}`), 'last'],
  },
  'record/heavy': {
    nodes: { first: step('local'), heavy: step('heavy'), last: step('remote') },
    keys: ['first', 'heavy', 'last'],
  },
  'record/splits': {
    nodes: {
      both: {
        'jcr:primaryType': 'satchel:WorkflowAndSplit',
        left: branch({ one: step('remote'), two: step('local') }),
        right: branch({ heavy: step('heavy') }),
      },
      choice: {
        'jcr:primaryType': 'satchel:WorkflowOrSplit',
        never: branch({ condition: 'tenant == "nobody"', one: step('remote') }),
        always: branch({ condition: 'tenant == "global"', one: step('remote') }),
        otherwise: branch({ one: step('remote') }),
      },
      again: { 'jcr:primaryType': 'satchel:WorkflowGoto', target: 'choice', maximum: 1 },
    },
    keys: ['both/left/one', 'both/left/two', 'both/right/heavy', 'choice/always/one', 'choice/always/one~2'],
  },
} as const satisfies Readonly<Record<string, { readonly nodes: object; readonly keys: readonly string[] }>>;

export type RecordingModel = keyof typeof recordingModels;

/** All kinds in turns. */
export function mixOf(count: number): RecordingModel[] {
  const kinds = Object.keys(recordingModels) as RecordingModel[];
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length] ?? 'record/remote');
}

/** The idempotency keys of a run. */
export function keysOf(id: string, model: RecordingModel): string[] {
  return recordingModels[model].keys.map((key) => `${id}/${key}`);
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
  /** Of every step, instead of the default. */
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
  for (const [id, { nodes }] of Object.entries(recordingModels)) {
    const place = path.join(plugin, 'overlays/apps/settings/workflow/models', id);
    await mkdir(place, { recursive: true });
    const content = { 'jcr:primaryType': 'satchel:WorkflowModel', 'jcr:title': id, ...nodes };
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

function stepsFile(executions: string, released: string, { ms = 0, hold, maximumAttempts }: RecorderOptions): string {
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

const shared = {
  description: 'Leaves traces.',
  config: z.strictObject({}),
  result: z.null(),
  examples: [],
  ${maximumAttempts === undefined ? '' : `maximumAttempts: ${maximumAttempts},`}
};

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
