import { html } from '../html.js';
import { page } from './page.js';

/** @param next where to go afterwards */
export function loginPage(next: string, problem?: string): string {
  return page(
    { title: 'Log in' },
    html`<form class="card narrow" method="post" action="/login">
      <h1>Log in to Satchel</h1>
      ${problem !== undefined && html`<p class="message" role="alert">${problem}</p>`}
      <input type="hidden" name="next" value="${next}" />
      <label for="user">User</label>
      <input id="user" name="user" autocomplete="username" required autofocus />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required />
      <button class="primary">Log in</button>
    </form>`,
  );
}
