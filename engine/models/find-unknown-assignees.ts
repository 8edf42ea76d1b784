/** Participant steps for somebody whom the repository does not know. */
import type { Session } from '../../repository/api.js';
import { groupsRoot, principalPath, usersRoot } from '../../repository/users.js';
import type { PinnedNode } from '../../workflows/contract/model.js';
import { nodesOf } from '../../workflows/contract/step-records.js';
import type { ExaminedModel } from '../model-loader.js';
import type { ModelProblem } from './problems.js';

/** @returns nothing where the session may not look users up */
export async function findUnknownAssignees(
  session: Session,
  { model, found }: Pick<ExaminedModel, 'model' | 'found'>,
): Promise<readonly ModelProblem[]> {
  const participants = [...nodesOf(model.steps)].filter((node) => node.kind === 'participant');
  if (participants.length === 0) return [];
  const roots = await session.findNodes([usersRoot, groupsRoot]);
  if (roots.includes(undefined)) return [];
  const unknown: ModelProblem[] = [];
  for (const participant of participants) {
    if (await isKnown(session, participant)) continue;
    const node = found.resource.descendant(participant.name);
    const path = node?.properties.get('assignee')?.source ?? `${found.path}/${participant.name}`;
    const problem = `is for "${participant.assignee}", who is neither a user nor a group; "satchel user list" and "satchel group list" show who is`;
    unknown.push({ kind: 'unknown-assignee', path, problem });
  }
  return unknown;
}

async function isKnown(session: Session, { assignee }: PinnedNode & { kind: 'participant' }): Promise<boolean> {
  const paths = [usersRoot, groupsRoot].flatMap((root) => principalPath(root, assignee) ?? []);
  const nodes = await session.findNodes(paths);
  return nodes.some((node) => node !== undefined);
}
