/** The domains of AEM's link externalizer, and which of them links start with. Pure. */
import type { OsgiProperties } from '../repository/osgi/configuration.js';

export interface ExternalDomain {
  /** `local`, `author`, `publish`, or one of the deployment's own. */
  readonly name: string;
  /** With a context path where there is one, without a slash at the end. */
  readonly url: string;
}

/** @param text `publish https://dam.example.com/portal`; without a scheme it is http */
export function externalDomain(text: string): ExternalDomain | undefined {
  const [, name, address] = /^\s*([\w.-]+)\s+(\S+)\s*$/.exec(text) ?? [];
  if (name === undefined || address === undefined) return undefined;
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `http://${address}`);
  const isPlain = url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === '';
  return isPlain ? { name, url: url.href.replace(/\/+$/, '') } : undefined;
}

/** Where people reach this installation: the domain of what it is, `publish` or `author`, else `local`. */
export function externalUrlOf(properties: OsgiProperties, runModes: readonly string[]): string | undefined {
  const texts = properties.get('externalizer.domains')?.values ?? [];
  const domains = new Map(
    texts.flatMap((text) => externalDomain(String(text)) ?? []).map(({ name, url }) => [name, url]),
  );
  return domains.get(runModes.includes('publish') ? 'publish' : 'author') ?? domains.get('local');
}
