/** What workflows can be searched by, as the SDK wants to name it. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { names } from '../../workflows/contract/model.js';

const { tenant, initiator, payload } = names.searchAttributes;

export const searchAttributeKeys = {
  tenant: defineSearchAttributeKey(tenant, 'KEYWORD'),
  initiator: defineSearchAttributeKey(initiator, 'KEYWORD'),
  payload: defineSearchAttributeKey(payload, 'KEYWORD'),
};
