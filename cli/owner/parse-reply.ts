/** What a command takes from the owner. By hand: loading a schema library would take longer than the whole call. */
import type { ExitCode } from '../command.js';
import type { Reply } from './frames.js';

const exitCodes: readonly unknown[] = [0, 1, 2, 3, 130] satisfies ExitCode[];

/** @throws Error when it is no reply */
export function parseReply(document: unknown): Reply {
  if (isReply(document)) return document;
  throw new Error('a message on the socket is no reply of this protocol');
}

function isReply(document: unknown): document is Reply {
  if (typeof document !== 'object' || document === null || !('type' in document)) return false;
  const fields: { readonly [name: string]: unknown } = { ...document };
  switch (document.type) {
    case 'accepted':
    case 'input':
      return true;
    case 'edit':
      return typeof fields['name'] === 'string' && typeof fields['text'] === 'string';
    case 'refused':
      return typeof fields['reason'] === 'string';
    case 'write':
      return (fields['to'] === 'stdout' || fields['to'] === 'stderr') && typeof fields['text'] === 'string';
    case 'ask':
      return typeof fields['question'] === 'string' && typeof fields['hidden'] === 'boolean';
    case 'exit':
      return exitCodes.includes(fields['code']);
    default:
      return false;
  }
}
