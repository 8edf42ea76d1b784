/**
 * Nodes that wait for an answer from outside. Updates put their orders in line; the node alone takes them, one by one, so
 * that two people who answer at once are answered in order.
 */
import { isCancellation } from '@temporalio/workflow';
import type { ExternalOrder, WorkItemOrder } from './contract/model.js';
import { failureOf } from './failure-of.js';
import { failure } from './run.js';

export type WaitingOrder =
  | { readonly kind: 'complete' | 'delegate' | 'return'; readonly order: WorkItemOrder }
  | { readonly kind: 'external'; readonly order: ExternalOrder };

interface PendingOrder {
  readonly asked: WaitingOrder;
  readonly resolve: (nothing: undefined) => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitingNode {
  /** Whether an order that ends the wait is in line already. */
  readonly answered: boolean;
  readonly hasOrders: boolean;
  /** Puts an order in line. @returns once it is in force @throws ApplicationFailure with a code */
  ask(asked: WaitingOrder): Promise<undefined>;
  /**
   * Does what the next order asks for, and says so to whoever asked, or why it cannot be done; then the node waits on.
   * @throws CancelledFailure when the workflow was cancelled meanwhile
   */
  take(work: (asked: WaitingOrder) => Promise<void>): Promise<void>;
  /** Orders that are still in line come too late. */
  close(): void;
}

export function createWaitingNode(name: string): WaitingNode {
  const line: PendingOrder[] = [];
  let answered = false;
  const tooLate = () => failure('NOT_WAITING', `"${name}" waits no longer.`);
  return {
    get answered() {
      return answered;
    },
    get hasOrders() {
      return line.length > 0;
    },
    ask(asked) {
      if (ends(asked)) answered = true;
      return new Promise((resolve, reject) => line.push({ asked, resolve, reject }));
    },
    async take(work) {
      const pending = line.shift();
      if (!pending) return;
      try {
        await work(pending.asked);
        pending.resolve(undefined);
      } catch (error) {
        if (isCancellation(error)) {
          pending.reject(tooLate());
          throw error;
        }
        if (ends(pending.asked)) answered = false;
        const { code, message } = failureOf(error);
        pending.reject(failure(code, message));
      }
    },
    close() {
      for (const { reject } of line.splice(0)) reject(tooLate());
    },
  };
}

function ends({ kind }: WaitingOrder): boolean {
  return kind === 'complete' || kind === 'external';
}
