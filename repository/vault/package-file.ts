/** A content package that was opened: what it says of itself, and its content as a tree. */
import { basename } from 'node:path';
import { RepositoryError } from '../errors.js';
import { accessControlHandlings, type AccessControlHandling } from './access-control.js';
import { buildContentTree, type ContentFile, type ContentTree } from './content-tree.js';
import { parseDependencies, type Dependency } from './dependencies.js';
import { parseDocView } from './docview.js';
import type { NodeDeclaration } from './node-declaration.js';
import { parseFilter, type FilterSet } from './filter.js';
import type { PackageId } from './package-id.js';
import type { PackageLimits } from './package-limits.js';
import { parsePackageProperties } from './package-properties.js';
import { invalidPackage, openZip, type ZipEntry } from './zip-reader.js';

/** A file below jcr_root. */
export interface PackagedFile extends ContentFile {
  /** Its name in the archive. */
  readonly entry: string;
}

export interface PackageFile {
  readonly id: PackageId;
  readonly properties: ReadonlyMap<string, string>;
  readonly filters: readonly FilterSet[];
  readonly accessControl: AccessControlHandling;
  readonly dependencies: readonly Dependency[];
  /** Unpacked bytes of everything in it. */
  readonly totalBytes: number;
  /** Node type definitions, in the order of their names. */
  readonly nodeTypes: readonly PackagedFile[];
  /** Packages inside it, by where they would lie in the repository. */
  readonly subPackages: readonly PackagedFile[];
  /** Files of META-INF that are code. */
  readonly hooks: readonly string[];
  /** Every file, for checking. */
  readonly files: readonly ZipEntry[];
  /** Content without the named files. @throws INVALID_CONTENT_FILE, INVALID_PACKAGE */
  readTree(without?: ReadonlySet<string>): Promise<ContentTree>;
  close(): void;
}

export interface OpenPackageOptions {
  readonly limits: PackageLimits;
  /** See `DocViewOptions`. */
  readonly binaryReferences?: boolean;
}

const filterFile = 'META-INF/vault/filter.xml';
const propertiesFile = 'META-INF/vault/properties.xml';
const contentRoot = 'jcr_root/';
const defaultCndPattern = /^\/(?:apps|libs)\/(?:[^/]+\/){1,2}nodetypes\/.+\.cnd$/;
/** FileVault's own place, and the one that Sling's installer of AEM looks into. */
const subPackagePattern = /^(?:etc\/packages\/.+|(?:apps|libs)\/(?:[^/]+\/)*install\/[^/]+)\.zip$/;

/** Whether an archive is a content package; other archives may lie in a package as files. @throws INVALID_PACKAGE */
export async function isContentPackage(file: string, limits: PackageLimits): Promise<boolean> {
  const zip = await openZip(file, limits);
  zip.close();
  return zip.entries.some(({ name }) => name === filterFile);
}

/** @throws INVALID_PACKAGE, INVALID_CONTENT_FILE */
export async function openPackage(file: string, options: OpenPackageOptions): Promise<PackageFile> {
  const zip = await openZip(file, options.limits);
  try {
    return await read(file, zip, options);
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function read(
  file: string,
  zip: Awaited<ReturnType<typeof openZip>>,
  { limits, binaryReferences = false }: OpenPackageOptions,
): Promise<PackageFile> {
  const byName = new Map(zip.entries.map((entry) => [entry.name, entry]));
  const document = ({ size, open }: Pick<ContentFile, 'size' | 'open'>) => {
    if (size <= limits.documentBytes) return open();
    throw invalidPackage(`A document of the package is larger than ${limits.documentBytes} bytes.`);
  };
  const filterEntry = byName.get(filterFile);
  if (!filterEntry) throw invalidPackage(`${file} has no ${filterFile}: it is not a content package.`);
  const filters = await parseFilter(document(filterEntry), filterFile);
  if (filters.length === 0) throw invalidPackage(`${filterFile} names no filter root: it would install nothing.`);
  const propertiesEntry = byName.get(propertiesFile);
  const properties = propertiesEntry
    ? await parsePackageProperties(document(propertiesEntry), propertiesFile)
    : new Map<string, string>();

  const content = zip.entries.filter(({ name }) => name.startsWith(contentRoot));
  const relative = (entry: ZipEntry) => entry.name.slice(contentRoot.length);
  const files = content
    .filter(({ isFolder }) => !isFolder)
    .map((entry): PackagedFile => ({
      entry: entry.name,
      path: relative(entry),
      size: entry.size,
      open: () => entry.open(),
    }));
  const folders = content.filter(({ isFolder }) => isFolder).map(relative);
  const metaCnds = zip.entries
    .filter(({ name, isFolder }) => !isFolder && /^META-INF\/vault\/[^/]*\.cnd$/.test(name))
    .map((entry): PackagedFile => ({
      entry: entry.name,
      path: entry.name,
      size: entry.size,
      open: () => entry.open(),
    }));
  return {
    id: idOf(properties, file),
    properties,
    filters,
    accessControl: accessControlOf(properties),
    dependencies: parseDependencies(properties.get('dependencies') ?? ''),
    totalBytes: zip.totalBytes,
    nodeTypes: [...metaCnds, ...files.filter(({ path }) => defaultCndPattern.test(`/${path}`))].sort((a, b) =>
      a.entry < b.entry ? -1 : 1,
    ),
    subPackages: files.filter(({ path }) => subPackagePattern.test(path)),
    hooks: zip.entries
      .filter(({ name, isFolder }) => !isFolder && name.startsWith('META-INF/vault/hooks/'))
      .map(({ name }) => name),
    files: zip.entries.filter(({ isFolder }) => !isFolder),
    readTree: async (without = new Set()) => {
      let declared = 0;
      const count = ({ children }: NodeDeclaration): number => children.reduce((sum, child) => sum + count(child), 1);
      return buildContentTree({
        files: files.filter(({ entry }) => !without.has(entry)),
        folders,
        contentFiles: ['.content.xml'],
        readDeclaration: async (source, optional) => {
          if (optional && source.size > limits.documentBytes) return undefined;
          const declaration = await parseDocView(document(source), {
            file: source.path,
            optional,
            binaryReferences,
            mostNodes: limits.nodes,
          });
          declared += declaration ? count(declaration) : 0;
          if (declared > limits.nodes) {
            throw invalidPackage(`Its documents hold more than ${limits.nodes} nodes; split the package.`);
          }
          return declaration;
        },
        onProblem: (error) => {
          throw error;
        },
      });
    },

    close: () => zip.close(),
  };
}

function idOf(properties: ReadonlyMap<string, string>, file: string): PackageId {
  const name = properties.get('name');
  return {
    group: properties.get('group') ?? '',
    name: name === undefined || name === '' ? basename(file, '.zip') : name,
    version: properties.get('version') ?? '',
  };
}

/** Without a word of it the package's access control is not imported, as in FileVault. */
function accessControlOf(properties: ReadonlyMap<string, string>): AccessControlHandling {
  const given = properties.get('acHandling') ?? '';
  if (given === '') return 'ignore';
  const known = accessControlHandlings.find((handling) => handling === given.toLowerCase());
  if (known) return known;
  throw new RepositoryError(
    'INVALID_PACKAGE',
    `${propertiesFile} has the acHandling "${given}", which is none of ${accessControlHandlings.join(', ')}.`,
  );
}
