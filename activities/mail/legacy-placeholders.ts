/**
 * The `${…}` placeholders of AEM's text templates, and which of our variables stand for them. Pure.
 *
 * Source of the names: "Configuring Email Notification" of AEM 6.5 (workflow and page notifications) and the mail step of
 * ACS AEM Commons. What AEM does not know it leaves as it is written; so does this.
 */
import { formatDate } from './template-helpers.js';
import type { JsonObject, JsonValue } from '../../workflows/contract/model.js';

export interface PlaceholderContext {
  readonly variables: JsonObject;
  readonly locale: string;
  readonly timeZone: string;
  /** Where people reach the installation; an address among the variables comes first. */
  readonly host?: string | undefined;
  /** The time of the mail. */
  readonly now: Date;
}

type Lookup = (context: PlaceholderContext) => JsonValue | undefined;

/** The first of some paths that has a value. */
const first =
  (...paths: readonly string[]): Lookup =>
  ({ variables }) =>
    paths.map((path) => valueAt(variables, path)).find((value) => value !== undefined && value !== null);

const now: Lookup = ({ now: time }) => time.toISOString();
const language: Lookup = ({ locale }) => locale;

/** Where the reader is to go. */
const destination = first('item.url', 'link', 'archives.0.url', 'inboxUrl');
const path = first('payload', 'assets.0.path');

const startOf: Lookup = (context) => partOfUrl(destination(context), (url) => url.origin) ?? context.host;
const restOf: Lookup = (context) => partOfUrl(destination(context), (url) => `${url.pathname}${url.search}${url.hash}`);

function partOfUrl(value: JsonValue | undefined, part: (url: URL) => string): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url && /^https?:$/.test(url.protocol) ? part(url) : undefined;
}

/** AEM's names of workflow events. */
const eventType: Lookup = (context) => {
  const state = first('state')(context);
  if (state === 'completed' || state === 'partial') return 'WorkflowCompleted';
  if (typeof state === 'string') return 'WorkflowAborted';
  return first('item.title')(context) === undefined ? undefined : 'NodeTransition';
};

const initiator = first('initiator.name', 'requester.name', 'sharer.name');
const initiatorAddress = first('initiator.address', 'requester.address', 'sharer.address');

/** By name, as docs/mail-templates.md lists them. */
export const legacyPlaceholders: Readonly<Record<string, Lookup>> = {
  'host.prefix': startOf,
  'payload.path.open': restOf,
  'payload.path': path,
  'payload.data': path,
  'payload.type': (context) => (path(context) === undefined ? undefined : 'JCR_PATH'),
  downloadUrl: first('archives.0.url', 'link'),
  authorLink: destination,
  publishLink: destination,
  time: now,
  'event.TimeStamp': now,
  'event.EventType': eventType,
  'event.User': initiator,
  userFullName: initiator,
  userId: initiatorAddress,
  'initiator.name': initiator,
  'initiator.email': initiatorAddress,
  wfInitiator: initiator,
  'item.node.title': first('item.title'),
  wfStepTitle: first('item.title'),
  workitem_title: first('item.title'),
  'participant.name': first('recipient.name', 'recipient.address'),
  'participant.email': first('recipient.address'),
  'participant.id': first('recipient.address'),
  'participant.language': language,
  'instance.id': first('workflow.id'),
  'instance.state': first('state'),
  'model.title': first('workflow.title'),
  wfModelTitle: first('workflow.title'),
  'model.id': first('workflow.model'),
  'model.version': first('workflow.version'),
};

const placeholder = /\$?\$\{([A-Za-z][\w.:-]{0,99})\}/g;

/**
 * Replaces the placeholders that have a value: AEM's names, then our own by their path (`${recipient.name}`,
 * `${archives.0.url}`). `$${name}` is the text `${name}`. Values are not looked at again.
 * @returns the text, and the names that had no value and were left as they are
 */
export function fillPlaceholders(
  text: string,
  context: PlaceholderContext,
): { readonly text: string; readonly unknown: readonly string[] } {
  const unknown = new Set<string>();
  const filled = text.replace(placeholder, (all, name: string) => {
    if (all.startsWith('$$')) return all.slice(1);
    const lookup = Object.hasOwn(legacyPlaceholders, name) ? legacyPlaceholders[name] : undefined;
    const value = lookup?.(context) ?? valueAt(context.variables, name);
    const shown = value === undefined ? undefined : inWords(value, context);
    if (shown === undefined) unknown.add(name);
    return shown ?? all;
  });
  return { text: filled, unknown: [...unknown] };
}

/** Where the names stand for the first time. */
export function lineOfPlaceholder(text: string, name: string): number {
  const at = text.indexOf(`\${${name}}`);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

/** By own names only; `undefined` where there is nothing. */
function valueAt(variables: JsonObject, dotted: string): JsonValue | undefined {
  let value: JsonValue | undefined = variables;
  for (const name of dotted.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** `undefined` for what is no single value. A documented variable that is absent here is nothing. */
function inWords(value: JsonValue, { locale, timeZone }: PlaceholderContext): string | undefined {
  if (value === null) return '';
  if (typeof value === 'object') return undefined;
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(value)) {
    return formatDate(value, locale, timeZone);
  }
  return String(value);
}
