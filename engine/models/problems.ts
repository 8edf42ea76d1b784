/** Everything that can be wrong with a workflow model. docs/workflows.md lists the same table; a test holds them together and makes each happen. */

export interface ModelProblem {
  readonly kind: ModelProblemKind;
  /** The node it is about, in the layer that says so. */
  readonly path: string;
  /** Continues the path: `names the step acme/none, which is not loaded; …`. Says what to do. */
  readonly problem: string;
}

/** What each means, and what to do. */
export const modelProblems = {
  'no-steps':
    'The model has no node that could run. Add a child of type satchel:WorkflowStep with the property “step”.',
  'missing-property': 'A node lacks a property without which it can do nothing. Set it.',
  'unknown-property':
    'A node has a property that nothing reads, mostly a slip of the pen. Correct its name or remove it.',
  'wrong-value':
    'A property has a value of another kind, beyond its bounds, or not among its choices. Set one that is allowed.',
  'unknown-child':
    'A node has a child where nothing reads one. Put steps into a branch, configuration into “config”, or remove it.',
  'wrong-place':
    'A node stands where its kind cannot: a branch outside a split, or something else than a branch directly in one.',
  'unknown-step': 'No step of that id and major version is loaded. Correct the id, or load the plugin that defines it.',
  'wrong-configuration': 'The step’s schema does not take the configuration below “config”.',
  'local-not-allowed':
    'The node asks for “local”, which its step does not offer, or which does not go with a queue of its own.',
  'no-branches': 'A split has no branch. Add children of type satchel:WorkflowBranch.',
  'empty-branch':
    'A branch has no steps. Add one, or remove the branch: an OR split goes on when no condition is true.',
  'two-defaults': 'Two branches of an OR split have no condition. Give all but one a condition.',
  'wrong-condition': 'A condition does not parse, or speaks of something that is not there.',
  'unknown-target': 'A goto names a node that does not stand in the same sequence. Name a sibling of the goto.',
  'goto-itself': 'A goto names itself. Name another node of the same sequence.',
  'endless-loop':
    'All gotos of a model together may go back more often than a workflow can last. Lower their “maximum”.',
  unreachable:
    'Nothing leads to the node: a goto without a condition always passes over it. Remove it, or give the goto a condition.',
  'unknown-model': 'A container or “completionModel” names a model that does not exist for the tenant.',
  'model-cycle': 'A model contains itself, perhaps through others. Take one of the containers out.',
  'unknown-assignee':
    'A participant step is for somebody who is neither a user nor a group. A warning: they may be made later.',
  'too-deep': 'Splits or containers are nested too deeply. Move a part into a model of its own, or bring it up.',
  'too-large':
    'The resolved model is larger than a workflow’s input may be. Shorten its configuration, or move values to a node.',
  'classic-structure':
    'The nodes and transitions of a classic model do not form a sequence with splits that are joined again.',
  'classic-rule':
    'A classic transition has a rule that is a script. Scripts are not run: write the condition in CEL in a model of Satchel.',
  'classic-process': 'A classic model names a process that has no counterpart here. Write a step for it and name that.',
  'classic-participant':
    'A classic participant step leaves the choice of the person to a script. Name a user or group.',
  'classic-ignored': 'A classic model says something that has no effect here. A warning.',
} as const satisfies Record<string, string>;

export type ModelProblemKind = keyof typeof modelProblems;

/** What stops nothing. */
export const warningKinds: readonly ModelProblemKind[] = ['unknown-assignee', 'classic-ignored'];
