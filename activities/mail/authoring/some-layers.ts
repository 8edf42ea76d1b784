/** The overlay with some of its layers alone: what lies below a layer, or what the product brings. */
import type { Layer, OverlayResolver } from '../../../repository/overlay/api.js';
import { loadLayers } from '../../../repository/overlay/load-layers.js';
import { mergeLayers } from '../../../repository/overlay/merge.js';

/** @param choose of the layers of a tenant, topmost first */
export function withLayers(
  overlay: OverlayResolver,
  choose: (layers: readonly Layer[]) => readonly Layer[],
): OverlayResolver {
  const layersOf: OverlayResolver['settingsLayers'] = (tenant) => choose(overlay.settingsLayers(tenant));
  return {
    ...overlay,
    settingsLayers: layersOf,
    settings: async (session, tenant, path) =>
      mergeLayers(await loadLayers(session, layersOf(tenant), path))?.descendant(path),
  };
}

/** What a tenant inherits: all layers below its own. */
export function belowOwnLayer(overlay: OverlayResolver): OverlayResolver {
  return withLayers(overlay, (layers) => layers.slice(1));
}

/** What the product brings. */
export function builtInLayer(overlay: OverlayResolver): OverlayResolver {
  return withLayers(overlay, (layers) => layers.filter(({ label }) => label === '/libs'));
}
