import { describe, expect, it } from 'vitest';
import { parseQueryBuilder } from '../../repository/query/query-builder.js';
import type { Query } from '../../repository/query/query.js';

const now = new Date('2024-05-31T12:00:00.000Z');
const page = { offset: 0, limit: 10 };

describe('QueryBuilder parameters', () => {
  it.each<[string, Query]>([
    ['path=/content/dam', { path: '/content/dam', depth: 'descendants' }],
    ['path=/content/dam&path.flat=true', { path: '/content/dam', depth: 'children' }],
    ['path=/content/dam&path.exact=true', { path: '/content/dam', depth: 'self' }],
    ['path=/content/dam&path.self=true', { path: '/content/dam', depth: 'subtree' }],
    ['type=dam:Asset', { type: 'dam:Asset' }],
    [
      'property=jcr:content/metadata/dc:format&property.value=image/png',
      { where: { and: [{ property: 'jcr:content/metadata/dc:format', op: '=', value: 'image/png' }] } },
    ],
    ['property=a', { where: { and: [{ property: 'a', op: 'exists' }] } }],
    [
      'property=@a&property.1_value=x&property.2_value=y',
      { where: { and: [{ property: 'a', op: 'in', value: ['x', 'y'] }] } },
    ],
    [
      'property=a&property.2_value=y&property.1_value=x&property.and=true',
      {
        where: {
          and: [
            {
              and: [
                { property: 'a', op: '=', value: 'x' },
                { property: 'a', op: '=', value: 'y' },
              ],
            },
          ],
        },
      },
    ],
    [
      '1_property=a&1_property.value=x&1_property.operation=unequals&2_property=b&2_property.operation=like&2_property.value=z%25',
      {
        where: {
          and: [
            { property: 'a', op: '!=', value: 'x' },
            { property: 'b', op: 'like', value: 'z%' },
          ],
        },
      },
    ],
    ['property=a&property.operation=not', { where: { and: [{ property: 'a', op: 'missing' }] } }],
    ['property=a&property.operation=exists', { where: { and: [{ property: 'a', op: 'exists' }] } }],
    [
      'property=a&property.operation=exists&property.value=false',
      { where: { and: [{ property: 'a', op: 'missing' }] } },
    ],
    [
      'daterange.property=d&daterange.lowerBound=2024-01-01&daterange.upperBound=2024-02-01T10:00:00Z&daterange.upperOperation=<',
      {
        where: {
          and: [
            {
              property: 'd',
              op: 'between',
              from: { value: new Date('2024-01-01'), open: false },
              to: { value: new Date('2024-02-01T10:00:00Z'), open: true },
            },
          ],
        },
      },
    ],
    [
      'relativedaterange.property=d&relativedaterange.lowerBound=-1M 1d',
      {
        where: {
          and: [
            // The 31st of May less a month is the 31st of April, which is the 1st of May.
            { property: 'd', op: 'between', from: { value: new Date('2024-04-30T12:00:00Z') }, to: { value: now } },
          ],
        },
      },
    ],
    [
      'rangeproperty.property=n&rangeproperty.lowerBound=1.5&rangeproperty.lowerOperation=>&rangeproperty.decimal=true',
      { where: { and: [{ property: 'n', op: 'between', from: { value: 1.5, open: true } }] } },
    ],
    ['nodename=*.jpg', { where: { and: [{ name: '*.jpg' }] } }],
    ['fulltext=lake', { where: { and: [{ fullText: 'lake' }] } }],
    [
      'fulltext=lake&fulltext.relPath=jcr:content/metadata/@dc:title',
      { where: { and: [{ fullText: 'lake', property: 'jcr:content/metadata/dc:title' }] } },
    ],
    [
      'fulltext=lake&fulltext.relPath=jcr:content',
      { where: { and: [{ fullText: 'lake', property: 'jcr:content/*' }] } },
    ],
    [
      'tagid=sea:calm_1&tagid.property=jcr:content/metadata/cq:tags',
      {
        where: {
          and: [
            {
              or: [
                {
                  or: [
                    { property: 'jcr:content/metadata/cq:tags', op: '=', value: 'sea:calm_1' },
                    { property: 'jcr:content/metadata/cq:tags', op: 'like', value: 'sea:calm\\_1/%' },
                  ],
                },
              ],
            },
          ],
        },
      },
    ],
    [
      'group.p.or=true&group.1_path=/a&group.2_path=/b&group.2_path.flat=true&group.3_group.p.not=true&group.3_group.type=x:T',
      {
        where: {
          and: [
            {
              or: [
                { path: '/a', depth: 'descendants' },
                { path: '/b', depth: 'children' },
                { not: { and: [{ type: 'x:T' }] } },
              ],
            },
          ],
        },
      },
    ],
    [
      '1_group.property=a&2_group.property=b&p.or=true',
      {
        where: { or: [{ and: [{ property: 'a', op: 'exists' }] }, { and: [{ property: 'b', op: 'exists' }] }] },
      },
    ],
    [
      'orderby=@jcr:content/jcr:lastModified&orderby.sort=desc&2_orderby=path',
      {
        order: [
          { property: 'jcr:content/jcr:lastModified', direction: 'descending', caseInsensitive: false },
          { by: 'path', direction: 'ascending', caseInsensitive: false },
        ],
      },
    ],
    ['orderby=@a&orderby.case=ignore', { order: [{ property: 'a', direction: 'ascending', caseInsensitive: true }] }],
  ])('%s', (text, expected) => {
    expect(parseQueryBuilder(text, now).query).toEqual({ ...page, ...expected });
  });

  it.each<[string, Partial<Query>]>([
    ['p.limit=25&p.offset=50', { limit: 25, offset: 50 }],
    ['p.limit=-1', { offset: 0 }],
    ['', { limit: 10, offset: 0 }],
  ])('pages: %s', (text, expected) => {
    expect(parseQueryBuilder(text).query).toEqual(expected);
  });

  it('takes guessTotal and hits', () => {
    expect(parseQueryBuilder('p.guessTotal=true&p.hits=full')).toMatchObject({ guessTotal: true, hits: 'full' });
    expect(parseQueryBuilder('p.guessTotal=100')).toMatchObject({ guessTotal: 100, hits: 'simple' });
  });

  it.each<[string, string]>([
    ['nope=1', 'nope'],
    ['constructor=1', 'constructor'],
    ['group.1_nope=1', 'group.1_nope'],
    ['path=/a&path.nope=true', 'path.nope'],
    ['path=', 'path'],
    ['path=/a&path.flat=yes', 'path.flat'],
    ['property=a&property.operation=near&property.value=x', 'property.operation'],
    ['property=a&property.operation=like', 'property.value'],
    ['property=a&property.value.x=1', 'property.value.x'],
    ['daterange.property=d', 'daterange.lowerBound'],
    ['daterange.lowerBound=2024-01-01', 'daterange.property'],
    ['daterange.property=d&daterange.lowerBound=soon', 'daterange.lowerBound'],
    ['daterange.property=d&daterange.lowerBound=2024-01-01&daterange.lowerOperation=!', 'daterange.lowerOperation'],
    ['relativedaterange.property=d&relativedaterange.lowerBound=yesterday', 'relativedaterange.lowerBound'],
    ['rangeproperty.property=d&rangeproperty.lowerBound=x&rangeproperty.decimal=true', 'rangeproperty.lowerBound'],
    ['orderby=jcr:title', 'orderby'],
    ['orderby=@a&orderby.sort=up', 'orderby.sort'],
    ['p.limit=many', 'p.limit'],
    ['p.hits=all', 'p.hits'],
    ['p.nope=1', 'p.nope'],
    ['group.p.or=true', 'group'],
    ['type=a&type=b', 'type'],
  ])('refuses %s and names %s', (text, parameter) => {
    expect(() => parseQueryBuilder(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_QUERY', message: expect.stringContaining(` ${parameter} `) as string }),
    );
  });
});
