/** AEM's processes that have a counterpart here, by the last part of their class name. */
import { propertyOf } from './plain-resource.js';
import type { Property } from '../../repository/value.js';

interface Counterpart {
  /** Ends the name of the node where there are several: `node1-render`. */
  readonly suffix?: string;
  readonly title?: string;
  readonly step: string;
  readonly config?: Readonly<Record<string, Property>>;
}

const email = (template: string): readonly Counterpart[] => [
  { step: 'notify/email', config: { template: propertyOf(template) } },
];

/**
 * Of the workflow "Download Asset" (com.day.cq.dam.core.process.DownloadAssetProcess and …SendDownloadAssetEmailProcess)
 * and of the notification of transient ones (com.day.cq.dam.core.impl.process.SendTransientWorkflowCompletedEmailProcess).
 */
export const classicProcesses: Readonly<Record<string, readonly Counterpart[]>> = {
  DownloadAssetProcess: [
    { suffix: 'plan', title: 'Plan the download', step: 'dam/plan-download' },
    { suffix: 'render', title: 'Make missing renditions', step: 'dam/render' },
    { suffix: 'package', title: 'Pack the archives', step: 'dam/package' },
    { suffix: 'deliver', title: 'Deliver to the inbox', step: 'dam/deliver' },
  ],
  SendDownloadAssetEmailProcess: email('downloadasset'),
  SendTransientWorkflowCompletedEmailProcess: email('transientworkflowcompleted'),
};

const satchelStep = /^([a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9-]*)(?:@(\d{1,6}))?$/;

/** What runs instead of a process: its counterparts, or the step of Satchel that it names, `acme/watermark` or `acme/watermark@2`. */
export function counterpartsOf(process: string): readonly (Counterpart & { readonly major?: number })[] | undefined {
  const [, step, major] = satchelStep.exec(process) ?? [];
  if (step !== undefined) return [{ step, ...(major !== undefined && { major: Number(major) }) }];
  const className = process.slice(process.lastIndexOf('.') + 1);
  return Object.hasOwn(classicProcesses, className) ? classicProcesses[className] : undefined;
}
