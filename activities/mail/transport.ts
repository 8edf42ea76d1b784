/**
 * How a finished message leaves: declared here by its consumer, implemented over SMTP (smtp-transport.ts, which the
 * embedded mailbox is reached by too). Every implementation passes `test/mail/transport-conformance.ts`.
 */
export interface OutgoingMail {
  /** Envelope sender: where bounces go. */
  readonly from: string;
  /** Exactly one recipient: each gets a message of their own. */
  readonly to: string;
  /** With angle brackets. */
  readonly messageId: string;
  /** The complete RFC 5322 message. Sending again sends the very same bytes. */
  readonly raw: Uint8Array;
}

export interface MailReceipt {
  /** The server's reply to the end of DATA. */
  readonly response: string;
}

export interface MailTransport {
  /**
   * Resolves once the server took responsibility.
   * @throws SatchelError MAIL_REJECTED (5xx), MAIL_UNAVAILABLE (4xx, no connection). Details of the latter: `connection` when
   * it was no reply, `unreachable` when there is no connection to be had, `unsure` when the server may have taken the message
   */
  send(mail: OutgoingMail, signal?: AbortSignal): Promise<MailReceipt>;
  /** Whether there is a server to send to at the moment. Default: there is. */
  available?(): Promise<boolean>;
  /** Connects and logs in, without sending. @throws SatchelError MAIL_UNAVAILABLE saying what is wrong */
  verify?(): Promise<void>;
  close(): Promise<void>;
}
