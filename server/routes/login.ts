import { z } from 'zod';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { loginAttempts } from '../../dam/settings/definitions.js';
import { globalTenant } from '../../repository/overlay/layers.js';
import { SatchelError } from '../../workflows/contract/errors.js';
import type { Accounts } from '../accounts.js';
import { localTarget } from '../origin.js';
import { loginPage } from '../pages/login-page.js';
import type { ServerServices } from '../services.js';

const form = z.object({
  user: z.string().min(1).max(255),
  password: z.string().min(1),
  next: z.string().max(2048).optional(),
});
const query = z.object({ next: z.string().max(4096).optional().catch(undefined) });

export function registerLogin(
  app: FastifyInstance,
  accounts: Accounts,
  { repository, settings }: Pick<ServerServices, 'repository' | 'settings'>,
): void {
  const attemptsPerMinute = async (): Promise<number> =>
    repository.withSession({ service: 'workflow' }, async (session) => {
      return (await settings.read(session, globalTenant, loginAttempts)).value;
    });

  app.get('/login', async (request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(loginPage(localTarget(query.parse(request.query).next))),
  );

  app.post(
    '/login',
    {
      config: {
        rateLimit: {
          max: attemptsPerMinute,
          timeWindow: '1 minute',
          // After the body was read: each account is guarded, whoever tries.
          hook: 'preHandler',
          keyGenerator: (request: FastifyRequest) => `${request.ip} ${userOf(request.body)}`,
          errorResponseBuilder: (_request, { after }) =>
            new SatchelError('TOO_MANY_ATTEMPTS', `Too many attempts to log in. Wait ${after} and try again.`),
        },
      },
    },
    async (request, reply) => {
      const parsed = form.safeParse(request.body);
      if (!parsed.success) throw new SatchelError('INVALID_REQUEST', 'Fill in user and password.');
      const { user, password } = parsed.data;
      const next = localTarget(parsed.data.next);
      const account = await accounts.logIn(user, password);
      if (!account) {
        return reply.code(401).type('text/html; charset=utf-8').send(loginPage(next, 'User or password is wrong.'));
      }
      // A fresh session: whatever was in the browser before is not carried over.
      request.session.regenerate();
      request.session.set('user', account.id);
      request.session.set('stamp', account.stamp);
      return reply.redirect(next, 303);
    },
  );

  app.post('/logout', async (request, reply) => {
    request.session.delete();
    return reply.redirect('/login', 303);
  });
}

function userOf(body: unknown): string {
  const parsed = z.object({ user: z.string() }).safeParse(body);
  return parsed.success ? parsed.data.user.toLowerCase().slice(0, 255) : '';
}
