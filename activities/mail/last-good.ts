/**
 * The last version of each template that rendered, for each tenant and locale:
 *
 *     /var/mail/last-good/<template>/<locale>/<tenant>   version, recorded, parts (Binary, JSON), theme (String, JSON)
 *
 * The theme stands apart, so that tenants which differ in nothing else have one blob.
 *
 * Written when a template is published and when a mail is rendered with a version for the first time; read when a mail
 * cannot be rendered otherwise.
 */
import { saveChanges } from '../../dam/save-changes.js';
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import type { BinaryValue } from '../../repository/value.js';
import type { TemplateParts, ThemeProperty } from './compile-template.js';
import type { LocatedTemplate } from './template-source.js';

export const lastGoodRoot = '/var/mail/last-good';

/** Parts, all partials among them, have bounds of their own; this is some hundred of the longest. */
const maxRecordBytes = 32 * 1024 * 1024;

interface TemplateOfTenant {
  readonly tenant: Tenant;
  readonly template: string;
  readonly locale: string;
}

/** A version that rendered. */
export interface GoodVersion extends TemplateOfTenant {
  readonly version: string;
  /** Read only where it is not recorded yet. */
  readonly located: Pick<LocatedTemplate, 'sharedKey' | 'theme' | 'read'>;
}

/** Records of one save: one for each of a thousand brands would take as many seconds. */
const recordsPerSave = 50;

/** @param session of the service `workflow`, without unsaved changes */
export async function recordLastGood(session: Session, versions: readonly GoodVersion[]): Promise<void> {
  const written = new Map<string, BinaryValue>();
  const partsOf = async ({ sharedKey, read }: GoodVersion['located']): Promise<BinaryValue> => {
    const known = written.get(sharedKey);
    if (known) return known;
    const { theme: _, ...parts } = await read(session);
    const binary = await session.createBinary(JSON.stringify(parts, withMaps));
    written.set(sharedKey, binary);
    return binary;
  };
  for (let start = 0; start < versions.length; start += recordsPerSave) {
    const some = versions.slice(start, start + recordsPerSave);
    const records = await session.findNodes(some.map(recordPath));
    const missing = some.filter(({ version }, index) => records[index]?.text('version') !== version);
    if (missing.length === 0) continue;
    await saveChanges(session, async () => {
      for (const { version, located, ...of } of missing) {
        const record = await session.ensureNode(recordPath(of), { primaryType: 'nt:unstructured' }, 'nt:unstructured');
        await session.setProperties(record.path, {
          version,
          recorded: new Date(),
          parts: await partsOf(located),
          theme: JSON.stringify([...located.theme]),
        });
      }
    });
  }
}

function withMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? { [mapMark]: [...(value as Map<unknown, unknown>)] } : value;
}

/** `undefined` where none was recorded. */
export async function readLastGood(session: Session, of: TemplateOfTenant): Promise<TemplateParts | undefined> {
  const record = await session.findNode(recordPath(of));
  const data = record?.binary('parts');
  if (!data) return undefined;
  const text = new TextDecoder().decode(await session.readBinary(data, maxRecordBytes));
  const parts = JSON.parse(text, (_key, value: unknown) => {
    const entries = typeof value === 'object' && value !== null && mapMark in value ? value[mapMark] : undefined;
    return entries === undefined ? value : new Map(entries as [string, unknown][]);
  }) as TemplateParts;
  const theme = record?.text('theme');
  // Older records have it among the parts.
  return theme === undefined ? parts : { ...parts, theme: new Map(JSON.parse(theme) as [string, ThemeProperty][]) };
}

const mapMark = '$map';

function recordPath({ tenant, template, locale }: TemplateOfTenant): string {
  return `${lastGoodRoot}/${template}/${locale}/${tenant.name}`;
}
