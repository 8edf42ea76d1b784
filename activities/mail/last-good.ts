/**
 * The last version of each template that rendered, for each tenant and locale:
 *
 *     /var/mail/last-good/<template>/<locale>/<tenant>   version, recorded, parts (Binary, JSON)
 *
 * Written when a template is published and when a mail is rendered with a version for the first time; read when a mail
 * cannot be rendered otherwise.
 */
import { saveChanges } from '../../dam/save-changes.js';
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import type { TemplateParts } from './compile-template.js';

export const lastGoodRoot = '/var/mail/last-good';

/** Parts, all partials among them, have bounds of their own; this is some hundred of the longest. */
const maxRecordBytes = 32 * 1024 * 1024;

interface TemplateOfTenant {
  readonly tenant: Tenant;
  readonly template: string;
  readonly locale: string;
}

/** @param session of the service `workflow`, without unsaved changes */
export async function recordLastGood(
  session: Session,
  { version, parts, ...of }: TemplateOfTenant & { readonly version: string; readonly parts: TemplateParts },
): Promise<void> {
  const path = recordPath(of);
  if ((await session.findNode(path))?.text('version') === version) return;
  const text = JSON.stringify(parts, (_key, value: unknown) =>
    value instanceof Map ? { [mapMark]: [...(value as Map<unknown, unknown>)] } : value,
  );
  await saveChanges(session, async () => {
    const properties = { version, recorded: new Date(), parts: await session.createBinary(text) };
    await session.ensureNode(path, { primaryType: 'nt:unstructured' }, 'nt:unstructured');
    await session.setProperties(path, properties);
  });
}

/** `undefined` where none was recorded. */
export async function readLastGood(session: Session, of: TemplateOfTenant): Promise<TemplateParts | undefined> {
  const data = (await session.findNode(recordPath(of)))?.binary('parts');
  if (!data) return undefined;
  const text = new TextDecoder().decode(await session.readBinary(data, maxRecordBytes));
  return JSON.parse(text, (_key, value: unknown) => {
    const entries = typeof value === 'object' && value !== null && mapMark in value ? value[mapMark] : undefined;
    return entries === undefined ? value : new Map(entries as [string, unknown][]);
  }) as TemplateParts;
}

const mapMark = '$map';

function recordPath({ tenant, template, locale }: TemplateOfTenant): string {
  return `${lastGoodRoot}/${template}/${locale}/${tenant.name}`;
}
