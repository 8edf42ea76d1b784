import type { OverlayResolver } from '../../repository/overlay/api.js';

/**
 * For looking at one tenant after another with changes that are not saved, for which the overlay keeps nothing: what a tenant's
 * settings are is asked once, and forgotten with the next tenant.
 * @param overlay asked with one session, which changes nothing meanwhile
 */
export function askOnce(overlay: OverlayResolver): OverlayResolver {
  let current: string | undefined;
  const answers = new Map<string, ReturnType<OverlayResolver['settings']>>();
  return {
    ...overlay,
    settings: (session, tenant, path) => {
      if (tenant.root !== current) answers.clear();
      current = tenant.root;
      const answer = answers.get(path) ?? overlay.settings(session, tenant, path);
      answers.set(path, answer);
      return answer;
    },
  };
}
