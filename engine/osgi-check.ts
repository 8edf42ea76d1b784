/** Whether an OSGi configuration can be used: it parses, and says nothing that cannot be. */
import { RepositoryError } from '../repository/errors.js';
import type { OsgiProperties } from '../repository/osgi/configuration.js';
import { replacePlaceholders, type PlaceholderSource } from '../repository/osgi/placeholders.js';
import { osgiValueProblems } from './osgi-mappings.js';

export interface ConfigurationProblem {
  /** 1-based; 0 for a property of a node. */
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

export interface CheckedConfiguration {
  /** With what their placeholders stand for. `undefined` where there are problems. */
  readonly properties: OsgiProperties | undefined;
  /** As they are written. */
  readonly written: OsgiProperties | undefined;
  readonly problems: readonly ConfigurationProblem[];
}

/** @param read what cannot be read is a problem as well */
export async function checkConfiguration(
  pid: string,
  placeholders: PlaceholderSource,
  read: () => Promise<OsgiProperties>,
): Promise<CheckedConfiguration> {
  try {
    const written = await read();
    const properties = replacePlaceholders(written, placeholders);
    const problems = osgiValueProblems(pid, properties);
    return problems.length === 0
      ? { properties, written, problems }
      : { properties: undefined, written: undefined, problems };
  } catch (error) {
    const isUnreadable =
      error instanceof RepositoryError && (error.code === 'INVALID_CONTENT_FILE' || error.code === 'BLOB_MISSING');
    if (!isUnreadable) throw error;
    return { properties: undefined, written: undefined, problems: [problemOf(error)] };
  }
}

/** The message without the place it begins with, `a.config:3:7: `. */
function problemOf({ message, file, line = 1 }: RepositoryError): ConfigurationProblem {
  const place = `${file ?? ''}:${line}`;
  if (!message.startsWith(place)) return { line, message };
  const [, column, problem = ''] = /^(?::(\d+))?: ([^]*)$/.exec(message.slice(place.length)) ?? [];
  return { line, ...(column !== undefined && { column: Number(column) }), message: problem };
}
