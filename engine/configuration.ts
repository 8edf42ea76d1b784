/**
 * What an installation may set: `<data>/satchel.json`, and environment variables that win over it. Parsed once, into a
 * type that needs no further checks; everything has a default, so that the file may be missing.
 */
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { z } from 'zod';
import { SatchelError } from '../workflows/contract/errors.js';
import { runModesProblem } from './run-modes.js';
import { parseEncryptionKeys, type EncryptionKey } from './temporal/encryption-key.js';

const address = z.string().regex(/^(\[[\da-f:]+\]|[\w.-]+):\d{1,5}$/i, 'must be host:port');
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((url) => url.replace(/\/+$/, ''));

const encryptionKeys = z.string().transform((text, context) => {
  const keys = parseEncryptionKeys(text);
  if (typeof keys !== 'string') return keys;
  context.addIssue({ code: 'custom', message: keys });
  return z.NEVER;
});

/** `light`: workflows and most steps; `heavy`: steps that take much CPU. */
const queues = ['light', 'heavy'] as const;
export type Queue = (typeof queues)[number];

const dkimKey = z.strictObject({
  /** Mails from senders of this domain, and of those below it, are signed. */
  domain: z.string().regex(/^[^\s@/]+\.[^\s@/]+$/, 'must be a domain'),
  selector: z.string().regex(/^[\w-]+(\.[\w-]+)*$/, 'must be a selector: the name before ._domainkey'),
  /** File with an RSA key (PEM); relative ones lie below the data folder. */
  keyFile: z.string().min(1),
});

const configurationSchema = z.strictObject({
  /** `production`: mail without a mail server is an error, rather than kept in the embedded mailbox. */
  mode: z.enum(['development', 'production'], 'must be development or production').default('development'),
  temporal: z
    .strictObject({
      /** Of a running Temporal server; without it Satchel starts its own. */
      address: address.optional(),
      namespace: z.string().min(1).default('default'),
      /** Encrypts the connection with the system's certificates, as Temporal Cloud wants it. */
      tls: z.boolean().default(false),
      apiKey: z.string().min(1).optional(),
      /** Encrypts what Temporal keeps: keys of 32 bytes in Base64, separated by commas; the first encrypts, all decrypt. */
      encryptionKey: encryptionKeys.optional(),
      /** A file that holds such keys, one a line; relative ones lie below the data folder. */
      encryptionKeyFile: z.string().min(1).optional(),
    })
    .prefault({}),
  worker: z
    .strictObject({
      /** What this process works on. One queue only where several processes share repository and Temporal. */
      queues: z
        .array(z.enum(queues))
        .min(1, 'must name a queue')
        .default([...queues]),
      /** Steps at once; default: by the number of CPUs (engine/worker.ts). */
      lightSteps: z.coerce.number().int().min(1).max(1000).optional(),
      heavySteps: z.coerce.number().int().min(1).max(1000).optional(),
      /** Seconds that running steps have to end when the process is asked to; then they are handed back. */
      drainSeconds: z.coerce.number().min(0).max(3600).default(5),
    })
    .prefault({}),
  mail: z
    .strictObject({
      from: z.email('is not an e-mail address').default('satchel@localhost.localdomain'),
      /** `smtp://user:password@host:587`, `smtps://host:465`; without it the embedded mailbox takes all mail. */
      smtp: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps URL' }).optional(),
      /** Where it is not to stand in the URL. */
      password: z.string().min(1).optional(),
      /** Of an `smtp` URL. Default: `required` (STARTTLS) with a user, else `opportunistic`. */
      tls: z.enum(['required', 'opportunistic', 'none'], 'must be required, opportunistic or none').optional(),
      /** Certificates (PEM) to trust instead of the system's; relative ones lie below the data folder. */
      caFile: z.string().min(1).optional(),
      /** Lets a password go over a connection that may not be encrypted. */
      allowPlainLogin: z.stringbool().or(z.boolean()).default(false),
      /** One key, or one for each domain that mails come from. */
      dkim: z
        .union([dkimKey, z.array(dkimKey).max(100)])
        .transform((keys) => (Array.isArray(keys) ? keys : [keys]))
        .optional(),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      /** 0: any free port. */
      port: z.coerce.number().int().min(0).max(65_535).default(0),
      /** Base URL people reach this instance by, where it differs from host and port. Kept without a trailing slash. */
      externalUrl: httpUrl.optional(),
    })
    .prefault({}),
  maintenance: z
    .strictObject({
      /** Hours between two collections of unreferenced blobs while Satchel runs; 0: never. */
      collectEveryHours: z.coerce.number().min(0).max(8760).default(24),
      /** Hours for which bytes stay that nothing refers to. */
      graceHours: z.coerce.number().min(1).max(8760).default(24),
      /** Hours between two trims of the journal while Satchel runs; 0: never. */
      trimEveryHours: z.coerce.number().min(0).max(8760).default(24),
      /** Days for which commits stay in the journal at least. */
      journalDays: z.coerce.number().min(1).max(3650).default(7),
      /** Commits that stay at least, however old. */
      journalCommits: z.coerce.number().int().min(0).max(1e12).default(10_000),
      /** Days after which a cursor that nobody moves holds the journal no longer; 0: never. */
      cursorDays: z.coerce.number().min(0).max(3650).default(30),
    })
    .prefault({}),
  repository: z
    .strictObject({
      /** Nodes in a PostgreSQL database; without it they lie in the data folder. */
      postgres: z
        .strictObject({
          url: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres URL' }),
          schema: z.string().min(1).max(50).optional(),
          poolSize: z.coerce.number().int().min(2).max(500).optional(),
        })
        .optional(),
      /** Folder of the blobs: processes of several machines need one that all of them share. Relative ones lie below the data folder. */
      blobs: z.string().min(1).default('blobs'),
      /** Blobs in a bucket of an S3 server, instead of in a folder. */
      s3: z
        .strictObject({
          bucket: z.string().min(1),
          region: z.string().min(1).default('us-east-1'),
          /** Of a server that is not Amazon's. */
          endpoint: httpUrl.optional(),
          /** Of the keys of all objects, for several repositories in one bucket. */
          prefix: z.string().min(1).optional(),
          /** The bucket in the path rather than in the host's name; default: where there is an endpoint. */
          forcePathStyle: z.boolean().optional(),
          /** Both or none; without them the AWS SDK looks for credentials as it does everywhere. */
          accessKeyId: z.string().min(1).optional(),
          secretAccessKey: z.string().min(1).optional(),
        })
        .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
          error: 'needs both accessKeyId and secretAccessKey, or none of them',
        })
        .optional(),
    })
    .prefault({}),
  /** `author` or `publish`, and others of the deployment's own; default `author`. */
  runModes: z
    .array(z.string())
    .superRefine((names, context) => {
      const problem = runModesProblem(names);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .default([]),
  /** What placeholders of OSGi configurations may stand for. */
  osgi: z
    .strictObject({
      /** Names of environment variables. */
      env: z.array(z.string().regex(/^[A-Za-z_][\w.-]{0,199}$/, 'must be names of variables')).default([]),
      /** Folder with a file for each secret; relative ones lie below the data folder. */
      secrets: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Names of what is switched on, for launchers that go by them. */
  features: z.array(z.string().regex(/^[\w.-]{1,100}$/, 'must be letters, digits, ".", "_" and "-"')).default([]),
  /** Folders of plugins; relative ones lie below the data folder. */
  plugins: z.array(z.string().min(1)).default([]),
  /** Folders with `apps/` and `conf/`; relative ones lie below the data folder. */
  overlays: z.array(z.string().min(1)).default([]),
});

export type Configuration = z.output<typeof configurationSchema>;

/** Environment variable → field. Lists of folders are separated like PATH, of names by commas. */
const variables = {
  SATCHEL_ENV: ['mode'],
  TEMPORAL_ADDRESS: ['temporal', 'address'],
  TEMPORAL_NAMESPACE: ['temporal', 'namespace'],
  TEMPORAL_API_KEY: ['temporal', 'apiKey'],
  SATCHEL_TEMPORAL_ENCRYPTION_KEY: ['temporal', 'encryptionKey'],
  SATCHEL_TEMPORAL_ENCRYPTION_KEY_FILE: ['temporal', 'encryptionKeyFile'],
  SATCHEL_WORKER_QUEUES: ['worker', 'queues'],
  SATCHEL_WORKER_LIGHT_STEPS: ['worker', 'lightSteps'],
  SATCHEL_WORKER_HEAVY_STEPS: ['worker', 'heavySteps'],
  SATCHEL_WORKER_DRAIN_SECONDS: ['worker', 'drainSeconds'],
  SATCHEL_MAIL_FROM: ['mail', 'from'],
  SATCHEL_SMTP: ['mail', 'smtp'],
  SATCHEL_SMTP_PASSWORD: ['mail', 'password'],
  SATCHEL_SMTP_TLS: ['mail', 'tls'],
  SATCHEL_SMTP_CA_FILE: ['mail', 'caFile'],
  SATCHEL_SMTP_ALLOW_PLAIN_LOGIN: ['mail', 'allowPlainLogin'],
  SATCHEL_DKIM_DOMAIN: ['mail', 'dkim', 'domain'],
  SATCHEL_DKIM_SELECTOR: ['mail', 'dkim', 'selector'],
  SATCHEL_DKIM_KEY_FILE: ['mail', 'dkim', 'keyFile'],
  SATCHEL_HTTP_HOST: ['http', 'host'],
  SATCHEL_HTTP_PORT: ['http', 'port'],
  SATCHEL_EXTERNAL_URL: ['http', 'externalUrl'],
  SATCHEL_COLLECT_EVERY_HOURS: ['maintenance', 'collectEveryHours'],
  SATCHEL_GRACE_HOURS: ['maintenance', 'graceHours'],
  SATCHEL_TRIM_EVERY_HOURS: ['maintenance', 'trimEveryHours'],
  SATCHEL_JOURNAL_DAYS: ['maintenance', 'journalDays'],
  SATCHEL_JOURNAL_COMMITS: ['maintenance', 'journalCommits'],
  SATCHEL_CURSOR_DAYS: ['maintenance', 'cursorDays'],
  SATCHEL_POSTGRES_URL: ['repository', 'postgres', 'url'],
  SATCHEL_POSTGRES_SCHEMA: ['repository', 'postgres', 'schema'],
  SATCHEL_POSTGRES_POOL_SIZE: ['repository', 'postgres', 'poolSize'],
  SATCHEL_BLOBS: ['repository', 'blobs'],
  SATCHEL_S3_BUCKET: ['repository', 's3', 'bucket'],
  SATCHEL_S3_REGION: ['repository', 's3', 'region'],
  SATCHEL_S3_ENDPOINT: ['repository', 's3', 'endpoint'],
  SATCHEL_S3_PREFIX: ['repository', 's3', 'prefix'],
  SATCHEL_S3_ACCESS_KEY_ID: ['repository', 's3', 'accessKeyId'],
  SATCHEL_S3_SECRET_ACCESS_KEY: ['repository', 's3', 'secretAccessKey'],
  SATCHEL_RUN_MODES: ['runModes'],
  SATCHEL_FEATURES: ['features'],
  SATCHEL_OSGI_ENV: ['osgi', 'env'],
  SATCHEL_OSGI_SECRETS: ['osgi', 'secrets'],
  SATCHEL_PLUGINS: ['plugins'],
  SATCHEL_OVERLAYS: ['overlays'],
} as const;

/** @throws SatchelError INVALID_CONFIGURATION naming every field that is wrong, and the file or variable it is in */
export async function readConfiguration(
  dataFolder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Configuration> {
  const file = join(dataFolder, 'satchel.json');
  const settings = await readSettings(file);
  const sources = new Map<string, string>();
  for (const [variable, path] of Object.entries(variables)) {
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    sources.set(path.join('.'), variable);
    const [section, ...fields] = path;
    if (section === 'mode') settings[section] = text;
    else if (section === 'runModes' || section === 'features') settings[section] = namesIn(text);
    else if (fields.length === 0) {
      settings[section] = text
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => resolve(folder));
    } else {
      const value = variable === 'SATCHEL_WORKER_QUEUES' || variable === 'SATCHEL_OSGI_ENV' ? namesIn(text) : text;
      settings[section] = withField(settings[section], fields, value);
    }
  }
  const parsed = configurationSchema.safeParse(settings);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({
      field: path.join('.') || 'the file',
      problem: message,
    }));
    throw invalid(problems);
  }
  const { plugins, overlays, repository, temporal, worker, osgi, ...rest } = parsed.data;
  const alone = aloneProblem(parsed.data);
  if (worker.queues.length < queues.length && alone !== undefined) {
    throw invalid([
      { field: 'worker.queues', problem: `a process of one queue shares its work with others: ${alone}` },
    ]);
  }
  const encryptionKey = [...(temporal.encryptionKey ?? []), ...(await keysInFile())];
  const below = (folders: readonly string[]) => folders.map((folder) => resolve(dataFolder, folder));
  return {
    ...rest,
    worker: { ...worker, queues: [...new Set(worker.queues)] },
    temporal: { ...temporal, ...(encryptionKey.length > 0 && { encryptionKey }) },
    repository: { ...repository, blobs: resolve(dataFolder, repository.blobs) },
    osgi: { ...osgi, ...(osgi.secrets !== undefined && { secrets: resolve(dataFolder, osgi.secrets) }) },
    plugins: below(plugins),
    overlays: below(overlays),
  };

  function invalid(problems: readonly { readonly field: string; readonly problem: string }[]): SatchelError {
    const named = problems.map((one) => ({ ...one, source: sources.get(one.field) ?? file }));
    const list = named.map(({ field, problem, source }) => `${field} (${source}): ${problem}`).join('; ');
    return new SatchelError('INVALID_CONFIGURATION', `Satchel’s configuration is not valid: ${list}.`, {
      details: { problems: named },
    });
  }

  async function keysInFile(): Promise<readonly EncryptionKey[]> {
    const { encryptionKeyFile } = temporal;
    if (encryptionKeyFile === undefined) return [];
    const keyFile = resolve(dataFolder, encryptionKeyFile);
    const problem = (text: string) => invalid([{ field: 'temporal.encryptionKeyFile', problem: `${keyFile} ${text}` }]);
    const content = await readFile(keyFile, 'utf8').catch((error: unknown) => {
      throw problem(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    });
    const keys = parseEncryptionKeys(content);
    if (typeof keys === 'string') throw problem(keys);
    return keys;
  }
}

/** @returns what keeps a process from sharing its work with other processes, or `undefined` */
export function aloneProblem({
  repository,
  temporal,
}: Pick<Configuration, 'repository' | 'temporal'>): string | undefined {
  if (repository.postgres === undefined) {
    return 'that needs nodes in PostgreSQL (repository.postgres.url); a LevelDB belongs to one process';
  }
  if (temporal.address === undefined) {
    return 'that needs a Temporal server for all of them (temporal.address); one that Satchel starts belongs to one process';
  }
  return undefined;
}

function namesIn(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** The object, or a new one, with a field set at any depth. */
function withField(existing: unknown, [field, ...deeper]: readonly string[], value: unknown): unknown {
  if (field === undefined) return value;
  const object = typeof existing === 'object' && existing !== null ? (existing as Record<string, unknown>) : {};
  return { ...object, [field]: withField(object[field], deeper, value) };
}

async function readSettings(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{}';
    throw new SatchelError('INVALID_CONFIGURATION', `${file} cannot be read: ${String(error)}.`, { cause: error });
  });
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    const problem = error instanceof SyntaxError ? error.message : 'it must be a JSON object';
    throw new SatchelError('INVALID_CONFIGURATION', `${file} does not parse: ${problem}.`, { cause: error });
  }
}
