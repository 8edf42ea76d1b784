/**
 * Mail against what it stands on: `npm run bench -- mail [--rounds 5] [--only WORK] [--json FILE]`. Rendering against bare
 * Handlebars and MJML; sending against nodemailer's own pool, into a server of another process that forgets all.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Handlebars from 'handlebars';
import mjml2html from 'mjml';
import { createTransport } from 'nodemailer';
import { compileMjml, findTitle, replaceRange } from '../activities/mail/compile-mjml.js';
import { composeMessage, messageIdOf } from '../activities/mail/compose-message.js';
import { createMailer } from '../activities/mail/create-mailer.js';
import { flattenTemplate } from '../activities/mail/flatten-template.js';
import type { RenderedMail } from '../activities/mail/mailer.js';
import { createSmtpTransport } from '../activities/mail/smtp-transport.js';
import { templateHelpers } from '../activities/mail/template-helpers.js';
import { textProgram } from '../activities/mail/text-program.js';
import { locateTemplate, templatesPath } from '../activities/mail/template-source.js';
import { packageRoot } from '../package-root.js';
import { adminUser, type Repository, type Session } from '../repository/api.js';
import { importContentFolder } from '../repository/content/import-content-folder.js';
import type { OverlayResolver, Tenant } from '../repository/overlay/api.js';
import { createOverlayResolver } from '../repository/overlay/resolver.js';
import { openRepository } from '../repository/repository.js';
import { createFilesystemBlobStore } from '../repository/store/filesystem/filesystem-blob-store.js';
import { createLevelNodeStore } from '../repository/store/level/level-node-store.js';
import type { JsonObject } from '../workflows/contract/model.js';
import { formatTable, mebibytes, median } from './measure.js';
import type { BenchmarkOptions } from './options.js';

const template = 'downloadasset';
const tenantCount = 1000;
const renders = 400;
const mails = 800;
const connections = 2;
const sender = { name: 'Satchel', address: 'satchel@example.com' };

interface Row {
  readonly work: string;
  /** Per second, as the other one. */
  readonly ours: number;
  readonly other: number;
  readonly against: string;
  readonly goal: number;
}

interface Bench {
  readonly repository: Repository;
  readonly overlay: OverlayResolver;
  readonly session: Session;
  readonly variables: JsonObject;
  readonly rounds: number;
  readonly signal: AbortSignal;
}

export async function measureMail(folder: string, signal: AbortSignal, options: BenchmarkOptions): Promise<void> {
  const rounds = options.rounds ?? 5;
  const repository = await openRepository({
    nodes: await createLevelNodeStore({ folder: path.join(folder, 'nodes') }),
    blobs: await createFilesystemBlobStore({ folder: path.join(folder, 'blobs') }),
  });
  const rows: Row[] = [];
  try {
    await repository.withSession(adminUser, async (session) => {
      const templates = path.join(packageRoot, 'templates');
      await importContentFolder({ session, folder: templates, target: `/libs/settings/${templatesPath}` });
      const sample = await readFile(path.join(templates, template, 'sample.json'), 'utf8');
      const overlay = createOverlayResolver({ repository });
      const bench = { repository, overlay, session, variables: JSON.parse(sample) as JsonObject, rounds, signal };
      for (const measure of [measureCached, measureChanged, measureTenants, measureSending]) {
        if (options.only === undefined || measure.name.toLowerCase().includes(options.only)) {
          rows.push(...(await measure(bench)));
        }
      }
    });
  } finally {
    await repository.close();
  }
  console.log(`mail: template ${template}; ${rounds} rounds in turns, medians; a ratio is ours to the other’s speed`);
  console.log(
    formatTable([
      ['', 'ours', 'other', 'against', 'ratio', 'goal', 'met'],
      ...rows.map(({ work, ours, other, against, goal }) => [
        work,
        `${ours.toFixed(0)}/s`,
        `${other.toFixed(0)}/s`,
        against,
        (ours / other).toFixed(2),
        goal.toFixed(2),
        ours / other >= goal ? 'yes' : 'no',
      ]),
    ]),
  );
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ rounds, rows }, undefined, 2)}\n`);
}

const tenantOf = (name: string): Tenant => ({ name, root: `/conf/${name}`, referencedAt: undefined });

/** The parts of a template for a tenant, and what is left of them for MJML. */
async function flatTemplate({ overlay, session }: Bench, tenant: Tenant) {
  const located = await locateTemplate(session, overlay, { tenant, template, locale: 'en', tenantLocale: undefined });
  const parts = await located.read(session);
  const theme = new Map([...parts.theme].map(([name, { value }]) => [name, value]));
  const flat = flattenTemplate(parts.body, parts.partials, theme);
  const title = findTitle(flat);
  const body = title ? replaceRange(flat, title.start, title.end, '{{@subject}}') : flat;
  const text = parts.text && flattenTemplate(parts.text, new Map(), theme, { format: 'text' }).text;
  return { body, text, theme, subject: title?.text ?? '' };
}

async function measureCached(bench: Bench): Promise<Row[]> {
  const { overlay, session, variables } = bench;
  const tenant = tenantOf('global');
  const mailer = createMailer({ overlay, transport: undefined, from: 'satchel@example.com' });
  const { body, text, theme, subject } = await flatTemplate(bench, tenant);
  const { html } = await compileMjml(body);
  const handlebars = Handlebars.create();
  for (const [name, helper] of Object.entries(templateHelpers)) handlebars.registerHelper(name, helper);
  const [asHtml, asText, asSubject] = [
    handlebars.compile<object>(html),
    handlebars.compile<object>(text ?? textProgram(Handlebars.parse(html)), { noEscape: true }),
    handlebars.compile<object>(subject, { noEscape: true }),
  ];
  const context = { ...variables, theme: Object.fromEntries(theme) };
  const [ours, other] = await alternate(
    bench,
    async () => {
      for (let index = 0; index < renders; index++) {
        await mailer.render(session, { template, tenant, locale: 'en', variables });
      }
    },
    async () => {
      for (let index = 0; index < renders; index++) {
        const line = asSubject(context, { data: { locale: 'en' } });
        asHtml(context, { data: { locale: 'en', subject: line } });
        asText(context, { data: { locale: 'en', subject: line } });
      }
      return Promise.resolve();
    },
  );
  return [
    {
      work: 'render, template cached',
      ours: renders / ours,
      other: renders / other,
      against: 'bare Handlebars',
      goal: 0.5,
    },
  ];
}

async function measureChanged(bench: Bench): Promise<Row[]> {
  const { overlay, session, variables } = bench;
  const mailer = createMailer({ overlay, transport: undefined, from: 'satchel@example.com' });
  const [styled, worded] = [tenantOf('styled'), tenantOf('worded')];
  const { body } = await flatTemplate(bench, styled);
  const times = 8;
  let changes = 0;
  const changeTheme = async () => {
    const theme = `${styled.root}/settings/${templatesPath}/theme`;
    await session.ensureNode(theme);
    await session.setProperties(theme, { color: `#${(0x100000 + changes++).toString(16)}` });
    await session.save();
  };
  const original = await readFile(path.join(packageRoot, 'templates', template, 'en.mjml'), 'utf8');
  const changeText = async () => {
    const file = `${worded.root}/settings/${templatesPath}/${template}/en.mjml`;
    const text = original.replace('</mj-text>', ` ${changes++}</mj-text>`);
    await session.ensureNode(file, { primaryType: 'nt:file' });
    await session.ensureNode(`${file}/jcr:content`, { primaryType: 'nt:resource' });
    const data = await session.createBinary(text);
    await session.setProperties(`${file}/jcr:content`, { 'jcr:data': data });
    await session.save();
  };
  /** Writing the changes is not part of it: its time is taken off. */
  const renderChanged = async (tenant: Tenant, change: () => Promise<void>) => {
    let changing = 0;
    for (let index = 0; index < times; index++) {
      const started = performance.now();
      await change();
      changing += performance.now() - started;
      await mailer.render(session, { template, tenant, locale: 'en', variables });
    }
    return -changing;
  };
  const [theme, text, other] = await alternate(
    bench,
    () => renderChanged(styled, changeTheme),
    () => renderChanged(worded, changeText),
    async () => {
      for (let index = 0; index < times; index++) await mjml2html(body.text, { validationLevel: 'strict' });
    },
  );
  const row = (work: string, seconds: number): Row => ({
    work,
    ours: times / seconds,
    other: times / other,
    against: 'one MJML compile',
    goal: 1 / 1.5,
  });
  return [row('first render of a changed theme', theme), row('first render of a changed text', text)];
}

async function measureTenants(bench: Bench): Promise<Row[]> {
  const { overlay, session, variables, signal } = bench;
  const mailer = createMailer({ overlay, transport: undefined, from: 'satchel@example.com' });
  const tenants = Array.from({ length: tenantCount }, (_, index) => tenantOf(`brand-${index}`));
  for (const [index, { root }] of tenants.entries()) {
    await session.ensureNode(`${root}/settings/${templatesPath}/theme`, {
      properties: { color: `#${(0x200000 + index).toString(16)}`, companyName: `Brand ${index}` },
    });
  }
  await session.save();
  const render = async (tenant: Tenant) => mailer.render(session, { template, tenant, locale: 'en', variables });
  const [first = tenantOf('global')] = tenants;
  const before = heap();
  for (const tenant of tenants) {
    signal.throwIfAborted();
    await render(tenant);
  }
  const once = heap();
  const [many, one] = await alternate(
    bench,
    async () => {
      for (const tenant of tenants) await render(tenant);
    },
    async () => {
      for (let index = 0; index < tenantCount; index++) await render(first);
    },
  );
  console.log(
    `mail: memory for ${tenantCount} tenants: ${mebibytes(once - before)} once each was rendered, ` +
      `${mebibytes(heap() - once)} more after ${bench.rounds + 1} further rounds`,
  );
  return [
    {
      work: `render for ${tenantCount} tenants in turn`,
      ours: tenantCount / many,
      other: tenantCount / one,
      against: 'one tenant',
      goal: 0.3,
    },
  ];
}

function heap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

async function measureSending(bench: Bench): Promise<Row[]> {
  const { overlay, session, variables } = bench;
  const mailer = createMailer({ overlay, transport: undefined, from: 'satchel@example.com' });
  const rendered = await mailer.render(session, { template, tenant: tenantOf('global'), locale: 'en', variables });
  const child = fork(path.join(import.meta.dirname, 'mail-sink.js'), { execArgv: [] });
  const [port] = (await once(child, 'message')) as [number];
  const ours = createSmtpTransport({ host: '127.0.0.1', port, security: 'none', connections: () => connections });
  const pool = createTransport({
    pool: true,
    host: '127.0.0.1',
    port,
    ignoreTLS: true,
    maxConnections: connections,
    maxMessages: Infinity,
  });
  const lanes = async (send: (index: number) => Promise<unknown>) => {
    let next = 0;
    const lane = async () => {
      while (next < mails) await send(next++);
    };
    await Promise.all(Array.from({ length: connections * 2 }, lane));
  };
  const to = (index: number) => ({ name: '', address: `person${index}@example.org` });
  const compose = async (mail: RenderedMail, index: number) => {
    const key = index.toString(16).padStart(32, '0');
    const raw = await composeMessage({ from: sender, to: to(index), mail, key, date: new Date() });
    return { from: sender.address, to: to(index).address, messageId: messageIdOf(key, sender), raw };
  };
  const prebuilt = await Promise.all(Array.from({ length: mails }, (_, index) => compose(rendered, index)));
  const [composing, sending, theirs, theirsRaw] = await alternate(
    bench,
    () => lanes(async (index) => ours.send(await compose(rendered, index))),
    () => lanes(async (index) => ours.send(prebuilt[index] ?? (await compose(rendered, index)))),
    () =>
      lanes(async (index) =>
        pool.sendMail({
          from: sender,
          to: to(index),
          subject: rendered.subject,
          html: rendered.html,
          text: rendered.text,
        }),
      ),
    () =>
      lanes(async (index) => {
        const mail = prebuilt[index] ?? (await compose(rendered, index));
        return pool.sendMail({ envelope: { from: mail.from, to: [mail.to] }, raw: Buffer.from(mail.raw) });
      }),
  );
  await ours.close();
  pool.close();
  child.disconnect();
  const row = (work: string, seconds: number, other: number, against: string, goal: number): Row => ({
    work,
    ours: mails / seconds,
    other: mails / other,
    against,
    goal,
  });
  return [
    row('compose and send', composing, theirs, 'nodemailer’s pool', 1),
    row('send, prebuilt', sending, theirs, 'nodemailer’s pool', 2),
    row('send, prebuilt', sending, theirsRaw, 'its pool, prebuilt too', 1),
  ];
}

/**
 * Medians in seconds of every side, in turns, after one round that warms up.
 * @param sides may give milliseconds to add to their time
 */
async function alternate<Sides extends readonly (() => Promise<unknown>)[]>(
  { rounds, signal }: Bench,
  ...sides: Sides
): Promise<{ [Index in keyof Sides]: number }> {
  const times = sides.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, side] of sides.entries()) {
      signal.throwIfAborted();
      const started = performance.now();
      const answer = await side();
      const added = typeof answer === 'number' ? answer : 0;
      if (round > 0) times[index]?.push((performance.now() - started + added) / 1000);
    }
  }
  return times.map(median) as { [Index in keyof Sides]: number };
}
