/** Rules of a product about content of its own, which the repository knows nothing of: a save that breaks one is refused. */
import { RepositoryError } from './errors.js';
import { joinPath } from './path.js';
import { changedProperties } from './record-merge.js';
import type { SaveAttempt, SaveContribution, SaveParticipant } from './session-participant.js';
import type { PlannedNode } from './session-plan.js';
import type { Property } from './value.js';

/** A node that a save adds, changes or moves, as it is about to be. */
export interface ChangedContent {
  readonly path: string;
  readonly properties: ReadonlyMap<string, Property>;
  /** Names of the properties that the save adds or changes; all of them for a node that is new at its path. */
  readonly changed: ReadonlySet<string>;
}

export interface BrokenRule {
  /** The property that is wrong. */
  readonly property: string;
  /** Continues `The property /conf/a/b `: `must be a whole number from 1`. */
  readonly problem: string;
}

/** A pure judgement of one node. */
export interface ContentRule {
  /** Whether the rule has anything to say of nodes at this path. Quick: it is asked of every node of every save. */
  readonly appliesTo: (path: string) => boolean;
  /** Says what is wrong with a node, if anything. */
  readonly check: (node: ChangedContent) => BrokenRule | undefined;
}

/** Only what a save changes is checked: content that was there before the rule does not stop a save of its neighbours. */
export function checkContent(rules: readonly ContentRule[]): SaveParticipant {
  return ({ plan }: SaveAttempt): SaveContribution => {
    for (const node of plan.nodes.values()) {
      const applicable = rules.filter(({ appliesTo }) => appliesTo(node.path));
      if (applicable.length === 0) continue;
      const content = changedContent(node);
      for (const { check } of applicable) {
        const broken = check(content);
        if (broken) throw refused(node.path, broken);
      }
    }
    return {};
  };
}

function changedContent({ path, record, origin }: PlannedNode): ChangedContent {
  const isInPlace = origin?.path === path;
  const changed = isInPlace ? changedProperties(origin.record, record) : record.properties.keys();
  return { path, properties: record.properties, changed: new Set(changed) };
}

function refused(path: string, { property, problem }: BrokenRule): RepositoryError {
  const at = joinPath(path, property);
  return new RepositoryError('CONSTRAINT_VIOLATION', `The property ${at} ${problem}.`, { paths: [at] });
}
