/** Every setting of the product. docs/settings.md is made of these; a test keeps it so. */
import picomatch from 'picomatch';
import { z } from 'zod';
import type { ImageFormat } from '../../workflows/contract/plan.js';
import { defineSetting } from './define-setting.js';
import type { SettingDefinition } from './define-setting.js';
import { isLanguageTag } from './language-tag.js';
import { isTimeZone } from './time-zone.js';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** A `Long` within bounds, and a message that names them. */
function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
  const end = maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`;
  const problem = `must be a whole number from ${minimum}${end}`;
  return { type: 'Long', schema: z.int(problem).min(minimum, problem).max(maximum, problem) } as const;
}

const yesOrNo = { type: 'Boolean', schema: z.boolean() } as const;

function oneText(schema: z.ZodType<string>) {
  return { type: 'String', schema: schema.optional(), default: undefined } as const;
}

/** Patterns over names of renditions, as requests have them. */
const patterns = {
  type: 'String[]',
  schema: z.array(
    z
      .string()
      .min(1, 'must hold no empty pattern')
      .max(255, 'must hold patterns of at most 255 characters')
      .refine(isPattern, 'must hold patterns as "cq5dam.web.*"'),
  ),
} as const;

function isPattern(pattern: string): boolean {
  try {
    picomatch.makeRe(pattern, { strictBrackets: true });
    return true;
  } catch {
    return false;
  }
}

const locale = z.string().refine(isLanguageTag, 'must be a language tag as "de" or "de-CH"');

/** Stricter than what a mail header may hold, so that whatever builds the header takes it. */
const sender = z
  .string()
  .max(320, 'must have at most 320 characters')
  .regex(
    /^(?:[^\p{Cc}<>()[\],;:\\"@]* <)?[^\s\p{Cc}<>()[\],;:\\"@]{1,64}@[^\s\p{Cc}<>()[\],;:\\"@]{1,189}>?$/u,
    'must be an address, or a name and an address as "Satchel <satchel@example.com>"',
  )
  .refine((text) => text.includes(' <') === text.endsWith('>'), 'must close the address with ">", and only then');

const timeZone = z.string().refine(isTimeZone, 'must be a time zone as "Europe/Zurich"');

const principal = z.string().min(1, 'must name a group').max(255, 'must name a group');

// ---- Downloads

export const maxAssets = defineSetting({
  path: 'dam/download',
  name: 'maxAssets',
  ...wholeNumber(1),
  unit: 'assets',
  default: 500,
  title: 'Assets in one download',
  description: 'A request for more is refused before work starts; of several tenants touched the lowest counts.',
  usedBy: ['dam/limits.ts'],
});

export const maxBytes = defineSetting({
  path: 'dam/download',
  name: 'maxBytes',
  ...wholeNumber(1),
  unit: 'bytes',
  default: gibibyte,
  title: 'Size of one download',
  description: 'Of all archives of a download together; renditions that are not made yet count by an estimate.',
  usedBy: ['dam/limits.ts'],
});

export const partBytes = defineSetting({
  path: 'dam/download',
  name: 'partBytes',
  ...wholeNumber(1),
  unit: 'bytes',
  default: 100 * gibibyte,
  title: 'Size of one archive',
  description: 'A larger download is split into parts, each a complete ZIP, that are at most as large.',
  usedBy: ['dam/limits.ts'],
});

export const archiveDays = defineSetting({
  path: 'dam/download',
  name: 'archiveDays',
  ...wholeNumber(0, 3650),
  unit: 'days',
  default: 0,
  title: 'Time archives are kept',
  description: 'After their delivery; then they are not given out any more, and are taken out. 0: for ever.',
  usedBy: ['dam/expire-archives.ts'],
});

// ---- The download servlet and shares; kept for the doors that will read them

export const servletEnabled = defineSetting({
  path: 'dam/assetdownload',
  name: 'enabled',
  ...yesOrNo,
  default: true,
  title: 'Download servlet',
  description: 'Whether *.assetdownload.zip is answered (AssetDownloadServlet, enabled).',
  usedBy: [],
  scope: 'installation',
});

export const servletContentBytes = defineSetting({
  path: 'dam/assetdownload',
  name: 'maxContentBytes',
  ...wholeNumber(1),
  unit: 'bytes',
  default: gibibyte,
  title: 'Size of a download by the servlet',
  description: 'Of its files before they are packed (AssetDownloadServlet, asset.download.prezip.maxcontentsize).',
  usedBy: [],
  scope: 'installation',
});

export const shareContentBytes = defineSetting({
  path: 'dam/share',
  name: 'maxContentBytes',
  ...wholeNumber(1),
  unit: 'bytes',
  default: 100 * mebibyte,
  title: 'Size of a download by a shared link',
  description: 'Of its files before they are packed (the ad hoc asset share proxy’s maximum content size).',
  usedBy: [],
});

// ---- Renditions

export const visibleRenditions = defineSetting({
  path: 'dam/renditions',
  name: 'visible',
  ...patterns,
  unit: 'patterns',
  default: ['*'],
  title: 'Visible renditions',
  description: 'Renditions whose name matches none of them are neither offered nor delivered.',
  usedBy: ['dam/settings/rendition-visibility.ts'],
});

export const hiddenRenditions = defineSetting({
  path: 'dam/renditions',
  name: 'hidden',
  ...patterns,
  unit: 'patterns',
  default: [],
  title: 'Hidden renditions',
  description: 'Renditions whose name matches one of them are neither offered nor delivered, visible ones too.',
  usedBy: ['dam/settings/rendition-visibility.ts'],
});

export const dynamicRenditions = defineSetting({
  path: 'dam/renditions',
  name: 'dynamic',
  ...yesOrNo,
  default: true,
  title: 'Dynamic renditions',
  description: 'Whether downloads may ask for renditions of any size, and for image presets.',
  usedBy: ['dam/prepare-download-plan.ts'],
});

// ---- Image presets: one child each, of any name

const renditionSide = wholeNumber(1, 20_000);

export const presetWidth = defineSetting({
  path: 'dam/imagepresets/*',
  name: 'width',
  type: 'Long',
  schema: renditionSide.schema.optional(),
  unit: 'pixels',
  default: undefined,
  title: 'Width of an image preset',
  description: 'The picture is at most as wide; a preset without one is not offered.',
  usedBy: ['dam/settings/image-presets.ts'],
});

export const presetHeight = defineSetting({
  path: 'dam/imagepresets/*',
  name: 'height',
  type: 'Long',
  schema: renditionSide.schema.optional(),
  unit: 'pixels',
  default: undefined,
  title: 'Height of an image preset',
  description: 'The picture is at most as high; a preset without one is not offered.',
  usedBy: ['dam/settings/image-presets.ts'],
});

export const presetFormat = defineSetting<ImageFormat>({
  path: 'dam/imagepresets/*',
  name: 'format',
  type: 'String',
  schema: z.enum(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'], 'must be jpeg, png, webp, avif, gif or tiff'),
  default: 'jpeg',
  title: 'Format of an image preset',
  description: 'Of the file that is made.',
  usedBy: ['dam/settings/image-presets.ts'],
});

export const presetQuality = defineSetting({
  path: 'dam/imagepresets/*',
  name: 'quality',
  ...wholeNumber(1, 100),
  default: 82,
  title: 'Quality of an image preset',
  description: 'Of formats that lose detail: 1 is the smallest file, 100 the best picture.',
  usedBy: ['dam/settings/image-presets.ts'],
});

export const presetApproved = defineSetting({
  path: 'dam/imagepresets/*',
  name: 'approved',
  ...yesOrNo,
  default: false,
  title: 'Approval of an image preset',
  description: 'Only approved presets are offered and delivered.',
  usedBy: ['dam/settings/image-presets.ts'],
});

export const presetTitle = defineSetting({
  path: 'dam/imagepresets/*',
  name: 'jcr:title',
  ...oneText(z.string().max(255, 'must have at most 255 characters')),
  title: 'Title of an image preset',
  description: 'How people are shown it; default: its name.',
  usedBy: ['dam/settings/image-presets.ts'],
});

// ---- Rendering

export const renderProcesses = defineSetting({
  path: 'dam/rendering',
  name: 'processes',
  ...wholeNumber(0, 64),
  unit: 'processes',
  default: 0,
  title: 'Images rendered at a time',
  description: 'Each in a process of its own; 0: one per processor core.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const renderPixels = defineSetting({
  path: 'dam/rendering',
  name: 'maxPixels',
  ...wholeNumber(1, 10_000_000_000),
  unit: 'pixels',
  default: 100_000_000,
  title: 'Pixels of an image',
  description: 'Width times height; no rendition is made of a larger one.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const renderMemory = defineSetting({
  path: 'dam/rendering',
  name: 'memoryBytes',
  ...wholeNumber(128 * mebibyte, 64 * gibibyte),
  unit: 'bytes',
  default: gibibyte,
  title: 'Memory to render one image',
  description: 'A process that takes more is ended, and its image fails alone.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const renderSeconds = defineSetting({
  path: 'dam/rendering',
  name: 'timeoutSeconds',
  ...wholeNumber(1, 3600),
  unit: 'seconds',
  default: 60,
  title: 'Time to render one image',
  description: 'For all renditions of one image together.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

// ---- Uploads

export const uploadBytes = defineSetting({
  path: 'dam/upload',
  name: 'maxBytes',
  ...wholeNumber(1),
  unit: 'bytes',
  default: 20 * gibibyte,
  title: 'Size of an uploaded file',
  description: 'A larger one is refused before anything is added.',
  usedBy: ['dam/upload-limit.ts'],
});

// ---- Mail

export const mailFrom = defineSetting({
  path: 'dam/mail',
  name: 'from',
  ...oneText(sender),
  title: 'Sender of mails',
  description: 'An address, or a name and an address; default: the mail.from of the configuration.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const mailReplyTo = defineSetting({
  path: 'dam/mail',
  name: 'replyTo',
  ...oneText(sender),
  title: 'Where replies to mails go',
  description: 'An address, or a name and an address; default: to the sender.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const mailBounce = defineSetting({
  path: 'dam/mail',
  name: 'bounce',
  ...oneText(sender.refine((text) => !text.includes('<'), 'must be an address without a name')),
  title: 'Where undeliverable mails go',
  description: 'The envelope sender (Return-Path), which servers send their reports to; default: the sender’s address.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const mailUnsubscribe = defineSetting({
  path: 'dam/mail',
  name: 'unsubscribe',
  ...oneText(
    z
      .string()
      .max(500, 'must have at most 500 characters')
      .regex(/^(?:mailto:[^\s<>]+@[^\s<>]+|https:\/\/[^\s<>]+)$/, 'must be a mailto: or https: URL without blanks'),
  ),
  title: 'How people unsubscribe',
  description: 'A mailto: or https: URL for the header List-Unsubscribe; default: no such header.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const mailGiveUp = defineSetting({
  path: 'dam/mail',
  name: 'giveUpMinutes',
  ...wholeNumber(0, 7200),
  unit: 'minutes',
  default: 240,
  title: 'Time to go on trying',
  description:
    'With a mail that its server did not take for now; then it counts as failed, and its workflow goes on. 0: one attempt.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const mailKeepDays = defineSetting({
  path: 'dam/mail',
  name: 'keepDays',
  type: 'Long',
  schema: z
    .int('must be 0, or a whole number from 7 to 3650')
    .refine((days) => days === 0 || (days >= 7 && days <= 3650), 'must be 0, or a whole number from 7 to 3650'),
  unit: 'days',
  default: 0,
  title: 'Time the mail log is kept',
  description:
    'Mails that were sent or failed longer ago are taken out of it, once a day. At least 7, longer than anything is tried again; 0: for ever.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const mailConnections = defineSetting({
  path: 'dam/mail',
  name: 'connections',
  ...wholeNumber(1, 50),
  unit: 'connections',
  default: 2,
  title: 'Connections to the mail server',
  description: 'At once; each sends one mail after another.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const mailsPerSecond = defineSetting({
  path: 'dam/mail',
  name: 'messagesPerSecond',
  ...wholeNumber(0, 10_000),
  unit: 'mails',
  default: 0,
  title: 'Mails in a second',
  description: 'More are held back, evenly; for servers that allow only so many. 0: as many as it takes.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const mailImages = defineSetting<'embed' | 'link'>({
  path: 'dam/mail',
  name: 'images',
  type: 'String',
  schema: z.enum(['embed', 'link'], 'must be "embed" or "link"'),
  default: 'embed',
  title: 'Pictures in mails',
  description: 'Logo and thumbnails go with the mail (embed), or are links that need a way in without a login (link).',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const listedArchives = defineSetting({
  path: 'dam/mail',
  name: 'listedArchives',
  ...wholeNumber(1, 500),
  unit: 'archives',
  default: 25,
  title: 'Archives a mail lists',
  description: 'With a link each; the inbox has the others.',
  usedBy: ['activities/notify/email.ts'],
});

export const listedSkipped = defineSetting({
  path: 'dam/mail',
  name: 'listedSkipped',
  ...wholeNumber(0, 500),
  unit: 'files',
  default: 10,
  title: 'Files left out that a mail lists',
  description: 'With their reason; the others are counted.',
  usedBy: ['activities/notify/email.ts'],
});

export const listedSteps = defineSetting({
  path: 'dam/mail',
  name: 'listedSteps',
  ...wholeNumber(1, 500),
  unit: 'steps',
  default: 50,
  title: 'Steps a mail lists',
  description: 'Of the workflow that ended; the others are counted.',
  usedBy: ['activities/notify/email.ts'],
});

// ---- Workflows

export const notifyOnComplete = defineSetting({
  path: 'workflow/transient',
  name: 'notifyOnComplete',
  ...yesOrNo,
  default: true,
  title: 'Notify on Complete',
  description: 'Whether people are told when a transient workflow ends; a model’s own notifyOnComplete wins.',
  usedBy: ['engine/model-loader.ts'],
});

export const instanceDays = defineSetting({
  path: 'workflow/instances',
  name: 'days',
  ...wholeNumber(0, 3650),
  unit: 'days',
  default: 0,
  title: 'Time records of workflows are kept',
  description: 'After the workflow ended, with its work items; what it made is not touched. 0: for ever.',
  usedBy: ['engine/instances/purge-instances.ts'],
});

// ---- Tenants

export const tenantTitle = defineSetting({
  path: 'tenant',
  name: 'jcr:title',
  ...oneText(z.string().max(255, 'must have at most 255 characters')),
  title: 'Title of the tenant',
  description: 'How people are shown it.',
  usedBy: ['dam/tenants/list-tenants.ts'],
});

export const tenantLocale = defineSetting({
  path: 'tenant',
  name: 'locale',
  ...oneText(locale),
  title: 'Language of the tenant',
  description: 'Of mails to people whose profile names none; without it English.',
  usedBy: ['activities/mail/template-source.ts'],
});

export const tenantTimeZone = defineSetting({
  path: 'tenant',
  name: 'timeZone',
  ...oneText(timeZone),
  title: 'Time zone of the tenant',
  description: 'Of dates in mails; without it UTC.',
  usedBy: ['activities/mail/create-mailer.ts'],
});

export const tenantGroup = defineSetting({
  path: 'tenant',
  name: 'group',
  ...oneText(principal),
  title: 'Group of the tenant',
  description: 'Its members may download and get mail as members of dam-users may, and choose the tenant.',
  usedBy: ['dam/settings/tenant-group.ts'],
});

export const tenantAdminGroup = defineSetting({
  path: 'tenant',
  name: 'adminGroup',
  ...oneText(principal),
  title: 'Administrators of the tenant',
  description: 'The group that was given the right to change what lies below the tenant’s configuration root.',
  usedBy: ['dam/tenants/list-tenants.ts'],
});

// ---- The installation

export const queryVisits = defineSetting({
  path: 'repository/query',
  name: 'maxVisitedNodes',
  ...wholeNumber(1, 100_000_000),
  unit: 'nodes',
  default: 100_000,
  title: 'Nodes a query may look at',
  description: 'Without an index for it; a query that would look at more is refused.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const querySorts = defineSetting({
  path: 'repository/query',
  name: 'maxSortedEntries',
  ...wholeNumber(0, 1_000_000),
  unit: 'entries',
  default: 1000,
  title: 'Entries a query sorts',
  description: 'More are rather read from an index that has the order.',
  usedBy: ['compose.ts'],
  scope: 'installation',
});

export const loginAttempts = defineSetting({
  path: 'server/login',
  name: 'attemptsPerMinute',
  ...wholeNumber(1, 1000),
  unit: 'attempts',
  default: 10,
  title: 'Attempts to log in',
  description: 'Of one address for one account in a minute; more have to wait.',
  usedBy: ['server/routes/login.ts'],
  scope: 'installation',
});

/** In the order in which people read them. */
export const settingDefinitions: readonly SettingDefinition[] = [
  maxAssets,
  maxBytes,
  partBytes,
  archiveDays,
  servletEnabled,
  servletContentBytes,
  shareContentBytes,
  visibleRenditions,
  hiddenRenditions,
  dynamicRenditions,
  presetTitle,
  presetWidth,
  presetHeight,
  presetFormat,
  presetQuality,
  presetApproved,
  renderProcesses,
  renderPixels,
  renderMemory,
  renderSeconds,
  uploadBytes,
  mailFrom,
  mailReplyTo,
  mailBounce,
  mailUnsubscribe,
  mailGiveUp,
  mailKeepDays,
  mailConnections,
  mailsPerSecond,
  mailImages,
  listedArchives,
  listedSkipped,
  listedSteps,
  notifyOnComplete,
  instanceDays,
  tenantTitle,
  tenantLocale,
  tenantTimeZone,
  tenantGroup,
  tenantAdminGroup,
  queryVisits,
  querySorts,
  loginAttempts,
];
