import { describe, expect, it } from 'vitest';
import { localeFallbacks } from '../../activities/mail/locale-fallback.js';

describe('locale fallback: language-REGION → language → tenant → en', () => {
  it.each([
    ['de-CH', 'fr', ['de-CH', 'de', 'fr', 'en']],
    ['de', undefined, ['de', 'en']],
    ['en-GB', 'de', ['en-GB', 'en', 'de']],
    [undefined, 'ja', ['ja', 'en']],
    [undefined, undefined, ['en']],
    ['pt_BR', 'pt-PT', ['pt-BR', 'pt', 'pt-PT', 'en']],
    ['ZH-hant-tw', undefined, ['zh-Hant-TW', 'zh-Hant', 'zh', 'en']],
    ['no such locale!', '', ['en']],
    ['../../etc', undefined, ['en']],
    ['header', undefined, ['en']],
  ])('%s for a tenant of %s', (wanted, tenant, expected) => {
    expect(localeFallbacks(wanted, tenant)).toEqual(expected);
  });
});
