import { z } from 'zod';
import type { RepositoryNode } from '../../repository/api.js';
import { defineCommand, type ExitCode } from '../command.js';
import { answer } from '../output/report.js';
import { propertyDocument, showProperty } from '../output/show-value.js';
import { safeText, table } from '../output/text.js';

export const getCommand = defineCommand({
  name: 'get',
  summary: 'shows a node with its properties',
  declare: (command) => void command.argument('<path>', 'path of the node'),
  args: z.object({ path: z.string() }),
  run: async (context, { path }) =>
    context.satchel.repository.withSession(context.user, async (session): Promise<ExitCode> => {
      const node = await session.getNode(path);
      const children: string[] = [];
      for await (const child of session.children(path)) children.push(child.name);
      await answer(context, nodeDocument(node, children), nodeLines(node, children));
      return 0;
    }),
});

function nodeDocument(node: RepositoryNode, children: readonly string[]): object {
  return {
    path: node.path,
    identifier: node.identifier,
    version: node.version,
    primaryType: node.primaryType,
    mixins: node.mixins,
    properties: Object.fromEntries([...node.properties].map(([name, value]) => [name, propertyDocument(value)])),
    children,
  };
}

function nodeLines(node: RepositoryNode, children: readonly string[]): string[] {
  const properties = [...node.properties].map(([name, value]) => [`  ${safeText(name)}`, showProperty(value)]);
  return [
    safeText(node.path),
    ...table(properties),
    ...(children.length === 0 ? [] : [`  ${children.length} below: ${safeText(children.join('  '))}`]),
  ];
}
