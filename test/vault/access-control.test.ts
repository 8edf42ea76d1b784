import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../repository/api.js';
import { grant, deny, listEntries } from '../../repository/access/policy.js';
import { installPackage } from '../../repository/vault/install.js';
import { backends, openFor, sessionOf, temporaryFolder } from '../repository/world.js';
import { docView, packageEntries, writeZip } from './package-builder.js';

const policy = docView(
  'jcr:primaryType="rep:ACL"',
  `<deny jcr:primaryType="rep:DenyACE" rep:principalName="bob" rep:privileges="{Name}[jcr:all]"/>
   <allow jcr:primaryType="rep:GrantACE" rep:principalName="alice" rep:privileges="{Name}[jcr:read,own:unknown]">
     <rep:restrictions jcr:primaryType="rep:Restrictions" rep:glob="/x"/>
   </allow>
   <allow0 jcr:primaryType="rep:GrantACE" rep:principalName="carl" rep:privileges="{Name}[own:unknown]"/>`,
);

const node = docView('jcr:primaryType="nt:unstructured"');

async function existing(): Promise<Session> {
  const open = backends['memory'];
  if (!open) throw new Error('there is no memory backend');
  const session = await sessionOf(await openFor(open));
  await session.ensureNode('/content/a');
  await session.ensureNode('/content/a/silent');
  for (const path of ['/content/a', '/content/a/silent']) {
    await deny(session, path, 'everyone', ['jcr:all']);
    await grant(session, path, 'bob', ['jcr:read']);
    await grant(session, path, 'bob', ['jcr:write']);
  }
  await session.save();
  return session;
}

async function install(session: Session, acHandling?: string) {
  const entries = packageEntries({
    filter: '<filter root="/content/a" mode="merge"/>',
    properties: acHandling === undefined ? {} : { acHandling },
    files: {
      'content/a/.content.xml': node,
      'content/a/_rep_policy.xml': policy,
      'content/a/silent/.content.xml': node,
    },
  });
  return installPackage({ session, file: await writeZip(join(await temporaryFolder(), 'package.zip'), entries) });
}

const entriesAt = async (session: Session, path: string) =>
  (await listEntries(session, path)).map(
    ({ kind, principal, privileges, restrictions }) =>
      `${principal} ${kind} ${privileges.join()}${restrictions.glob === undefined ? '' : ` at ${restrictions.glob}`}`,
  );

describe('access control of a package', () => {
  const own = ['everyone deny jcr:all', 'bob allow jcr:read', 'bob allow jcr:write'];
  const packaged = ['bob deny jcr:all', 'alice allow jcr:read at /x'];
  // The examples of FileVault's AccessControlHandling; what /content/a/silent has, of which the package has no policy.
  it.each([
    [undefined, own, own],
    ['ignore', own, own],
    ['overwrite', packaged, []],
    ['merge', ['everyone deny jcr:all', ...packaged], own],
    ['merge_preserve', [...own, 'alice allow jcr:read at /x'], own],
    ['clear', [], []],
  ])('with acHandling %s', async (acHandling, expected, silent) => {
    const session = await existing();
    const report = await install(session, acHandling);
    expect(await entriesAt(session, '/content/a')).toEqual(expected);
    expect(await entriesAt(session, '/content/a/silent')).toEqual(silent);
    const reads = acHandling !== undefined && acHandling !== 'ignore' && acHandling !== 'clear';
    expect(report.policies.ignored).toBe(acHandling === undefined || acHandling === 'ignore' ? 1 : 0);
    expect(report.skipped.map(({ reason }) => reason)).toEqual(
      reads ? [expect.stringContaining('own:unknown') as unknown] : [],
    );
    // Again: nothing is left to do.
    const { sequence } = session;
    expect((await install(session, acHandling)).policies.changed).toBe(0);
    expect(session.sequence).toBe(sequence);
  });
});
