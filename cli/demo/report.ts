/** What the demo leaves behind for people and machines: `index.html` and `summary.json`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JobView } from '../../engine/api.js';

export interface DemoMail {
  readonly to: string;
  readonly subject: string;
  readonly locale: string;
  /** The .eml file, relative to the demo's folder. */
  readonly file: string;
  readonly html: string;
  readonly layers: Readonly<Record<string, string>>;
}

export interface DemoArchive {
  /** Relative to the demo's folder. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Files, and the manifest. */
  readonly entries: number;
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** One job of the demo with what it left. */
export interface DemoRun {
  readonly act: number;
  /** What this run shows, one line. */
  readonly shows: string;
  readonly job: JobView;
  readonly archives: readonly DemoArchive[];
  readonly mails: readonly DemoMail[];
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export function stepMilliseconds({ started, ended }: { started?: string; ended?: string }): number {
  return started && ended ? Date.parse(ended) - Date.parse(started) : 0;
}

export async function writeSummary(folder: string, runs: readonly DemoRun[]): Promise<void> {
  const tenants = runs.map(({ act, shows, job, archives, mails }) => ({
    act,
    shows,
    tenant: job.tenant,
    workflowId: job.id,
    model: job.model,
    state: job.state,
    steps: job.steps.map((step) => ({
      id: step.id,
      title: step.title,
      ms: stepMilliseconds(step),
      layer: step.layer,
    })),
    archives,
    mails: mails.map(({ to, subject, locale, file, layers }) => ({ to, subject, locale, file, layers })),
  }));
  await writeFile(path.join(folder, 'summary.json'), `${JSON.stringify({ tenants }, undefined, 2)}\n`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function layerBadge(layer: string): string {
  const kind = layer === '/libs' ? 'libs' : layer === '/apps' ? 'apps' : 'tenant';
  return `<span class="layer ${kind}">${escapeHtml(layer)}</span>`;
}

/** What a layer above /libs decided is shown at once; the rest unfolds. */
function layerTable(layers: Readonly<Record<string, string>>): string {
  const row = ([part, layer]: readonly [string, string]) =>
    `<tr><td>${escapeHtml(part)}</td><td>${layerBadge(layer)}</td></tr>`;
  const parts = Object.entries(layers);
  const own = parts.filter(([, layer]) => layer !== '/libs').map(row);
  const inherited = parts.filter(([, layer]) => layer === '/libs').map(row);
  const rest = `<details><summary>${inherited.length} parts as /libs has them</summary><table>${inherited.join('')}</table></details>`;
  return `<table>${own.join('')}</table>${inherited.length > 0 ? rest : ''}`;
}

function runCard({ shows, job, archives, mails }: DemoRun): string {
  const steps = job.steps.map(
    (step) =>
      `<li><b>${escapeHtml(step.title)}</b> <code>${escapeHtml(step.id)}</code> ${layerBadge(step.layer)} <span class="muted">${stepMilliseconds(step)} ms</span></li>`,
  );
  const files = archives.map(
    ({ file, bytes, entries, sha256, skipped }) =>
      `<li><a href="${encodeURI(file)}">${escapeHtml(path.basename(file))}</a> <span class="muted">${entries} entries, ${bytes.toLocaleString('en')} bytes, SHA-256 ${sha256.slice(0, 12)}…</span>${skipped.map((item) => `<br><span class="muted">left out: ${escapeHtml(item.path)}: ${escapeHtml(item.reason)}</span>`).join('')}</li>`,
  );
  const letters = mails.map(
    ({ subject, to, locale, html, layers, file }) =>
      `<h4>${escapeHtml(subject)}</h4><p class="muted">to ${escapeHtml(to)} · ${escapeHtml(locale)} · <a href="${encodeURI(file)}">source</a></p><iframe sandbox title="${escapeHtml(subject)}" srcdoc="${escapeHtml(html)}"></iframe>${layerTable(layers)}`,
  );
  return `<article><h3>${escapeHtml(job.tenant)}</h3><p>${escapeHtml(shows)}</p>${letters.join('')}<h4>Steps</h4><ol>${steps.join('')}</ol>${files.length ? `<h4>Archives</h4><ul>${files.join('')}</ul>` : ''}</article>`;
}

const style = `:root{color-scheme:light dark;--line:#8883;--muted:#6b7280}body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1500px;padding:2rem}h1{margin:0}section{margin-top:2.5rem}.runs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:1.25rem}article{border:1px solid var(--line);border-radius:14px;padding:1.1rem 1.25rem}article h3{margin:0}h4{margin:1.1rem 0 .25rem}iframe{width:100%;height:620px;border:1px solid var(--line);border-radius:10px;background:#fff}.muted{color:var(--muted);font-size:.86em}.layer{font:600 12px ui-monospace,monospace;padding:.12em .55em;border-radius:99px;background:#64748b22}.layer.apps{background:#f59e0b33}.layer.tenant{background:#10b98133}table{border-collapse:collapse;font-size:.9em}td{padding:.15rem .8rem .15rem 0}details{margin:.5rem 0}ol,ul{padding-left:1.2rem;margin:.25rem 0}`;

/** @param acts title and one sentence of each act, by number from 1 */
export async function writeIndex(
  folder: string,
  acts: readonly { readonly title: string; readonly text: string }[],
  runs: readonly DemoRun[],
): Promise<void> {
  const sections = acts.map(({ title, text }, index) => {
    const cards = runs.filter(({ act }) => act === index + 1).map(runCard);
    return `<section><h2>${index + 1}. ${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p><div class="runs">${cards.join('')}</div></section>`;
  });
  await writeFile(
    path.join(folder, 'index.html'),
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Satchel demo</title><style>${style}</style><h1>Satchel demo</h1><p>Every mail and archive below was made by a workflow; the coloured labels say which layer each part came from.</p>${sections.join('')}</html>\n`,
  );
}
