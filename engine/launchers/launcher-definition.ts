/**
 * A launcher as its node says it: `settings/workflow/launchers/<name>` of type satchel:WorkflowLauncher, or AEM's
 * cq:WorkflowLauncher with the properties that one has. Both may use the names of either.
 */
import type { MergedResource } from '../../repository/overlay/api.js';
import type { Property } from '../../repository/value.js';
import { parseCondition, type Condition } from './condition.js';
import { ExpressionError } from './linear-expression.js';
import { parsePathPattern, type PathPattern } from './path-pattern.js';

export const launcherTypes: readonly string[] = ['satchel:WorkflowLauncher', 'cq:WorkflowLauncher'];

export const eventKinds = ['added', 'changed', 'removed', 'moved'] as const;
export type EventKind = (typeof eventKinds)[number];

/** JCR's event types, of which AEM writes 1, 2 and 16 (JCR 2.0, section 12.2). */
const eventBits: readonly (readonly [number, EventKind])[] = [
  [1, 'added'],
  [2, 'removed'],
  [4 | 8 | 16, 'changed'],
  [32, 'moved'],
];

export interface Launcher {
  /** Name of its node: what an overlay goes by, and half of what makes a launch unique. */
  readonly name: string;
  readonly title: string;
  /** Labels of the layers it comes from, base first. */
  readonly layers: readonly string[];
  /** Path of its node in the topmost layer that has it. */
  readonly path: string;
  readonly enabled: boolean;
  /** Model id. */
  readonly model: string;
  readonly events: ReadonlySet<EventKind>;
  readonly pattern: PathPattern;
  /** The type of the node, or one that it inherits. */
  readonly nodeType: string | undefined;
  /** All must hold. */
  readonly conditions: readonly Condition[];
  readonly excludedUsers: ReadonlySet<string>;
  /** First words of the user data of sessions. */
  readonly excludedUserData: ReadonlySet<string>;
  /** One of them must be active; none: any. */
  readonly runModes: readonly string[];
  /** All of them must be on, and none of the disabled ones. */
  readonly features: readonly string[];
  readonly disabledFeatures: readonly string[];
  /** Also for changes that its own workflows made. */
  readonly relaunch: boolean;
}

export interface LauncherProblem {
  /** The node it is about. */
  readonly path: string;
  readonly problem: string;
}

/** More conditions or names than anybody writes. */
const maxItems = 100;
const userDataPrefix = 'event-user-data:';

/** Problems of the properties that one node has, whether or not others complete it. By property, so that a file's line can be named. */
export function wrongLauncherProperties(
  properties: ReadonlyMap<string, Property>,
): { readonly property: string; readonly problem: string }[] {
  return [...properties].flatMap(([property, held]) => {
    const problem = propertyChecks[property]?.(textsOf(held));
    return problem === undefined ? [] : [{ property, problem }];
  });
}

const propertyChecks: Readonly<Record<string, (values: readonly string[]) => string | undefined>> = {
  glob: ([pattern = '']) => problemOf(() => parsePathPattern(pattern)) ?? placeProblem(pattern),
  events: (values) => {
    const unknown = itemsOf(values).find((value) => !(eventKinds as readonly string[]).includes(value));
    return unknown === undefined ? undefined : `names the event "${unknown}"; there are ${eventKinds.join(', ')}`;
  },
  eventType: ([value = '']) =>
    Number(value) > 0 && (Number(value) & ~63) === 0
      ? undefined
      : `is ${value}, which must be a sum of 1 (added), 2 (removed), 16 (changed) and 32 (moved)`,
  conditions: conditionProblem,
  condition: conditionProblem,
  enabled: flagProblem,
  relaunch: flagProblem,
  excludeList: countProblem,
  runModes: countProblem,
  features: countProblem,
  disabledFeatures: countProblem,
};

function conditionProblem(values: readonly string[]): string | undefined {
  for (const source of conditionTexts(values)) {
    const parsed = parseCondition(source);
    if ('problem' in parsed) return `holds "${source}", which ${parsed.problem}`;
  }
  return countProblem(values);
}

function flagProblem([value = '']: readonly string[]): string | undefined {
  return value === 'true' || value === 'false' ? undefined : `is "${value}", which must be true or false`;
}

function countProblem(values: readonly string[]): string | undefined {
  return itemsOf(values).length > maxItems ? `holds more than ${maxItems} items` : undefined;
}

function placeProblem(pattern: string): string | undefined {
  return /^(\/|\^\/|\(|\[|\.)/u.test(pattern) ? undefined : 'must start with "/"';
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/** In any layer: who changes one property need not repeat what the node is. */
export function isLauncher(resource: MergedResource): boolean {
  const type = resource.properties.get('jcr:primaryType');
  const declared = [...(type?.overrides ?? []), ...(type ? [type] : [])];
  return declared.some(({ property }) => textsOf(property).some((value) => launcherTypes.includes(value)));
}

/**
 * @param resource as the overlay shows it
 * @param path of the folder of launchers below `settings`, and the roots of the layers by label
 * @returns the launcher, or everything that is wrong with it; never both
 */
export function readLauncher(
  resource: MergedResource,
  pathIn: (layer: string) => string,
): { readonly launcher: Launcher } | { readonly problems: readonly LauncherProblem[] } {
  const [top = ''] = resource.layers.slice(-1);
  const path = pathIn(top);
  const merged = new Map([...resource.properties].map(([name, { property }]) => [name, property]));
  const texts = (name: string) => textsOf(merged.get(name));
  const problems = wrongLauncherProperties(merged).map(({ property, problem }) => ({
    path: resource.properties.get(property)?.source ?? path,
    problem: `has a property "${property}" that ${problem}`,
  }));
  const [model = ''] = [...texts('model'), ...texts('workflow')].map(modelId);
  if (model === '') problems.push({ path, problem: 'names no "model" to launch' });
  const events = kindsOf(texts('events'), texts('eventType'));
  if (events.size === 0 && problems.length === 0)
    problems.push({ path, problem: `has no "events" (${eventKinds.join(', ')})` });
  const [glob] = texts('glob');
  if (glob === undefined) problems.push({ path, problem: 'has no "glob" that says which paths it is about' });
  if (problems.length > 0 || glob === undefined) return { problems };
  const excluded = itemsOf(texts('excludeList'));
  return {
    launcher: {
      name: resource.name,
      title: resource.text('jcr:title') ?? resource.text('description') ?? resource.name,
      layers: resource.layers,
      path,
      enabled: resource.boolean('enabled') ?? true,
      model,
      events,
      pattern: parsePathPattern(glob),
      nodeType: resource.text('nodetype'),
      conditions: conditionTexts([...texts('conditions'), ...texts('condition')]).flatMap((source) => {
        const parsed = parseCondition(source);
        return 'problem' in parsed ? [] : [parsed];
      }),
      excludedUsers: new Set(excluded.filter((item) => !item.startsWith(userDataPrefix))),
      excludedUserData: new Set(
        excluded
          .filter((item) => item.startsWith(userDataPrefix))
          .map((item) => item.slice(userDataPrefix.length).trim()),
      ),
      runModes: itemsOf(texts('runModes')),
      features: itemsOf(texts('features')),
      disabledFeatures: itemsOf(texts('disabledFeatures')),
      relaunch: resource.boolean('relaunch') ?? false,
    },
  };
}

function kindsOf(names: readonly string[], [bits]: readonly string[]): ReadonlySet<EventKind> {
  const named = itemsOf(names);
  if (named.length > 0) return new Set(eventKinds.filter((kind) => named.includes(kind)));
  return new Set(eventBits.filter(([bit]) => (Number(bits ?? 0) & bit) !== 0).map(([, kind]) => kind));
}

/** AEM names the node of a model at several places: `/var/workflow/models/dam/update_asset`, `/etc/…/jcr:content/model`. */
function modelId(text: string): string {
  const [, below = text] = /\/workflow\/models\/(.+)$/u.exec(text) ?? [];
  return below.replace(/\/jcr:content\/model$/u, '').trim();
}

/** AEM writes lists as several values or as one with commas. */
function itemsOf(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Values may hold commas, so only whole ones count. */
function conditionTexts(values: readonly string[]): string[] {
  return values.map((value) => value.trim()).filter((value) => value !== '');
}

function textsOf(property: Property | undefined): string[] {
  return (property?.values ?? []).filter((value) => typeof value !== 'object').map(String);
}
