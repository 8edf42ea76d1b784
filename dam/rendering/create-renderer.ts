/** The renderer over a few child processes: a crash, a hang or a greedy image costs one job, never the repository's process. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type sharp from 'sharp';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { RenderedImage, Renderer } from '../renderer.js';
import { outOfMemoryExit } from './protocol.js';
import type { InspectedImage, RenderBounds, RenderJob, RenderReply } from './protocol.js';

export interface RenderLimits {
  /** Processes, and so images at a time. Default: one per core. */
  readonly concurrency?: number;
  /** Pixels of a source. Default 100 million. */
  readonly maxPixels?: number;
  /** Resident memory of one process. Default 1 GiB. */
  readonly memoryBytes?: number;
  /** For all renditions of one source. Default one minute. */
  readonly timeoutMs?: number;
}

export interface RendererOptions extends RenderLimits {
  /** The compiled render-child.js. */
  readonly childFile: string;
  /** Asked before every image, over the limits given here: they may change while images are rendered. */
  readonly limits?: () => RenderLimits;
}

interface Waiting {
  readonly job: RenderJob;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: InspectedImage | RenderedImage[]) => void;
  readonly reject: (error: unknown) => void;
}

interface BoundChild {
  readonly child: ChildProcess;
  readonly bounds: RenderBounds;
}

/** Children are started when first needed and kept; one that died or grew is replaced. */
export function createRenderer(options: RendererOptions): Renderer {
  const { childFile } = options;
  const limitsNow = () => {
    const { concurrency, maxPixels, memoryBytes, timeoutMs } = { ...options, ...options.limits?.() };
    return {
      concurrency: concurrency ?? availableParallelism(),
      bounds: { maxPixels: maxPixels ?? 100_000_000, memoryBytes: memoryBytes ?? 2 ** 30 },
      timeoutMs: timeoutMs ?? 60_000,
    };
  };
  const queue: Waiting[] = [];
  const idle: BoundChild[] = [];
  const busy = new Set<ChildProcess>();
  let running = 0;
  let closed = false;

  function next(): void {
    while (running < limitsNow().concurrency) {
      const waiting = queue.shift();
      if (!waiting) return;
      running += 1;
      void handle(waiting).finally(() => {
        running -= 1;
        next();
      });
    }
  }

  async function handle({ job, signal, resolve, reject }: Waiting): Promise<void> {
    let child: ChildProcess | undefined;
    const { bounds, timeoutMs } = limitsNow();
    try {
      child = idleChild(bounds) ?? (await newChild(bounds));
      busy.add(child);
      const { result, rss } = await runJob(child, job, { timeoutMs, bounds, signal });
      busy.delete(child);
      // A child that is half full is replaced between jobs rather than in the middle of the next one.
      if (closed || rss > bounds.memoryBytes / 2) child.kill('SIGKILL');
      else idle.push({ child, bounds });
      resolve(result);
    } catch (error) {
      if (child) {
        busy.delete(child);
        if (error instanceof Refused && !closed) idle.push({ child, bounds });
        else child.kill('SIGKILL');
      }
      reject(error instanceof Refused ? new SatchelError(error.code, error.message) : error);
    }
  }

  /** A child keeps the bounds it was started with: one with others is of no use any more. */
  function idleChild(bounds: RenderBounds): ChildProcess | undefined {
    for (let next = idle.pop(); next; next = idle.pop()) {
      const { maxPixels, memoryBytes } = next.bounds;
      if (maxPixels === bounds.maxPixels && memoryBytes === bounds.memoryBytes) return next.child;
      next.child.kill('SIGKILL');
    }
    return undefined;
  }

  async function newChild(bounds: RenderBounds): Promise<ChildProcess> {
    const child = await startChild(childFile, bounds);
    child.once('exit', () => {
      const position = idle.findIndex((entry) => entry.child === child);
      if (position >= 0) idle.splice(position, 1);
    });
    return child;
  }

  function submit(job: RenderJob, signal: AbortSignal | undefined): Promise<InspectedImage | RenderedImage[]> {
    return new Promise((resolve, reject) => {
      if (closed) {
        reject(new SatchelError('STEP_FAILED', 'The renderer was closed.'));
        return;
      }
      queue.push({ job, signal, resolve, reject });
      next();
    });
  }

  return {
    get version() {
      return rendererVersion();
    },
    async render(source, orders, signal) {
      return (await submit({ kind: 'render', source, orders }, signal)) as RenderedImage[];
    },
    async overlay(source, order, signal) {
      const [image] = (await submit({ kind: 'overlay', source, order }, signal)) as RenderedImage[];
      if (!image) throw new SatchelError('STEP_FAILED', 'The render process answered without an image.');
      return image;
    },
    async inspect(source, signal) {
      return (await submit({ kind: 'inspect', source }, signal)) as InspectedImage;
    },
    async close() {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(new SatchelError('STEP_FAILED', 'The renderer was closed.'));
      for (const child of [...idle.splice(0).map((entry) => entry.child), ...busy]) child.kill('SIGKILL');
    },
  };
}

let knownVersion: string | undefined;

/** Loaded when first asked for: most commands render nothing, and the library is 20 MB of native code. */
function rendererVersion(): string {
  if (knownVersion === undefined) {
    const { versions } = createRequire(import.meta.url)('sharp') as typeof sharp;
    knownVersion = `sharp ${versions.sharp}, libvips ${versions.vips}`;
  }
  return knownVersion;
}

/** The child looked at the image and says no; it is fit for the next one. */
class Refused extends Error {
  constructor(
    readonly code: 'IMAGE_UNREADABLE' | 'IMAGE_TOO_LARGE',
    message: string,
  ) {
    super(message);
  }
}

function cancelled(): SatchelError {
  return new SatchelError('CANCELLED', 'Rendering was cancelled.');
}

function startChild(childFile: string, bounds: RenderBounds): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = fork(childFile, [JSON.stringify(bounds)], {
      // No secrets of the parent's environment; these two are what programs need to start and to find a temp folder.
      env: Object.fromEntries(['PATH', 'SYSTEMROOT', 'TMPDIR', 'TEMP'].map((name) => [name, process.env[name]])),
      execArgv: ['--max-old-space-size=128'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const failed = (reason: string, cause?: unknown) =>
      reject(new SatchelError('STEP_FAILED', `The render process ${childFile} does not start: ${reason}.`, { cause }));
    const onExit = (code: number | null, signal: string | null) => failed(signal ?? `exit code ${String(code)}`);
    child.once('exit', onExit);
    child.once('error', (error) => failed(error.message, error));
    child.once('message', () => {
      child.off('exit', onExit);
      // Idle children keep nobody's process alive; while a job runs its timer does.
      child.unref();
      child.channel?.unref();
      resolve(child);
    });
  });
}

interface JobOptions {
  readonly timeoutMs: number;
  readonly bounds: RenderBounds;
  readonly signal: AbortSignal | undefined;
}

function runJob(
  child: ChildProcess,
  job: RenderJob,
  { timeoutMs, bounds, signal }: JobOptions,
): Promise<{ result: InspectedImage | RenderedImage[]; rss: number }> {
  return new Promise((resolve, reject) => {
    // While it waited for its turn, or for the child to start.
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onMessage = (reply: RenderReply) => {
      if (reply.kind === 'done') settle(() => resolve(reply));
      else if (reply.kind === 'refused') settle(() => reject(new Refused(reply.code, reply.message)));
    };
    const onExit = (code: number | null, name: string | null) => settle(() => reject(crashed(code, name, bounds)));
    const onAbort = () => settle(() => reject(cancelled()));
    const timer = setTimeout(() => {
      const message = `The image was not rendered within ${timeoutMs / 1000} seconds.`;
      settle(() => reject(new SatchelError('IMAGE_TOO_LARGE', message)));
    }, timeoutMs);
    child.on('message', onMessage);
    child.once('exit', onExit);
    signal?.addEventListener('abort', onAbort, { once: true });
    child.send(job, (error) => {
      // The exit that made sending fail is reported too, and says more.
      if (error && child.exitCode === null && child.signalCode === null) settle(() => reject(error));
    });
  });
}

function crashed(code: number | null, signal: string | null, { memoryBytes }: RenderBounds): SatchelError {
  // SIGKILL that is not ours: the system ran out of memory and chose the child.
  if (code === outOfMemoryExit || signal === 'SIGKILL') {
    return new SatchelError('IMAGE_TOO_LARGE', `The image needs more than ${memoryBytes} bytes of memory to render.`);
  }
  const how = signal ?? `exit code ${String(code)}`;
  return new SatchelError('IMAGE_UNREADABLE', `The image broke the program that reads it (${how}).`);
}
