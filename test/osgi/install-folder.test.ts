import { describe, expect, it } from 'vitest';
import { folderPriority, installFolderOf } from '../../repository/osgi/install-folder.js';
import { configurationExtension, pidOf } from '../../repository/osgi/pid.js';
import { completeRunModes, metRunModes, runModeProblem } from '../../repository/osgi/run-modes.js';

const priority = (path: string, ...active: string[]) => {
  const folder = installFolderOf(path);
  return folder && folderPriority(folder, new Set(active));
};

// The cases of FolderNameFilterTest and SlingSettingsServiceImplTest of Apache Sling, in its terms.
describe('install folders', () => {
  it.each([
    ['/libs/install', ['dev'], 100],
    ['/apps/install', ['dev'], 200],
    ['/libs/install.dev', ['dev'], 101],
    ['/libs/install.bar', ['dev'], 0],
    ['/libs/install.dev.bar', ['dev'], 0],
    ['/libs/install.bar.dev', ['dev'], 0],
    ['/apps/install.dev.prod.staging', ['dev', 'prod', 'staging'], 203],
    ['/apps/install.staging.prod.dev', ['dev', 'prod', 'staging'], 203],
    ['/libs/install.dev.prod.staging', ['dev', 'prod', 'staging'], 103],
    ['/apps/somewhere/runmodes/config.author', ['author', 'mycompany', 'dev'], 201],
    ['/apps/somewhere/runmodes/config.author.dev.mycompany', ['author', 'mycompany', 'dev'], 203],
    ['/libs/foo.bar/install', ['dev'], 100],
    ['/apps/foo.bar/install.dev', ['dev'], 201],
  ])('%s with run modes %j has priority %i', (path, active, expected) => {
    expect(priority(path, ...active)).toBe(expected);
  });

  it.each(['/apps/a/configs', '/apps/a/b/c/config', '/conf/a/config', '/apps', '/apps/a/myconfig', '/appsx/config'])(
    'are not %s',
    (path) => expect(installFolderOf(path)).toBeUndefined(),
  );

  it('hold what lies at any depth within them', () => {
    expect(installFolderOf('/apps/a/config.publish/b/c/x.config')).toEqual({
      path: '/apps/a/config.publish',
      runModes: 'publish',
    });
  });
});

describe('run modes', () => {
  it.each([
    ['test1.test2,-test3.test4', ['test5'], 0],
    ['test1.test2,-test3.test4', ['test1', 'test3'], 0],
    ['test1.test2,-test3.test4', ['test2', 'test3'], 0],
    ['test1.test2,-test3.test4', ['test1', 'test2'], 2],
    ['test1.test2,-test3.test4', ['test2', 'test4'], 2],
    ['test1.test2,-test3.test4,test5.test6.test7', ['test1', 'test2', 'test4', 'test5', 'test6', 'test7'], 3],
  ])('of the specification %s, of %j are met %i', (specification, active, expected) => {
    expect(metRunModes(specification, new Set(active))).toBe(expected);
  });

  it('are author where neither author nor publish was given', () => {
    expect(completeRunModes([])).toEqual(['author']);
    expect(completeRunModes(['dev'])).toEqual(['author', 'dev']);
    expect(completeRunModes(['publish', 'dev', 'dev'])).toEqual(['publish', 'dev']);
  });

  it.each(['a.b', 'a,b', '-a', '', 'a b', 'é', 'x'.repeat(65)])('cannot be named %j', (name) => {
    expect(runModeProblem(name)).toBeDefined();
  });
});

describe('names of configurations', () => {
  it.each([
    ['com.example.Service.config', 'com.example.Service'],
    ['com.example.Service.cfg', 'com.example.Service'],
    ['com.example.Service.properties', 'com.example.Service'],
    ['com.example.Service.cfg.json', 'com.example.Service'],
    ['com.example.Service', 'com.example.Service'],
    ['com.example.Pool-small.config', 'com.example.Pool~small'],
    ['com.example.Pool~small-blue.cfg.json', 'com.example.Pool~small-blue'],
    ['com.example.my-Pool~small.cfg.json', 'com.example.my-Pool~small'],
    [
      'com.example.Pool.0b3e4a5c-1111-2222-3333-444455556666.config',
      'com.example.Pool~0b3e4a5c-1111-2222-3333-444455556666',
    ],
  ])('%s is %s', (name, pid) => expect(pidOf(name).pid).toBe(pid));

  it('of factory configurations have two parts', () => {
    expect(pidOf('com.example.Pool-small.config').factory).toEqual({ pid: 'com.example.Pool', name: 'small' });
  });

  it.each(['bundle.jar', 'content.zip', '.config', 'readme.json'])('%s is none', (name) =>
    expect(configurationExtension(name)).toBeUndefined(),
  );
});
