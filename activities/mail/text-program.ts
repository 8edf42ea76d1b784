/**
 * The text alternative as a template of its own: what html-to-text.ts makes of the markup is made once, from the HTML's
 * template, with its expressions and blocks at their places. A mail then fills in two templates and reads no HTML.
 */
import { toLayout, withoutMarks } from './html-to-text.js';

/** Around the number of a statement, while its template is read as one HTML; not among the marks of html-to-text.ts. */
const around = '\uFDE0';
const numbered = new RegExp(`${around}(\\d+)${around}`);

type Part =
  | { readonly kind: 'expression'; readonly statement: hbs.AST.MustacheStatement }
  | { readonly kind: 'open' | 'else' | 'close'; readonly block: hbs.AST.BlockStatement };

/**
 * @param html program of complete HTML in which blocks begin and end at the same place (guard-output.ts)
 * @returns a program whose output is for `layOut`, without escaping; `undefined` where a block decides whether something is
 * hidden, or what a tag says: then only the finished HTML tells
 */
export function textProgram(html: hbs.AST.Program): hbs.AST.Program | undefined {
  const parts: Part[] = [];
  const markup = linearize(html, parts);
  const tags: string[] = [];
  const layout = toLayout(markup, (attributes) => tags.push(attributes));
  if (tags.some((attributes) => decidesMore(attributes, parts))) return undefined;
  return assemble(html, layout, parts);
}

/** The HTML with a number in place of each expression and block tag. */
function linearize(program: hbs.AST.Program | undefined, parts: Part[]): string {
  const place = (part: Part) => `${around}${parts.push(part) - 1}${around}`;
  return (program?.body ?? [])
    .map((statement) => {
      if (statement.type === 'ContentStatement') return withoutMarks((statement as hbs.AST.ContentStatement).value);
      if (statement.type === 'MustacheStatement') {
        return place({ kind: 'expression', statement: statement as hbs.AST.MustacheStatement });
      }
      if (statement.type !== 'BlockStatement') return '';
      const block = statement as hbs.AST.BlockStatement;
      const inside = place({ kind: 'open', block }) + linearize(block.program, parts);
      const otherwise = inverseOf(block) ? place({ kind: 'else', block }) + linearize(inverseOf(block), parts) : '';
      return inside + otherwise + place({ kind: 'close', block });
    })
    .join('');
}

/** Whether a block stands among the attributes of a tag, or an expression where it could hide the element. */
function decidesMore(attributes: string, parts: readonly Part[]): boolean {
  if (!attributes.includes(around)) return false;
  const hasBlock = attributes
    .split(around)
    .some((piece, index) => index % 2 === 1 && parts[Number(piece)]?.kind !== 'expression');
  return (
    hasBlock || new RegExp(`display:[^;"']*${around}|aria-hidden\\s*=\\s*["'][^"']*${around}`, 'i').test(attributes)
  );
}

/** @returns `undefined` where only some of a block's tags are left, because something hidden begins or ends within it */
function assemble(html: hbs.AST.Program, layout: string, parts: readonly Part[]): hbs.AST.Program | undefined {
  const root: hbs.AST.Program = { ...html, body: [] };
  let program = root;
  const open: {
    readonly block: hbs.AST.BlockStatement;
    readonly copy: hbs.AST.BlockStatement;
    readonly outer: hbs.AST.Program;
  }[] = [];
  for (const [index, piece] of layout.split(numbered).entries()) {
    if (index % 2 === 0) {
      if (piece !== '') program.body.push(contentOf(html, piece));
      continue;
    }
    const part = parts[Number(piece)];
    if (part === undefined) return undefined;
    if (part.kind === 'expression') {
      program.body.push({ ...part.statement, strip: noStrip } as hbs.AST.MustacheStatement);
    } else if (part.kind === 'open') {
      const copy = copyOf(part.block);
      open.push({ block: part.block, copy, outer: program });
      program.body.push(copy);
      program = copy.program;
    } else {
      const innermost = open.at(-1);
      if (innermost?.block !== part.block) return undefined;
      const { copy, outer } = innermost;
      if (part.kind === 'else') {
        program = copy.inverse;
      } else {
        if (inverseOf(copy) !== undefined && program !== copy.inverse) return undefined;
        open.pop();
        program = outer;
      }
    }
  }
  return open.length === 0 ? root : undefined;
}

/** Blanks beside tags were taken out already, when the HTML was parsed. */
const noStrip: hbs.AST.StripFlags = { open: false, close: false };

function contentOf({ loc }: hbs.AST.Program, text: string): hbs.AST.ContentStatement {
  return { type: 'ContentStatement', value: text, original: text, loc } as unknown as hbs.AST.ContentStatement;
}

/** A block of its own with nothing in it yet. */
function copyOf(block: hbs.AST.BlockStatement): hbs.AST.BlockStatement {
  const empty = (program: hbs.AST.Program | undefined) => program && { ...program, body: [], chained: false };
  return {
    ...block,
    program: empty(block.program),
    inverse: empty(inverseOf(block)),
    openStrip: noStrip,
    inverseStrip: noStrip,
    closeStrip: noStrip,
  } as hbs.AST.BlockStatement;
}

function inverseOf(block: hbs.AST.BlockStatement): hbs.AST.Program | undefined {
  return block.inverse;
}
