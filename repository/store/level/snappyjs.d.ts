declare module 'snappyjs' {
  /** @throws Error for what does not unpack */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
}
