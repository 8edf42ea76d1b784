/** `template preview --all-tenants`: every mail of every tenant as a file, and one page that shows them all. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { renderPreview } from '../activities/mail/authoring/preview.js';
import { visibleTenants } from '../activities/mail/authoring/visible-tenants.js';
import { withInlineImages } from '../activities/mail/mail-images.js';
import { listTemplates, templateLocales } from '../activities/mail/template-source.js';
import { html, type Html } from '../server/html.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext, ExitCode } from './command.js';
import { answer } from './output/report.js';
import { safeText } from './output/text.js';
import { writeOutputFile } from './write-output-file.js';

interface Preview {
  readonly tenant: string;
  readonly template: string;
  readonly locale: string;
  readonly subject: string;
  /** Relative to the folder; `undefined` for one that does not render. */
  readonly file: string | undefined;
  readonly problem: string | undefined;
}

/** @param only one template, else all @returns 3 when one does not render */
export async function previewAllTenants(
  context: CommandContext,
  folder: string,
  only: string | undefined,
): Promise<ExitCode> {
  const { repository, overlay, mailer } = context.satchel;
  return repository.withSession(context.user, async (session): Promise<ExitCode> => {
    const previews: Preview[] = [];
    for (const tenant of await visibleTenants(repository, session)) {
      const templates = await listTemplates(session, overlay, tenant);
      for (const template of only === undefined ? templates : templates.filter((name) => name === only)) {
        for (const locale of await templateLocales(session, overlay, tenant, template)) {
          context.signal.throwIfAborted();
          const of = { tenant: tenant.name, template, locale };
          try {
            const mail = await renderPreview({ overlay, mailer }, session, { tenant, template, locale });
            const file = `${fileName(tenant.name)}/${fileName(template)}.${fileName(locale)}.html`;
            await makeFolder(path.join(folder, path.dirname(file)));
            await writeOutputFile(path.join(folder, file), withInlineImages(mail.html, mail.images ?? []));
            await writeOutputFile(path.join(folder, file.replace(/html$/u, 'txt')), mail.text);
            previews.push({ ...of, subject: mail.subject, file, problem: undefined });
          } catch (error) {
            if (!(error instanceof SatchelError) || error.code !== 'INVALID_TEMPLATE') throw error;
            previews.push({ ...of, subject: '', file: undefined, problem: error.message });
          }
        }
      }
    }
    await makeFolder(folder);
    const index = path.join(folder, 'index.html');
    await writeOutputFile(index, indexPage(previews));
    const broken = previews.filter(({ problem }) => problem !== undefined);
    await answer(context, { index, previews }, [
      safeText(`written  ${index}`),
      `${previews.length} mails of ${new Set(previews.map(({ tenant }) => tenant)).size} tenants`,
      ...broken.map(({ tenant, template, locale, problem }) =>
        safeText(`  ${tenant} ${template} ${locale} does not render: ${problem ?? ''}`),
      ),
    ]);
    return broken.length === 0 ? 0 : 3;
  });
}

/** One name in a folder, whatever the tenant is called. */
function fileName(name: string): string {
  return encodeURIComponent(name).replaceAll('%', '_');
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new SatchelError('OUT_FOLDER', `The folder "${folder}" cannot be made.`, { cause });
  });
}

function indexPage(previews: readonly Preview[]): string {
  const tenants = [...new Set(previews.map(({ tenant }) => tenant))];
  const page = html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>E-mail templates of all tenants</title>
      <style>
        body {
          font:
            15px/1.4 system-ui,
            sans-serif;
          margin: 24px;
          color: #1a2229;
          background: #f4f6f7;
        }
        nav,
        .cards {
          display: flex;
          flex-wrap: wrap;
          gap: 12px;
        }
        figure {
          margin: 0;
          width: 320px;
          background: #fff;
          border: 1px solid #c9d1d6;
          border-radius: 8px;
          overflow: hidden;
        }
        figcaption {
          padding: 8px 12px;
          overflow-wrap: anywhere;
        }
        iframe {
          width: 640px;
          height: 900px;
          border: 0;
          transform: scale(0.5);
          transform-origin: 0 0;
          margin-bottom: -450px;
        }
        .problem {
          color: #9d1c1c;
        }
      </style>
      <h1>E-mail templates of all tenants</h1>
      <nav>${tenants.map((tenant) => html`<a href="#${encodeURIComponent(tenant)}">${tenant}</a> `)}</nav>
      ${tenants.map(
        (tenant) =>
          html`<h2 id="${tenant}">${tenant}</h2>
            <div class="cards">${previews.filter((preview) => preview.tenant === tenant).map(card)}</div>`,
      )}
    </html> `;
  return page.html;
}

/** Mails in sandboxed frames: their content cannot reach this page, nor run anything. */
function card({ template, locale, subject, file, problem }: Preview): Html {
  const title = `${template} · ${locale}`;
  if (file === undefined) {
    return html`<figure>
      <figcaption>
        <b>${title}</b>
        <p class="problem">${problem}</p>
      </figcaption>
    </figure>`;
  }
  return html`<figure>
    <figcaption>
      <a href="${file}"><b>${title}</b></a
      ><br />${subject}
    </figcaption>
    <iframe sandbox src="${file}" title="${title}" loading="lazy"></iframe>
  </figure>`;
}
