import type { NodeTypeDocument } from '../definition.js';
import { parseCnd } from '../parse-cnd.js';
import { aemTypes } from './aem.js';
import { jcrTypes } from './jcr.js';
import { repTypes } from './rep.js';
import { satchelTypes } from './satchel.js';
import { slingTypes } from './sling.js';

/** The types every repository has; no registration changes them. */
export const builtInTypes: NodeTypeDocument = parseCnd(
  [jcrTypes, repTypes, slingTypes, aemTypes, satchelTypes].join('\n'),
);
