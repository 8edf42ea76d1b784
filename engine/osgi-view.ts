/** OSGi configurations as people and programs are shown them: secrets left out, only what the user may read. */
import type { Session } from '../repository/api.js';
import type { OsgiProperty, OsgiValue } from '../repository/osgi/configuration.js';
import { settingName } from '../dam/settings/define-setting.js';
import { isSecret, osgiMapping, propertyMapping } from './osgi-mappings.js';
import type { OsgiConfiguration } from './osgi-configurations.js';

export interface OsgiPropertyView {
  readonly name: string;
  readonly type: OsgiProperty['type'];
  readonly shape: OsgiProperty['shape'];
  /** `undefined` for a secret. */
  readonly values: readonly OsgiValue[] | undefined;
  /** Settings that take the value, `dam/download/maxBytes`. */
  readonly settings: readonly string[];
  /** What it decides besides; `undefined` where that is nothing. */
  readonly effect: string | undefined;
}

export interface OsgiConfigurationView extends Pick<
  OsgiConfiguration,
  'pid' | 'path' | 'runModes' | 'state' | 'shadowedBy' | 'overruledBy' | 'problems'
> {
  /** What AEM calls the component; `undefined` for a PID that means nothing here. */
  readonly title: string | undefined;
  /** As they are in force: of the last good version where there are problems. */
  readonly properties: readonly OsgiPropertyView[];
}

/** In the order given. What another user may not read is left out, and not named. */
export async function viewConfigurations(
  session: Session,
  configurations: readonly OsgiConfiguration[],
): Promise<OsgiConfigurationView[]> {
  // Who may read a file may read its bytes, which lie on its jcr:content.
  const places = configurations.map(({ path, isNode }) => (isNode ? path : `${path}/jcr:content`));
  const nodes = await session.findNodes(places);
  const readable = new Set(configurations.filter((_, index) => nodes[index]).map(({ path }) => path));
  return configurations.filter(({ path }) => readable.has(path)).map((one) => view(one, readable));
}

function view(configuration: OsgiConfiguration, readable: ReadonlySet<string>): OsgiConfigurationView {
  const { pid, path, runModes, state, shadowedBy, overruledBy, problems } = configuration;
  return {
    pid,
    title: osgiMapping(pid)?.title,
    path,
    runModes,
    state,
    ...(shadowedBy !== undefined && readable.has(shadowedBy) && { shadowedBy }),
    ...(overruledBy !== undefined && { overruledBy }),
    problems,
    properties: [...(configuration.properties ?? [])].map((property) => viewProperty(pid, property)),
  };
}

function viewProperty(pid: string, property: OsgiProperty): OsgiPropertyView {
  const { name, type, shape, values } = property;
  const { settings = [], effect } = propertyMapping(pid, name) ?? {};
  const shown = isSecret(pid, property) ? undefined : values;
  return { name, type, shape, values: shown, settings: settings.map(settingName), effect };
}
