/** Random models: what the interpreter runs is what a plain recursive reading of the model says, and it replays. */
import fc from 'fast-check';
import { ApplicationFailure } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import type { PinnedNode } from '../../workflows/contract/model.js';
import { and, branch, goTo, local, model, or, useInterpreter, type StepFunction } from './interpreter-world.js';

const { run, client, bundle } = useInterpreter();

/** SATCHEL_RUNS=<how many> are more of them. */
const runs = Number(process.env['SATCHEL_RUNS'] ?? 40);

type Shape =
  | { readonly kind: 'step'; readonly fails: boolean; readonly onError: 'fail' | 'continue' }
  | { readonly kind: 'and' | 'or'; readonly branches: readonly (readonly Shape[])[]; readonly taken: number }
  | { readonly kind: 'goto'; readonly back: number; readonly maximum: number };

const { sequence } = fc.letrec<{ sequence: Shape[]; node: Shape }>((tie) => ({
  sequence: fc.array(tie('node'), { maxLength: 4 }),
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      kind: fc.constant('step' as const),
      fails: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
      onError: fc.constantFrom('fail' as const, 'continue' as const),
    }),
    fc.record({ kind: fc.constant('goto' as const), back: fc.nat(3), maximum: fc.integer({ min: 1, max: 2 }) }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      branches: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }),
      taken: fc.nat(3),
    }),
  ),
}));

/** The shapes as nodes; names are places. */
function build(shapes: readonly Shape[], path: string): PinnedNode[] {
  const nameOf = (index: number) => `${path}${index}`;
  return shapes.map((shape, index) => {
    const name = nameOf(index);
    switch (shape.kind) {
      case 'step':
        return local(name, { config: { fails: shape.fails }, onError: shape.onError });
      case 'goto':
        return goTo(name, nameOf(Math.max(0, index - shape.back)), shape.maximum);
      default: {
        const branches = shape.branches.map((inner, at) =>
          branch(
            `${name}/${at}`,
            build(inner, `${name}/${at}/`),
            shape.kind === 'or' ? String(at === shape.taken) : undefined,
          ),
        );
        return shape.kind === 'and' ? and(name, branches) : or(name, branches);
      }
    }
  });
}

/** What is to happen: steps in order, or at once. A failure ends the innermost sequence, and those around it. */
type Trace = { readonly ran: string } | { readonly all: readonly Trace[][]; readonly failed: boolean };
interface Reading {
  readonly trace: Trace[];
  readonly failed: boolean;
  readonly partial: boolean;
}

function read(nodes: readonly PinnedNode[], went: Map<string, number>): Reading {
  const trace: Trace[] = [];
  let partial = false;
  for (let position = 0; position < nodes.length; position++) {
    const node = nodes[position];
    if (node?.kind === 'goto') {
      const count = went.get(node.name) ?? 0;
      if (count >= node.maximum) continue;
      went.set(node.name, count + 1);
      position = nodes.findIndex(({ name }) => name === node.target) - 1;
    } else if (node?.kind === 'and' || node?.kind === 'or') {
      const first = node.branches.find(({ condition }) => condition === 'true');
      const branches = node.kind === 'and' ? node.branches : first ? [first] : [];
      const readings = branches.map(({ steps }) => read(steps, went));
      const failed = readings.some((reading) => reading.failed);
      trace.push({ all: readings.map((reading) => reading.trace), failed });
      partial ||= readings.some((reading) => reading.partial);
      if (failed) return { trace, failed: true, partial };
    } else if (node && 'config' in node) {
      const fails = node.config['fails'] === true;
      trace.push({ ran: node.name });
      if (!fails) continue;
      if (node.onError !== 'continue') return { trace, failed: true, partial };
      partial = true;
    }
  }
  return { trace, failed: false, partial };
}

/**
 * Takes what a trace runs from `ran`; names are places, so what belongs to a branch is known by its name.
 * @param whole whether all of the trace is to be there: where a branch fails, how far the others came is a matter of time
 */
function expectRan(trace: readonly Trace[], ran: readonly string[], whole: boolean): void {
  let rest = [...ran];
  for (const part of trace) {
    if (rest.length === 0 && !whole) return;
    if ('ran' in part) {
      expect(rest.shift()).toBe(part.ran);
      continue;
    }
    const branches = part.all.map(namesIn);
    const most = branches.flat().length;
    // What comes after a split that did not fail comes after all of it.
    const mine = rest.slice(0, most);
    if (whole && !part.failed) expect(mine).toHaveLength(most);
    rest = rest.slice(most);
    part.all.forEach((inner, index) => {
      const own = new Set(branches[index]);
      const ranHere = mine.filter((name) => own.has(name));
      expectRan(inner, ranHere, mine.length === most);
    });
  }
  expect(rest).toEqual([]);
}

function namesIn(trace: readonly Trace[]): string[] {
  return trace.flatMap((part) => ('ran' in part ? [part.ran] : part.all.flatMap(namesIn)));
}

describe('the interpreter on random models', () => {
  it(
    'runs what a plain reading of the model says, in an order it allows, ends as it says, and replays',
    async () => {
      await fc.assert(
        fc.asyncProperty(sequence, async (shapes) => {
          const nodes = build(shapes, '');
          const ran: string[] = [];
          const any: StepFunction = ({ step }) => {
            ran.push(step.name);
            return step.config['fails'] === true
              ? Promise.reject(ApplicationFailure.nonRetryable('broke', 'IMAGE_UNREADABLE'))
              : Promise.resolve({ result: null, partial: false });
          };
          const reading = read(nodes, new Map());
          const ended = await run(model(nodes), { steps: { 'test/any@1': any } });
          const state = reading.failed ? 'failed' : reading.partial ? 'partial' : 'completed';
          expect(ended.state.outcome.state).toBe(state);
          expectRan(reading.trace, ran, true);
          const history = await client().workflow.getHandle(ended.workflowId).fetchHistory();
          await Worker.runReplayHistory({ workflowBundle: bundle() }, history, ended.workflowId);
          if (!reading.failed) {
            const open = ended.state.steps.filter((record) => record.state === 'waiting' || record.state === 'running');
            expect(open).toEqual([]);
          }
        }),
        { numRuns: runs },
      );
    },
    60_000 + 2_000 * runs,
  );
});
