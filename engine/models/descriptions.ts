/** What nodes of a workflow model there are and which properties they have. Checks, the JSON Schema for forms and the docs come from this. */
import { maxConditionLength } from '../../activities/satchel/condition/parse-condition.js';

export type PropertyDescription = {
  readonly title: string;
  readonly description: string;
  readonly required?: boolean;
} & (
  | { readonly type: 'text' | 'condition'; readonly maximumLength: number }
  | { readonly type: 'whole-number'; readonly minimum: number; readonly maximum: number; readonly default?: number }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | { readonly type: 'choice'; readonly choices: readonly string[]; readonly default?: string }
);

export type NodeKind = 'process' | 'and' | 'or' | 'branch' | 'goto' | 'participant' | 'container' | 'external';

export interface KindDescription {
  readonly nodeType: string;
  readonly title: string;
  readonly description: string;
  readonly properties: Readonly<Record<string, PropertyDescription>>;
  /** What its children are; those of `parts` by name. */
  readonly children:
    | { readonly are: 'none' | 'branches' | 'steps' }
    | { readonly are: 'parts'; readonly parts: Readonly<Record<string, 'configuration' | 'process'>> };
}

export const modelType = 'satchel:WorkflowModel';

const text = (title: string, description: string, maximumLength = 200) =>
  ({ type: 'text', title, description, maximumLength }) as const;
const seconds = (title: string, description: string, fallback?: number) =>
  ({
    type: 'whole-number',
    title,
    description,
    minimum: 1,
    maximum: secondsOfAYear,
    ...(fallback !== undefined && { default: fallback }),
  }) as const;
const secondsOfAYear = 31_536_000;

const named = {
  'jcr:title': text('Title', 'What people see. Default: the name, or the title of the step.'),
  'jcr:description': text(
    'Description',
    'For those who look after the model; of a participant step, what to do.',
    2_000,
  ),
};
const onError = {
  type: 'choice',
  title: 'On error',
  description:
    'What a failure does once all attempts are used: ends the workflow, goes on (it ends partly done), or undoes what was done.',
  choices: ['fail', 'continue', 'compensate'],
  default: 'fail',
} as const;
const condition = {
  type: 'condition',
  title: 'Condition',
  maximumLength: maxConditionLength,
} as const;

export const modelDescription = {
  title: 'Workflow model',
  description: 'What a workflow does, step by step: the children, in their order.',
  properties: {
    ...named,
    transient: {
      type: 'boolean',
      title: 'Transient',
      description: 'Keeps no record of its instances.',
      default: false,
    },
    notifyOnComplete: {
      type: 'boolean',
      title: 'Notify on complete',
      description: 'Runs the completion model at the end of a transient workflow. Default: the tenant’s setting.',
    },
    completionModel: text('Completion model', 'Its id. Default: dam/transient-completed.'),
  } satisfies Record<string, PropertyDescription>,
} as const;

const process: KindDescription = {
  nodeType: 'satchel:WorkflowStep',
  title: 'Process step',
  description: 'Runs a step, of Satchel or of a plugin.',
  properties: {
    ...named,
    step: { ...text('Step', 'Id of the step, as dam/render.'), required: true },
    major: {
      type: 'whole-number',
      title: 'Major version',
      description: 'Of the step. Default: the newest that is loaded.',
      minimum: 1,
      maximum: 1_000_000,
    },
    local: {
      type: 'boolean',
      title: 'Local',
      description: 'Runs in the workflow’s own worker; for steps that allow it.',
    },
    parallel: {
      type: 'whole-number',
      title: 'Parallel',
      description: 'How many chunks run at once, for steps that split their work. Default: the step’s.',
      minimum: 1,
      maximum: 64,
    },
    timeoutSeconds: {
      type: 'whole-number',
      title: 'Timeout',
      description: 'Seconds that one attempt may take. Default: the step’s, else 600.',
      minimum: 1,
      maximum: 86_400,
    },
    maximumAttempts: {
      type: 'whole-number',
      title: 'Attempts',
      description: 'In all. Default: the step’s, else 5.',
      minimum: 1,
      maximum: 1_000,
    },
    queue: {
      type: 'choice',
      title: 'Queue',
      description: 'Task queue for work that takes much CPU. Default: the step’s.',
      choices: ['heavy'],
    },
    onError,
  },
  children: { are: 'parts', parts: { config: 'configuration', compensate: 'process' } },
};

export const kinds: Readonly<Record<NodeKind, KindDescription>> = {
  process,
  and: {
    nodeType: 'satchel:WorkflowAndSplit',
    title: 'AND split',
    description: 'Runs all branches at once and goes on when the last has ended.',
    properties: { ...named, onError },
    children: { are: 'branches' },
  },
  or: {
    nodeType: 'satchel:WorkflowOrSplit',
    title: 'OR split',
    description: 'Runs the first branch whose condition is true, else the one without a condition, else none.',
    properties: { ...named, onError },
    children: { are: 'branches' },
  },
  branch: {
    nodeType: 'satchel:WorkflowBranch',
    title: 'Branch',
    description: 'Steps one after the other, in a split.',
    properties: {
      ...named,
      condition: { ...condition, description: 'When an OR split takes the branch, in CEL.' },
    },
    children: { are: 'steps' },
  },
  goto: {
    nodeType: 'satchel:WorkflowGoto',
    title: 'Goto',
    description: 'Goes to another node of the same sequence.',
    properties: {
      ...named,
      target: { ...text('Target', 'Name of the node to go to: a sibling.'), required: true },
      condition: { ...condition, description: 'When it goes, in CEL. Default: always.' },
      maximum: {
        type: 'whole-number',
        title: 'Maximum',
        description: 'How often it goes at most; then the workflow goes on after it.',
        minimum: 1,
        maximum: 1_000,
        default: 10,
      },
      onError,
    },
    children: { are: 'none' },
  },
  participant: {
    nodeType: 'satchel:WorkflowParticipant',
    title: 'Participant step',
    description: 'Waits in the inbox of a person or group until somebody completes it.',
    properties: {
      ...named,
      assignee: { ...text('Assignee', 'Id of a user or group.'), required: true },
      dueSeconds: seconds('Due', 'Seconds until it is due.'),
      reminderSeconds: seconds('Reminder', 'Seconds between reminders.'),
      timeoutSeconds: seconds('Timeout', 'Seconds after which it fails. Default: waits for ever.'),
      notify: { type: 'boolean', title: 'Notify', description: 'Tells the assignee by mail.', default: true },
      onError,
    },
    children: { are: 'none' },
  },
  container: {
    nodeType: 'satchel:WorkflowContainer',
    title: 'Container step',
    description: 'Runs another model on the same payload and waits for its end.',
    properties: {
      ...named,
      model: { ...text('Model', 'Id of the model, as dam/update-renditions.'), required: true },
      onError,
    },
    children: { are: 'none' },
  },
  external: {
    nodeType: 'satchel:WorkflowExternal',
    title: 'External step',
    description: 'Waits until something outside says that it is done.',
    properties: {
      ...named,
      timeoutSeconds: seconds('Timeout', 'Seconds after which it fails.', 86_400),
      onError,
    },
    children: { are: 'parts', parts: { start: 'process' } },
  },
};

/** The kind that a node type stands for. */
export const kindByType: ReadonlyMap<string, NodeKind> = new Map(
  (Object.entries(kinds) as [NodeKind, KindDescription][]).map(([kind, { nodeType }]) => [nodeType, kind]),
);
