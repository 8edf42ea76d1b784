/** Whether a launcher is about an event, and everything that speaks against it. */
import type { RepositoryNode, Session } from '../../repository/api.js';
import type { NodeTypeRegistry } from '../../repository/node-types/registry.js';
import { readWorkflowUserData, userDataWord } from '../../workflows/contract/workflow-user-data.js';
import { holds } from './condition.js';
import type { EventKind, Launcher } from './launcher-definition.js';

/** What happened to one node in one commit. */
export interface NodeEvent {
  /** Seldom several: a node that is moved and changed by the same commit. */
  readonly kinds: readonly EventKind[];
  readonly path: string;
  readonly primaryType: string;
  /** Who made the change. */
  readonly userId: string;
  readonly userData?: string | undefined;
}

export interface LaunchConditions {
  readonly runModes: readonly string[];
  /** Names of what is switched on (`features` of the configuration). */
  readonly features: readonly string[];
}

/** More launchers in a row, each for what the workflow of the one before it changed, are a mistake. */
const longestChain = 16;

/** Everything that needs no look into the repository, the cheapest first; nothing when the launcher is about the event. */
export function* reasonsAgainst(
  launcher: Launcher,
  event: NodeEvent,
  { runModes, features }: LaunchConditions,
  types: NodeTypeRegistry,
  mixins: readonly string[],
): Generator<string> {
  if (!launcher.enabled) yield 'it is not enabled';
  if (!event.kinds.some((kind) => launcher.events.has(kind)))
    yield `it is about nodes ${[...launcher.events].join(', ')}, not ${event.kinds.join(', ')}`;
  if (!launcher.pattern.matches(event.path)) yield `the path does not match ${launcher.pattern.source}`;
  const { nodeType } = launcher;
  if (nodeType !== undefined && !types.isNodeType(event.primaryType, mixins, nodeType))
    yield `the node is ${event.primaryType}, not ${nodeType}`;
  if (launcher.runModes.length > 0 && !launcher.runModes.some((mode) => runModes.includes(mode)))
    yield `none of its run modes ${launcher.runModes.join(', ')} is active`;
  for (const feature of launcher.features)
    if (!features.includes(feature)) yield `the feature "${feature}" is not switched on`;
  for (const feature of launcher.disabledFeatures)
    if (features.includes(feature)) yield `the feature "${feature}" is switched on`;
  if (launcher.excludedUsers.has(event.userId)) yield `its exclude list names ${event.userId}, who made the change`;
  const { userData } = event;
  if (userData !== undefined && launcher.excludedUserData.has(userDataWord(userData)))
    yield `its exclude list names the user data ${userDataWord(userData)}`;
  const workflow = readWorkflowUserData(userData);
  if (!workflow) return;
  if (!launcher.relaunch && (workflow.model === launcher.model || workflow.launchers.includes(launcher.name)))
    yield 'a workflow of its own made the change, and "relaunch" is not set';
  if (workflow.launchers.length >= longestChain)
    yield `${workflow.launchers.length} launchers led to the change, each after the workflow of another`;
}

/** @param node `undefined` when it is gone: then no condition can hold */
export async function failedCondition(
  session: Session,
  launcher: Launcher,
  node: RepositoryNode | undefined,
): Promise<string | undefined> {
  for (const condition of launcher.conditions) {
    if (!node) return `the node is gone, so ${condition.source} cannot be asked`;
    if (!(await holds(session, node, condition))) return `${condition.source} does not hold`;
  }
  return undefined;
}
