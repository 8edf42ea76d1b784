import { z } from 'zod';
import type { RepositoryNode, Session } from '../../repository/api.js';
import { defineCommand, wholeNumber, type CommandContext } from '../command.js';
import { createStyler, safeText } from '../output/text.js';

export const treeCommand = defineCommand({
  name: 'tree',
  summary: 'lists the nodes below a path',
  declare: (command) =>
    void command
      .argument('<path>', 'where to begin')
      .option('--depth <levels>', 'how many levels to go down; default: all'),
  args: z.object({ path: z.string(), depth: wholeNumber(0, 1000).default(1000) }),
  run: async (context, { path, depth }) =>
    context.satchel.repository.withSession(context.user, async (session) => {
      const root = await session.getNode(path);
      await (context.json ? writeDocument : writeLines)(context, session, root, depth);
      return context.signal.aborted ? 130 : 0;
    }),
});

interface Placed {
  readonly node: RepositoryNode;
  /** 1 for a child of the root. */
  readonly level: number;
  readonly last: boolean;
  /** Whether each ancestor below the root is the last of its siblings. */
  readonly lasts: readonly boolean[];
}

/** Parents before children; looks one sibling ahead, so that nothing is kept but one node a level. */
async function* walk(
  context: CommandContext,
  session: Session,
  parent: string,
  depth: number,
  lasts: readonly boolean[] = [],
): AsyncGenerator<Placed> {
  if (lasts.length >= depth) return;
  let node: RepositoryNode | undefined;
  const placed = async function* (current: RepositoryNode, last: boolean): AsyncGenerator<Placed> {
    yield { node: current, level: lasts.length + 1, last, lasts };
    yield* walk(context, session, current.path, depth, [...lasts, last]);
  };
  for await (const next of session.children(parent)) {
    if (context.signal.aborted) return;
    if (node) yield* placed(node, false);
    node = next;
  }
  if (node) yield* placed(node, true);
}

async function writeLines(
  context: CommandContext,
  session: Session,
  root: RepositoryNode,
  depth: number,
): Promise<void> {
  const { stdout } = context.terminal;
  const style = createStyler(stdout.color);
  const line = (prefix: string, node: RepositoryNode, name: string) =>
    `${style.dim(prefix)}${safeText(name)} ${style.dim(`[${safeText(node.primaryType)}]`)}\n`;
  await stdout.write(line('', root, root.path));
  for await (const { node, last, lasts } of walk(context, session, root.path, depth)) {
    const prefix = lasts.map((ended) => (ended ? '   ' : '│  ')).join('') + (last ? '└─ ' : '├─ ');
    await stdout.write(line(prefix, node, node.name));
  }
}

/** `{root, nodes: [{path, primaryType, level}]}`, parents before children, written as it is read. */
async function writeDocument(
  context: CommandContext,
  session: Session,
  root: RepositoryNode,
  depth: number,
): Promise<void> {
  const { stdout } = context.terminal;
  await stdout.write(`{"root": ${JSON.stringify(root.path)}, "nodes": [`);
  let separator = '\n';
  for await (const { node, level } of walk(context, session, root.path, depth)) {
    await stdout.write(separator + JSON.stringify({ path: node.path, primaryType: node.primaryType, level }));
    separator = ',\n';
  }
  await stdout.write('\n]}\n');
}
