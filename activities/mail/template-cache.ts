/**
 * Compiled templates: one for all tenants that it comes out the same for but in values of their themes, and for each of those
 * tenants what it takes to fill it in. What was used longest ago goes first.
 */
import type { Session } from '../../repository/api.js';
import type { CompiledTemplate, SharedTemplate } from './compile-template.js';
import { shareTemplate } from './compile-template.js';
import type { LocatedTemplate } from './template-source.js';

/** Some hundred kilobytes each, with MJML's tables. */
const maxShared = 200;
/** A few kilobytes each. */
const maxBound = 5000;

interface Entry {
  readonly sharedKey: string;
  readonly template: Promise<SharedTemplate>;
  /** By the key of the located template. */
  readonly bound: Map<string, CompiledTemplate>;
}

export class TemplateCache {
  /** Both oldest first. */
  readonly #shared = new Set<Entry>();
  readonly #bound = new Map<string, Entry>();

  constructor(
    private readonly limits: { readonly shared: number; readonly bound: number } = {
      shared: maxShared,
      bound: maxBound,
    },
  ) {}

  get size(): { readonly shared: number; readonly bound: number } {
    return { shared: this.#shared.size, bound: this.#bound.size };
  }

  /** @throws as reading and compiling it; then nothing is kept */
  async compile(session: Session, located: LocatedTemplate): Promise<CompiledTemplate> {
    const known = this.#bound.get(located.key);
    const template = known?.bound.get(located.key);
    if (known && template) {
      this.#touch(known);
      return template;
    }
    const entry = await this.#entryFor(session, located);
    try {
      return this.#bind(entry, located, (await entry.template).bind(located.theme));
    } catch (error) {
      this.#drop(entry);
      throw error;
    }
  }

  /** Also among those that others are compiling now, and begin to while this one waits. */
  async #entryFor(session: Session, located: LocatedTemplate): Promise<Entry> {
    const { sharedKey, theme } = located;
    // What others use meanwhile moves behind, and would be met again.
    const seen = new Set<Entry>();
    for (const entry of this.#shared) {
      if (entry.sharedKey !== sharedKey || seen.has(entry)) continue;
      seen.add(entry);
      const template = await entry.template.catch(() => undefined);
      if (template?.fits(theme) === true) return entry;
    }
    return this.#add(session, located);
  }

  #add(session: Session, located: LocatedTemplate): Entry {
    const template = located.read(session).then(shareTemplate);
    const entry: Entry = { sharedKey: located.sharedKey, template, bound: new Map() };
    this.#shared.add(entry);
    for (const oldest of this.#shared) {
      if (this.#shared.size <= this.limits.shared) break;
      this.#drop(oldest);
    }
    return entry;
  }

  #bind(entry: Entry, { key }: LocatedTemplate, template: CompiledTemplate): CompiledTemplate {
    // It may have gone while this one waited.
    if (!this.#shared.has(entry)) return template;
    this.#touch(entry);
    entry.bound.set(key, template);
    this.#bound.set(key, entry);
    for (const [oldest, owner] of this.#bound) {
      if (this.#bound.size <= this.limits.bound) break;
      owner.bound.delete(oldest);
      this.#bound.delete(oldest);
    }
    return template;
  }

  #touch(entry: Entry): void {
    this.#shared.delete(entry);
    this.#shared.add(entry);
  }

  #drop(entry: Entry): void {
    this.#shared.delete(entry);
    for (const key of entry.bound.keys()) this.#bound.delete(key);
  }
}
