/**
 * E1, E2, E3, E5: where every part of a mail comes from. For each kind of part, every place it can lie at (layer and
 * locale, or layer and scope), and pairs of places, are a template of its own; what is expected is computed here from the rules of docs/mail-templates.md:
 *
 * 1. The locale comes first: wanted → its language → the tenant's → en; the first that any layer has a body for.
 * 2. Then the layer: tenant, its parent, /conf/global, /apps, /libs.
 * 3. In one layer MJML counts before a text template of AEM's.
 * 4. A text part counts where it is not below the body; a file of that name is one part, whatever it holds.
 * 5. A subject is looked for by locale, within the body's language, then "default"; one below a body with its own does not count.
 * 6. A partial and a theme property of the template count before those that templates share, whatever their layers.
 *
 * Each rule decides cases: those with two locales (1, 5), with two layers (2), with both kinds of body at one layer (3), with a
 * text above, beside or below the body (4), with a body with and without a title (5), with both scopes (6).
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileTemplate } from '../../activities/mail/compile-template.js';
import { locateTemplate, templatesPath } from '../../activities/mail/template-source.js';
import { createOverlayResolver } from '../../repository/overlay/resolver.js';
import { openEmbedded, temporaryFolder } from '../repository/world.js';
import type { TemplateParts } from '../../activities/mail/compile-template.js';

/** Topmost first. */
const layers = ['/conf/emea/aurora', '/conf/emea', '/conf/global', '/apps', '/libs'] as const;
type LayerName = (typeof layers)[number];
/** In the order of the fallback: wanted, its language, the tenant's, the last. */
const locales = ['de-CH', 'de', 'fr', 'en'] as const;
const rank = (layer: LayerName) => layers.indexOf(layer);

type Kind = 'mjml' | 'untitled' | 'legacy' | 'text';
interface FilePlace {
  readonly layer: LayerName;
  readonly locale: string;
  readonly kind: Kind;
}
interface NamedPlace {
  readonly layer: LayerName;
  /** Of a subject: a locale or "default"; of a partial or theme property: whose it is. */
  readonly name: string;
}
interface Case {
  readonly name: string;
  readonly files: readonly FilePlace[];
  readonly subjects: readonly NamedPlace[];
  readonly partials: readonly NamedPlace[];
  readonly theme: readonly NamedPlace[];
}

/** What a file holds names where it lies. */
const contents: Readonly<Record<Kind, (place: string) => string>> = {
  mjml: (place) => `<mjml><mj-head><mj-title>title of ${place}</mj-title></mj-head><mj-body></mj-body></mjml>`,
  untitled: (place) => `<mjml><mj-body></mj-body></mjml><!-- ${place} -->`,
  legacy: (place) => `subject=subject of ${place}\nmessage=message of ${place}`,
  text: (place) => `text of ${place}`,
};
const textOf = ({ layer, locale, kind }: FilePlace) => contents[kind](`${layer} ${locale}`);

function pairs<Item>(items: readonly Item[]): Item[][] {
  return items.flatMap((one, at) => [[one], ...items.slice(at + 1).map((other) => [one, other])]);
}

const base: FilePlace = { layer: '/libs', locale: 'en', kind: 'mjml' };
const places = (kinds: readonly Kind[], among: readonly string[] = locales): FilePlace[] =>
  layers.flatMap((layer) => among.flatMap((locale) => kinds.map((kind) => ({ layer, locale, kind }))));
const named = (names: readonly string[]): NamedPlace[] =>
  layers.flatMap((layer) => names.map((name) => ({ layer, name })));
const fileName = ({ locale, kind }: FilePlace) =>
  `${locale}.${kind === 'mjml' || kind === 'untitled' ? 'mjml' : 'txt'}`;
const distinct = (files: readonly FilePlace[]) =>
  new Set(files.map((file) => `${file.layer}/${fileName(file)}`)).size === files.length;

function cases(): Case[] {
  const none = { files: [base], subjects: [], partials: [], theme: [] };
  const found: Omit<Case, 'name'>[] = [];
  for (const file of places(['mjml', 'legacy'])) found.push({ ...none, files: [base, file] });
  const few = (place: { readonly layer: LayerName }) => ['/conf/emea/aurora', '/apps'].includes(place.layer);
  for (const files of pairs(places(['mjml', 'legacy'], ['de-CH', 'de', 'en']).filter(few))) {
    found.push({ ...none, files: [base, ...files] });
  }
  for (const text of places(['text'], ['de'])) {
    for (const other of places(['mjml', 'legacy'], ['de'])) found.push({ ...none, files: [base, text, other] });
  }
  const names = [...locales, 'default'];
  for (const subject of named(names)) {
    for (const body of places(['mjml', 'untitled', 'legacy'], ['de'])) {
      if (few(body) || subject.name === 'de') found.push({ ...none, files: [base, body], subjects: [subject] });
    }
  }
  for (const subject of named(names)) found.push({ ...none, subjects: [subject] });
  for (const subjects of pairs(named(names).filter(few))) {
    found.push({ ...none, files: [base, { layer: '/libs', locale: 'de', kind: 'mjml' }], subjects });
  }
  for (const partials of pairs(named(['own', 'shared']))) found.push({ ...none, partials });
  for (const theme of pairs(named(['own', 'shared']))) found.push({ ...none, theme });
  // The base is one of the places, too: a file lies there once.
  return found
    .map((one) => ({
      ...one,
      files: one.files.filter(
        (file, at) =>
          at > 0 || !one.files.slice(1).some((f) => f.layer === file.layer && fileName(f) === fileName(file)),
      ),
    }))
    .filter(({ files }) => distinct(files))
    .map((one, at) => ({ ...one, name: `t${at}` }));
}

interface Expected {
  readonly locale: string;
  readonly body: FilePlace;
  readonly text: FilePlace | undefined;
  readonly subject: NamedPlace | undefined;
  readonly partial: NamedPlace | undefined;
  readonly theme: NamedPlace | undefined;
}

const topmost = <Place extends { readonly layer: LayerName }>(found: readonly Place[]): Place | undefined =>
  found.toSorted((a, b) => rank(a.layer) - rank(b.layer))[0];

function expectedOf({ files, subjects, partials, theme }: Case): Expected {
  for (const locale of locales) {
    const here = files.filter((file) => file.locale === locale);
    const mjml = topmost(here.filter((file) => fileName(file).endsWith('.mjml')));
    const txt = topmost(here.filter((file) => fileName(file).endsWith('.txt')));
    const legacy = txt?.kind === 'legacy' ? txt : undefined;
    const body = mjml && legacy ? (rank(legacy.layer) < rank(mjml.layer) ? legacy : mjml) : (mjml ?? legacy);
    if (!body) continue;
    const text = body === mjml && txt?.kind === 'text' && rank(txt.layer) <= rank(body.layer) ? txt : undefined;
    const language = locale.slice(0, 2);
    const order = [...(language === 'de' ? ['de-CH', 'de'] : [language]), 'default'];
    const name = order.find((wanted) => subjects.some((subject) => subject.name === wanted));
    const subject = topmost(subjects.filter((one) => one.name === name));
    const counts = subject && (body.kind === 'untitled' || rank(subject.layer) <= rank(body.layer));
    const scoped = (all: readonly NamedPlace[]) => topmost(all.filter((p) => p.name === 'own')) ?? topmost(all);
    return {
      locale,
      body,
      text,
      subject: counts ? subject : undefined,
      partial: scoped(partials),
      theme: scoped(theme),
    };
  }
  throw new Error('Every template has a body in en.');
}

describe('part × layer × locale', () => {
  const table = cases();

  /** A repository with all of them. */
  async function world() {
    const repository = await openEmbedded(await temporaryFolder());
    const session = await repository.login('admin');
    onTestFinished(async () => {
      await session.close();
      await repository.close();
    });
    const overlay = createOverlayResolver({ repository });
    const at = (layer: string, item: string) => `${layer}/settings/${templatesPath}/${item}`;
    const writeFile = async (path: string, text: string) => {
      await session.ensureNode(path, { primaryType: 'nt:file' });
      await session.ensureNode(`${path}/jcr:content`, { primaryType: 'nt:resource' });
      await session.setProperties(`${path}/jcr:content`, { 'jcr:data': await session.createBinary(text) });
    };
    for (const { name, files, subjects, partials, theme } of table) {
      for (const file of files) await writeFile(at(file.layer, `${name}/${fileName(file)}`), textOf(file));
      for (const { layer, name: property } of subjects) {
        await session.ensureNode(at(layer, `${name}/subject`));
        await session.setProperties(at(layer, `${name}/subject`), { [property]: `${layer} ${property}` });
      }
      for (const { layer, name: scope } of partials) {
        const folder = scope === 'own' ? `${name}/partials` : 'partials';
        await writeFile(at(layer, `${folder}/${name}.mjml`), `${layer} ${scope}`);
      }
      for (const { layer, name: scope } of theme) {
        const node = at(layer, scope === 'own' ? `${name}/theme` : 'theme');
        await session.ensureNode(node);
        await session.setProperties(node, { [name]: `${layer} ${scope}` });
      }
    }
    await session.save();
    const tenant = await overlay.tenant(session, 'emea/aurora');
    return async (template: string): Promise<TemplateParts> => {
      const located = await locateTemplate(session, overlay, { tenant, template, locale: 'de-CH', tenantLocale: 'fr' });
      return located.read(session);
    };
  }

  it(`gives every part from where the rules say, in ${table.length} templates, and names that layer`, async () => {
    const read = await world();
    const own = (place: NamedPlace | undefined) => place && `${place.layer} ${place.name}`;
    for (const one of table) {
      const expected = expectedOf(one);
      const parts = await read(one.name);
      const partial = parts.partials.get(one.name);
      const property = parts.theme.get(one.name);
      expect({
        one,
        locale: parts.locale,
        body: [parts.body.layer, parts.body.text],
        text: [parts.text?.layer, parts.text?.text],
        subject: [parts.subject?.layer, parts.subject?.text],
        partial: [partial?.layer, partial?.text],
        theme: [property?.layer, property?.value],
      }).toEqual({
        one,
        locale: expected.locale,
        body: [expected.body.layer, textOf(expected.body)],
        text: [expected.text?.layer, expected.text && textOf(expected.text)],
        subject: [expected.subject?.layer, own(expected.subject)],
        partial: [expected.partial?.layer, own(expected.partial)],
        theme: [expected.theme?.layer, own(expected.theme)],
      });
    }

    // Those whose body is a text template compile in no time; MJML is the same from there on.
    const some = table.filter((one) => expectedOf(one).body.kind === 'legacy');
    expect(some.length).toBeGreaterThan(50);
    for (const one of some) {
      const { body, subject } = expectedOf(one);
      const compiled = await compileTemplate(await read(one.name));
      expect(compiled.layers).toMatchObject({ body: body.layer, text: body.layer, subject: (subject ?? body).layer });
      expect(compiled.render({}).subject).toBe(
        subject ? `${subject.layer} ${subject.name}` : `subject of ${body.layer} ${body.locale}`,
      );
    }
  }, 240_000);
});
