/**
 * Keeps Satchel joined to a Temporal server: starts or adopts the embedded one (or takes the configured one), connects,
 * runs the worker, notices when the server is gone and when it is back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { SatchelError, errorCodes } from '../../workflows/contract/errors.js';
import type { TemporalStatus } from '../api.js';
import type { Configuration } from '../configuration.js';
import { connectTemporal } from './connect.js';
import { startEmbeddedServer, type EmbeddedServer } from './embedded-server.js';
import { findTemporalBinary } from './find-temporal-binary.js';
import { installTemporalRuntime } from './install-runtime.js';
import { keepHistories } from './keep-histories.js';
import { releaseAbandonedWork } from './release-abandoned-work.js';
import { verifyEncryption } from './verify-encryption.js';
import { verifySearchAttributes } from './verify-search-attributes.js';

export interface TemporalLinkOptions {
  readonly dataFolder: string;
  readonly configuration: Configuration['temporal'];
  readonly taskQueue: string;
  readonly log: Logger;
  readonly dataConverter: DataConverter;
  /** At least one; they work until the connection must be made anew. */
  readonly createWorkers: (connection: NativeConnection) => Promise<readonly Worker[]>;
  /** The server is there (again), and the workers work. */
  readonly onConnected: () => void;
  /** Says what people wait for: a download of the server program, its start. */
  readonly onProgress: (message: string) => void;
}

export interface TemporalLink {
  status(): TemporalStatus;
  /** `undefined` while the server is away. */
  client(): Client | undefined;
  /** Begins; resolves once connected. @throws SatchelError when no retry can help; others are tried again and again */
  start(): Promise<void>;
  /** Stops the workers (running steps end, or stop where the next attempt goes on), then the server, where it is ours. */
  close(): Promise<void>;
}

const firstDelayMs = 500;
const longestDelayMs = 15_000;
/** How often the server is asked whether it is there, and how long it may take to answer. */
const probeMs = { connected: 2_000, away: 1_000, answer: 2_000 } as const;

export function createTemporalLink(options: TemporalLinkOptions): TemporalLink {
  const { configuration, dataFolder, log } = options;
  const embedded = configuration.address === undefined;
  const closing = new AbortController();
  const isClosing = () => closing.signal.aborted;
  let state: TemporalStatus['state'] = 'stopped';
  let problem: string | undefined;
  let server: EmbeddedServer | undefined;
  let client: Client | undefined;
  let running: Promise<void> | undefined;
  let started: { readonly promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined;

  function setState(next: TemporalStatus['state'], nextProblem?: string): void {
    if (next !== state || nextProblem !== problem) log.info({ state: next, problem: nextProblem }, 'temporal');
    state = next;
    problem = nextProblem;
  }

  /** Connects again and again until closed, or until an error that no retry helps. */
  async function run(): Promise<void> {
    let delayMs = firstDelayMs;
    while (!isClosing()) {
      try {
        await workOnce(() => (delayMs = firstDelayMs));
      } catch (error) {
        if (isClosing()) return;
        const hopeless = error instanceof SatchelError && !errorCodes[error.code].retryable;
        setState(hopeless ? 'stopped' : 'connecting', error instanceof Error ? error.message : String(error));
        if (hopeless) {
          started?.reject(error);
          return;
        }
        log.warn({ err: error }, 'no connection to Temporal; trying again');
        await pause(delayMs);
        delayMs = Math.min(delayMs * 2, longestDelayMs);
      }
    }
  }

  /** Works until the connection must be made anew, or until closed. */
  async function workOnce(onConnected: () => void): Promise<void> {
    setState('connecting', problem);
    const address = await findServer();
    const { namespace, tls, apiKey } = configuration;
    const connection = await connectTemporal({ address, tls, ...(apiKey !== undefined && { apiKey }) });
    try {
      if (!embedded) await verifySearchAttributes(connection, address, namespace);
      const connected = new Client({ connection, namespace, dataConverter: options.dataConverter });
      await verifyEncryption(connected, options.taskQueue, configuration.encryptionKey ?? []);
      if (embedded) {
        await keepHistories(connection, namespace);
        await release(connected);
      }
      const workers = await options.createWorkers(connection);
      const lost = new AbortController();
      const work = workers.map(async (worker) => worker.run().finally(() => lost.abort()));
      // The rejections are waited for below.
      for (const one of work) one.catch(() => undefined);
      client = connected;
      setState('connected');
      onConnected();
      started?.resolve();
      options.onConnected();
      try {
        await watch(connection, address, lost.signal);
      } finally {
        client = undefined;
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        await Promise.allSettled(work);
        await Promise.all(work);
      }
    } finally {
      await connection.close();
    }
  }

  async function findServer(): Promise<string> {
    if (configuration.address !== undefined) return configuration.address;
    const binary = await findTemporalBinary({ onProgress: options.onProgress });
    options.onProgress('Starting the Temporal server');
    server = await startEmbeddedServer({ dataFolder, binary: binary.path });
    const { pid, address, uiUrl, adopted } = server;
    log.info(
      { pid, address, uiUrl, binary: binary.path },
      adopted ? 'temporal server adopted' : 'temporal server started',
    );
    return address;
  }

  async function release(connected: Client): Promise<void> {
    try {
      const steps = await releaseAbandonedWork(connected, options.taskQueue);
      if (steps > 0) log.info({ steps }, 'going on with the steps of a process that ended');
    } catch (error) {
      log.warn({ err: error }, 'steps of a process that ended wait for their heartbeat timeout');
    }
  }

  /** Returns when closed, when the worker ended, or when the server came back under another address. */
  async function watch(connection: NativeConnection, address: string, ended: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([closing.signal, ended]);
    for (;;) {
      await pause(state === 'connected' ? probeMs.connected : probeMs.away, stop);
      if (stop.aborted) return;
      const answer = await probe(connection);
      if (answer === undefined) {
        if (state === 'connected') continue;
        setState('connected');
        options.onConnected();
        continue;
      }
      setState('connecting', answer);
      if (server && !(await server.isRunning()) && (await findServer()) !== address) return;
    }
  }

  /** @returns why the server does not answer, or `undefined` */
  async function probe(connection: NativeConnection): Promise<string | undefined> {
    try {
      await connection.withDeadline(Date.now() + probeMs.answer, () => connection.workflowService.getSystemInfo({}));
      return undefined;
    } catch (error) {
      return `The Temporal server does not answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Ends early, without an error, when aborted. */
  async function pause(ms: number, signal: AbortSignal = closing.signal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  return {
    status: () => ({
      state,
      address: configuration.address ?? server?.address,
      uiUrl: server?.uiUrl,
      embedded,
      ...(problem !== undefined && { problem }),
    }),
    client: () => (state === 'connected' ? client : undefined),
    start() {
      if (!running) {
        installTemporalRuntime(log);
        started = deferred();
        // Whoever does not wait for the start reads the problem from the status.
        started.promise.catch(() => undefined);
        running = run();
      }
      return started?.promise ?? Promise.resolve();
    },
    async close() {
      closing.abort();
      await running;
      started?.reject(
        new SatchelError('TEMPORAL_UNAVAILABLE', 'Satchel was stopped before it was connected to Temporal.'),
      );
      setState('stopped');
      await server?.stop();
    },
  };
}

function deferred(): { readonly promise: Promise<void>; resolve(): void; reject(error: unknown): void } {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) };
}
