/**
 * The OSGi configurations of an installation: what lies in install folders of /apps and /libs, which of it is in force, and
 * what is wrong with it. Follows the journal, so that a changed file counts from the next question on. A file that does not
 * parse, or says what cannot be, is reported; the last good version of it stays in force, over restarts too.
 */
import type { Logger } from 'pino';
import { settingName } from '../dam/settings/define-setting.js';
import type { DeploymentValues } from '../dam/settings/settings.js';
import type { Change, Repository, Session } from '../repository/api.js';
import { RepositoryError } from '../repository/errors.js';
import type { OsgiProperties } from '../repository/osgi/configuration.js';
import {
  findConfigurations,
  readConfiguration,
  type ConfigurationSource,
} from '../repository/osgi/find-configurations.js';
import { folderPriority, installFolderOf, mayHoldInstallFolders } from '../repository/osgi/install-folder.js';
import { checkConfiguration, type CheckedConfiguration, type ConfigurationProblem } from './osgi-check.js';
import { noPlaceholders } from './osgi-placeholders.js';
import type { PlaceholderSource } from '../repository/osgi/placeholders.js';
import { keepLastGood, readLastGood, readLastGoodVersion, type LastGood } from './osgi-last-good.js';
import { osgiMappings } from './osgi-mappings.js';

/** A configuration as one file or node has it. */
export interface OsgiConfiguration {
  readonly pid: string;
  /** Of the file or node. */
  readonly path: string;
  readonly isNode: boolean;
  /** What the folder asks for, `publish` or `author.dev`; `''` for nothing. */
  readonly runModes: string;
  /**
   * `active`: in force. `shadowed`: another one of the PID comes first. `inactive`: its run modes are not active. `broken`: it
   * cannot be used and never could.
   */
  readonly state: 'active' | 'shadowed' | 'inactive' | 'broken';
  /** The one in force. */
  readonly shadowedBy?: string;
  /** What it says; where it has problems, its last good version. `undefined` where there is none. */
  readonly properties: OsgiProperties | undefined;
  /** What is wrong with it as it lies there. */
  readonly problems: readonly ConfigurationProblem[];
  /** What has the say instead, though it is active: `mail.smtp of the configuration`. */
  readonly overruledBy?: string;
}

export interface OsgiConfigurations {
  readonly runModes: readonly string[];
  /** By PID, the one in force first. */
  all(): Promise<readonly OsgiConfiguration[]>;
  /** The one in force, where nothing overrules it. */
  active(pid: string): Promise<OsgiConfiguration | undefined>;
  /** What the configurations in force say about a setting, `dam/download/maxBytes`. */
  readonly settingValue: DeploymentValues;
}

export interface OsgiConfigurationsOptions {
  readonly repository: Repository;
  readonly runModes: readonly string[];
  /** PIDs that do not count, and what has the say instead. */
  readonly overruled?: ReadonlyMap<string, string>;
  /** Default: nothing stands for a placeholder. */
  readonly placeholders?: PlaceholderSource;
  readonly log: Logger;
}

/** More than any installation has; what lies beyond is reported. */
const maxConfigurations = 5000;

/** Of a problem, by the state of the configuration that has it. */
const consequences: Readonly<Record<OsgiConfiguration['state'], string>> = {
  active: 'its last good version stays in force',
  shadowed: 'its last good version stays, which another one goes before',
  inactive: 'its run modes are not active',
  broken: 'it does not count',
};

const service = { service: 'osgi-configuration' } as const;

export function createOsgiConfigurations(options: OsgiConfigurationsOptions): OsgiConfigurations {
  const { repository, runModes, overruled = new Map<string, string>(), placeholders = noPlaceholders, log } = options;
  const activeModes = new Set(runModes);
  let known: { readonly sequence: number; readonly configurations: readonly OsgiConfiguration[] } | undefined;
  let looking: Promise<readonly OsgiConfiguration[]> | undefined;
  let next: Promise<readonly OsgiConfiguration[]> | undefined;
  const reported = new Set<string>();

  /** One look at a time. Who asks while one is under way may have saved since it began, and shares the next one. */
  function all(): Promise<readonly OsgiConfiguration[]> {
    if (!looking) return lookNow();
    next ??= looking.then(lookNow, lookNow);
    return next;
  }

  function lookNow(): Promise<readonly OsgiConfiguration[]> {
    next = undefined;
    const current = look().finally(() => {
      if (looking === current) looking = undefined;
    });
    looking = current;
    return current;
  }

  async function look(): Promise<readonly OsgiConfiguration[]> {
    const head = await repository.head();
    if (known && (known.sequence === head || !(await hasChanged(repository, known.sequence)))) {
      known = { ...known, sequence: head };
      return known.configurations;
    }
    return repository.withSession(service, async (session) => {
      const { sequence } = session;
      const configurations = rank(await readAll(session, placeholders, log), activeModes, overruled);
      known = { sequence, configurations };
      report(configurations);
      return configurations;
    });
  }

  function report(configurations: readonly OsgiConfiguration[]): void {
    const problems = configurations.flatMap(({ path, problems: found, state }) =>
      found.map(({ line, message }) => ({ path, line, message, state })),
    );
    const now = new Set(problems.map((problem) => JSON.stringify(problem)));
    for (const problem of problems) {
      const { path, line, message, state } = problem;
      if (reported.has(JSON.stringify(problem))) continue;
      log.error({ file: path, line }, `${path}:${line}: ${message}; ${consequences[state]}`);
    }
    reported.clear();
    for (const problem of now) reported.add(problem);
  }

  async function active(pid: string): Promise<OsgiConfiguration | undefined> {
    if (overruled.has(pid)) return undefined;
    return (await all()).find((found) => found.pid === pid && found.state === 'active');
  }

  return {
    runModes,
    all,
    active,
    settingValue: async (name) => {
      const place = placeOfSetting.get(name);
      const found = place && (await active(place.pid));
      const property = found?.properties?.get(place?.property ?? '');
      return found && property ? { values: property.values, source: found.path } : undefined;
    },
  };
}

/** By the name of a setting, the property that gives it a value. */
const placeOfSetting = new Map(
  osgiMappings.flatMap(({ pid, properties }) =>
    Object.entries(properties).flatMap(([property, { settings = [] }]) =>
      settings.map((definition) => [settingName(definition), { pid, property }] as const),
    ),
  ),
);

async function hasChanged(repository: Repository, since: number): Promise<boolean> {
  try {
    for await (const { changes } of repository.commitsAfter(since)) if (changes.some(concerns)) return true;
    return false;
  } catch (error) {
    if (error instanceof RepositoryError && error.code === 'JOURNAL_TRIMMED') return true;
    throw error;
  }
}

/** Whether it may have changed a configuration: a moved or removed node takes along what lies below it. */
function concerns({ kind, path, from }: Change): boolean {
  const isLocal = kind === 'propertiesChanged' || kind === 'childrenReordered';
  return [path, ...(from === undefined ? [] : [from])].some(
    (at) => installFolderOf(at) !== undefined || (!isLocal && mayHoldInstallFolders(at)),
  );
}

interface Evaluated extends CheckedConfiguration {
  readonly source: ConfigurationSource;
}

async function readAll(session: Session, placeholders: PlaceholderSource, log: Logger): Promise<Evaluated[]> {
  const lastGood = await readLastGood(session);
  const evaluated: Evaluated[] = [];
  for await (const source of findConfigurations(session)) {
    if (evaluated.length === maxConfigurations) {
      log.error(`there are more than ${maxConfigurations} OSGi configurations: ${source.path} and others do not count`);
      break;
    }
    evaluated.push(await evaluate(session, source, placeholders, lastGood.get(source.path)));
  }
  await keepLastGood(session, lastGood, evaluated).catch((error: unknown) =>
    log.warn({ err: error }, 'the last good versions of the OSGi configurations could not be kept'),
  );
  return evaluated;
}

async function evaluate(
  session: Session,
  source: ConfigurationSource,
  placeholders: PlaceholderSource,
  lastGood?: LastGood,
): Promise<Evaluated> {
  const now = await checkConfiguration(source.pid, placeholders, () => readConfiguration(session, source));
  if (now.properties || !lastGood) return { source, ...now };
  const { properties } = await checkConfiguration(source.pid, placeholders, () =>
    readLastGoodVersion(session, lastGood),
  );
  return { source, ...now, properties };
}

function rank(
  evaluated: readonly Evaluated[],
  active: ReadonlySet<string>,
  overruled: ReadonlyMap<string, string>,
): OsgiConfiguration[] {
  const ranked = evaluated
    .map((one) => ({ ...one, pid: one.source.pid, priority: folderPriority(one.source.folder, active) }))
    .sort((a, b) => compare(a.pid, b.pid) || b.priority - a.priority || compare(a.source.path, b.source.path));
  const first = new Map<string, string>();
  return ranked.map(({ source, properties, problems, pid, priority }): OsgiConfiguration => {
    const { path, folder, data } = source;
    const shared = { pid, path, isNode: data === undefined, runModes: folder.runModes, properties, problems };
    if (priority === 0) return { ...shared, state: 'inactive' };
    if (!properties) return { ...shared, state: 'broken' };
    const winner = first.get(pid);
    if (winner !== undefined) return { ...shared, state: 'shadowed', shadowedBy: winner };
    first.set(pid, path);
    const overruledBy = overruled.get(pid);
    return { ...shared, state: 'active', ...(overruledBy !== undefined && { overruledBy }) };
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
