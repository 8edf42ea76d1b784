/** Which locales a mail is looked for in, and in which order. */

/** The locale every template of the product has. */
export const lastLocale = 'en';

/**
 * From the wanted locale to `en`: language-REGION → language → the tenant's default (and its language) → `en`.
 * Locales are BCP 47; an underscore is taken for a hyphen, and what does not parse is passed over.
 */
export function localeFallbacks(wanted: string | undefined, tenantDefault: string | undefined): string[] {
  return [...new Set([...narrowing(wanted), ...narrowing(tenantDefault), lastLocale])];
}

/** `zh-Hant-TW` → `zh-Hant-TW`, `zh-Hant`, `zh` (the lookup of RFC 4647, section 3.4). */
export function narrowing(locale: string | undefined): string[] {
  const canonical = canonicalLocale(locale);
  if (canonical === undefined) return [];
  const parts = canonical.split('-');
  return parts
    .map((_, dropped) => parts.slice(0, parts.length - dropped).join('-'))
    .filter((l) => !/-[a-z0-9]$/i.test(l));
}

export function canonicalLocale(locale: string | undefined): string | undefined {
  const tag = locale?.trim().replaceAll('_', '-');
  // Longer first subtags are well-formed but reserved (RFC 5646, section 2.2.1); so "header" is no locale.
  if (tag === undefined || !/^[a-z]{2,3}(?:-|$)/i.test(tag)) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

export function languageOf(locale: string): string {
  return locale.split('-')[0] ?? locale;
}
