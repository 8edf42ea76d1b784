/**
 * What the OSGi configurations of AEM mean here: by PID and property the settings they give a value to, or what else they decide.
 * A PID that is not here is kept, and reported as unknown.
 */
import type { SettingDefinition } from '../dam/settings/define-setting.js';
import { mailFrom, maxBytes, notifyOnComplete } from '../dam/settings/definitions.js';
import { servletContentBytes, servletEnabled, shareContentBytes } from '../dam/settings/definitions.js';
import { parseValue } from '../dam/settings/parse-value.js';
import { isSecretName, type OsgiProperties, type OsgiProperty } from '../repository/osgi/configuration.js';
import { externalDomain } from './osgi-externalizer.js';
import { hostProblem, portProblem } from './osgi-mail-service.js';

export interface OsgiPropertyMapping {
  /** Settings that take the value. */
  readonly settings?: readonly SettingDefinition[];
  /** What it decides besides. */
  readonly effect?: string;
  /** Never shown. */
  readonly secret?: true;
  /** @returns what is wrong with a value; continues `"smtp.port" ` */
  readonly problem?: (property: OsgiProperty) => string | undefined;
}

export interface OsgiMapping {
  readonly pid: string;
  /** As the Web Console of AEM names it. */
  readonly title: string;
  readonly properties: Readonly<Record<string, OsgiPropertyMapping>>;
}

export const mailServicePid = 'com.day.cq.mailer.DefaultMailService';
export const externalizerPid = 'com.day.cq.commons.impl.ExternalizerImpl';

/** Said of what AEM has and Satchel has no use for, so that nobody looks for its effect. */
const none: OsgiPropertyMapping = {};

export const osgiMappings: readonly OsgiMapping[] = [
  {
    pid: 'com.day.cq.dam.core.impl.servlet.AssetDownloadServlet',
    title: 'Asset Download Servlet',
    properties: {
      enabled: { settings: [servletEnabled] },
      // Downloads run as workflows here, where AEM has the servlet pack them: the limit is that of both ways.
      'asset.download.prezip.maxcontentsize': { settings: [maxBytes, servletContentBytes] },
    },
  },
  {
    pid: 'com.day.cq.dam.core.impl.assetlinkshare.AdhocAssetShareProxyServlet',
    title: 'Day CQ DAM Adhoc Asset Share Proxy Servlet',
    properties: { 'cq.dam.adhoc.asset.share.prezip.maxcontentsize': { settings: [shareContentBytes] } },
  },
  {
    pid: 'com.day.cq.dam.core.impl.process.SendTransientWorkflowCompletedEmailProcess',
    title: 'Send Transient Workflow Completed Email',
    properties: { 'Notify on Complete': { settings: [notifyOnComplete] }, 'process.label': none },
  },
  {
    pid: mailServicePid,
    title: 'Day CQ Mail Service',
    properties: {
      'smtp.host': { effect: 'mail server', problem: hostProblem },
      'smtp.port': { effect: 'port of the mail server; default 25', problem: portProblem },
      'smtp.user': { effect: 'login at the mail server' },
      'smtp.password': { effect: 'password at the mail server', secret: true, problem: encryptedProblem },
      'from.address': { settings: [mailFrom] },
      'smtp.ssl': { effect: 'TLS from the first byte', problem: booleanProblem },
      'smtp.starttls': { effect: 'STARTTLS is used wherever the mail server offers it', problem: booleanProblem },
      'smtp.requiretls': { effect: 'no mail without TLS', problem: booleanProblem },
      'debug.email': none,
      'oauth.flow': none,
    },
  },
  {
    pid: externalizerPid,
    title: 'Day CQ Link Externalizer',
    properties: {
      'externalizer.domains': {
        effect: 'start of links in mails: of the domain publish or author by run mode, else local',
        problem: ({ values }) => firstDefined(values.map((value) => domainProblem(String(value)))),
      },
      'externalizer.host': none,
      'externalizer.contextpath': none,
      'externalizer.encodedpath': none,
    },
  },
];

const mappingsByPid = new Map(osgiMappings.map((mapping) => [mapping.pid, mapping]));

/** @returns `undefined` for a PID that means nothing here */
export function osgiMapping(pid: string): OsgiMapping | undefined {
  return mappingsByPid.get(pid);
}

/** Names of properties are case-insensitive. */
export function propertyMapping(pid: string, name: string): OsgiPropertyMapping | undefined {
  const properties = Object.entries(osgiMapping(pid)?.properties ?? {});
  return properties.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

export interface OsgiValueProblem {
  readonly line: number;
  /** Begins with the property's name. */
  readonly message: string;
}

/** What a configuration says that cannot be so. Nothing for a PID that means nothing here. */
export function osgiValueProblems(pid: string, properties: OsgiProperties): OsgiValueProblem[] {
  return [...properties].flatMap((property): OsgiValueProblem[] => {
    const mapping = propertyMapping(pid, property.name);
    const { settings = [], problem } = mapping ?? {};
    // What means nothing here needs no value.
    if (property.problem !== undefined) {
      const matters = mapping !== undefined && mapping !== none;
      return matters ? [{ line: property.line, message: `"${property.name}": ${property.problem}` }] : [];
    }
    const ofSettings = settings.map((definition) => {
      const parsed = parseValue(definition, property.values);
      return parsed.ok ? undefined : parsed.problem;
    });
    const found = firstDefined([...ofSettings, problem?.(property)]);
    if (found === undefined) return [];
    // What is wrong with a value often quotes it.
    const said = property.isSecret ? 'has a secret for its value that cannot be one' : found;
    return [{ line: property.line, message: `"${property.name}" ${said}` }];
  });
}

/** Values that people are not shown: what is known to be a secret, or is named like one. */
export function isSecret(pid: string, { name, isSecret: stands }: Pick<OsgiProperty, 'name' | 'isSecret'>): boolean {
  return stands ?? propertyMapping(pid, name)?.secret ?? isSecretName(name);
}

function booleanProblem({ values }: OsgiProperty): string | undefined {
  const ok = values.length === 1 && /^(true|false)$/.test(String(values[0]));
  return ok ? undefined : 'must be "true" or "false"';
}

/** Granite's Crypto Support writes `{6dc9…}`, which only the instance that wrote it can read. */
function encryptedProblem({ values }: OsgiProperty): string | undefined {
  const encrypted = /^\{[\da-f]{16,}\}$/i.test(String(values[0]));
  return encrypted ? 'is encrypted by AEM’s Crypto Support; write the password itself, or set SATCHEL_SMTP' : undefined;
}

function domainProblem(text: string): string | undefined {
  return externalDomain(text) ? undefined : `must hold entries as "publish https://dam.example.com", not "${text}"`;
}

function firstDefined(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
