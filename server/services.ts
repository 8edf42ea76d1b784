/** What the routes work with, and who asked. */
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Settings } from '../dam/settings/settings.js';
import type { Engine } from '../engine/api.js';
import type { Repository } from '../repository/api.js';
import type { OverlayResolver } from '../repository/overlay/api.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { Account } from './accounts.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route but the open ones. */
    account: Account | null;
  }
}

export interface ServerServices {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly settings: Settings;
  readonly engine: Omit<Engine, 'planDownload' | 'follow' | 'simulate' | 'checkRunning' | 'start' | 'close'>;
  /** Folder of the embedded mailbox, where there is one. */
  readonly mailboxFolder: string | undefined;
  /** Keeps the key of the login cookies. */
  readonly dataFolder: string;
  readonly log: Logger;
}

/** The account of a request on a route that needs one. */
export function accountOf({ account }: FastifyRequest): Account {
  if (!account) throw new SatchelError('NOT_LOGGED_IN', 'Log in first.');
  return account;
}
