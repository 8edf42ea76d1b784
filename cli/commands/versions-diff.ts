import { z } from 'zod';
import type { Property } from '../../repository/value.js';
import type { PropertyDifference, VersionDifference } from '../../repository/versions/api.js';
import { defineCommand, type ExitCode } from '../command.js';
import { fit, safeText } from '../output/text.js';

export const versionsDiffCommand = defineCommand({
  name: 'versions diff',
  summary: 'lists what changed between versions',
  declare: (command) =>
    void command
      .argument('<path>', 'the node')
      .argument('<from>', 'name or label of a version')
      .argument('[to]', 'name or label of another one; default: the node as it is now'),
  args: z.object({ path: z.string(), from: z.string(), to: z.string().optional() }),
  run: async (context, { path, from, to }) =>
    context.satchel.repository.withSession(context.user, async ({ versions }): Promise<ExitCode> => {
      const first = await versions.version(path, from);
      const second = to === undefined ? 'current' : await versions.version(path, to);
      const { json, signal, terminal } = context;
      const names = { path, from: first.name, to: second === 'current' ? undefined : second.name };
      if (json) await terminal.stdout.write(`${JSON.stringify(names).slice(0, -1)}, "differences": [`);
      let separator = '\n';
      for await (const difference of versions.diff(first, second)) {
        if (signal.aborted) return 130;
        await terminal.stdout.write(json ? separator + documentOf(difference) : linesOf(difference).join(''));
        separator = ',\n';
      }
      if (json) await terminal.stdout.write('\n]}\n');
      return 0;
    }),
});

/** An added node by its type: `satchel get` shows what is in it. Long values beyond 2^53 are strings. */
function documentOf(difference: VersionDifference): string {
  const document = difference.kind === 'nodeAdded' ? { ...difference, node: difference.node.primaryType } : difference;
  return JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function linesOf(difference: VersionDifference): string[] {
  const place = safeText(difference.relativePath || '.');
  switch (difference.kind) {
    case 'nodeRemoved':
      return [`- ${place}\n`];
    case 'nodeAdded':
      return [`+ ${place} [${safeText(difference.node.primaryType)}]\n`];
    case 'nodeMoved':
      return [`> ${place} from ${safeText(difference.from)}\n`];
    case 'childrenReordered':
      return [`~ ${place} order: ${safeText(difference.children.join(', '))}\n`];
    case 'propertiesChanged':
      return difference.properties.map((property) => `~ ${place} ${propertyLine(property)}\n`);
  }
}

function propertyLine({ name, before, after }: PropertyDifference): string {
  return `${safeText(name)}: ${valueText(before)} → ${valueText(after)}`;
}

const valueColumns = 60;

function valueText(property: Property | undefined): string {
  if (!property) return '(none)';
  const texts = property.values.map((value) => (typeof value === 'object' ? `${value.size} bytes` : String(value)));
  return fit(safeText(property.multiple ? `[${texts.join(', ')}]` : texts.join('')), valueColumns);
}
