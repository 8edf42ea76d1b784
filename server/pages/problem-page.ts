import { html } from '../html.js';
import { page, type PageOptions } from './page.js';

export function problemPage(options: Omit<PageOptions, 'title'>, title: string, message: string): string {
  return page(
    { ...options, title },
    html`<div class="card">
      <h1>${title}</h1>
      <p class="message">${message}</p>
      <p><a href="/downloads">To the downloads</a></p>
    </div>`,
  );
}
