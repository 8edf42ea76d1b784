/** The directions between rooms (docs/architecture.md). Type-only imports count unless a rule says otherwise. */
const room = (name) => `^${name}/`;
const forbid = (from, notAllowed, comment) => ({
  name: `${from}-directions`,
  comment,
  severity: 'error',
  from: { path: room(from) },
  to: { path: notAllowed.map((name) => (name.includes('.') ? `^${name}$` : room(name))) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    forbid(
      'repository',
      ['dam', 'workflows', 'activities', 'engine', 'server', 'cli', 'compose.ts'],
      'The repository could be published alone: it imports nothing of ours.',
    ),
    {
      name: 'dam-directions',
      comment:
        'The domain works over a repository session; contracts it shares with workflows are types and pure functions.',
      severity: 'error',
      from: { path: '^dam/' },
      to: { path: ['^activities/', '^engine/', '^server/', '^cli/', '^compose\\.ts$', '^workflows/(?!contract/)'] },
    },
    {
      name: 'workflows-are-deterministic',
      comment:
        'Workflow code is replayed: it may import its contract and @temporalio/workflow, and activities as types only.',
      severity: 'error',
      from: { path: '^workflows/(?!contract/)' },
      to: {
        path: ['^repository/', '^dam/', '^engine/', '^server/', '^cli/', '^compose\\.ts$', '^activities/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'contract-is-pure',
      comment: 'The contract is shared by all rooms, so it imports none of them.',
      severity: 'error',
      from: { path: '^workflows/contract/' },
      to: {
        path: ['^repository/', '^dam/', '^activities/', '^engine/', '^server/', '^cli/', '^workflows/(?!contract/)'],
      },
    },
    {
      name: 'activities-directions',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: ['^engine/', '^server/', '^cli/', '^compose\\.ts$', '^workflows/(?!contract/)'] },
    },
    forbid('engine', ['server', 'cli', 'compose.ts'], 'The engine knows nothing of doors.'),
    forbid('server', ['cli', 'compose.ts'], 'A door does not open another door.'),
    {
      name: 'no-suites-in-product',
      comment: 'The conformance suites are for tests: no code that runs in production imports them.',
      severity: 'error',
      from: {
        path: '^(repository|dam|workflows|activities|engine|server|cli|bench)/|^compose',
        pathNot: '^repository/conformance/',
      },
      to: { path: '^repository/conformance/' },
    },
    {
      name: 'no-tests-in-product',
      severity: 'error',
      from: { path: '^(repository|dam|workflows|activities|engine|server|cli)/' },
      to: { path: '^(test|bench|examples)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
