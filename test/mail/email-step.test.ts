/** D8, E1: who gets mail about a download or a finished workflow, and what it says. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import PostalMime from 'postal-mime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runStep } from '../../activities/run-step.js';
import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import { createSettings } from '../../dam/settings/settings.js';
import { checkRecipients } from '../../activities/mail/recipients.js';
import { listOutbox, mailOutboxRoot } from '../../activities/mail/outbox.js';
import { emailStep } from '../../activities/notify/email.js';
import { bootstrapRepository } from '../../activities/satchel/bootstrap-repository.js';
import { createDownload, setArchives } from '../../dam/download-job-store.js';
import { createGroup, addMember } from '../../repository/users.js';
import { parseDownloadRequest } from '../../workflows/contract/download-request.js';
import { createMailWorld } from './mail-world.js';
import { startSmtpServer } from './smtp-server.js';
import type { Answer } from './smtp-server.js';
import type { StepServices } from '../../activities/define-step.js';
import type { CompletedWorkflow, JsonObject } from '../../workflows/contract/model.js';
import type { PackedArchives } from '../../workflows/contract/plan.js';

const content = Buffer.from('0123456789');
const blob = { sha256: createHash('sha256').update(content).digest('hex'), size: 10, crc32: crc32(content) };
const entry = (name: string) => ({ name, blob, modified: '2030-01-01T00:00:00.000Z' });
const archives: PackedArchives = {
  format: 1,
  parts: [
    {
      file: 'look & feel.zip',
      method: 'store',
      size: 2048,
      entries: [entry('a.jpg'), entry('<b onload=x>.jpg'), entry('manifest.json')],
    },
  ],
  skipped: [
    { path: '/content/dam/x/<script>.jpg', rendition: 'web', code: 'NO_SUCH_RENDITION', reason: 'none matches' },
  ],
};

interface Run {
  readonly request?: object;
  readonly config?: JsonObject;
  readonly initiator?: string;
  readonly completed?: CompletedWorkflow;
  readonly answer?: (to: string) => Answer;
}

async function createStepWorld() {
  const world = await createMailWorld();
  await bootstrapRepository(world.repository);
  await world.repository.blobs.write(Readable.from([content]));
  await world.session.refresh();
  await world.writeNode('/content/dam/x', { 'jcr:title': 'Look & feel' });
  let runs = 0;

  const run = async ({ request = {}, config = {}, initiator = 'ana', completed, answer }: Run = {}) => {
    const id = `d${++runs}`;
    const payload = await createDownload(world.session, {
      id,
      initiator,
      tenant: 'global',
      request: parseDownloadRequest({ paths: ['/content/dam/x'], ...request }),
      workflowId: id,
      created: new Date(0),
    });
    await world.session.save();
    await setArchives(world.session, payload, archives);
    await world.session.save();

    const server = await startSmtpServer(answer);
    const transport = createSmtpTransport({ host: '127.0.0.1', port: server.port });
    onTestFinished(() => transport.close());
    const notExpected = () => Promise.reject(new Error('This step renders no image.'));
    const services: StepServices = {
      repository: world.repository,
      blobs: world.repository.blobs,
      overlay: world.overlay,
      settings: createSettings({ overlay: world.overlay }),
      renderer: {
        version: 'none',
        render: notExpected,
        inspect: notExpected,
        overlay: notExpected,
        close: () => Promise.resolve(),
      },
      mailer: world.mailer(transport),
      externalUrl: () => 'https://dam.example.com',
    };
    const warnings: string[] = [];
    const note = () => undefined;
    const output = await runStep({
      step: emailStep,
      input: {
        step: { name: 'notify', id: 'notify/email', major: 1, title: 'Send e-mail', config, layer: '/libs' },
        workflow: {
          id,
          model: 'dam/download-asset',
          modelVersion: '1',
          request: `/var/workflow/requests/${id}`,
          payload,
          tenant: 'global',
          initiator,
          ...(completed && { completed }),
        },
      },
      services,
      log: { debug: note, info: note, warn: (message) => warnings.push(message), error: note },
      attempt: 1,
      signal: new AbortController().signal,
      onProgress: note,
    });
    const mails = await Promise.all(server.accepted.map(({ raw }) => PostalMime.parse(raw)));
    return { ...output, payload, warnings, mails };
  };
  return { world, run };
}

describe('notify/email after a download', () => {
  it('mails the requester’s own address, in their language, with links that name the archive', async () => {
    const { world, run } = await createStepWorld();
    const { result, partial, mails, payload } = await run();
    expect({ result, partial }).toEqual({
      result: { sent: 1, failed: 0, outbox: `${payload}/outbox` },
      partial: false,
    });
    const [mail] = mails;
    expect(mail?.to).toEqual([{ name: 'Ana Moreau', address: 'Ana@example.com' }]);
    expect(mail?.subject).toBe('Ihr Download ist bereit: Look & feel');
    expect(mail?.text).toContain('die 2 von Ihnen angeforderten Dateien aus Look & feel');
    expect(mail?.text).toContain('https://dam.example.com/downloads/d1/look%20%26%20feel.zip');
    expect(mail?.text).toContain('/content/dam/x/<script>.jpg (web)');
    expect(mail?.html).not.toContain('<script>.jpg');
    await world.session.refresh();
    expect(await listOutbox(world.session, `${payload}/outbox`)).toHaveLength(1);
  });

  it('mails the addresses of the request instead, whatever their case', async () => {
    const { run } = await createStepWorld();
    const { mails } = await run({ request: { email: ['BEN@example.com', 'ana@example.com'] } });
    expect(mails.map(({ to }) => to?.[0]?.address).sort()).toEqual(['Ana@example.com', 'ben@example.com']);
    const toBen = mails.find(({ to }) => to?.[0]?.address === 'ben@example.com');
    expect(toBen?.text).toContain('Ana Moreau asked us to send you 2 files');
  });

  it('refuses people outside dam-users and strangers alike, and sends nothing to anybody then', async () => {
    const { run } = await createStepWorld();
    const refused = run({ request: { email: ['ben@example.com', 'eve@example.com', 'nobody@example.org'] } });
    await expect(refused).rejects.toMatchObject({
      code: 'RECIPIENT_NOT_ALLOWED',
      details: { addresses: ['eve@example.com', 'nobody@example.org'] },
    });
  });

  it('says why nobody was notified', async () => {
    const { run } = await createStepWorld();
    expect((await run({ request: { notify: false } })).result).toEqual({
      sent: 0,
      failed: 0,
      note: 'the request asked for no notification',
    });
    const { result, mails } = await run({ initiator: 'admin' });
    expect(result).toEqual({
      sent: 0,
      failed: 0,
      note: 'admin has no e-mail address in the profile, and the request names none',
    });
    expect(mails).toEqual([]);
  });

  it('ends partial when a server refuses one of several', async () => {
    const { run } = await createStepWorld();
    const { result, partial, warnings } = await run({
      request: { email: ['ana@example.com', 'ben@example.com'] },
      answer: (to) => (to.startsWith('ben') ? 550 : 250),
    });
    expect(result).toMatchObject({ sent: 1, failed: 1 });
    expect(partial).toBe(true);
    expect(warnings).toEqual(['mail refused']);
  });

  it('uses the template and addresses of its configuration', async () => {
    const { world, run } = await createStepWorld();
    const body = '<mjml><mj-head><mj-title>Approve {{title}}</mj-title></mj-head><mj-body></mj-body></mjml>';
    await world.writeFile(world.at('/apps', 'approval/en.mjml'), body);
    const { mails } = await run({ config: { template: 'approval', to: ['ben@example.com'] } });
    expect(mails.map(({ subject, to }) => [subject, to?.[0]?.address])).toEqual([
      ['Approve Look & feel', 'ben@example.com'],
    ]);
  });
});

describe('notify/email after a transient workflow', () => {
  const step = { id: 'dam/generate-renditions', layer: '/libs' };
  const completed: CompletedWorkflow = {
    workflowId: 'w9',
    model: 'dam/update-renditions',
    title: 'Update renditions',
    payload: '/content/dam/x/a.jpg',
    outcome: { state: 'failed', code: 'IMAGE_UNREADABLE', message: 'a.jpg is damaged.', step: 'make' },
    steps: [
      {
        ...step,
        name: 'make',
        title: 'Make them',
        state: 'failed',
        started: '2030-01-01T00:00:00Z',
        ended: '2030-01-01T00:00:05Z',
      },
      { ...step, name: 'after', title: 'Afterwards', state: 'waiting' },
    ],
  };

  it('tells who started it how it ended, and keeps the mail apart from any instance record', async () => {
    const { world, run } = await createStepWorld();
    const { result, mails } = await run({ initiator: 'ben', completed });
    expect(result).toEqual({ sent: 1, failed: 0, outbox: `${mailOutboxRoot}/w9` });
    expect(mails[0]?.to?.[0]?.address).toBe('ben@example.com');
    expect(mails[0]?.subject).toBe('Failed: Update renditions');
    for (const part of ['a.jpg is damaged.', 'IMAGE_UNREADABLE', 'Make them', '5\u00a0sec', 'Not started', 'w9']) {
      expect(mails[0]?.text).toContain(part);
    }
    await world.session.refresh();
    expect(await listOutbox(world.session, `${mailOutboxRoot}/w9`)).toHaveLength(1);
    expect(await world.session.findNode('/var/workflow/instances/w9')).toBeUndefined();
  });

  it.each(['completed', 'partial', 'cancelled'] as const)('also when it is %s', async (state) => {
    const { run } = await createStepWorld();
    const { mails } = await run({ initiator: 'ben', completed: { ...completed, outcome: { state } } });
    expect(mails).toHaveLength(1);
    expect(mails[0]?.text).not.toContain('IMAGE_UNREADABLE');
  });
});

describe('recipients (D8)', () => {
  it('are members of dam-users, of the tenant’s group, or administrators, through groups as well', async () => {
    const { world } = await createStepWorld();
    const { session, overlay } = world;
    await createGroup(session, 'aurora-team');
    await addMember(session, 'aurora-team', 'eve');
    await session.save();
    await world.writeNode('/conf/aurora/settings/tenant', { group: 'aurora-team' });
    const check = async (tenant: string, address: string) =>
      checkRecipients(session, createSettings({ overlay }), await world.tenant(tenant), [address]);
    expect(await check('aurora', 'eve@example.com')).toEqual([{ address: 'eve@example.com' }]);
    await expect(check('global', 'eve@example.com')).rejects.toMatchObject({ code: 'RECIPIENT_NOT_ALLOWED' });
    await addMember(session, 'dam-users', 'aurora-team');
    await session.save();
    expect(await check('global', 'EVE@example.com')).toEqual([{ address: 'eve@example.com' }]);
    await session.setProperties('/home/users/eve', { 'rep:disabled': 'left' });
    await session.save();
    await expect(check('aurora', 'eve@example.com')).rejects.toMatchObject({ code: 'RECIPIENT_NOT_ALLOWED' });
  });
});

describe('examples of the step', () => {
  it.each(emailStep.examples)('$title', ({ config }) => {
    expect(emailStep.config.parse(config)).toEqual(config);
  });
});
