/** A repository with the built-in templates in /libs, users, and tenants as the test writes them. */
import { onTestFinished } from 'vitest';
import { createMailer, type MailerOptions } from '../../activities/mail/create-mailer.js';
import { templatesPath } from '../../activities/mail/template-source.js';
import { importContentFolder } from '../../repository/content/import-content-folder.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { createUser } from '../../repository/users.js';
import { openEmbedded, temporaryFolder } from '../repository/world.js';
import { sampleOf, templatesFolder } from './template-files.js';
import type { Repository, Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import type { Mailer } from '../../activities/mail/mailer.js';
import type { MailTransport } from '../../activities/mail/transport.js';
import type { PropertyInput } from '../../repository/value.js';

export interface MailWorld {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly session: Session;
  /** Path of a template item in a layer: `at('/conf/aurora', 'theme')`. */
  at(layer: string, item: string): string;
  /** Writes and saves a file. */
  writeFile(path: string, text: string): Promise<void>;
  /** Writes and saves a node's properties. */
  writeNode(path: string, properties: Readonly<Record<string, PropertyInput>>): Promise<void>;
  tenant(name: string): Promise<Tenant>;
  mailer(transport?: MailTransport, options?: Partial<MailerOptions>): Mailer;
  /** A session of its own, as another process would have. */
  newSession(): Promise<Session>;
}

export async function createMailWorld(): Promise<MailWorld> {
  const repository = await openEmbedded(await temporaryFolder());
  const sessions: Session[] = [];
  const newSession = async () => {
    const session = await repository.login('admin');
    sessions.push(session);
    return session;
  };
  onTestFinished(async () => {
    for (const session of sessions) await session.close();
    await repository.close();
  });
  const session = await newSession();
  const { problems } = await importContentFolder({
    session,
    folder: templatesFolder,
    target: `/libs/settings/${templatesPath}`,
  });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  await createUser(session, {
    id: 'ana',
    email: 'Ana@example.com',
    displayName: 'Ana Moreau',
    language: 'de',
    groups: ['dam-users'],
  });
  await createUser(session, { id: 'ben', email: 'ben@example.com', displayName: 'Ben', groups: ['dam-users'] });
  await createUser(session, { id: 'eve', email: 'eve@example.com' });
  await session.save();
  const overlay = createOverlayResolver({ repository });

  return {
    repository,
    overlay,
    session,
    at: (layer, item) => `${layer}/settings/${templatesPath}/${item}`,
    writeFile: async (path, text) => {
      await session.ensureNode(path, { primaryType: 'nt:file' });
      const data = await session.createBinary(text);
      await session.ensureNode(`${path}/jcr:content`, { primaryType: 'nt:resource' });
      await session.setProperties(`${path}/jcr:content`, { 'jcr:data': data, 'jcr:mimeType': 'text/plain' });
      await session.save();
    },
    writeNode: async (path, properties) => {
      await session.ensureNode(path);
      await session.setProperties(path, properties);
      await session.save();
    },
    tenant: (name) => overlay.tenant(session, name),
    mailer: (transport, options) =>
      createMailer({
        overlay,
        transport,
        from: 'Satchel <satchel@example.com>',
        // A test tries again at once.
        retryAfter: () => 0,
        ...options,
      }),
    newSession,
  };
}

/** The sample of `downloadasset` without its recipient, which the mailer adds. */
export function orderVariables() {
  const { recipient: _recipient, ...variables } = sampleOf('downloadasset');
  return variables;
}
