/**
 * The embedded mailbox: a real SMTP server on the loopback address that keeps every mail as an `.eml` file. A mail that
 * was answered with 250 is on disk. Reading needs only the folder, not the server.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AddressInfo } from 'node:net';
import type { Address } from 'postal-mime';
import type { SMTPServerDataStream } from 'smtp-server';

const maxMessageBytes = 16 * 1024 * 1024;
/** Read of every file for a list; headers beyond it are not shown. */
const maxHeaderBytes = 64 * 1024;
const mailFile = /^([0-9a-z]{9}-[0-9a-z]{4}-[0-9a-f]{8})\.eml$/;

export interface MailboxEntry {
  readonly id: string;
  /** Path of the `.eml` file. */
  readonly file: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** With angle brackets; empty when the mail has none. */
  readonly messageId: string;
  /** ISO 8601, UTC: when the server took it. */
  readonly received: string;
  readonly bytes: number;
}

export interface MailboxMail extends MailboxEntry {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly html: string | undefined;
  readonly text: string | undefined;
  readonly raw: Uint8Array;
}

export interface EmbeddedMailbox {
  readonly host: string;
  readonly port: number;
  list(options?: { readonly limit?: number }): Promise<MailboxEntry[]>;
  read(id: string): Promise<MailboxMail | undefined>;
  close(): Promise<void>;
}

export interface MailboxOptions {
  /** Made when missing. */
  readonly folder: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Hears of connections that broke and mails that could not be kept. */
  readonly onProblem?: (error: Error) => void;
}

export async function createMailbox({ folder, port = 0, onProblem }: MailboxOptions): Promise<EmbeddedMailbox> {
  const host = '127.0.0.1';
  await mkdir(folder, { recursive: true });
  // What a crash left half written was never answered with 250.
  for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name));
  const nextId = createIdSource();
  const { SMTPServer } = await import('smtp-server');
  const server = new SMTPServer({
    name: 'satchel-mailbox',
    banner: 'Satchel embedded mailbox',
    size: maxMessageBytes,
    // Only this machine reaches it, and it hands nothing on.
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 500,
    onData: (stream, _session, callback) => {
      keepMessage(folder, nextId(), stream).then(
        (id) => callback(null, `Kept as ${id}`),
        (error: unknown) => {
          const problem = error instanceof Error ? error : new Error(String(error));
          onProblem?.(problem);
          callback(problem);
        },
      );
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error: Error) => onProblem?.(error));
  const { port: boundPort } = server.server.address() as AddressInfo;
  return {
    host,
    port: boundPort,
    list: (options) => listMailbox(folder, options),
    read: (id) => readMailboxMail(folder, id),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Newest first. An empty list for a folder that does not exist. */
export async function listMailbox(
  folder: string,
  { limit = 200 }: { readonly limit?: number } = {},
): Promise<MailboxEntry[]> {
  const entries: MailboxEntry[] = [];
  for (const id of (await mailIds(folder)).toReversed().slice(0, limit)) {
    const entry = await readEntry(folder, id);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** `undefined` when there is no such mail. */
export async function readMailboxMail(folder: string, id: string): Promise<MailboxMail | undefined> {
  const entry = mailFile.test(`${id}.eml`) ? await readEntry(folder, id) : undefined;
  if (!entry) return undefined;
  const raw = await readFile(entry.file);
  const { headers, html, text } = await parseMail(raw);
  return {
    ...entry,
    headers: headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
    html,
    text,
    raw,
  };
}

async function mailIds(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names.flatMap((name) => mailFile.exec(name)?.[1] ?? []).sort();
}

async function readEntry(folder: string, id: string): Promise<MailboxEntry | undefined> {
  const file = join(folder, `${id}.eml`);
  try {
    const { size } = await stat(file);
    const { from, to = [], subject = '', messageId = '' } = await parseMail(await readHeaders(file));
    return {
      id,
      file,
      from: addressesOf(from ? [from] : [])[0] ?? '',
      to: addressesOf(to),
      subject,
      messageId,
      received: new Date(Number.parseInt(id.slice(0, 9), 36)).toISOString(),
      bytes: size,
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readHeaders(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxHeaderBytes), 0, maxHeaderBytes, 0);
    const end = buffer.subarray(0, bytesRead).indexOf('\r\n\r\n');
    return buffer.subarray(0, end < 0 ? bytesRead : end + 4);
  } finally {
    await handle.close();
  }
}

/** A message as people read it, within bounds. */
export async function parseMail(raw: Uint8Array) {
  const { default: PostalMime } = await import('postal-mime');
  return PostalMime.parse(raw, {
    maxNestingDepth: 20,
    maxHeadersSize: maxHeaderBytes * 4,
    forceRfc822Attachments: true,
  });
}

function addressesOf(addresses: readonly Address[]): string[] {
  return addresses.flatMap((entry) => (entry.group ?? [entry]).map(({ address }) => address));
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Ids sort by the time of arrival: milliseconds, a counter within the process, and chance between processes. */
function createIdSource(): () => string {
  let last = 0;
  let counter = 0;
  return () => {
    const now = Math.max(last, Date.now());
    counter = now === last ? counter + 1 : 0;
    last = now;
    const time = now.toString(36).padStart(9, '0');
    return `${time}-${counter.toString(36).padStart(4, '0')}-${randomBytes(4).toString('hex')}`;
  };
}

/** Writes to a temporary name, forces it to disk, and only then gives it its name. */
async function keepMessage(folder: string, id: string, stream: SMTPServerDataStream): Promise<string> {
  const part = join(folder, `${id}.part`);
  try {
    await pipeline(stream, createWriteStream(part, { flags: 'wx', flush: true }));
    if (stream.sizeExceeded) {
      throw Object.assign(new Error(`Messages of more than ${maxMessageBytes} bytes are not kept`), {
        responseCode: 552,
      });
    }
    await rename(part, join(folder, `${id}.eml`));
    await syncFolder(folder);
    return id;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Makes the new name itself durable. */
async function syncFolder(folder: string): Promise<void> {
  // Windows has no handles of folders, and keeps names without being asked.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
