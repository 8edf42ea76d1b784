/** Stands between a client and a mail server and makes what goes wrong in networks happen, as a test decides. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/**
 * `later`: the recipient is answered with 451. `drop`: the connection ends within the message. `slow`: the message arrives in
 * pieces with pauses. `lose`: the server takes the message, and its reply is lost with the connection. `pass`: nothing.
 */
export type Fault = 'pass' | 'later' | 'drop' | 'slow' | 'lose';

export interface FaultyProxy {
  readonly port: number;
  readonly counts: Readonly<Record<Fault, number>>;
}

const pauseMs = 150;

/**
 * @param faultOf asked for every message, at its recipient
 * @param onTaken hears of every reply to a message, before the client does
 */
export async function startFaultyProxy(
  target: number,
  faultOf: (nth: number) => Fault,
  onTaken: (nth: number, client: number) => void = () => undefined,
): Promise<FaultyProxy> {
  const counts = { pass: 0, later: 0, drop: 0, slow: 0, lose: 0 };
  let asked = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let fault: Fault = 'pass';
    let nth = 0;
    let inMessage = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (chunk: Buffer) => {
      if (inMessage) {
        void passMessage(chunk);
        return;
      }
      const command = chunk.toString('latin1').toUpperCase();
      if (command.startsWith('RCPT TO')) {
        nth = asked++;
        fault = faultOf(nth);
        counts[fault]++;
        if (fault === 'later') {
          client.write('451 4.7.1 Later, please\r\n');
          return;
        }
      }
      if (command.startsWith('DATA')) inMessage = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      // 354 opens a message; what comes next is the reply to it.
      if (inMessage && !chunk.toString('latin1').startsWith('354')) {
        inMessage = false;
        onTaken(nth, client.remotePort ?? 0);
        if (fault === 'lose') {
          end();
          return;
        }
      }
      if (!client.destroyed) client.write(chunk);
    });

    async function passMessage(chunk: Buffer): Promise<void> {
      if (fault === 'drop') {
        upstream.write(chunk.subarray(0, chunk.length / 2));
        end();
      } else if (fault === 'slow') {
        client.pause();
        const half = chunk.length / 2;
        upstream.write(chunk.subarray(0, half));
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (!upstream.destroyed) upstream.write(chunk.subarray(half));
        client.resume();
      } else upstream.write(chunk);
    }
  });
  const open = new Set<Socket>();
  server.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, counts };
}
