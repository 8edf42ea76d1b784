/** A content folder as it will be: what lies on disk and the edits on top, until `write` puts them there. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { createReadStream } from 'node:fs';
import { RepositoryError } from '../errors.js';
import type { Namespaces } from '../node-types/definition.js';
import { parseDocView } from '../vault/docview.js';
import { changeInDocView, removeFromDocView, type DocViewChange } from '../vault/edit-docview.js';
import type { NodeDeclaration } from '../vault/node-declaration.js';
import { parseContentJson } from './content-json.js';
import { parseJson } from './json-document.js';
import { jsonObject, memberOf, renderJson, withMember, type JsonObject } from './write-content-json.js';

/** As large as an import reads them. */
const maximumDocumentBytes = 16 * 1024 * 1024;

/** A node of a document: the file, and the names that lead down to its object. */
export interface DocumentPlace {
  readonly file: string;
  readonly pointer: readonly string[];
}

interface Staged {
  readonly temporary: string;
  readonly file: string;
}

export class FolderDraft {
  readonly #documents = new Map<string, JsonObject | undefined>();
  /** Texts of the documents as they were read. */
  readonly #texts = new Map<string, string | undefined>();
  readonly #declarations = new Map<string, NodeDeclaration | undefined>();
  /** FileVault documents as they will be. */
  readonly #views = new Map<string, string>();
  readonly #changed = new Set<string>();
  readonly #bytes = new Map<string, () => Readable>();
  readonly #newFolders = new Set<string>();
  readonly #removed = new Set<string>();

  /** @param root the mounted folder */
  constructor(readonly root: string) {}

  get isChanged(): boolean {
    return this.#changed.size + this.#bytes.size + this.#newFolders.size + this.#removed.size > 0;
  }

  /** Names in a folder, with what they are. @throws INVALID_CONTENT_FILE for a link */
  async entries(folder: string): Promise<ReadonlyMap<string, 'file' | 'folder'>> {
    const entries = new Map<string, 'file' | 'folder'>();
    if (!this.#isRemoved(folder)) {
      for (const entry of await listFolder(folder)) {
        const file = join(folder, entry.name);
        if (this.#isRemoved(file)) continue;
        if (entry.isSymbolicLink()) throw invalid(file, 'is a link; put a copy there instead');
        entries.set(entry.name, entry.isDirectory() ? 'folder' : 'file');
      }
    }
    for (const planned of this.#newFolders) if (dirname(planned) === folder) entries.set(basename(planned), 'folder');
    for (const planned of this.#bytes.keys()) if (dirname(planned) === folder) entries.set(basename(planned), 'file');
    return entries;
  }

  /** The object of a folder's `.content.json`. @throws INVALID_CONTENT_FILE when it does not parse */
  async document(file: string): Promise<JsonObject | undefined> {
    if (!this.#documents.has(file)) {
      const text = this.#isRemoved(file) ? undefined : await readBounded(file);
      this.#texts.set(file, text);
      this.#documents.set(file, text === undefined ? undefined : parseObject(text, file));
    }
    return this.#documents.get(file);
  }

  /** What a FileVault document declares; `undefined` when there is no such file, or it is some other XML. */
  async declaration(file: string): Promise<NodeDeclaration | undefined> {
    if (!this.#declarations.has(file)) {
      const exists = !this.#isRemoved(file) && (await isFile(file));
      const optional = basename(file) !== '.content.xml';
      this.#declarations.set(file, exists ? await parseDocView(createReadStream(file), { file, optional }) : undefined);
    }
    return this.#declarations.get(file);
  }

  /** Changes the object at a place; missing ones on the way are made. `undefined` takes it out. */
  async changeObject(
    { file, pointer }: DocumentPlace,
    change: (object: JsonObject) => JsonObject | undefined,
  ): Promise<void> {
    const changeAt = (object: JsonObject, [name, ...rest]: readonly string[]): JsonObject | undefined => {
      if (name === undefined) return change(object);
      const below = memberOf(object, name);
      return withMember(object, name, changeAt(below?.kind === 'object' ? below : jsonObject(), rest));
    };
    this.#documents.set(file, changeAt((await this.document(file)) ?? jsonObject(), pointer));
    this.#changed.add(file);
  }

  /** Changes a node of a FileVault document that is there. @throws INVALID_CONTENT_FILE */
  async changeElement(file: string, change: DocViewChange, namespaces: Namespaces): Promise<void> {
    await this.#setView(file, changeInDocView(await this.#view(file), change, namespaces));
  }

  /** Takes a node out of a FileVault document. */
  async removeElement(file: string, pointer: readonly string[]): Promise<void> {
    await this.#setView(file, removeFromDocView(await this.#view(file), pointer));
  }

  async #view(file: string): Promise<string> {
    const known = this.#views.get(file);
    if (known !== undefined) return known;
    const text = await readBounded(file);
    this.#texts.set(file, text);
    return text ?? '';
  }

  async #setView(file: string, text: string): Promise<void> {
    // What the import would refuse is not written in the first place.
    const declaration = await parseDocView(textStream(text), { file });
    this.#declarations.set(file, declaration);
    this.#views.set(file, text);
    this.#changed.add(file);
  }

  addFolder(folder: string): void {
    this.#newFolders.add(folder);
  }

  setBytes(file: string, source: () => Readable): void {
    this.#bytes.set(file, source);
  }

  /** Takes out a file, or a folder with all in it. */
  remove(entry: string): void {
    for (const planned of [this.#bytes, this.#newFolders, this.#changed]) {
      for (const path of planned.keys()) if (isWithin(path, entry)) planned.delete(path);
    }
    for (const path of this.#documents.keys()) if (isWithin(path, entry)) this.#documents.set(path, undefined);
    for (const path of this.#declarations.keys()) if (isWithin(path, entry)) this.#declarations.set(path, undefined);
    for (const path of this.#views.keys()) if (isWithin(path, entry)) this.#views.delete(path);
    this.#removed.add(entry);
  }

  #isRemoved(entry: string): boolean {
    return [...this.#removed].some((removed) => isWithin(entry, removed));
  }

  /**
   * Writes everything beside its place, so that what is left to do cannot fail for want of room or rights.
   * @throws INVALID_CONTENT_FILE when the folder cannot be written; CONFLICT when somebody else changed a document meanwhile
   */
  async stage(): Promise<{ publish(): Promise<void>; discard(): Promise<void> }> {
    const staged: Staged[] = [];
    const discard = async () => {
      for (const { temporary } of staged) await rm(temporary, { force: true });
    };
    try {
      await this.#assertAsRead();
      for (const [file, content] of this.#contents()) {
        const temporary = join(this.root, `.satchel-${randomUUID()}.tmp`);
        staged.push({ temporary, file });
        await writeDurably(temporary, content, await modeOf(file));
      }
    } catch (error) {
      await discard();
      if (error instanceof RepositoryError) throw error;
      throw invalid(this.root, `cannot be written: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    return { publish: () => this.#publish(staged), discard };
  }

  /** An editor may save while the change is being checked. */
  async #assertAsRead(): Promise<void> {
    for (const file of this.#changed) {
      if (this.#isRemoved(file) || (await readBounded(file)) === this.#texts.get(file)) continue;
      throw new RepositoryError('CONFLICT', `${file} was changed meanwhile; try again.`, { file });
    }
  }

  #contents(): [string, string | (() => Readable)][] {
    const documents = [...this.#changed].flatMap((file): [string, string][] => {
      const object = this.#documents.get(file);
      const text = this.#views.get(file) ?? (object && renderJson(object));
      if (text === undefined) return [];
      if (Buffer.byteLength(text) > maximumDocumentBytes) {
        throw invalid(file, `would be larger than ${maximumDocumentBytes} bytes; put nodes into folders of their own`);
      }
      // What the import would refuse is not written in the first place.
      if (object) parseContentJson(text, file);
      return [[file, text]];
    });
    return [...documents, ...this.#bytes];
  }

  async #publish(staged: readonly Staged[]): Promise<void> {
    for (const entry of this.#removed) {
      // Gone from its place in one step, whatever is below.
      const aside = join(this.root, `.satchel-${randomUUID()}.tmp`);
      await rename(entry, aside).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      await rm(aside, { recursive: true, force: true });
    }
    for (const folder of this.#newFolders) await mkdir(folder, { recursive: true });
    for (const { temporary, file } of staged) await rename(temporary, file);
    const isGone = (file: string) => !this.#documents.get(file) && !this.#views.has(file);
    for (const file of this.#changed) if (isGone(file)) await rm(file, { force: true });
  }
}

async function* textStream(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

function parseObject(text: string, file: string): JsonObject {
  parseContentJson(text, file);
  const document = parseJson(text, (line, problem) => invalid(`${file}:${line}:`, problem));
  return document.kind === 'object' ? document : jsonObject();
}

async function listFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw invalid(folder, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

async function readBounded(file: string): Promise<string | undefined> {
  if (!(await isFile(file))) return undefined;
  const { size } = await stat(file);
  if (size > maximumDocumentBytes) throw invalid(file, `is larger than ${maximumDocumentBytes} bytes`);
  return readFile(file, 'utf8');
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function modeOf(file: string): Promise<number> {
  return (await isFile(file)) ? (await stat(file)).mode & 0o777 : 0o666;
}

async function writeDurably(file: string, content: string | (() => Readable), mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await writeFile(handle, typeof content === 'string' ? content : content());
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(join(folder, '/'));
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function invalid(file: string, problem: string, cause?: unknown): RepositoryError {
  return new RepositoryError('INVALID_CONTENT_FILE', `${file} ${problem}`, { file, cause });
}
