/** Formats the renderer decodes. SVG and PDF are documents: their decoders reach too far for untrusted input. */
const renderableTypes: ReadonlySet<string> = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
]);

/** Whether renditions are made of files of this media type. */
export function isRenderable(mimeType: string): boolean {
  return renderableTypes.has(mimeType);
}
