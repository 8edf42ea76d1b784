/** How much a package may ask for. What is beyond is refused before it is unpacked. */
export interface PackageLimits {
  /** Files and folders of one archive. */
  readonly entries: number;
  /** Bytes that one archive may unpack to. */
  readonly unpackedBytes: number;
  /** Unpacked bytes for one byte of the archive; counts only above `unsuspiciousBytes`, as DEFLATE alone reaches 1032 on zeros. */
  readonly ratio: number;
  readonly unsuspiciousBytes: number;
  /** Bytes of one document (`.content.xml` and its like), which is held in memory while it is read. */
  readonly documentBytes: number;
  /** Nodes of one installation: all are in memory until the one save, 7 KB each (docs/decisions/0025). */
  readonly nodes: number;
  /** Packages inside packages, counted from the outermost. */
  readonly packageDepth: number;
  readonly subPackages: number;
}

export const defaultPackageLimits: PackageLimits = {
  entries: 250_000,
  unpackedBytes: 1024 ** 4,
  ratio: 100,
  unsuspiciousBytes: 256 * 1024 ** 2,
  documentBytes: 64 * 1024 ** 2,
  nodes: 250_000,
  packageDepth: 5,
  subPackages: 500,
};
