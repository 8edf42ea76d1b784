/** The download inbox, and the status of one download. */
import type { JobStep, JobSummary, JobView } from '../../engine/api.js';
import { nameOf } from '../../repository/path.js';
import { fileCount } from '../file-count.js';
import { html, type Html } from '../html.js';
import { moment, page } from './page.js';

const stateWords: Readonly<Record<JobSummary['state'], string>> = {
  queued: 'Waiting',
  running: 'In progress',
  completed: 'Ready',
  partial: 'Partly ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

const refreshSeconds = 2;

export function isUnderWay({ state }: Pick<JobSummary, 'state'>): boolean {
  return state === 'queued' || state === 'running';
}

function stateOf({ state }: Pick<JobSummary, 'state'>): Html {
  return html`<span class="${state}">${stateWords[state]}</span>`;
}

export function inboxPage(user: string, jobs: readonly JobSummary[]): string {
  const rows = jobs.map(
    (job) =>
      html`<tr>
        <td><a href="/downloads/${job.id}">${job.title}</a></td>
        <td>${stateOf(job)}</td>
        <td>${job.tenant}</td>
        <td>${job.initiator}</td>
        <td>${moment(job.created)}</td>
      </tr>`,
  );
  const list = html`<div class="card scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Download</th>
          <th scope="col">Status</th>
          <th scope="col">Tenant</th>
          <th scope="col">Requested by</th>
          <th scope="col">Requested</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  const empty = html`<div class="card quiet">
    No downloads yet. Request one with <code>satchel download /content/dam/…</code>
  </div>`;
  return page(
    { title: 'Downloads', user, ...(jobs.some(isUnderWay) && { refreshSeconds }) },
    html`<h1>Downloads</h1>
      ${rows.length > 0 ? list : empty}`,
  );
}

export function downloadPage(user: string, job: JobView): string {
  const underWay = isUnderWay(job);
  const cancel =
    underWay &&
    html`<form method="post" action="/downloads/${job.id}/cancel"><button>Cancel this download</button></form>`;
  return page(
    { title: job.title, user, ...(underWay && { refreshSeconds }) },
    html`<h1>${job.title}</h1>
      <div class="card">
        <p>${stateOf(job)} <span class="quiet">· ${job.tenant} · ${moment(job.created)} · ${job.id}</span></p>
        ${job.waiting && html`<p class="waiting">Waits for the workflow server; nothing is lost.</p>`}
        ${job.error && html`<p class="message">${job.error.message} <span class="quiet">${job.error.code}</span></p>`}
        ${archiveTable(job)} ${cancel}
      </div>
      ${stepTable(job.steps)} ${skippedTable(job)}`,
  );
}

function archiveTable(job: JobView): Html | undefined {
  const parts = job.archives?.parts ?? [];
  if (parts.length === 0) return undefined;
  return html`<table>
    <tbody>
      ${parts.map(
        (part) =>
          html`<tr>
            <td>
              <a href="/downloads/${nameOf(job.payload)}/${encodeURIComponent(part.file)}" download>${part.file}</a>
            </td>
            <td class="number">${fileCount(part)} files</td>
            <td class="number">${bytes(part.size)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function stepTable(steps: readonly JobStep[]): Html | undefined {
  if (steps.length === 0) return undefined;
  return html`<h2>Steps</h2>
    <div class="card scroll">
      <table>
        <tbody>
          ${steps.map(
            (step) =>
              html`<tr>
                <td>${step.title}</td>
                <td><span class="${step.state}">${step.state}</span></td>
                <td>${progressOf(step)}</td>
                <td class="number quiet">${elapsed(step)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function progressOf(step: JobStep): Html | undefined {
  if (step.error) return html`<span class="failed">${step.error.message}</span>`;
  const { bytes: volume, files } = step.progress ?? {};
  const amount = [volume, files, step.chunks].find((candidate) => (candidate?.total ?? 0) > 0);
  const retry =
    step.retrying && html`<div class="waiting">Attempt ${step.retrying.attempt} failed: ${step.retrying.message}</div>`;
  if (step.state !== 'running' || !amount) return retry;
  const figures = files
    ? `${files.done} of ${files.total} files`
    : `${Math.floor((100 * amount.done) / amount.total)} %`;
  return html`<progress value="${amount.done}" max="${amount.total}">${figures}</progress> ${figures} ${retry}`;
}

function skippedTable(job: JobView): Html | undefined {
  const skipped = job.archives?.skipped ?? job.skipped;
  if (skipped.length === 0) return undefined;
  return html`<h2>Left out</h2>
    <div class="card scroll">
      <table>
        <tbody>
          ${skipped.map(
            ({ path, rendition, reason }) =>
              html`<tr>
                <td>${path} ${rendition}</td>
                <td class="quiet">${reason}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function elapsed({ started, ended }: JobStep): string {
  if (started === undefined || ended === undefined) return '';
  return `${((Date.parse(ended) - Date.parse(started)) / 1000).toFixed(1)} s`;
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${(count / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit] ?? ''}`;
}
