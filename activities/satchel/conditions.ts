/** Conditions of workflow models: checked when a model is loaded or saved, evaluated by an activity while it runs. */
import { RepositoryError } from '../../repository/errors.js';
import type { Repository } from '../../repository/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { ConditionInput, JsonObject } from '../../workflows/contract/model.js';
import { ConditionFailure, evaluateCondition } from './condition/evaluate-condition.js';
import { parseCondition, type ParsedCondition } from './condition/parse-condition.js';
import { payloadFacts } from './condition/payload-facts.js';

/** @returns what is wrong with a condition, a sentence without a subject; `undefined` when nothing is */
export function checkCondition(text: string): string | undefined {
  const parsed = parseOnce(text);
  return typeof parsed === 'string' ? parsed : undefined;
}

/**
 * @param payload what `payload` is in the conditions
 * @returns index of the first condition that is true, or -1
 * @throws SatchelError INVALID_CONDITION, CONDITION_FAILED
 */
export function evaluateConditions(input: ConditionInput, payload: JsonObject): number {
  const { conditions, workflow, scope } = input;
  const variables: JsonObject = { ...scope, payload, tenant: workflow.tenant, initiator: workflow.initiator };
  return conditions
    .map((text) => understood(text, input))
    .findIndex((condition) => isTrue(condition, variables, input));
}

/** The activity `satchel/condition@1`: `payload` is read with the rights of the workflow's initiator, and only when a condition speaks of it. */
export function createConditions(repository: Repository): (input: ConditionInput) => Promise<number> {
  return async (input) => {
    const { payload, initiator } = input.workflow;
    const wanted = input.conditions.some((text) => understood(text, input).variables.has('payload'));
    if (!wanted) return evaluateConditions(input, {});
    try {
      const facts = await repository.withSession(initiator, (session) => payloadFacts(session, payload));
      return evaluateConditions(input, facts);
    } catch (error) {
      // Somebody who no longer exists may read nothing any more.
      if (error instanceof RepositoryError && error.code === 'UNKNOWN_USER')
        return evaluateConditions(input, { path: payload });
      throw error;
    }
  };
}

const known = new Map<string, ParsedCondition | string>();
const mostKnown = 500;

/** Parsed once: models hold the same few conditions for every instance. */
function parseOnce(text: string): ParsedCondition | string {
  const found = known.get(text);
  if (found !== undefined) return found;
  const parsed = parseCondition(text);
  if (known.size >= mostKnown) known.clear();
  known.set(text, parsed);
  return parsed;
}

function understood(text: string, { workflow }: ConditionInput): ParsedCondition {
  const parsed = parseOnce(text);
  if (typeof parsed !== 'string') return parsed;
  throw new SatchelError('INVALID_CONDITION', `The condition ${quoted(text)} of ${workflow.model} ${parsed}.`, {
    details: { model: workflow.model, condition: text },
  });
}

function isTrue(
  { text, node }: ParsedCondition,
  variables: JsonObject,
  { workflow, node: at }: ConditionInput,
): boolean {
  try {
    return evaluateCondition(node, variables);
  } catch (error) {
    if (!(error instanceof ConditionFailure)) throw error;
    const where = at === undefined ? workflow.model : `${workflow.model}/${at}`;
    throw new SatchelError('CONDITION_FAILED', `The condition ${quoted(text)} of ${where} failed: ${error.message}.`, {
      details: { model: workflow.model, condition: text, ...(at !== undefined && { node: at }) },
    });
  }
}

function quoted(text: string): string {
  return `"${text.length > 200 ? `${text.slice(0, 200)}…` : text}"`;
}
