/** Takes records of ended workflows out, now and then, while Satchel runs. */
import type { Logger } from 'pino';
import type { StepServices } from '../activities/define-step.js';
import { purgeInstances } from './instances/purge-instances.js';
import { runRegularly, type RegularWork } from './run-regularly.js';

export function purgeRegularly({
  services: { repository, overlay, settings },
  log,
}: {
  readonly services: Pick<StepServices, 'repository' | 'overlay' | 'settings'>;
  readonly log: Logger;
}): RegularWork {
  return runRegularly({
    everyHours: 1,
    run: async (signal) => {
      const workflows = await repository.withSession({ service: 'workflow' }, (session) =>
        purgeInstances(session, { overlay, settings, now: new Date(), signal }),
      );
      if (workflows > 0) log.info({ workflows }, 'records of ended workflows taken out');
    },
    onError: (error) => log.error({ err: error }, 'taking out records of ended workflows failed'),
  });
}
