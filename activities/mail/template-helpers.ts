/** The helpers templates may use beside Handlebars' own `if`, `unless`, `each`, `with` and `lookup`. */
import type { HelperDelegate, HelperOptions } from 'handlebars';

/** Helpers that Handlebars brings and templates may use; `log` and the rest are not for mail. */
export const builtInHelpers = ['if', 'unless', 'each', 'with', 'lookup'] as const;

/** Block helper that a `{{> partial name=value}}` turns into when partials are flattened. */
export const partialScopeHelper = 'partialScope';

const maxLines = 500;

/**
 * - `{{bytes size}}` 1024 bytes are 1 KB, as file managers and AEM count: `2.4 MB`, `2,4 Mo`
 * - `{{number count}}` with the locale's grouping
 * - `{{date expires}}` an ISO 8601 instant as a long date with time, in the time zone of the mail (the recipient's, else the
 *   tenant's, else UTC) unless `timeZone="Europe/Zurich"` is given
 * - `{{image thumbnail}}` the address of a picture of the repository, for `src`; empty where there is none to show, so that
 *   `{{#if (image thumbnail)}}` tells
 * - `{{duration seconds}}` `1.4 s`, `2 min 5 s`
 * - `{{plural n one="# file" other="# files"}}` by the locale's plural rules (zero, one, two, few, many, other); `#` is
 *   the number
 * - `{{#each (lines message)}}{{this}}<br />{{/each}}` the lines of a text, at most 500
 * - `(eq a b)`, `(gt a b)`, `(or a b …)` for conditions
 */
export const templateHelpers: Readonly<Record<string, HelperDelegate>> = {
  bytes: (value: unknown, options: HelperOptions) => formatBytes(asNumber('bytes', value), localeOf(options)),
  number: (value: unknown, options: HelperOptions) => numbers(localeOf(options)).format(asNumber('number', value)),
  date: (value: unknown, options: HelperOptions) => {
    const { timeZone } = options.hash as { timeZone?: string };
    return formatDate(value, localeOf(options), timeZone ?? (options.data as { timeZone: string }).timeZone);
  },
  image: (path: unknown, options: HelperOptions) => {
    const { images } = options.data as { images: { address(path: string): string } | undefined };
    return typeof path === 'string' && path !== '' ? (images?.address(path) ?? '') : '';
  },
  duration: (value: unknown, options: HelperOptions) => formatDuration(asNumber('duration', value), localeOf(options)),
  plural: (value: unknown, options: HelperOptions) => formatPlural(asNumber('plural', value), options),
  lines: (value: unknown) => (typeof value === 'string' ? value.trim().split(/\r\n|\r|\n/, maxLines) : []),
  eq: (left: unknown, right: unknown) => left === right,
  gt: (left: unknown, right: unknown) => asNumber('gt', left) > asNumber('gt', right),
  or: (...values: unknown[]) => values.slice(0, -1).some(Boolean),
  [partialScopeHelper]: function partialScope(this: object, options: HelperOptions) {
    const scope: unknown = Object.assign(
      Object.create(Object.getPrototypeOf(this) as object) as object,
      this,
      options.hash,
    );
    return options.fn(scope);
  },
};

function localeOf(options: HelperOptions): string {
  const { locale } = options.data as { locale: string };
  return locale;
}

function asNumber(helper: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(`the helper "${helper}" needs a number and got ${JSON.stringify(value)}`);
}

/** A formatter takes longer to make than a mail to render, so those in use are kept: a few for each locale. */
const maxFormatters = 500;

function kept<Args extends readonly unknown[], Formatter>(make: (...args: Args) => Formatter) {
  const made = new Map<string, Formatter>();
  return (...args: Args): Formatter => {
    const key = args.join(' ');
    let formatter = made.get(key);
    if (formatter === undefined) {
      if (made.size >= maxFormatters) made.clear();
      made.set(key, (formatter = make(...args)));
    }
    return formatter;
  };
}

const numbers = kept((locale: string) => new Intl.NumberFormat(locale));
const plurals = kept((locale: string) => new Intl.PluralRules(locale));
const units = kept(
  (locale: string, unit: string, digits: number, unitDisplay: 'long' | 'short') =>
    new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay, maximumFractionDigits: digits }),
);
const dates = kept(
  (locale: string, timeZone: string) =>
    new Intl.DateTimeFormat(locale, {
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    }),
);

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

export function formatBytes(bytes: number, locale: string): string {
  const power = bytes < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = value < 10 && power > 0 ? 1 : 0;
  return onOneLine(units(locale, byteUnits[power] ?? 'byte', digits, power === 0 ? 'long' : 'short').format(value));
}

/** A number and its unit are not torn apart at the end of a line. */
function onOneLine(measure: string): string {
  return measure.replaceAll(' ', '\u00a0');
}

/** @throws TypeError for what is no date, RangeError for what is no time zone */
export function formatDate(value: unknown, locale: string, timeZone: string): string {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new TypeError(`the helper "date" needs an ISO 8601 date and got ${JSON.stringify(value)}`);
  }
  return dates(locale, timeZone).format(time);
}

function formatDuration(seconds: number, locale: string): string {
  const unit = (value: number, name: string, digits: number) =>
    onOneLine(units(locale, name, digits, 'short').format(value));
  if (seconds < 9.95) return unit(seconds, 'second', 1);
  const whole = Math.round(seconds);
  if (whole < 60) return unit(whole, 'second', 0);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${unit(hours, 'hour', 0)} ${unit(minutes, 'minute', 0)}`
    : `${unit(minutes, 'minute', 0)} ${unit(whole % 60, 'second', 0)}`;
}

function formatPlural(count: number, options: HelperOptions): string {
  const forms = options.hash as Readonly<Record<string, unknown>>;
  const locale = localeOf(options);
  const form = forms[plurals(locale).select(count)] ?? forms['other'];
  if (typeof form !== 'string') throw new TypeError('the helper "plural" needs the form other="…"');
  return form.replaceAll('#', numbers(locale).format(count));
}
