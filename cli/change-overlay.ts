/** What the commands `overlay set`, `hide`, `restore` and `reset` share: which layer is meant, and writing it. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { Session } from '../repository/api.js';
import type { WrittenChange } from '../repository/content/change-content.js';
import type { Layer } from '../repository/overlay/api.js';
import {
  assertOverlayChange,
  planOverlayChange,
  type OverlayChange,
  type OverlayTarget,
} from '../repository/overlay/change-overlay.js';
import { joinPath } from '../repository/path.js';
import { SatchelError } from '../workflows/contract/errors.js';
import type { CommandContext, ExitCode } from './command.js';
import { parseOverlayPath } from './overlay-path.js';
import { answer } from './output/report.js';
import { safeText } from './output/text.js';

export const overlayArguments = {
  path: z.string(),
  tenant: z.string().optional(),
  layer: z.string().optional(),
};

export function declareOverlayTarget(command: Command): Command {
  return command
    .argument('<path>', 'settings/…, /apps/…, /conf/<tenant>/settings/…, as "satchel explain" takes it')
    .option('--tenant <name>', 'write the layer of this tenant')
    .option('--layer <layer>', 'write this layer: /apps, or /conf/<name>');
}

interface Wanted {
  readonly path: string;
  readonly tenant?: string | undefined;
  readonly layer?: string | undefined;
}

/** Plans the change, writes it where the layer lives, and answers what was written. */
export async function changeOverlay(context: CommandContext, wanted: Wanted, change: OverlayChange): Promise<ExitCode> {
  const { satchel, user } = context;
  return satchel.repository.withSession(user, async (session): Promise<ExitCode> => {
    const target = await chooseTarget(context, session, wanted);
    const changes = await planOverlayChange(session, target, change);
    const written = await satchel.content.change(session, changes, async (_changed, seen) => {
      // Asked once more without the changes, it has nothing to say.
      if (seen.hasPendingChanges) await assertOverlayChange(seen, target, change);
      return [];
    });
    const at = joinPath(target.layer.root, target.path);
    await answer(context, { path: at, layer: target.layer.label, change: change.kind, written }, [
      safeText(`${change.kind} ${at}${written.length === 0 ? ': it is so already' : ''}`),
      ...written.map((one) => safeText(`  ${placeOf(one)}`)),
    ]);
    return 0;
  });
}

function placeOf(written: WrittenChange): string {
  return written.to === 'file'
    ? `${written.path} in the file ${written.file}`
    : `${written.path} in the repository; no content folder has a file for it`;
}

async function chooseTarget({ satchel }: CommandContext, session: Session, wanted: Wanted): Promise<OverlayTarget> {
  const { overlay } = satchel;
  const typed = parseOverlayPath(wanted.path);
  if (typed.kind === 'searchPath') {
    if (wanted.tenant !== undefined) {
      throw refused(`"${wanted.path}" is on the search path, which tenants have no layer of; leave --tenant out.`);
    }
    const layers = overlay.searchPathLayers();
    return { layers, layer: choose(layers, wanted.layer ?? '/apps', wanted), path: typed.path };
  }
  const ofLayer = wanted.layer?.startsWith('/conf/') ? wanted.layer.slice('/conf/'.length) : undefined;
  const named = wanted.tenant ?? typed.tenant ?? ofLayer;
  const tenant = await overlay.tenant(session, named ?? 'global');
  const label =
    wanted.layer ?? (named === undefined ? (wanted.path.startsWith('/apps/') ? '/apps' : undefined) : tenant.root);
  if (label === undefined) {
    throw refused(`Say which layer of "${wanted.path}" to write: --tenant <name>, or --layer /apps for everybody.`);
  }
  const layers = overlay.settingsLayers(tenant);
  return { layers, layer: choose(layers, label, wanted), path: typed.path };
}

function choose(layers: readonly Layer[], label: string, { path }: Wanted): Layer {
  if (label === '/libs') throw refused('/libs is what the product brings; lay something over it in /apps.');
  const layer = layers.find((candidate) => candidate.label === label);
  if (layer) return layer;
  const known = layers.map((candidate) => candidate.label).filter((candidate) => candidate !== '/libs');
  throw refused(`"${path}" has no layer ${label}; it has ${known.join(', ')}.`);
}

function refused(message: string): SatchelError {
  return new SatchelError('INVALID_REQUEST', message);
}
