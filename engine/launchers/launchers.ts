/** The launchers of an installation as people ask about them: which there are, how far the follower is, what would start. */
import type { StepServices } from '../../activities/define-step.js';
import type { StepRegistry } from '../../activities/registry.js';
import { readRequest, requestsRoot } from '../../activities/satchel/request-node.js';
import type { Session } from '../../repository/api.js';
import type { Tenant } from '../../repository/overlay/api.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import { loadModel } from '../model-loader.js';
import { createLauncherCatalog, type LauncherCatalog, type TenantLaunchers } from './launcher-catalog.js';
import type { EventKind, Launcher, LauncherProblem } from './launcher-definition.js';
import { failedCondition, reasonsAgainst, type LaunchConditions } from './launcher-match.js';
import { readLaunchRecord, type LastLaunch } from './launch-record.js';
import { followLaunchers, launcherCursor, type LaunchFollower, type LaunchProblem } from './follow-journal.js';
import type { Logger } from 'pino';

export interface LaunchersOptions {
  readonly services: Pick<StepServices, 'repository' | 'overlay' | 'settings'>;
  readonly registry: StepRegistry;
  readonly conditions: LaunchConditions;
}

export interface ListedLaunchers {
  readonly launchers: readonly Launcher[];
  /** Of launchers that do not count, and of models that those that do cannot launch. */
  readonly problems: readonly LauncherProblem[];
}

export interface LauncherStatus {
  /** Whether this process follows the journal. */
  readonly following: boolean;
  /** Commit up to which all was looked at; `undefined`: nobody ever followed. */
  readonly position: number | undefined;
  readonly head: number;
  /** Commits after the position, and how long the oldest of them waits. */
  readonly behind: { readonly commits: number; readonly seconds: number };
  /** Requests that Temporal does not have yet, from launchers and from people. */
  readonly waitingRequests: number;
  readonly launched: number;
  readonly failed: number;
  readonly last: LastLaunch | undefined;
  readonly problems: readonly LaunchProblem[];
}

export interface LauncherTest {
  readonly path: string;
  readonly tenant: string;
  readonly launchers: readonly {
    readonly launcher: Launcher;
    /** Empty: it would start. */
    readonly reasons: readonly string[];
  }[];
  readonly problems: readonly LauncherProblem[];
}

export interface TestedEvent {
  readonly kind: EventKind;
  /** Who would make the change. */
  readonly userId: string;
}

export interface Launchers {
  /** @param session its rights count */
  list(session: Session, tenant: Tenant): Promise<ListedLaunchers>;
  status(): Promise<LauncherStatus>;
  /** Which launchers an event would start, and why not the others. @throws PATH_NOT_FOUND, but for a removal */
  test(session: Session, path: string, event: TestedEvent): Promise<LauncherTest>;
  /** Launches from now on, until closed. */
  follow(options: { readonly onLaunched: () => void; readonly log: Logger }): LaunchFollower;
}

export function createLaunchers({ services, registry, conditions }: LaunchersOptions): Launchers {
  const { repository, overlay, settings } = services;
  const catalog: LauncherCatalog = createLauncherCatalog(overlay);
  let follower: LaunchFollower | undefined;
  let latest: LaunchFollower | undefined;

  async function modelProblems(session: Session, tenant: Tenant, { launchers }: TenantLaunchers) {
    const problems: LauncherProblem[] = [];
    for (const { path, model, enabled } of launchers) {
      if (!enabled) continue;
      await loadModel({ overlay, settings, registry }, session, tenant, model).catch((error: unknown) => {
        if (!(error instanceof SatchelError)) throw error;
        problems.push({ path, problem: `launches nothing: ${error.code}: ${error.message}` });
      });
    }
    return problems;
  }

  return {
    async list(session, tenant) {
      const found = await catalog.forTenant(session, tenant);
      return {
        launchers: found.launchers,
        problems: [...found.problems, ...(await modelProblems(session, tenant, found))],
      };
    },
    async status() {
      const [position, head] = [(await repository.cursors()).get(launcherCursor), await repository.head()];
      const { launched, failed, last, waitingRequests } = await repository.withSession(
        { service: 'workflow' },
        async (session) => {
          let waiting = 0;
          for await (const node of session.children(requestsRoot))
            if (readRequest(node).state === 'requested') waiting += 1;
          return { ...(await readLaunchRecord(session)), waitingRequests: waiting };
        },
      );
      const commits = position === undefined ? 0 : head - position;
      let seconds = 0;
      if (position !== undefined && commits > 0) {
        for await (const { time } of repository.commitsAfter(position)) {
          seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
          break;
        }
      }
      return {
        following: follower !== undefined,
        position,
        head,
        behind: { commits, seconds },
        waitingRequests,
        launched,
        failed,
        last,
        problems: latest?.problems() ?? [],
      };
    },
    async test(session, path, { kind, userId }) {
      const node = kind === 'removed' ? await session.findNode(path) : await session.getNode(path);
      const tenant = await overlay.tenantOf(session, path);
      const { launchers, problems } = await catalog.forTenant(session, tenant);
      const event = { kinds: [kind], path, primaryType: node?.primaryType ?? 'nt:base', userId };
      const tested = [];
      for (const launcher of launchers) {
        const reasons = [...reasonsAgainst(launcher, event, conditions, session.nodeTypes, node?.mixins ?? [])];
        const failed = await failedCondition(session, launcher, kind === 'removed' ? undefined : node);
        if (failed !== undefined) reasons.push(failed);
        const models = await modelProblems(session, tenant, { launchers: [launcher], problems: [] });
        tested.push({ launcher, reasons: [...reasons, ...models.map(({ problem }) => problem)] });
      }
      return { path, tenant: tenant.name, launchers: tested, problems };
    },
    follow({ onLaunched, log }) {
      follower ??= followLaunchers({ services, registry, catalog, conditions, onLaunched, log });
      const started = (latest = follower);
      return {
        problems: () => started.problems(),
        async close() {
          await started.close();
          follower = undefined;
        },
      };
    },
  };
}
