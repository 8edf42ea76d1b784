/** What a session can be asked to do, and a generator of it. */
import type { PropertyInput } from '../../../repository/value.js';
import type { Random } from './random.js';

export const nodeTypes = ['nt:unstructured', 'sling:Folder'] as const;
export type ModelType = (typeof nodeTypes)[number];

/** A value as it is given, and the property it has to become. */
export interface GivenValue {
  readonly input: PropertyInput;
  /** JSON of type, multiple and values. */
  readonly property: string;
}

export type Operation =
  | { readonly kind: 'add'; readonly path: string; readonly type: ModelType; readonly values: PropertyChanges }
  | { readonly kind: 'set'; readonly path: string; readonly values: PropertyChanges }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'order'; readonly path: string; readonly sibling: string | undefined }
  | { readonly kind: 'save' }
  | { readonly kind: 'refresh'; readonly keep: boolean }
  /** The session is closed and another one takes its place. */
  | { readonly kind: 'reopen' }
  /** All sessions are gone without a goodbye, with the stores they were on. */
  | { readonly kind: 'crash' };

export type PropertyChanges = Readonly<Record<string, GivenValue | null>>;

const plain = (input: PropertyInput, type: string, ...values: unknown[]): GivenValue => ({
  input,
  property: JSON.stringify({ type, multiple: Array.isArray(input), values }),
});

const values: readonly [GivenValue, ...GivenValue[]] = [
  plain('text', 'String', 'text'),
  plain('1', 'String', '1'),
  plain(1, 'Long', 1),
  plain(2, 'Long', 2),
  plain(0.5, 'Double', 0.5),
  plain(true, 'Boolean', true),
  plain(['a', 'b'], 'String', 'a', 'b'),
  plain(['b', 'a'], 'String', 'b', 'a'),
  plain([1], 'Long', 1),
  plain({ type: 'Name', multiple: false, values: ['text'] }, 'Name', 'text'),
  plain({ type: 'Decimal', multiple: false, values: ['1'] }, 'Decimal', '1'),
  plain(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), 'Date', '2026-01-02T03:04:05.006Z'),
];

// Few names, so that sessions meet.
const names = ['a', 'b', 'c'] as const;
const maxDepth = 3;

function pathBelow(random: Random, root: string): string {
  let path = root;
  for (let depth = 1 + random.below(maxDepth); depth > 0; depth--) path += `/${random.pick(names)}`;
  return path;
}

function changes(random: Random, count: number): PropertyChanges {
  const chosen: Record<string, GivenValue | null> = {};
  for (let index = 0; index < count; index++) {
    chosen[random.pick(['x', 'y', 'z'])] = random.below(4) === 0 ? null : random.pick(values);
  }
  return chosen;
}

/** The operation changes what lies below `root`, never the root. */
export function randomOperation(random: Random, root: string): Operation {
  const choice = random.below(100);
  const path = pathBelow(random, root);
  if (choice < 27) return { kind: 'add', path, type: random.pick(nodeTypes), values: changes(random, random.below(3)) };
  if (choice < 50) return { kind: 'set', path, values: changes(random, 1 + random.below(2)) };
  if (choice < 57) return { kind: 'remove', path };
  if (choice < 66) return { kind: 'move', from: path, to: pathBelow(random, root) };
  if (choice < 75) return { kind: 'order', path, sibling: random.pick([...names, undefined]) };
  if (choice < 89) return { kind: 'save' };
  if (choice < 97) return { kind: 'refresh', keep: random.below(3) > 0 };
  if (choice < 99) return { kind: 'reopen' };
  return { kind: 'crash' };
}
