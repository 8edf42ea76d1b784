/** Downloads over HTTP, as a browser sees them: starting a command for each look would miss what lasts a second. */
import type { JobView } from '../../engine/api.js';

/**
 * Logs in.
 * @param url of the web server; @returns reads a download as it is now
 * @throws Error when the login or a read is refused
 */
export async function watchDownloads(
  url: string,
  user: string,
  password: string,
): Promise<(id: string) => Promise<Pick<JobView, 'steps' | 'error'>>> {
  const body = new URLSearchParams({ user, password });
  const login = await fetch(`${url}/login`, { method: 'POST', body, redirect: 'manual' });
  const cookie = login.headers.getSetCookie().map((set) => set.split(';', 1)[0]);
  if (login.status !== 303) throw new Error(`${url}/login answered ${user} with ${login.status}`);
  return async (id) => {
    const answer = await fetch(`${url}/api/downloads/${id}`, { headers: { cookie: cookie.join('; ') } });
    if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as JobView;
  };
}
