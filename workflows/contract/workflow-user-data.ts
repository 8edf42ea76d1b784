/**
 * What the sessions of a workflow's steps tell observers with their commits (`Session.setUserData`), so that launchers know
 * whose change it was. The first word is AEM's, which exclude lists name: `event-user-data:changedByWorkflowProcess`.
 */

export const workflowUserDataWord = 'changedByWorkflowProcess';

export interface WorkflowUserData {
  /** Model id. */
  readonly model: string;
  /** Names of the launchers that led to the workflow, the last one last; none when a person launched it. */
  readonly launchers: readonly string[];
}

export function workflowUserData({ model, launchers }: WorkflowUserData): string {
  return `${workflowUserDataWord} ${JSON.stringify({ model, launchers })}`;
}

/** @returns `undefined` for what no workflow said */
export function readWorkflowUserData(text: string | undefined): WorkflowUserData | undefined {
  if (text === undefined || userDataWord(text) !== workflowUserDataWord) return undefined;
  try {
    const { model, launchers } = JSON.parse(text.slice(workflowUserDataWord.length)) as Partial<WorkflowUserData>;
    return { model: model ?? '', launchers: Array.isArray(launchers) ? launchers : [] };
  } catch {
    // AEM's own word alone, from code of a plugin.
    return { model: '', launchers: [] };
  }
}

/** What exclude lists compare: the text up to the first blank. */
export function userDataWord(text: string): string {
  return text.split(' ', 1)[0] ?? '';
}
