/** The frame of every page. */
import { html, type Html } from '../html.js';

export interface PageOptions {
  readonly title: string;
  /** Who is logged in. */
  readonly user?: string;
  /** Seconds after which the browser asks again, while something still changes. */
  readonly refreshSeconds?: number;
}

export function page({ title, user, refreshSeconds }: PageOptions, content: Html): string {
  const refresh = refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}" />`;
  const bar =
    user !== undefined &&
    html`<header>
      <div>
        <strong>Satchel</strong>
        <nav><a href="/downloads">Downloads</a><a href="/inbox">Work items</a><a href="/mail">Mail</a></nav>
        <form method="post" action="/logout"><span class="quiet">${user}</span><button>Log out</button></form>
      </div>
    </header>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${refresh}
        <title>${title} · Satchel</title>
        <link rel="stylesheet" href="/style.css" />
        <link rel="icon" href="data:," />
      </head>
      <body>
        ${bar}
        <main>${content}</main>
      </body>
    </html>`.html;
}

/** A point in time, `2025-11-22 09:56 UTC`. @param iso ISO 8601 in UTC */
export function moment(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
