/**
 * Regular expressions whose time grows with the length of text and expression only: all ways to match are followed side by
 * side (Thompson, "Regular expression search algorithm", 1968), so no expression an administrator writes can hang the
 * process. Java's and JavaScript's common syntax, with look-ahead, which the launchers of AEM use: `((?!/subassets).)*`.
 */

/** Longest expression, in characters. */
const maxLength = 1000;
/** Instructions an expression may become; repeats such as `{1,500}` are written out. */
const maxInstructions = 4000;

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

export interface LinearExpression {
  /** Whether the whole text matches. */
  test(text: string): boolean;
}

type Chars = (codePoint: number) => boolean;

type Syntax =
  | { readonly kind: 'chars'; readonly chars: Chars }
  | { readonly kind: 'sequence'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'either'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'repeat'; readonly part: Syntax; readonly least: number; readonly most: number }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'look'; readonly index: number; readonly negative: boolean };

type Instruction =
  | { readonly op: 'chars'; readonly chars: Chars }
  /** Goes on at both. */
  | { readonly op: 'split'; readonly to: readonly [number, number] }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'start' | 'end' | 'match' }
  | { readonly op: 'look'; readonly index: number; readonly negative: boolean };

type Program = readonly Instruction[];

/** @throws ExpressionError saying what is wrong, and at which character */
export function compileExpression(source: string): LinearExpression {
  if (source.length > maxLength)
    throw new ExpressionError(`has ${source.length} characters, more than ${maxLength} for a regular expression`);
  // Inner look-aheads come before those they are in, so each finds the answers of those it asks.
  const looks: Program[] = [];
  const syntax = new Parser(source, (ahead) => looks.push(compile(ahead, true)) - 1).parse();
  const program = compile(syntax, false);
  const size = [program, ...looks].reduce((sum, { length }) => sum + length, 0);
  if (size > maxInstructions) throw tooLarge();
  return {
    test: (text) => {
      const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
      const answers: Uint8Array[] = [];
      for (const look of looks) answers.push(matchBackward(look, points, answers));
      return matchWhole(program, points, answers);
    },
  };
}

function tooLarge(): ExpressionError {
  return new ExpressionError('is too large once its repeats are written out');
}

class Parser {
  #at = 0;
  constructor(
    private readonly source: string,
    /** Keeps a look-ahead; answers its index. */
    private readonly keepLook: (ahead: Syntax) => number,
  ) {}

  parse(): Syntax {
    const syntax = this.#either();
    if (this.#at < this.source.length) throw this.#wrong('")" has no "("');
    return syntax;
  }

  #either(): Syntax {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'either', parts };
  }

  #sequence(): Syntax {
    const parts: Syntax[] = [];
    while (this.#at < this.source.length && !'|)'.includes(this.#peek())) parts.push(this.#repeated());
    return { kind: 'sequence', parts };
  }

  #repeated(): Syntax {
    let part = this.#atom();
    for (;;) {
      const bounds = this.#bounds();
      if (!bounds) return part;
      part = { kind: 'repeat', part, ...bounds };
      // Whether as much or as little as possible is taken makes no difference to whether the whole matches.
      this.#take('?');
      if (this.#peek() === '+') throw this.#wrong('possessive repeats are not supported');
    }
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    const [text, least, comma, most] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.source.slice(this.#at)) ?? [];
    if (text === undefined) return undefined;
    this.#at += text.length;
    const bounds = { least: Number(least), most: Number(least) };
    if (comma) bounds.most = most ? Number(most) : Infinity;
    if (bounds.most < bounds.least) throw this.#wrong(`${text} has its bounds the wrong way round`);
    return bounds;
  }

  #atom(): Syntax {
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return { kind: 'chars', chars: this.#set() };
    if (this.#take('.')) return { kind: 'chars', chars: () => true };
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('\\')) return { kind: 'chars', chars: this.#escape() };
    if ('*+?'.includes(this.#peek())) throw this.#wrong(`"${this.#peek()}" repeats nothing`);
    const point = this.#next();
    return { kind: 'chars', chars: (other) => other === point };
  }

  #group(): Syntax {
    const start = this.#at;
    const look = this.#take('?=') ? '=' : this.#take('?!') ? '!' : undefined;
    if (!look && !this.#take('?:') && this.#peek() === '?')
      throw this.#wrong('of groups that begin with "(?" only (?:, (?= and (?! are supported');
    const inner = this.#either();
    if (!this.#take(')')) {
      this.#at = start;
      throw this.#wrong('"(" has no ")"');
    }
    return look ? { kind: 'look', index: this.keepLook(inner), negative: look === '!' } : inner;
  }

  #escape(): Chars {
    const letter = this.source[this.#at];
    if (letter === undefined) throw this.#wrong('"\\" escapes nothing');
    const known = classes[letter.toLowerCase()];
    if (known) {
      this.#at += 1;
      return letter === letter.toLowerCase() ? known : (point) => !known(point);
    }
    if (/[a-z\d]/i.test(letter)) throw this.#wrong(`"\\${letter}" is not supported`);
    const point = this.#next();
    return (other) => other === point;
  }

  /** After its `[`. */
  #set(): Chars {
    const start = this.#at;
    const negative = this.#take('^');
    const parts: Chars[] = [];
    while (!this.#take(']')) {
      if (this.#at >= this.source.length) {
        this.#at = start;
        throw this.#wrong('"[" has no "]"');
      }
      if (this.#take('\\')) {
        parts.push(this.#escape());
        continue;
      }
      const from = this.#next();
      if (this.#peek() === '-' && this.source[this.#at + 1] !== ']' && this.#at + 1 < this.source.length) {
        this.#at += 1;
        this.#take('\\');
        const to = this.#next();
        if (to < from) throw this.#wrong('a range has its ends the wrong way round');
        parts.push((point) => point >= from && point <= to);
      } else parts.push((point) => point === from);
    }
    if (parts.length === 0) throw this.#wrong('"[]" holds nothing');
    const holds: Chars = (point) => parts.some((part) => part(point));
    return negative ? (point) => !holds(point) : holds;
  }

  #peek(): string {
    return this.source[this.#at] ?? '';
  }

  #next(): number {
    const point = this.source.codePointAt(this.#at) ?? 0;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #take(text: string): boolean {
    if (!this.source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #wrong(problem: string): ExpressionError {
    return new ExpressionError(`is no regular expression at character ${this.#at + 1}: ${problem}`);
  }
}

/** `\d`, `\w` and `\s`, of ASCII as in Java. */
const classes: Readonly<Record<string, Chars>> = {
  d: (point) => point >= 48 && point <= 57,
  w: (point) => /[\w]/.test(String.fromCodePoint(point)),
  s: (point) => /[ \t\n\v\f\r]/.test(String.fromCodePoint(point)),
};

/** @param backward reads the text from its end: sequences are turned round */
function compile(syntax: Syntax, backward: boolean): Program {
  const program: Instruction[] = [];
  const emit = (instruction: Instruction): number => {
    if (program.length >= maxInstructions) throw tooLarge();
    return program.push(instruction) - 1;
  };
  const write = (part: Syntax): void => {
    switch (part.kind) {
      case 'chars':
        emit({ op: 'chars', chars: part.chars });
        return;
      case 'sequence':
        for (const one of backward ? part.parts.toReversed() : part.parts) write(one);
        return;
      case 'either':
        writeEither(part.parts);
        return;
      case 'repeat':
        writeRepeat(part);
        return;
      case 'look':
        emit({ op: 'look', index: part.index, negative: part.negative });
        return;
      default:
        emit({ op: part.kind });
    }
  };
  const writeEither = ([first, ...others]: readonly Syntax[]): void => {
    if (!first) return;
    if (others.length === 0) {
      write(first);
      return;
    }
    const split = emit({ op: 'match' });
    write(first);
    const jump = emit({ op: 'match' });
    program[split] = { op: 'split', to: [split + 1, program.length] };
    writeEither(others);
    program[jump] = { op: 'jump', to: program.length };
  };
  const writeRepeat = ({ part, least, most }: Extract<Syntax, { kind: 'repeat' }>): void => {
    for (let count = 0; count < least; count += 1) write(part);
    if (most === Infinity) {
      const split = emit({ op: 'match' });
      write(part);
      emit({ op: 'jump', to: split });
      program[split] = { op: 'split', to: [split + 1, program.length] };
      return;
    }
    const splits: number[] = [];
    for (let count = least; count < most; count += 1) {
      splits.push(emit({ op: 'match' }));
      write(part);
    }
    for (const split of splits) program[split] = { op: 'split', to: [split + 1, program.length] };
  };
  write(syntax);
  emit({ op: 'match' });
  return program;
}

/** Instructions that were reached at one place of the text. */
class Threads {
  readonly list: number[] = [];
  readonly #reached: Uint8Array;

  constructor(private readonly program: Program) {
    this.#reached = new Uint8Array(program.length);
  }

  clear(): void {
    for (const at of this.list) this.#reached[at] = 0;
    this.list.length = 0;
  }

  /** Follows everything that takes no character. */
  reach(start: number, position: number, length: number, answers: readonly Uint8Array[]): void {
    const open = [start];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#reached[at]) continue;
      this.#reached[at] = 1;
      this.list.push(at);
      const instruction = this.program[at];
      if (!instruction) continue;
      if (instruction.op === 'split') open.push(...instruction.to);
      else if (instruction.op === 'jump') open.push(instruction.to);
      else if (instruction.op === 'start' && position === 0) open.push(at + 1);
      else if (instruction.op === 'end' && position === length) open.push(at + 1);
      else if (instruction.op === 'look') {
        const found = answers[instruction.index]?.[position] === 1;
        if (found !== instruction.negative) open.push(at + 1);
      }
    }
  }

  get matched(): boolean {
    return this.#reached[this.program.length - 1] === 1;
  }
}

function matchWhole(program: Program, text: readonly number[], answers: readonly Uint8Array[]): boolean {
  let [now, next] = [new Threads(program), new Threads(program)];
  now.reach(0, 0, text.length, answers);
  for (const [position, point] of text.entries()) {
    for (const at of now.list) {
      const instruction = program[at];
      if (instruction?.op === 'chars' && instruction.chars(point))
        next.reach(at + 1, position + 1, text.length, answers);
    }
    now.clear();
    [now, next] = [next, now];
    if (now.list.length === 0) return false;
  }
  return now.matched;
}

/** For every position whether the expression matches some text that begins there: one pass, from the end of the text. */
function matchBackward(program: Program, text: readonly number[], answers: readonly Uint8Array[]): Uint8Array {
  const found = new Uint8Array(text.length + 1);
  let [now, next] = [new Threads(program), new Threads(program)];
  for (let position = text.length; ; position -= 1) {
    now.reach(0, position, text.length, answers);
    if (now.matched) found[position] = 1;
    if (position === 0) return found;
    const point = text[position - 1] ?? 0;
    for (const at of now.list) {
      const instruction = program[at];
      if (instruction?.op === 'chars' && instruction.chars(point))
        next.reach(at + 1, position - 1, text.length, answers);
    }
    now.clear();
    [now, next] = [next, now];
  }
}
