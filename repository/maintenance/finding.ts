/** What a check of the repository can find, what it means, and what to do about it. */

export const findingCodes = {
  STORE_UNREADABLE: {
    meaning: 'The database cannot be read here; what comes after it in this part was not checked.',
    advice: 'Stop Satchel and restore the data folder from a backup.',
  },
  KEY_MALFORMED: {
    meaning: 'The record lies under a key that is none.',
    advice: 'No session sees it; restore from a backup if a node is missed.',
  },
  RECORD_UNREADABLE: {
    meaning: 'The record of the node does not parse; sessions that read it fail.',
    advice: 'Restore the node from a backup.',
  },
  PARENT_MISSING: {
    meaning: 'The node has no parent, so no listing shows it.',
    advice: 'Add a node at the path of the parent, or restore it from a backup.',
  },
  LEAF_WITH_CHILDREN: {
    meaning: 'The node is marked as one without children and has some, which listings do not show.',
    advice: 'Run the check with --repair, which takes the mark away.',
  },
  IDENTIFIER_UNKNOWN: {
    meaning: 'The node cannot be found by its identifier.',
    advice: 'Run the check with --repair, which writes the record anew.',
  },
  IDENTIFIER_SHARED: {
    meaning: 'Another node has the same identifier; only one of them is found by it.',
    advice: 'Copy one of the two nodes and remove the original, which gives it another identifier.',
  },
  IDENTIFIER_STALE: {
    meaning: 'An identifier leads to a path where no node has it.',
    advice: 'Run the check with --repair, which removes the record.',
  },
  POLICY_UNKNOWN: {
    meaning: 'The policy exists and is not applied.',
    advice: 'Run the check with --repair, which writes its record; it is applied from then on.',
  },
  POLICY_STALE: {
    meaning: 'A record says that there is a policy, and there is none.',
    advice: 'Run the check with --repair, which removes the record.',
  },
  REFERENCE_MALFORMED: {
    meaning: 'A record of references does not name an identifier and a path.',
    advice: 'Restore the data folder from a backup if references to the node matter.',
  },
  REFERENCE_UNKNOWN: {
    meaning: 'The node refers to another one, which does not know it and could be removed.',
    advice: 'Run the check with --repair, which writes the record anew.',
  },
  REFERENCE_STALE: {
    meaning: 'A record says that a node refers to another one, and it does not.',
    advice: 'Run the check with --repair, which removes the record.',
  },
  BLOB_MISSING: {
    meaning: 'The bytes are not in the blob store.',
    advice: 'Restore the blob from a backup, or write the property again.',
  },
  BLOB_TRUNCATED: {
    meaning: 'The blob has another size than its node says.',
    advice: 'Remove its file, then restore it from a backup or write the property again.',
  },
  BLOB_DAMAGED: {
    meaning: 'The bytes have another hash or checksum than they should.',
    advice: 'Remove its file, then restore it from a backup or write the property again.',
  },
  MARK_UNREADABLE: {
    meaning: 'A mark of the blob collector does not parse; saves that refer to the blob fail.',
    advice: 'Run the check with --repair, which removes the mark.',
  },
  JOURNAL_DAMAGED: {
    meaning: 'The journal has a gap or an entry that does not parse; observers stop there.',
    advice: 'Restore the data folder, or trim the journal beyond it and let observers read the content anew.',
  },
  CURSOR_BEYOND: {
    meaning: 'A cursor is ahead of the newest commit; its observer would miss commits.',
    advice: 'Remove the cursor; its observer starts anew.',
  },
} as const;

export type FindingCode = keyof typeof findingCodes;

export interface Finding {
  readonly code: FindingCode;
  /** Of the node or property; where there is none, the key or hash it is about. */
  readonly path: string;
  readonly meaning: string;
  /** What to do. */
  readonly advice: string;
  /** What was found there, where the code does not say it all. */
  readonly detail?: string;
  /** Put right by this run. */
  readonly repaired: boolean;
}

export function finding(code: FindingCode, path: string, detail?: string): Finding {
  return { code, path, ...findingCodes[code], ...(detail !== undefined && { detail }), repaired: false };
}
