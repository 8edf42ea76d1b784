/**
 * What an installation has before any content: the roots, the service users with the least they need, and the first rights
 * of people. Like Sling's repoinit it says what must be there. It does so once: what an administrator takes away later, stays away.
 */
import { downloadsRoot } from '../../dam/download-job.js';
import { renditionCacheRoot } from '../../dam/render-cache.js';
import { grant } from '../../repository/access/policy.js';
import { adminUser, groups, type Privilege, type Repository, type Session } from '../../repository/api.js';
import { createServiceUser, serviceUsersRoot } from '../../repository/users.js';
import { lastGoodRoot } from '../mail/last-good.js';
import { mailOutboxRoot } from '../mail/outbox.js';
import { listedProperty } from './listing-keys.js';
import { instancesRoot, listingsOf, readRequest, requestsRoot } from './request-node.js';
import { inboxRoot } from './work-items.js';

const modelsRoot = '/libs/settings/workflow/models';

/** Where packages of AEM bring workflow models. */
const classicModelRoots = ['/var/workflow/models', '/etc/workflow/models'];

/** Where content imports remember what they wrote (repository/content). */
const importRecordsRoot = '/var/satchel/content';

/** Where the last good version of every OSGi configuration is kept. */
export const osgiRecordsRoot = '/var/satchel/osgi';

const folders = [
  '/content/dam',
  '/conf/global/settings',
  '/apps/settings',
  modelsRoot,
  ...classicModelRoots,
  requestsRoot,
  instancesRoot,
  inboxRoot,
  downloadsRoot,
  renditionCacheRoot,
  mailOutboxRoot,
  lastGoodRoot,
  importRecordsRoot,
  osgiRecordsRoot,
];

interface Right {
  readonly path: string;
  readonly privileges: readonly Privilege[];
  readonly glob?: string;
}

const read: readonly Privilege[] = ['jcr:read'];
const write: readonly Privilege[] = ['jcr:read', 'rep:write'];

const rightsOfServices: Readonly<Record<string, readonly Right[]>> = {
  /** Runs workflows: reads what they work on, keeps their records. */
  workflow: [
    ...['/content', '/conf', '/apps', '/libs', '/home', '/etc/workflow'].map((path) => ({ path, privileges: read })),
    ...['/var/workflow', '/var/dam', '/var/mail'].map((path) => ({ path, privileges: write })),
  ],
  'content-import': [
    ...['/conf', '/apps', '/libs', importRecordsRoot].map((path) => ({ path, privileges: write })),
    // Models in content folders may contain them.
    ...classicModelRoots.map((path) => ({ path, privileges: read })),
  ],
  'rendition-writer': [
    { path: '/content/dam', privileges: read },
    { path: '/content/dam', privileges: ['jcr:addChildNodes'], glob: '*/jcr:content' },
    { path: '/content/dam', privileges: ['rep:write'], glob: '*/jcr:content/renditions*' },
  ],
  'osgi-configuration': [
    ...['/apps', '/libs'].map((path) => ({ path, privileges: read })),
    { path: osgiRecordsRoot, privileges: write },
  ],
  /** Compares passwords at login. */
  authentication: [{ path: '/home', privileges: read }],
};

const rightsOfPeople: Readonly<Record<string, readonly Right[]>> = {
  [groups.damUsers]: [
    { path: '/content/dam', privileges: read },
    { path: modelsRoot, privileges: ['jcr:read', 'satchel:launchWorkflow'] },
    // What every tenant inherits: an administrator of one sees its templates and settings as they are in force.
    ...['/libs/settings', '/apps/settings', '/conf/global/settings'].map((path) => ({ path, privileges: read })),
  ],
};

/** Counts up when something is added above; existing installations then get it at their next start. */
const bootstrapVersion = 5;
const bootstrapRecord = '/var/satchel/bootstrap';

export async function bootstrapRepository(repository: Repository): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    if ((await session.findNode(bootstrapRecord))?.number('version') === bootstrapVersion) return;
    for (const path of folders) {
      await session.ensureNode(path, { primaryType: 'sling:Folder' }, 'sling:Folder');
    }
    for (const name of Object.keys(rightsOfServices)) {
      if (!(await session.findNode(`${serviceUsersRoot}/${name}`))) await createServiceUser(session, name);
    }
    for (const [principal, rights] of Object.entries({ ...rightsOfServices, ...rightsOfPeople })) {
      for (const { path, privileges, glob } of rights) {
        await grant(session, path, principal, privileges, glob === undefined ? {} : { glob });
      }
    }
    await listOldWorkflows(session);
    await session.ensureNode(bootstrapRecord);
    await session.setProperties(bootstrapRecord, { version: bootstrapVersion });
    await session.save();
  });
}

/** Workflows of versions that listed them by reading all. */
async function listOldWorkflows(session: Session): Promise<void> {
  for (const root of [requestsRoot, instancesRoot]) {
    for await (const node of session.children(root)) {
      if (node.property(listedProperty)) continue;
      const request = readRequest(node);
      const { state } = request;
      const listed = listingsOf(request, state === 'requested' || state === 'launched' ? 'open' : state);
      await session.setProperties(node.path, { [listedProperty]: listed });
    }
  }
}
