import { createSmtpTransport } from '../../activities/mail/smtp-transport.js';
import { describeMailTransport } from './transport-conformance.js';

describeMailTransport('SMTP', (port) => createSmtpTransport({ host: '127.0.0.1', port }));
