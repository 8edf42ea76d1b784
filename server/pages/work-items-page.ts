/** Steps that wait for a person: the list, and one of them with its form. */
import type { WorkItem } from '../../engine/api.js';
import { html } from '../html.js';
import { moment, page } from './page.js';

export function workItemsPage(user: string, items: readonly WorkItem[]): string {
  const rows = items.map(
    (item) =>
      html`<tr>
        <td><a href="/inbox/${item.id}">${item.title}</a></td>
        <td>${item.assignee}</td>
        <td>${item.due === undefined ? undefined : moment(item.due)}</td>
        <td>${item.payload}</td>
      </tr>`,
  );
  const list = html`<div class="card scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Work item</th>
          <th scope="col">Given to</th>
          <th scope="col">Due</th>
          <th scope="col">Payload</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  return page(
    { title: 'Work items', user },
    html`<h1>Work items</h1>
      ${rows.length > 0 ? list : html`<div class="card quiet">Nothing waits for you.</div>`}`,
  );
}

export function workItemPage(user: string, item: WorkItem): string {
  const complete = html`<form method="post" action="/inbox/${item.id}/complete">
    <label>Comment <input name="comment" maxlength="4000" /></label> <button>Complete</button>
  </form>`;
  return page(
    { title: item.title, user },
    html`<h1>${item.title}</h1>
      <div class="card">
        <p>
          ${item.state} <span class="quiet">· for ${item.assignee} · ${item.tenant} · ${moment(item.created)}</span>
        </p>
        <p>${item.description}</p>
        <p>${item.payload}</p>
        ${item.due !== undefined && html`<p>Due ${moment(item.due)}</p>`} ${item.state === 'open' && complete}
      </div>`,
  );
}
