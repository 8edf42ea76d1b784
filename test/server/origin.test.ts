import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossOriginProblem, localTarget } from '../../server/origin.js';

const origins = new Set(['http://127.0.0.1:8080', 'https://dam.example.com']);
const head = (method: string, headers: Record<string, string>) => ({
  method,
  headers: { host: '127.0.0.1:8080', ...headers },
});

describe('crossOriginProblem', () => {
  it.each([
    ['a page is read', head('GET', {})],
    ['an own page posts', head('POST', { origin: 'http://127.0.0.1:8080' })],
    [
      'an own page posts through the proxy',
      head('POST', { host: 'dam.example.com', origin: 'https://dam.example.com' }),
    ],
    ['a program posts', head('POST', {})],
    ['an own page posts without an origin', head('POST', { 'sec-fetch-site': 'same-origin' })],
    ['a link of a mail is followed', head('GET', { 'sec-fetch-site': 'cross-site' })],
  ])('lets through: %s', (_title, request) => expect(crossOriginProblem(request, origins)).toBeUndefined());

  it.each([
    ['another name that points here', head('GET', { host: 'evil.example:8080' })],
    ['no host', { method: 'GET', headers: {} }],
    ['another site', head('POST', { origin: 'https://evil.example' })],
    ['another port of this machine', head('POST', { origin: 'http://127.0.0.1:9999' })],
    ['a page that hides where it is from', head('POST', { origin: 'null' })],
    ['another site without an origin', head('POST', { 'sec-fetch-site': 'cross-site' })],
  ])('refuses: %s', (_title, request) => expect(crossOriginProblem(request, origins)).toBeTypeOf('string'));
});

describe('localTarget', () => {
  it.each([
    ['/downloads/j1', '/downloads/j1'],
    ['/downloads/j1/a%20b.zip?x=1', '/downloads/j1/a%20b.zip?x=1'],
    ['/mail', '/mail'],
  ])('keeps %s', (wanted, target) => expect(localTarget(wanted)).toBe(target));

  it.each([
    undefined,
    '',
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/x/..//evil.example',
    'javascript:alert(1)',
    'downloads',
    '/a\r\nset-cookie: x',
  ])('goes to the inbox instead of %j', (wanted) => expect(localTarget(wanted)).toBe('/downloads'));

  it('never leaves the server, as a browser resolves it', () => {
    const base = 'http://127.0.0.1:8080/login';
    const wanted = fc.oneof(fc.webUrl(), fc.string(), fc.stringMatching(/^\/[/\\.a-z@:?#\t ]{0,12}$/));
    fc.assert(
      fc.property(wanted, (text) => new URL(localTarget(text), base).origin === 'http://127.0.0.1:8080'),
      { numRuns: 2000 },
    );
  });
});
