/** Node types that packages bring along. */
import type { Repository } from '../api.js';
import { RepositoryError } from '../errors.js';
import { parseCnd } from '../node-types/parse-cnd.js';
import type { NodeTypeRegistry } from '../node-types/registry.js';
import { writeCnd } from '../node-types/write-cnd.js';
import type { LeftOut } from './apply-package.js';
import type { PackagedFile } from './package-file.js';
import { invalidPackage } from './zip-reader.js';

export interface RegisteredTypes {
  /** Types that were not there before. */
  readonly added: readonly string[];
  /** Files that could not be registered. Content of types that are unknown is taken all the same, as nt:unstructured is. */
  readonly skipped: readonly LeftOut[];
}

const maximumBytes = 4 * 1024 * 1024;

/**
 * Registers what the files define and the repository does not build in. A file that needs another's types may come before it.
 * @param before the types that are registered now
 */
export async function registerPackageTypes(
  repository: Repository,
  userId: string,
  files: readonly PackagedFile[],
  before: NodeTypeRegistry,
): Promise<RegisteredTypes> {
  const added: string[] = [];
  let open: { readonly file: PackagedFile; readonly text: string; readonly reason: string }[] = [];
  for (const file of files) open.push({ file, text: await textOf(file), reason: '' });
  for (let progress = true; progress && open.length > 0;) {
    const failed: typeof open = [];
    for (const { file, text } of open) {
      try {
        const registered = await repository.registerNodeTypes(userId, withoutBuiltIn(text, before));
        added.push(...registered.filter((name) => !before.get(name)));
      } catch (error) {
        if (!(error instanceof RepositoryError) || !refusals.has(error.code)) throw error;
        failed.push({ file, text, reason: `its node types are not registered: ${error.message}` });
      }
    }
    progress = failed.length < open.length;
    open = failed;
  }
  return { added, skipped: open.map(({ file, reason }) => ({ path: file.entry, reason })) };
}

const refusals: ReadonlySet<string> = new Set(['INVALID_NODE_TYPE', 'CONSTRAINT_VIOLATION', 'ACCESS_DENIED']);

/** Packages of AEM define its own types anew; those that are built in stay as they are. */
function withoutBuiltIn(text: string, types: NodeTypeRegistry): string {
  const { namespaces, types: defined } = parseCnd(text);
  return writeCnd({ namespaces, types: defined.filter(({ name }) => !types.isBuiltIn(name)) });
}

async function textOf(file: PackagedFile): Promise<string> {
  if (file.size > maximumBytes) throw invalidPackage(`"${file.entry}" is larger than ${maximumBytes} bytes.`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.open()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
