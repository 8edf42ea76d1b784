/** Saves what is asked for as a request node, after everything that can be refused was checked. */
import { addRequest, readRequest, type WorkflowRequest } from '../activities/satchel/request-node.js';
import { checkMetadata, copyLargeValues } from '../activities/satchel/metadata-values.js';
import { checkRecipients } from '../activities/mail/recipients.js';
import type { StepServices } from '../activities/define-step.js';
import type { StepRegistry } from '../activities/registry.js';
import { createDownload, setPlan } from '../dam/download-job-store.js';
import { prepareDownloadPlan } from '../dam/prepare-download-plan.js';
import { readTenantGroup } from '../dam/settings/tenant-group.js';
import { RepositoryError } from '../repository/errors.js';
import { adminUser, groups, type Session } from '../repository/api.js';
import type { Tenant } from '../repository/overlay/api.js';
import { findUser, groupsOf } from '../repository/users.js';
import { parseDownloadRequest, type DownloadRequest } from '../workflows/contract/download-request.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { PinnedModel } from '../workflows/contract/model.js';
import type { DownloadPlan } from '../workflows/contract/plan.js';
import type { LaunchOrder } from './api.js';
import { loadModel } from './model-loader.js';
import { createRequestId } from './request-id.js';

export const downloadModel = 'dam/download-asset';
const maxCommentCharacters = 4000;

export interface RequestServices {
  readonly services: StepServices;
  readonly registry: StepRegistry;
}

/** @throws SatchelError as Engine.planDownload */
export async function planDownload(options: RequestServices, user: string, input: unknown): Promise<DownloadPlan> {
  const request = parseDownloadRequest(input);
  return asUser(options.services, user, async (session, service) => {
    const { plan } = await preparePlan(options.services, { session, service, user, request });
    return plan;
  });
}

/** What a request has from the one that it repeats. */
export interface Earlier {
  readonly rerunOf?: string;
  readonly comment?: string;
  /** Launchers that led to it, which what this one changes does not start again. */
  readonly launchers?: readonly string[];
  /** Request or instance node whose large metadata values it has. */
  readonly values?: string;
}

/** @throws SatchelError as Engine.requestDownload */
export async function requestDownload(
  options: RequestServices,
  user: string,
  input: unknown,
  { rerunOf, comment, launchers = [] }: Earlier = {},
): Promise<WorkflowRequest> {
  const { services } = options;
  const request = parseDownloadRequest(input);
  return asUser(services, user, async (session, service) => {
    const { plan, tenant } = await preparePlan(services, { session, service, user, request });
    const model = await launchableModel(options, { session, service, user, tenant, model: downloadModel });
    await assertMayDownload(services, service, user, tenant);
    if (request.notify && request.email.length > 0 && !(await services.mailer.available())) {
      throw new SatchelError(
        'MAIL_NOT_CONFIGURED',
        'Mail was asked for, and no mail server is configured: ask without e-mail addresses, or have mail.smtp set.',
        { details: { field: 'email' } },
      );
    }
    if (request.notify)
      await checkRecipients(service, services.settings, tenant, await addressees(service, user, request));

    const created = new Date();
    const id = createRequestId(created);
    const about = { id, initiator: user, tenant: tenant.name, created };
    const payload = await createDownload(service, { ...about, request, workflowId: id });
    // The plan as it was checked: what the requester saw and was allowed is what the workflow packs.
    await setPlan(service, payload, plan);
    return save(service, {
      ...about,
      model,
      payload,
      launchers,
      ...(rerunOf !== undefined && { rerunOf }),
      ...(comment !== undefined && { comment }),
    });
  });
}

/** Downloads are for members of dam-users or of the tenant's own group (D8), also where a policy lets others launch. */
async function assertMayDownload(
  { settings }: StepServices,
  service: Session,
  user: string,
  tenant: Tenant,
): Promise<void> {
  const own = await readTenantGroup(service, settings, tenant);
  const allowed = [groups.damUsers, ...(own === undefined ? [] : [own])];
  for (const group of allowed) if (await belongsTo(service, user, group)) return;
  throw new SatchelError(
    'NOT_ALLOWED',
    `"${user}" may not download assets of tenant ${tenant.name}: that is for members of ${allowed.join(' or ')}.`,
    { details: { tenant: tenant.name, groups: allowed } },
  );
}

/** Whom the mail goes to; nobody when the requester names no address and has none. */
async function addressees(service: Session, user: string, { email }: DownloadRequest): Promise<readonly string[]> {
  if (email.length > 0) return email;
  const own = (await findUser(service, user))?.email;
  return own === undefined ? [] : [own];
}

/** @throws SatchelError as Engine.launch */
export async function requestWorkflow(
  options: RequestServices,
  order: LaunchOrder,
  { rerunOf, values, launchers = [] }: Earlier = {},
): Promise<WorkflowRequest> {
  const { overlay } = options.services;
  const { payload, initiator: user, metadata = {}, comment } = order;
  checkMetadata(metadata);
  if (comment !== undefined && comment.length > maxCommentCharacters) {
    throw new SatchelError('INVALID_REQUEST', `comment: must have at most ${maxCommentCharacters} characters.`);
  }
  return asUser(options.services, user, async (session, service) => {
    if (!(await session.findNode(payload))) throw new SatchelError('PATH_NOT_FOUND', `There is no "${payload}".`);
    const tenant =
      order.tenant === undefined
        ? await overlay.tenantOf(service, payload)
        : await chosenTenant(options.services, service, user, order.tenant);
    const model = await launchableModel(options, { session, service, user, tenant, model: order.model });
    const created = new Date();
    const id = createRequestId(created);
    const about = { id, initiator: user, tenant: tenant.name, created, model, payload, metadata, launchers };
    return save(
      service,
      { ...about, ...(comment !== undefined && { comment }), ...(rerunOf !== undefined && { rerunOf }) },
      values,
    );
  });
}

async function preparePlan(
  { overlay, settings, renderer }: StepServices,
  { session, service, user, request }: { session: Session; service: Session; user: string; request: DownloadRequest },
): Promise<{ readonly plan: DownloadPlan; readonly tenant: Tenant }> {
  if (request.tenant !== undefined) await chosenTenant({ overlay, settings }, service, user, request.tenant);
  const plan = await prepareDownloadPlan({
    session,
    serviceSession: service,
    overlay,
    settings,
    request,
    renderer: renderer.version,
  });
  return { plan, tenant: await overlay.tenant(service, plan.tenant) };
}

/** A requester chooses among the tenants whose group they belong to; one without a group is open to all. */
async function chosenTenant(
  { overlay, settings }: Pick<StepServices, 'overlay' | 'settings'>,
  service: Session,
  user: string,
  name: string,
): Promise<Tenant> {
  const tenant = await overlay.tenant(service, name).catch((error: unknown) => {
    if (!(error instanceof RepositoryError)) throw error;
    throw new SatchelError('UNKNOWN_TENANT', `There is no tenant "${name}" below /conf.`, { cause: error });
  });
  const group = await readTenantGroup(service, settings, tenant);
  if (group === undefined || (await belongsTo(service, user, group))) return tenant;
  throw new SatchelError('NOT_ALLOWED', `"${user}" is not a member of "${group}", the group of tenant "${name}".`);
}

async function launchableModel(
  { services, registry }: RequestServices,
  wanted: { session: Session; service: Session; user: string; tenant: Tenant; model: string },
): Promise<PinnedModel> {
  const { session, service, user, tenant } = wanted;
  const { model, path } = await loadModel(
    { overlay: services.overlay, settings: services.settings, registry },
    service,
    tenant,
    wanted.model,
  );
  if (await session.hasPrivileges(path, 'satchel:launchWorkflow')) return model;
  throw new SatchelError(
    'NOT_ALLOWED',
    `"${user}" may not launch ${model.id}: it takes satchel:launchWorkflow on ${path}, which members of ${groups.damUsers} have.`,
    { details: { path, privilege: 'satchel:launchWorkflow' } },
  );
}

async function save(
  service: Session,
  request: Parameters<typeof addRequest>[1],
  values?: string,
): Promise<WorkflowRequest> {
  const path = await addRequest(service, request);
  if (values !== undefined) await copyLargeValues(service, values, path);
  await service.save();
  return readRequest(await service.getNode(path));
}

/** Runs with a session of the user, whose rights decide, and one that reads configuration and writes records. */
async function asUser<T>(
  { repository }: StepServices,
  user: string,
  work: (session: Session, service: Session) => Promise<T>,
): Promise<T> {
  try {
    return await repository.withSession(user, (session) =>
      repository.withSession({ service: 'workflow' }, (service) => work(session, service)),
    );
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    if (error.code === 'UNKNOWN_USER') throw new SatchelError('UNKNOWN_USER', error.message, { cause: error });
    if (error.code === 'INVALID_PATH') throw new SatchelError('INVALID_REQUEST', error.message, { cause: error });
    throw error;
  }
}

async function belongsTo(service: Session, user: string, group: string): Promise<boolean> {
  const memberships = await groupsOf(service, user);
  return user === adminUser || memberships.includes(group) || memberships.includes(groups.administrators);
}
