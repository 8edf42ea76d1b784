import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repositoryErrorCodes } from '../../repository/errors.js';
import { errorCodes } from '../../workflows/contract/errors.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (\d|–) \| (yes|no) \| (.+) \|$/gm)].map(
  ([, code, status, exit, retry, meaning]) => ({ code, status, exit, retry, meaning }),
);

describe('docs/errors.md', () => {
  it('lists exactly the codes of both tables, with the same status, exit code, retry and meaning', () => {
    const expected = [
      ...Object.entries(errorCodes).map(([code, { status, exit, retryable, meaning }]) => ({
        code,
        status: String(status),
        exit: String(exit),
        retry: retryable ? 'yes' : 'no',
        meaning,
      })),
      ...Object.entries(repositoryErrorCodes)
        .filter(([code]) => !Object.hasOwn(errorCodes, code))
        .map(([code, { status, retryable, meaning }]) => ({
          code,
          status: String(status),
          exit: '–',
          retry: retryable ? 'yes' : 'no',
          meaning,
        })),
    ];
    expect(rows).toEqual(expected);
  });
});
