/** Tries a model that is not content yet: the session holds it, and nothing is saved. */
import type { RepositoryNode, Session } from '../../repository/api.js';
import { parseContentJson } from '../../repository/content/content-json.js';
import { RepositoryError } from '../../repository/errors.js';
import { joinPath, parentOf } from '../../repository/path.js';
import { propertyTexts } from '../../repository/property-text.js';
import { parseDocView } from '../../repository/vault/docview.js';
import type { NodeDeclaration } from '../../repository/vault/node-declaration.js';
import { modelsPath } from './find-model.js';

export interface TriedModel {
  /** 1-based line of the file that speaks of a node, or of the nearest above it; `undefined` for one of another layer. */
  readonly lineOf: (path: string) => number | undefined;
}

const maximumBytes = 1024 * 1024;

/**
 * @param layer `/conf/aurora`, or `/libs` @param id of the model; what the layer has of it is replaced
 * @param file its name ends in .json, or it is read as a document view of FileVault
 * @throws RepositoryError INVALID_CONTENT_FILE with file and line
 */
export async function tryModel(
  session: Session,
  {
    layer,
    id,
    file,
    text,
  }: { readonly layer: string; readonly id: string; readonly file: string; readonly text: string },
): Promise<TriedModel> {
  const target = joinPath(layer, `settings/${modelsPath}/${id}`);
  const declaration = await parse(text, file);
  if (await session.findNode(target)) await session.remove(target);
  await session.ensureNode(parentOf(target), { primaryType: 'sling:Folder' }, 'sling:Folder');
  const lines = new Map<string, number>();
  await add(session, target, declaration, lines);
  return {
    lineOf: (path) => {
      for (let at = path; at.startsWith(target); at = parentOf(at)) {
        const line = lines.get(at);
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

async function parse(text: string, file: string): Promise<NodeDeclaration> {
  const invalid = (problem: string) =>
    new RepositoryError('INVALID_CONTENT_FILE', `${file}:1: ${problem}`, { file, line: 1 });
  if (text.length > maximumBytes) throw invalid(`is larger than ${maximumBytes} bytes`);
  if (file.endsWith('.json')) return parseContentJson(text, file);
  async function* bytes() {
    yield await Promise.resolve(Buffer.from(text));
  }
  const declaration = await parseDocView(bytes(), { file });
  if (!declaration) throw invalid('is no document view');
  return declaration;
}

async function add(
  session: Session,
  path: string,
  { properties, children, line }: NodeDeclaration,
  lines: Map<string, number>,
): Promise<RepositoryNode> {
  lines.set(path, line);
  const [primaryType = 'nt:unstructured'] = propertyTexts(properties.get('jcr:primaryType'));
  const mixins = propertyTexts(properties.get('jcr:mixinTypes'));
  const others = [...properties].filter(([name]) => name !== 'jcr:primaryType' && name !== 'jcr:mixinTypes');
  const node = await session.addNode(path, {
    primaryType,
    mixins,
    properties: Object.fromEntries(others),
    imported: true,
  });
  for (const child of children) if (!child.orderOnly) await add(session, joinPath(path, child.name), child, lines);
  return node;
}
