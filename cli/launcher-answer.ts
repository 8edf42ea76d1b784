/** Launchers as commands show them. */
import type { Launcher } from '../engine/launchers/launcher-definition.js';

/** For `--json`. */
export function launcherDocument(launcher: Launcher): Readonly<Record<string, unknown>> {
  const { name, title, path, layers, enabled, model, events, pattern, nodeType, conditions, relaunch } = launcher;
  return {
    name,
    title,
    path,
    layers,
    enabled,
    model,
    events: [...events],
    glob: pattern.source,
    ...(nodeType !== undefined && { nodetype: nodeType }),
    conditions: conditions.map(({ source }) => source),
    excludeList: [
      ...launcher.excludedUsers,
      ...[...launcher.excludedUserData].map((word) => `event-user-data:${word}`),
    ],
    runModes: launcher.runModes,
    features: launcher.features,
    disabledFeatures: launcher.disabledFeatures,
    relaunch,
  };
}
