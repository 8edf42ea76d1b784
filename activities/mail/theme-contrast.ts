/**
 * Whether the colours of a theme can be read: WCAG 2.2, success criterion 1.4.3 (4.5:1 for text), in the light and the dark
 * appearance of the built-in templates (partials/base.mjml). Pure.
 */
import type { ThemeProperty } from './compile-template.js';
import type { TemplateProblem } from './template-problem.js';

export const leastContrast = 4.5;

/** What partials/base.mjml shows in a dark appearance, whatever the theme. */
export const darkColors = {
  background: '#111418',
  surface: '#1c2127',
  panel: '#2a3139',
  text: '#f1f4f6',
  mutedText: '#aab4bd',
} as const;

/** Text on what it stands on, by the names of theme properties. */
const pairs: readonly (readonly [text: string, on: string])[] = [
  ['onColor', 'color'],
  ['text', 'surface'],
  ['text', 'background'],
  ['mutedText', 'surface'],
  ['mutedText', 'background'],
];

/** A remark for each pair of colours that is hard to read; colours that are not `#rrggbb` are passed over. */
export function themeRemarks(theme: ReadonlyMap<string, ThemeProperty>, file: string): TemplateProblem[] {
  return pairs.flatMap(([text, on]): TemplateProblem[] => {
    const [foreground, background] = [theme.get(text)?.value ?? '', theme.get(on)?.value ?? ''];
    const ratio = contrast(foreground, background);
    if (ratio === undefined || ratio >= leastContrast) return [];
    const message =
      `The theme's "${text}" (${foreground}) on "${on}" (${background}) has a contrast of ${ratio.toFixed(2)}:1; ` +
      `people need at least ${leastContrast}:1 to read it.`;
    return [{ file, line: 1, message }];
  });
}

/** Of two colours `#rrggbb`, from 1 to 21; `undefined` for others. */
export function contrast(one: string, other: string): number | undefined {
  const [a, b] = [luminance(one), luminance(other)];
  return a === undefined || b === undefined ? undefined : (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** Relative luminance (WCAG 2.2, glossary). */
function luminance(color: string): number | undefined {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return undefined;
  const channel = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
