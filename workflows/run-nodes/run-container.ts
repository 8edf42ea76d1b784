import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  executeChild,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import type { PinnedContainer, WorkflowInput, WorkflowResult } from '../contract/model.js';
import { failure, takeOver, visitOf, type Run, type WritableRecord } from '../run.js';

/** Runs another model as a child workflow; what it changes in the metadata map, it changes here too. */
export async function runContainer(run: Run, node: PinnedContainer, record: WritableRecord): Promise<void> {
  const { name, title, model } = node;
  const visit = visitOf(record);
  const path = visit > 1 ? `${name}~${visit}` : name;
  const { request, payload, tenant, initiator, container, keysOf, metadata } = run.workflow();
  const child: WorkflowInput = {
    model,
    request,
    payload,
    tenant,
    initiator,
    container: container === undefined ? path : `${container}/${path}`,
    ...(metadata && { metadata }),
    ...(keysOf !== undefined && {
      seed: { steps: [], metadata: metadata ?? {}, partial: false, keysOf: `${keysOf}/${path}` },
    }),
  };
  const { workflowId, typedSearchAttributes } = workflowInfo();
  record.child = `${workflowId}/${path}`;
  try {
    const { state, metadata: changes } = (await executeChild(model.id, {
      workflowId: record.child,
      args: [child],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      typedSearchAttributes,
      staticSummary: title,
    })) as WorkflowResult;
    takeOver(run, { partial: state === 'partial', ...(changes && { metadata: changes }) }, record);
    record.result = { state };
  } catch (error) {
    if (isCancellation(error) && !CancellationScope.current().consideredCancelled) {
      throw failure('CANCELLED', `The workflow ${record.child} was cancelled.`);
    }
    throw error;
  }
}
