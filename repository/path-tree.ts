/** Paths by their parents, so that what lies below one of them is found without a look at all others. */
import { joinPath, nameOf, parentOf, selfAndAncestors } from './path.js';

/** Not every path of the tree was added: those between are ancestors of one that was. */
export class PathTree {
  readonly #names = new Map<string, Set<string>>();

  constructor(paths: Iterable<string> = []) {
    for (const path of paths) this.add(path);
  }

  add(path: string): void {
    for (const node of selfAndAncestors(path)) {
      const parent = parentOf(node);
      const siblings = this.#names.get(parent);
      if (siblings?.has(nameOf(node))) return;
      if (siblings) siblings.add(nameOf(node));
      else this.#names.set(parent, new Set([nameOf(node)]));
    }
  }

  childrenOf(parent: string): string[] {
    return [...(this.#names.get(parent) ?? [])].map((name) => joinPath(parent, name));
  }

  /** Paths below one, without it; in no order. */
  below(path: string): string[] {
    const found = this.childrenOf(path);
    // The list grows while it is read: what was found may have children of its own.
    for (let index = 0; index < found.length; index++) {
      for (const child of this.childrenOf(found[index] ?? '')) found.push(child);
    }
    return found;
  }

  /** Forgets a path and all below it. @returns these paths, and no others were looked at */
  take(path: string): string[] {
    const taken = [path, ...this.below(path)];
    for (const each of taken) this.#names.delete(each);
    this.#names.get(parentOf(path))?.delete(nameOf(path));
    return taken;
  }
}
