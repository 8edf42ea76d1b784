import { z } from 'zod';
import { findPlan, setPlan } from '../../dam/download-job-store.js';
import { prepareDownloadPlan } from '../../dam/prepare-download-plan.js';
import { saveChanges } from '../../dam/save-changes.js';
import { defineStep } from '../define-step.js';

export const planDownloadStep = defineStep({
  id: 'dam/plan-download',
  title: 'Plan the download',
  description:
    'Decides with the rights of the requester which files the download holds, under which names, what must be rendered and what is left out; refuses what exceeds a limit. A download that was planned already keeps its plan.',
  config: z.strictObject({}),
  result: z.strictObject({
    assets: z.int(),
    files: z.int(),
    bytes: z.int(),
    toRender: z.int(),
    skipped: z.int(),
  }),
  simulated: true,
  examples: [{ title: 'Plan what was requested', config: {} }],
  async run(context) {
    const { path, request } = await context.download();
    const serviceSession = await context.serviceSession();
    // Planned once: content that changes while the workflow runs, or between attempts, changes nothing.
    let plan = await findPlan(serviceSession, path);
    if (!plan) {
      const made = await prepareDownloadPlan({
        session: await context.session(),
        serviceSession,
        overlay: context.services.overlay,
        settings: context.services.settings,
        request,
        renderer: context.services.renderer.version,
      });
      await saveChanges(serviceSession, () => setPlan(serviceSession, path, made));
      plan = made;
    }
    const { assets, files, bytes, toRender } = plan.totals;
    return { assets, files, bytes, toRender, skipped: plan.skipped.length };
  },
});
