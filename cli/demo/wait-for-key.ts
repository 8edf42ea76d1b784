/** Resolves with the next key that is pressed, or when `signal` aborts. */
export async function waitForKey(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.resume();
  try {
    await new Promise<void>((resolve) => {
      stdin.once('data', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}
