/**
 * Rendering for delivery: a mail is never lost to a typo in its template. What does not render now is rendered with the last
 * version that did, else with the template the product brings, and the mail says so.
 */
import { SatchelError } from '../../workflows/contract/errors.js';
import type { Session } from '../../repository/api.js';
import type { OverlayResolver, Tenant } from '../../repository/overlay/api.js';
import { builtInLayer } from './authoring/some-layers.js';
import { compileTemplate } from './compile-template.js';
import type { CompiledTemplate, TemplateParts } from './compile-template.js';
import { readLastGood, recordLastGood } from './last-good.js';
import { localeFallbacks } from './locale-fallback.js';
import { locateTemplate } from './template-source.js';
import type { Mailer, RenderedMail, RenderOptions } from './mailer.js';

/** Told to whoever looks after the templates. */
export interface FallbackAlert {
  readonly template: string;
  readonly tenant: string;
  readonly locale: string | undefined;
  /** What was used instead: `last good version …`, `/libs`. */
  readonly used: string;
  /** Why. */
  readonly reason: string;
}

export interface SafeRenderOptions {
  readonly overlay: OverlayResolver;
  readonly render: Mailer['render'];
  /** Fills a compiled template as `render` does. */
  readonly draw: (session: Session, template: CompiledTemplate, options: RenderOptions) => Promise<RenderedMail>;
  readonly tenantLocale: (session: Session, tenant: Tenant) => Promise<string | undefined>;
  readonly onFallback?: ((alert: FallbackAlert) => void) | undefined;
}

/** Versions known to be recorded, and compiled fallbacks: a few are in use at a time. */
const maxRemembered = 1000;
const maxCompiled = 50;

/** @returns as `Mailer.render`; throws only where nothing at all renders @param session of the service `workflow` */
export function createSafeRender({
  overlay,
  render,
  draw,
  tenantLocale,
  onFallback,
}: SafeRenderOptions): (session: Session, options: RenderOptions) => Promise<RenderedMail> {
  const recorded = new Set<string>();
  const compiled = new Map<string, Promise<CompiledTemplate>>();

  async function remember(session: Session, options: RenderOptions, mail: RenderedMail): Promise<void> {
    const { tenant, template, locale: wanted } = options;
    const key = JSON.stringify([tenant.root, template, mail.locale, mail.templateVersion]);
    if (recorded.has(key)) return;
    const located = await locateTemplate(session, overlay, {
      tenant,
      template,
      locale: wanted ?? mail.locale,
      tenantLocale: await tenantLocale(session, tenant),
    });
    const { locale, templateVersion: version } = mail;
    await recordLastGood(session, [{ tenant, template, locale, version, located }]);
    if (recorded.size >= maxRemembered) recorded.clear();
    recorded.add(key);
  }

  function compile(key: string, parts: TemplateParts): Promise<CompiledTemplate> {
    const pending = compiled.get(key) ?? compileTemplate(parts);
    compiled.set(key, pending);
    if (compiled.size > maxCompiled) compiled.delete([...compiled.keys()][0] ?? key);
    return pending;
  }

  async function* candidates(
    session: Session,
    { tenant, template, locale }: RenderOptions,
  ): AsyncGenerator<{ parts: TemplateParts; used: string }> {
    const own = await tenantLocale(session, tenant).catch(() => undefined);
    for (const candidate of localeFallbacks(locale, own)) {
      const parts = await readLastGood(session, { tenant, template, locale: candidate });
      if (parts) yield { parts, used: `the last version for ${candidate} that rendered` };
    }
    const located = await locateTemplate(session, builtInLayer(overlay), {
      tenant,
      template,
      locale,
      tenantLocale: own,
    });
    yield { parts: await located.read(session), used: '/libs' };
  }

  async function renderOtherwise(
    session: Session,
    options: RenderOptions,
    error: SatchelError,
  ): Promise<RenderedMail | undefined> {
    const { tenant, template, locale } = options;
    try {
      for await (const { parts, used } of candidates(session, options)) {
        const key = JSON.stringify(Object.values(parts as unknown as Record<string, unknown>).map(describe));
        try {
          const found = await compile(key, parts);
          const mail = await draw(session, found, options);
          onFallback?.({ template, tenant: tenant.name, locale, used, reason: error.message });
          return { ...mail, fallback: `${error.message} Sent with ${used} instead.` };
        } catch (candidateError) {
          if (!isTemplateError(candidateError)) throw candidateError;
          compiled.delete(key);
        }
      }
    } catch (candidateError) {
      // Nothing built in of that name: then the first error is the one to tell.
      if (!isTemplateError(candidateError)) throw candidateError;
    }
    return undefined;
  }

  return async (session, options) => {
    let mail: RenderedMail;
    try {
      mail = await render(session, options);
    } catch (error) {
      if (!isTemplateError(error)) throw error;
      const instead = await renderOtherwise(session, options, error);
      if (!instead) throw error;
      return instead;
    }
    await remember(session, options, mail);
    return mail;
  };
}

function isTemplateError(error: unknown): error is SatchelError {
  return error instanceof SatchelError && (error.code === 'INVALID_TEMPLATE' || error.code === 'UNKNOWN_TEMPLATE');
}

function describe(part: unknown): unknown {
  return part instanceof Map ? [...(part as Map<unknown, unknown>)] : part;
}
