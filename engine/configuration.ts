/**
 * What an installation may set: `<data>/satchel.json`, and environment variables that win over it. Parsed once, into a
 * type that needs no further checks; everything has a default, so that the file may be missing.
 */
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { z } from 'zod';
import { SatchelError } from '../workflows/contract/errors.js';
import { runModesProblem } from './run-modes.js';

const address = z.string().regex(/^(\[[\da-f:]+\]|[\w.-]+):\d{1,5}$/i, 'must be host:port');
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((url) => url.replace(/\/+$/, ''));

const configurationSchema = z.strictObject({
  temporal: z
    .strictObject({
      /** Of a running Temporal server; without it Satchel starts its own. */
      address: address.optional(),
      namespace: z.string().min(1).default('default'),
      /** Encrypts the connection with the system's certificates, as Temporal Cloud wants it. */
      tls: z.boolean().default(false),
      apiKey: z.string().min(1).optional(),
    })
    .prefault({}),
  mail: z
    .strictObject({
      from: z.email('is not an e-mail address').default('satchel@localhost.localdomain'),
      /** `smtp://user:password@host:587`, `smtps://host:465`; without it the embedded mailbox takes all mail. */
      smtp: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps URL' }).optional(),
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
  /** Folders of plugins; relative ones lie below the data folder. */
  plugins: z.array(z.string().min(1)).default([]),
  /** Folders with `apps/` and `conf/`; relative ones lie below the data folder. */
  overlays: z.array(z.string().min(1)).default([]),
});

export type Configuration = z.output<typeof configurationSchema>;

/** Environment variable → field. Lists of folders are separated like PATH, of names by commas. */
const variables = {
  TEMPORAL_ADDRESS: ['temporal', 'address'],
  TEMPORAL_NAMESPACE: ['temporal', 'namespace'],
  TEMPORAL_API_KEY: ['temporal', 'apiKey'],
  SATCHEL_MAIL_FROM: ['mail', 'from'],
  SATCHEL_SMTP: ['mail', 'smtp'],
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
    if (section === 'runModes') settings[section] = text.split(',').map((name) => name.trim());
    else if (fields.length === 0) {
      settings[section] = text
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => resolve(folder));
    } else {
      settings[section] = withField(settings[section], fields, text);
    }
  }
  const parsed = configurationSchema.safeParse(settings);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      const field = path.join('.') || 'the file';
      return { field, problem: message, source: sources.get(field) ?? file };
    });
    const list = problems.map(({ field, problem, source }) => `${field} (${source}): ${problem}`).join('; ');
    throw new SatchelError('INVALID_CONFIGURATION', `Satchel’s configuration is not valid: ${list}.`, {
      details: { problems },
    });
  }
  const { plugins, overlays, repository, ...rest } = parsed.data;
  const below = (folders: readonly string[]) => folders.map((folder) => resolve(dataFolder, folder));
  return {
    ...rest,
    repository: { ...repository, blobs: resolve(dataFolder, repository.blobs) },
    plugins: below(plugins),
    overlays: below(overlays),
  };
}

/** The object, or a new one, with a field set at any depth. */
function withField(existing: unknown, [field, ...deeper]: readonly string[], text: string): unknown {
  if (field === undefined) return text;
  const object = typeof existing === 'object' && existing !== null ? (existing as Record<string, unknown>) : {};
  return { ...object, [field]: withField(object[field], deeper, text) };
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
