/** A mail server of the benchmark `mail` that does nothing but the protocol: it forgets what it takes. Tells its parent its port. */
import { createServer, type AddressInfo } from 'node:net';

const endOfMessage = Buffer.from('\r\n.\r\n');
const capabilities = ['sink', 'PIPELINING', '8BITMIME', 'SMTPUTF8'];

const server = createServer((socket) => {
  let inMessage = false;
  let left: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.write('220 sink\r\n');
  socket.on('data', (chunk: Buffer) => {
    left = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    let replies = '';
    for (;;) {
      const end = left.indexOf(inMessage ? endOfMessage : '\r\n');
      if (end < 0) {
        // Of a message only what may be the beginning of its end.
        if (inMessage) left = left.subarray(Math.max(0, left.length - endOfMessage.length + 1));
        break;
      }
      const line = inMessage ? '.' : left.subarray(0, end).toString('latin1').toUpperCase();
      left = left.subarray(end + (inMessage ? endOfMessage.length : 2));
      inMessage = line === 'DATA';
      replies += replyTo(line);
    }
    if (replies !== '') socket.write(replies);
  });
});

function replyTo(line: string): string {
  if (line.startsWith('EHLO')) {
    return capabilities.map((name, index) => `250${index === capabilities.length - 1 ? ' ' : '-'}${name}\r\n`).join('');
  }
  if (line === 'DATA') return '354 go on\r\n';
  return line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n';
}

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
