/** Where a command writes: the terminal of this process, or, through the owner's socket, that of another. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width in columns; changes when the window does. */
  readonly columns: number;
  readonly color: boolean;
  /** Resolves when the reader took it, so that long lists do not pile up in memory. */
  write(text: string): Promise<void>;
}

export interface Terminal {
  /** Results: what a program that calls this one reads. */
  readonly stdout: Output;
  /** Remarks, progress and errors. */
  readonly stderr: Output;
  /** One line from the person or program at the other end; `hidden` shows nothing of what is typed. */
  ask(question: string, options: { readonly hidden: boolean }): Promise<string>;
  /** All of standard input, as text. @throws SatchelError INVALID_REQUEST when it is too long */
  input(): Promise<string>;
  /**
   * A text as the person leaves it in the editor ($VISUAL, else $EDITOR).
   * @param name of the file to show, `de.mjml` @throws SatchelError INVALID_REQUEST without an editor or a person
   */
  edit(name: string, text: string): Promise<string>;
}
