import { describe, expect, it } from 'vitest';
import { parseOverlayPath } from '../../cli/overlay-path.js';

describe('parseOverlayPath', () => {
  it.each([
    ['/libs/settings/dam/download', 'dam/download', undefined],
    ['/apps/settings/dam/download', 'dam/download', undefined],
    ['/mnt/overlay/settings/dam/download', 'dam/download', undefined],
    ['settings/dam/download/', 'dam/download', undefined],
    ['dam/download', 'dam/download', undefined],
    ['/libs/settings', '', undefined],
    ['/conf/aurora/settings/dam/download', 'dam/download', 'aurora'],
    ['/conf/emea/aurora/settings/dam', 'dam', 'emea/aurora'],
  ])('reads %s as a setting', (typed, path, tenant) => {
    expect(parseOverlayPath(typed)).toEqual({ kind: 'settings', path, tenant });
  });

  it.each([
    ['/libs/dam/gui', 'dam/gui'],
    ['/apps/dam/gui/', 'dam/gui'],
    ['/mnt/overlay/dam/gui', 'dam/gui'],
    ['/libs/settingsfoo', 'settingsfoo'],
  ])('reads %s from the search path', (typed, path) => {
    expect(parseOverlayPath(typed)).toEqual({ kind: 'searchPath', path });
  });

  it.each(['/content/dam', '/', '', '/conf/aurora'])('refuses "%s", which is not overlaid', (typed) => {
    expect(() => parseOverlayPath(typed)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});
