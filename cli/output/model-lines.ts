/** Workflow models as people read them. */
import type { ModelProblem } from '../../engine/models/problems.js';
import type { PinnedModel, PinnedNode } from '../../workflows/contract/model.js';
import { isProcess } from '../../workflows/contract/step-records.js';
import { safeText, table, type Styler } from './text.js';

/** A line a node, indented as it is nested: name, what it does, layer. */
export function modelLines(model: PinnedModel, style: Styler): readonly string[] {
  const rows = nodeRows(model.steps, '  ');
  if (model.completion) {
    rows.push(['  at the end', model.completion.id, ''], ...nodeRows(model.completion.steps, '    '));
  }
  return table(
    rows.map(([name = '', does = '', layer = '']) => [safeText(name), safeText(does), style.dim(safeText(layer))]),
  ).map((line) => line.trimEnd());
}

function nodeRows(nodes: readonly PinnedNode[], indent: string): string[][] {
  return nodes.flatMap((node) => {
    const own = [indent + lastOf(node.name), describe(node), node.layer];
    if (isProcess(node)) {
      const { compensation } = node;
      return [own, ...(compensation ? [[`${indent}  compensate`, compensation.id, compensation.layer]] : [])];
    }
    switch (node.kind) {
      case 'and':
      case 'or':
        return [
          own,
          ...node.branches.flatMap(({ name, condition, layer, steps }) => [
            [
              `${indent}  ${lastOf(name)}`,
              condition === undefined ? (node.kind === 'or' ? 'else' : '') : `if ${condition}`,
              layer,
            ],
            ...nodeRows(steps, `${indent}    `),
          ]),
        ];
      case 'container':
        return [own, ...nodeRows(node.model.steps, `${indent}  `)];
      case 'external':
        return [own, ...(node.start ? [[`${indent}  start`, node.start.id, node.start.layer]] : [])];
      default:
        return [own];
    }
  });
}

function describe(node: PinnedNode): string {
  if (isProcess(node)) return node.onError === undefined ? node.id : `${node.id}, on error ${node.onError}`;
  switch (node.kind) {
    case 'and':
      return 'all of';
    case 'or':
      return 'one of';
    case 'goto':
      return `goto ${lastOf(node.target)}${node.condition === undefined ? '' : ` if ${node.condition}`}, at most ${node.maximum} times`;
    case 'participant':
      return `asks ${node.assignee}`;
    case 'container':
      return `runs ${node.model.id}`;
    case 'external':
      return `waits at most ${node.timeoutSeconds} s`;
  }
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** @param place of a problem, `file:line`, where it is not its path */
export function problemLines(
  problems: readonly ModelProblem[],
  warnings: readonly ModelProblem[],
  style: Styler,
  place: (path: string) => string | undefined = () => undefined,
): readonly string[] {
  const line = ({ kind, path, problem }: ModelProblem, colour: (text: string) => string) => {
    const at = place(path);
    return `${at === undefined ? '' : `${safeText(at)}: `}${safeText(`${path} ${problem}`)} ${colour(`[${kind}]`)}`;
  };
  return [
    ...problems.map((problem) => line(problem, style.red)),
    ...warnings.map((warning) => line(warning, style.yellow)),
  ];
}
