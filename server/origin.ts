/** Who may talk to the server from a browser: its own pages only. */

/** The parts of a request's head this room looks at. */
export interface RequestHead {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Why a request is refused, or `undefined`. The Host must be one the server is known by, else a name that an attacker
 * points at 127.0.0.1 (DNS rebinding) would read pages as if they were its own. A changing request must come from an own
 * page: browsers send Origin with every POST; programs without one carry no foreign page's cookies.
 * @param origins own origins, `http://127.0.0.1:8080`
 */
export function crossOriginProblem(head: RequestHead, origins: ReadonlySet<string>): string | undefined {
  const host = one(head.headers['host']);
  if (![...origins].some((origin) => new URL(origin).host === host))
    return `the host "${host ?? ''}" is not this server`;
  if (safeMethods.has(head.method)) return undefined;
  const origin = one(head.headers['origin']);
  if (origin !== undefined) return origins.has(origin) ? undefined : 'it comes from a page of another site';
  const site = one(head.headers['sec-fetch-site']);
  return site === undefined || site === 'same-origin' ? undefined : 'it comes from a page of another site';
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

/** Where to go after login: a path of this server, else `/downloads`; never another site. */
export function localTarget(wanted: string | undefined): string {
  const fallback = '/downloads';
  // Browsers read `\` as `/` and drop tabs and line breaks, so that `/\evil.example` would leave the site.
  if (wanted === undefined || !/^\/(?![/\\])[\x21-\x7e]*$/.test(wanted) || wanted.includes('\\')) return fallback;
  const base = 'http://satchel.invalid';
  const url = URL.canParse(wanted, base) ? new URL(wanted, base) : undefined;
  if (url?.origin !== base || url.pathname.startsWith('//')) return fallback;
  return url.pathname + url.search;
}
