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
}
