import { z } from 'zod';
import type { SimulatedStep, Simulation } from '../../engine/api.js';
import { SatchelError, errorCodes } from '../../workflows/contract/errors.js';
import type { JsonObject } from '../../workflows/contract/model.js';
import { defineCommand, type ExitCode } from '../command.js';
import { metadataHelp, parseMetadata } from '../metadata-arguments.js';
import { answer } from '../output/report.js';
import { createStyler, formatBytes, safeText, type Styler } from '../output/text.js';

const marks: Readonly<Record<SimulatedStep['state'], string>> = {
  completed: '✔',
  failed: '✘',
  skipped: '–',
  assumed: '≈',
  'not reached': '·',
};

/** Of one step on a terminal; --json has more. */
const shownChanges = 10;

export const workflowSimulateCommand = defineCommand({
  name: 'workflow simulate',
  summary: 'runs a workflow on a copy that is thrown away, and shows what would happen',
  declare: (command) =>
    void command
      .argument('<model>', 'id of the model, as "dam/download-asset"')
      .requiredOption('--payload <path>', 'the node it works on; for dam/download-asset also an asset or folder')
      .option('--metadata <assignment...>', metadataHelp)
      .option('--answer <assignment...>', 'STEP:name=value: how a person, or what is outside, answers a step')
      .option('--tenant <name>', 'whose model and settings apply; default: that of the payload'),
  args: z.object({
    model: z.string(),
    payload: z.string(),
    metadata: z.array(z.string()).default([]),
    answer: z.array(z.string()).default([]),
    tenant: z.string().optional(),
  }),
  run: async (context, typed) => {
    const { satchel, user, signal, terminal } = context;
    const { model, payload, metadata, tenant } = typed;
    const order = {
      model,
      payload,
      initiator: user,
      metadata: parseMetadata(metadata),
      answers: parseAnswers(typed.answer),
      ...(tenant !== undefined && { tenant }),
    };
    const simulation = await satchel.engine.simulate(order, signal);
    await answer(context, simulation, simulationLines(simulation, createStyler(terminal.stdout.color)));
    return exitOf(simulation);
  },
});

function exitOf({ outcome }: Simulation): ExitCode {
  if (outcome.state === 'failed') return errorCodes[outcome.code].exit;
  return outcome.state === 'partial' ? errorCodes.PARTIAL.exit : 0;
}

/** `approval:approved=true`; several of one step make one answer. */
function parseAnswers(typed: readonly string[]): Record<string, JsonObject> {
  const byStep = new Map<string, string[]>();
  for (const text of typed) {
    const { step, assignment } = /^(?<step>[^:=]+):(?<assignment>[^]+=[^]*)$/.exec(text)?.groups ?? {};
    if (step === undefined || assignment === undefined) {
      throw new SatchelError('INVALID_REQUEST', `--answer: "${text}" is none: write STEP:name=value.`);
    }
    byStep.set(step, [...(byStep.get(step) ?? []), assignment]);
  }
  return Object.fromEntries(Array.from(byStep, ([step, assignments]) => [step, parseMetadata(assignments)]));
}

function simulationLines({ model, version, tenant, outcome, steps, notes }: Simulation, style: Styler): string[] {
  const state = outcome.state === 'failed' ? style.red('would fail') : `would end ${outcome.state}`;
  return [
    `${state}  ${safeText(model)}  version ${version.slice(0, 12)}  tenant ${safeText(tenant)}; nothing was written or sent`,
    ...steps.flatMap((step) => stepLines(step, style)),
    ...notes.map((note) => `  ${safeText(note)}`),
  ];
}

function stepLines(step: SimulatedStep, style: Styler): string[] {
  const more = step.changesInAll - Math.min(step.changes.length, shownChanges);
  return [
    `  ${marks[step.state]} ${safeText(step.title)}  ${style.dim(safeText(`${step.name}${step.note === undefined ? '' : `: ${step.note}`}`))}`,
    ...(step.error ? [`      ${style.red(safeText(step.error.message))} ${style.dim(`[${step.error.code}]`)}`] : []),
    ...step.changes.slice(0, shownChanges).map(({ change, path }) => safeText(`      ${change}  ${path}`)),
    ...(more > 0 ? [`      … and ${more} more nodes`] : []),
    ...step.archives.map(({ file, size, files }) =>
      safeText(`      archive  ${file}  ${formatBytes(size)}, ${files} files`),
    ),
    ...step.mails.map(({ to, subject, locale }) => safeText(`      mail  ${to}  ${subject} (${locale})`)),
  ];
}
