import { maxConditionResultBytes, type ConditionScope, type PinnedGoto, type PinnedOrSplit } from './contract/model.js';
import { jsonBytes } from './contract/metadata.js';
import { firstTrue } from './engine-activities.js';
import { working, type Run } from './run.js';

/** Evaluates conditions in a local activity, never here. @returns the index of the first that is true, or -1 */
export function evaluate(
  run: Run,
  { name, title }: Pick<PinnedOrSplit | PinnedGoto, 'name' | 'title'>,
  conditions: readonly string[],
): Promise<number> {
  return working(run, () =>
    firstTrue(run, title, { conditions, node: name, workflow: run.workflow(), scope: scopeOf(run) }),
  );
}

/** Names are untrusted: entries, not assignments, since `__proto__` is a name like any other. */
function scopeOf({ records, metadata }: Run): ConditionScope {
  return {
    metadata,
    results: Object.fromEntries(
      records.flatMap(({ name, state, result }) =>
        state === 'completed' && result !== undefined && jsonBytes(result) <= maxConditionResultBytes
          ? [[name, result]]
          : [],
      ),
    ),
    visits: Object.fromEntries(
      records.map(({ name, id, state, visits }) => {
        const ran = id !== 'goto' && state !== 'waiting' && state !== 'skipped';
        return [name, visits ?? (ran ? 1 : 0)];
      }),
    ),
  };
}
