/** A Satchel with two tenants, a file-backed one among them if wanted, and people who look after one of them each. */
import { onTestFinished } from 'vitest';
import type { PublishingServices } from '../../activities/mail/authoring/publish.js';
import { templatesPath } from '../../activities/mail/template-source.js';
import { adminUser, type Session } from '../../repository/api.js';
import type { ContentChange } from '../../repository/content/change-content.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { createCommandWorld, type CommandWorld } from '../cli/command-world.js';

export interface AuthoringWorld extends CommandWorld {
  readonly services: PublishingServices;
  /** A session that is closed with the test. */
  login(user: string): Promise<Session>;
  tenant(name: string): Promise<Tenant>;
  /** Makes a tenant with an administrator `<name>-admin`, who is in `dam-users`. */
  addTenant(name: string): Promise<Tenant>;
  /** Writes what lies below the tenants, as an update of the product or a deployment does. */
  write(changes: readonly ContentChange[]): Promise<void>;
  /** A file of a template in a layer. */
  file(layer: string, name: string, text: string): Promise<ContentChange[]>;
}

export async function createAuthoringWorld(prepare?: (folder: string) => Promise<void>): Promise<AuthoringWorld> {
  const world = await createCommandWorld(prepare);
  const { repository, overlay, content } = world.satchel;
  const asAdmin = <T>(work: (session: Session) => Promise<T>) => repository.withSession(adminUser, work);
  const tenant = (name: string) => asAdmin((session) => overlay.tenant(session, name));
  return {
    ...world,
    services: { repository, overlay, change: content.change },
    login: async (user) => {
      const session = await repository.login(user);
      onTestFinished(() => session.close());
      return session;
    },
    tenant,
    addTenant: async (name) => {
      const group = `${name.replaceAll('/', '-')}-admins`;
      await must(world.run('tenant', 'create', name, '--admin-group', group));
      const user = `${name.replaceAll('/', '-')}-admin`;
      const email = `${user}@example.com`;
      await must(world.run('user', 'add', user, '--email', email, '--group', 'dam-users', '--group', group));
      return tenant(name);
    },
    write: async (changes) => {
      await asAdmin((session) => content.change(session, changes));
    },
    file: async (layer, name, text) => {
      const path = `${layer}/settings/${templatesPath}/${name}`;
      const data = await asAdmin((session) => session.createBinary(text));
      return [
        { path, primaryType: 'nt:file' },
        { path: `${path}/jcr:content`, primaryType: 'nt:resource', set: { 'jcr:data': data } },
      ];
    },
  };
}

async function must(result: Promise<{ code: number; stderr: string }>): Promise<void> {
  const { code, stderr } = await result;
  if (code !== 0) throw new Error(stderr);
}
