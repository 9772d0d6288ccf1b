export type State = 'pending' | 'queued' | 'sent' | 'delivered' | 'errored' | 'failed';

export interface MessagingTables {
  template: { owner: string; code: string; version: number; channels: unknown };
  message: {
    id: string;
    client: string;
    reference: string | null;
    channel: 'email' | 'sms';
    priority: number;
    sealed: Buffer;
    correlation_id: string;
    accepted_at: string;
    expires_at: string;
  };
  message_key: { message_id: string; wrapped_key: Buffer };
  message_event: {
    id: string;
    message_id: string;
    at: string;
    state: State;
    code: string | null;
    provider_reference: string | null;
  };
  delivery_queue: {
    message_id: string;
    purpose: 'send' | 'receipt';
    priority: number;
    due_at: string;
    attempts: number;
  };
}
