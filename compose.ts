/** The one place that builds concrete adapters and hands them down; everything else takes what it needs as arguments. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { deliverStep } from './activities/dam/deliver.js';
import { generateRenditionsStep } from './activities/dam/generate-renditions.js';
import { packageStep } from './activities/dam/package.js';
import { planDownloadStep } from './activities/dam/plan-download.js';
import { renderStep } from './activities/dam/render.js';
import type { StepServices } from './activities/define-step.js';
import { createMailer } from './activities/mail/create-mailer.js';
import { createMailboxTransport } from './activities/mail/mailbox-transport.js';
import type { Mailer } from './activities/mail/mailer.js';
import type { SmtpOptions } from './activities/mail/smtp-transport.js';
import type { MailTransport } from './activities/mail/transport.js';
import { emailStep } from './activities/notify/email.js';
import { bootstrapRepository } from './activities/satchel/bootstrap-repository.js';
import { createStepRegistry, type StepRegistry } from './activities/registry.js';
import { createRenderer, type RenderLimits } from './dam/rendering/create-renderer.js';
import type { TrialOptions } from './engine/simulation/open-trial.js';
import { settingsRule } from './dam/settings/check-settings.js';
import {
  mailConnections,
  mailKeepDays,
  mailsPerSecond,
  querySorts,
  queryVisits,
  renderMemory,
  renderPixels,
  renderProcesses,
  renderSeconds,
} from './dam/settings/definitions.js';
import { followInstallationSettings, type InstallationSettings } from './dam/settings/installation-settings.js';
import { createSettings, type Settings } from './dam/settings/settings.js';
import type { Engine } from './engine/api.js';
import { aloneProblem, readConfiguration, type Configuration } from './engine/configuration.js';
import { collectRegularly } from './engine/collect-regularly.js';
import { readConfigurationOverrides } from './engine/configuration-overrides.js';
import { createContentKeeper, type ContentKeeper } from './engine/content-keeper.js';
import { contentMounts } from './engine/content-mounts.js';
import { expireRegularly } from './engine/expire-regularly.js';
import { launcherRule } from './engine/check-launchers-content.js';
import { createEngine } from './engine/create-engine.js';
import { externalUrl } from './engine/external-url.js';
import { createLaunchers, type Launchers } from './engine/launchers/launchers.js';
import { commonServerOptions, configuredServer, configuredSigner } from './engine/mail-server.js';
import { createMailServiceTransport, mailServer } from './engine/mail-service-transport.js';
import { createPlaceholders } from './engine/osgi-placeholders.js';
import { createOsgiConfigurations, type OsgiConfigurations } from './engine/osgi-configurations.js';
import { externalizerPid, mailServicePid } from './engine/osgi-mappings.js';
import { modelRule } from './engine/models/model-rule.js';
import { chooseRunModes, type RunModes } from './engine/run-modes.js';
import { choosePort } from './engine/choose-port.js';
import { sweepMails } from './engine/sweep-mails.js';
import { purgeRegularly } from './engine/purge-regularly.js';
import { trimRegularly } from './engine/trim-regularly.js';
import { watchPlugins } from './engine/watch-plugins.js';
import { pluginFolder, pluginFolders } from './engine/discover-plugins.js';
import { loadPlugin, registerPlugin, type LoadedPlugin } from './engine/plugins.js';
import { packageRoot } from './package-root.js';
import type { Repository } from './repository/api.js';
import type { ContentImportReport } from './repository/content/import-content-folder.js';
import type { OverlayResolver } from './repository/overlay/api.js';
import { createOverlayResolver } from './repository/overlay/resolver.js';
import { updateIndexes } from './repository/query/shipped-indexes.js';
import {
  openRepository,
  type QueryLimits,
  type RepositoryOptions,
  type RepositoryStores,
} from './repository/repository.js';
import type { BlobStore, NodeStore } from './repository/store/contract.js';
import { formatPackageId } from './repository/vault/package-id.js';
import { recoverPackages } from './repository/vault/recover-packages.js';
import { createFilesystemBlobStore } from './repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from './repository/store/level/level-node-store.js';
import type { SatchelServer } from './server/create-server.js';
import { SatchelError } from './workflows/contract/errors.js';

export interface SatchelOptions {
  /** Made when missing. */
  readonly dataFolder: string;
  /** `dev` also loads steps again when their files change; `worker` only works on workflows, beside other processes. */
  readonly mode: 'command' | 'start' | 'dev' | 'worker';
  /** Of steps this process works on, over the configuration. */
  readonly queues?: Configuration['worker']['queues'];
  /** Starts working at once, rather than with `ensureWorking`. */
  readonly work: boolean;
  /** Over the configuration. */
  readonly runModes?: readonly string[];
  /** Port of the web pages, over the configuration. */
  readonly httpPort?: number;
  readonly log: Logger;
}

export interface Satchel {
  readonly dataFolder: string;
  readonly configuration: Configuration;
  readonly repository: Repository;
  /** What the repository lies in: for maintenance, which works below sessions. */
  readonly stores: RepositoryStores;
  readonly overlay: OverlayResolver;
  readonly settings: Settings;
  readonly runModes: RunModes;
  readonly osgi: OsgiConfigurations;
  readonly mailer: Mailer;
  /** Base URL people reach this instance by. */
  readonly externalUrl: () => Promise<string>;
  readonly engine: Engine;
  readonly launchers: Launchers;
  readonly registry: StepRegistry;
  readonly plugins: readonly LoadedPlugin[];
  /** Changes content in its file where it has one, else in the repository. */
  readonly content: Pick<ContentKeeper, 'change'>;
  /** What the import of the content folders at the start did, and what was wrong with them. */
  readonly contentReports: readonly ContentImportReport[];
  /** The embedded mailbox, where no mail server is configured. */
  readonly mailbox: { readonly folder: string } | undefined;
  /** Web pages, while this process works. */
  readonly server: SatchelServer | undefined;
  /** Starts Temporal, the worker and the web pages where they are not running yet. */
  ensureWorking(): Promise<void>;
  close(): Promise<void>;
}

const builtInSteps = [planDownloadStep, renderStep, packageStep, deliverStep, generateRenditionsStep, emailStep];

/**
 * Opens a data folder as its owner: repository, content, plugins, and an engine at rest.
 * @throws RepositoryError STORE_LOCKED when another process has it open; SatchelError DATA_FOLDER, INVALID_CONFIGURATION,
 * PLUGIN_NOT_LOADED, DUPLICATE_STEP
 */
export async function openSatchel(options: SatchelOptions): Promise<Satchel> {
  const { dataFolder, mode, log } = options;
  // What was opened so far, to be closed in the opposite order.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    await makeDataFolder(dataFolder);
    const configuration = configurationOf(await readConfiguration(dataFolder), options);
    const runModes = chooseRunModes(options.runModes, configuration.runModes);
    const stores = await openStoresIn(dataFolder, configuration.repository);
    const followed: { installation?: InstallationSettings } = {};
    const queryLimits = (): QueryLimits => {
      const { installation } = followed;
      if (!installation) return {};
      return { maxVisitedNodes: installation.value(queryVisits), maxSortedEntries: installation.value(querySorts) };
    };
    const repository = await openRepositoryOver(stores, {
      queries: queryLimits,
      contentRules: [settingsRule, modelRule, launcherRule],
    });
    opened.push(() => repository.close());
    await bootstrapRepository(repository);
    await updateShippedIndexes(repository, log);
    const alone = configuration.repository.postgres === undefined;
    for (const { id, was, state } of await recoverPackages(repository, alone)) {
      const outcome = state === 'running' ? 'another process may be at it' : 'the content is as it was before';
      log.warn({ package: formatPackageId(id) }, `${was} the package was interrupted: ${outcome}`);
    }
    repository.indexer.start((error) => log.error({ err: error }, 'indexes are not being built'));

    const registry = createStepRegistry();
    for (const step of builtInSteps) registry.register(step, `activities/${step.id}.ts`);
    const places = pluginFolders(dataFolder, packageRoot);
    const plugins = await Promise.all(
      configuration.plugins.map(async (named) => loadPlugin(pluginFolder(named, places))),
    );
    for (const plugin of plugins) registerPlugin(registry, plugin);

    const overlay = createOverlayResolver({
      repository,
      overrides: readConfigurationOverrides(process.env),
    });
    const placeholders = createPlaceholders(configuration.osgi, process.env);
    const osgi = createOsgiConfigurations({
      repository,
      placeholders,
      runModes: runModes.names,
      overruled: overruledConfigurations(configuration),
      log,
    });
    const settings = createSettings({ overlay, deployment: osgi.settingValue });
    const overlays = [...configuration.overlays, ...plugins.flatMap((plugin) => plugin.overlays)];
    const pluginContent = plugins.flatMap((plugin) => plugin.mounts);
    const mounts = contentMounts(packageRoot, overlays, pluginContent);
    const content = createContentKeeper({ repository, overlay, registry, placeholders, mounts, log });
    opened.push(() => content.close());
    const reports = await content.importAll();

    const installation = await followInstallationSettings({
      repository,
      settings,
      onProblem: (error, name) => log.error({ err: error, setting: name }, 'a setting is wrong; its last value stays'),
    });
    opened.push(() => installation.close());
    followed.installation = installation;
    const renderer = createRenderer({
      childFile: path.join(packageRoot, 'dist', 'dam', 'rendering', 'render-child.js'),
      limits: () => renderLimits(installation),
    });
    opened.push(() => renderer.close());
    const mailFolder = path.join(dataFolder, 'mail');
    const ownServer = configuredServer(configuration.mail);
    const common = {
      ...(await commonServerOptions(dataFolder, configuration.mail)),
      connections: () => installation.value(mailConnections),
      messagesPerSecond: () => installation.value(mailsPerSecond),
    };
    const hasMailbox = ownServer === undefined && configuration.mode === 'development';
    const transport = ownServer
      ? await openSmtp({ ...common, ...ownServer })
      : createMailServiceTransport({
          server: async () => mailServer(osgi),
          open: async (server) => openSmtp({ ...common, ...server }),
          otherwise: hasMailbox ? createMailboxTransport({ folder: mailFolder }) : undefined,
        });
    opened.push(() => transport.close());
    const mailer = createMailer({
      overlay,
      settings,
      transport,
      from: configuration.mail.from,
      externalUrl: () => urlForPeople(),
      sign: await configuredSigner(dataFolder, configuration.mail),
      parallel: () => installation.value(mailConnections),
      alone,
      onFallback: (alert) => log.error(alert, 'a template does not render: mails go out with another version of it'),
    });

    const httpPort = await choosePort(dataFolder, options.httpPort ?? configuration.http.port);
    const ownUrl = configuration.http.externalUrl ?? `http://127.0.0.1:${httpPort}`;
    const urlForPeople = async () => externalUrl(osgi, ownUrl);
    const temporaryFolder = path.join(dataFolder, 'tmp');
    await makeEmptyFolder(temporaryFolder);
    const services: StepServices = {
      repository,
      blobs: repository.blobs,
      overlay,
      settings,
      renderer,
      mailer,
      externalUrl: urlForPeople,
      temporaryFolder,
    };
    const servicesOver: TrialOptions['servicesOver'] = (over, trialTransport, folder) => {
      const resolver = createOverlayResolver({ repository: over, overrides: readConfigurationOverrides(process.env) });
      const resolved = createSettings({ overlay: resolver, deployment: osgi.settingValue });
      return {
        ...services,
        repository: over,
        blobs: over.blobs,
        overlay: resolver,
        settings: resolved,
        mailer: createMailer({
          overlay: resolver,
          settings: resolved,
          transport: trialTransport,
          from: configuration.mail.from,
        }),
        temporaryFolder: folder,
      };
    };
    const engine = createEngine({
      dataFolder,
      configuration: configuration.temporal,
      worker: configuration.worker,
      registry,
      services,
      trial: { stores, servicesOver, temporaryFolder, repositoryOptions: { queries: queryLimits } },
      log,
    });
    opened.push(() => engine.close());
    const launchers = createLaunchers({
      services,
      registry,
      conditions: { runModes: runModes.names, features: configuration.features },
    });

    let server: SatchelServer | undefined;
    let working: Promise<void> | undefined;
    const mailbox = hasMailbox ? { folder: mailFolder } : undefined;
    const startWorking = async () => {
      if (mode === 'worker') return engine.start();
      // Loaded only by processes that work: most commands are over sooner.
      const { createServer } = await import('./server/create-server.js');
      const started = await createServer(
        { repository, overlay, settings, engine, mailboxFolder: mailbox?.folder, dataFolder, log },
        {
          host: configuration.http.host,
          port: httpPort,
          externalUrl: await urlForPeople(),
          otherUrls: async () => [await urlForPeople()],
        },
      );
      opened.push(() => started.close());
      server = started;
      // A server of its own is worth waiting for; another one may be away for hours, and requests wait for it.
      await engine.start({ wait: configuration.temporal.address === undefined });
      if (mode !== 'command') {
        void verifyMail(mailer, transport, log);
        const sweeping = sweepMails({ repository, keepDays: () => installation.value(mailKeepDays), log });
        opened.push(() => sweeping.close());
        const collecting = collectRegularly({ stores, configuration: configuration.maintenance, log });
        opened.push(() => collecting.close());
        const expiring = expireRegularly({ repository, log });
        opened.push(() => expiring.close());
        const purging = purgeRegularly({ services, log });
        opened.push(() => purging.close());
        const trimming = trimRegularly({ stores, configuration: configuration.maintenance, log });
        opened.push(() => trimming.close());
        const launching = launchers.follow({ onLaunched: () => engine.wake(), log });
        opened.push(() => launching.close());
        await content.watch();
      }
    };
    const satchel: Satchel = {
      dataFolder,
      configuration,
      repository,
      stores,
      overlay,
      settings,
      runModes,
      osgi,
      mailer,
      externalUrl: urlForPeople,
      engine,
      launchers,
      registry,
      plugins,
      content,
      contentReports: reports,
      mailbox,
      get server() {
        return server;
      },
      ensureWorking: () => (working ??= startWorking()),
      close: closeAll,
    };
    if (mode === 'dev') {
      const watching = watchPlugins({ plugins, registry, log });
      opened.push(() => watching.close());
      await watching.ready;
    }
    if (options.work) await satchel.ensureWorking();
    return satchel;
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** @throws SatchelError INVALID_CONFIGURATION for a worker that could share its work with nobody */
function configurationOf(configuration: Configuration, { mode, queues }: SatchelOptions): Configuration {
  if (mode !== 'worker') return configuration;
  const problem = aloneProblem(configuration);
  if (problem !== undefined)
    throw new SatchelError('INVALID_CONFIGURATION', `A worker of its own works beside others: ${problem}.`);
  return queues ? { ...configuration, worker: { ...configuration.worker, queues } } : configuration;
}

/** What was changed or removed here stays so, and is said. */
async function updateShippedIndexes(repository: Repository, log: Logger): Promise<void> {
  const { added, changed, kept } = await updateIndexes(repository);
  if (added.length + changed.length > 0) log.info({ added, changed }, 'indexes of this version are being built');
  if (kept.length > 0)
    log.warn({ kept }, 'indexes below /oak:index differ from those of this version, and stay as they are');
}

async function makeDataFolder(dataFolder: string): Promise<void> {
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError('DATA_FOLDER', `The data folder "${dataFolder}" cannot be used: ${reason}.`, { cause });
  }
}

/** What a killed owner left in it is nobody's: there is one owner at a time. */
async function makeEmptyFolder(folder: string): Promise<void> {
  // A render process of the killed owner may be about to end.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await mkdir(folder);
}

/**
 * @param settings which stores, and where
 * @throws RepositoryError STORE_LOCKED when another process has the data folder open; STORE_UNAVAILABLE, STORE_CORRUPT
 */
export async function openStoresIn(
  dataFolder: string,
  { postgres, blobs, s3 }: Configuration['repository'],
  { verify = false }: { readonly verify?: boolean | undefined } = {},
): Promise<RepositoryStores> {
  const nodes = postgres
    ? await openPostgres(postgres)
    : await createLevelNodeStore({ folder: path.join(dataFolder, 'repository'), verify });
  try {
    if (s3) return { nodes, blobs: await openS3(s3, path.join(dataFolder, 'spool')) };
    // Other processes may be writing into the folder where nodes are shared.
    return { nodes, blobs: await createFilesystemBlobStore({ folder: blobs, alone: postgres === undefined }) };
  } catch (error) {
    await nodes.close();
    throw error;
  }
}

function renderLimits(installation: InstallationSettings): RenderLimits {
  const processes = installation.value(renderProcesses);
  return {
    ...(processes > 0 && { concurrency: processes }),
    maxPixels: installation.value(renderPixels),
    memoryBytes: installation.value(renderMemory),
    timeoutMs: installation.value(renderSeconds) * 1000,
  };
}

async function openRepositoryOver(stores: RepositoryStores, options: RepositoryOptions): Promise<Repository> {
  try {
    return await openRepository(stores, options);
  } catch (error) {
    await stores.nodes.close();
    throw error;
  }
}

type PostgresConfiguration = NonNullable<Configuration['repository']['postgres']>;

/** Loaded only where it is configured. */
async function openPostgres({ url, schema, poolSize }: PostgresConfiguration): Promise<NodeStore> {
  const { createPostgresNodeStore } = await import('./repository/store/postgres/postgres-node-store.js');
  return createPostgresNodeStore({ url, ...(schema && { schema }), ...(poolSize && { poolSize }) });
}

type S3Configuration = NonNullable<Configuration['repository']['s3']>;

/** Loaded only where it is configured. */
async function openS3(configuration: S3Configuration, temporaryFolder: string): Promise<BlobStore> {
  const { createS3BlobStore } = await import('./repository/store/s3/s3-blob-store.js');
  const { bucket, region, endpoint, prefix, forcePathStyle, accessKeyId, secretAccessKey } = configuration;
  return createS3BlobStore({
    bucket,
    region,
    temporaryFolder,
    ...(endpoint && { endpoint }),
    ...(prefix && { prefix }),
    ...(forcePathStyle !== undefined && { forcePathStyle }),
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
  });
}

/** What of the OSGi configurations satchel.json and the environment go before. */
function overruledConfigurations({ mail, http }: Configuration): ReadonlyMap<string, string> {
  return new Map([
    ...(mail.smtp === undefined ? [] : [[mailServicePid, 'mail.smtp of the configuration'] as const]),
    ...(http.externalUrl === undefined ? [] : [[externalizerPid, 'http.externalUrl of the configuration'] as const]),
  ]);
}

/** Loaded only where there is a mail server. */
async function openSmtp(server: SmtpOptions): Promise<MailTransport> {
  const { createSmtpTransport } = await import('./activities/mail/smtp-transport.js');
  return createSmtpTransport(server);
}

/** Whether the mail server takes a connection and the login: said in the log, as mails wait until it does. */
async function verifyMail(mailer: Mailer, transport: MailTransport, log: Logger): Promise<void> {
  if (!(await mailer.available())) {
    log.warn('no mail server is configured: nobody gets mail; set mail.smtp (SATCHEL_SMTP)');
    return;
  }
  await transport.verify?.().then(
    () => log.debug('mail can be sent'),
    (error: unknown) => log.warn({ err: error }, 'mail cannot be sent at the moment; it waits'),
  );
}
