import type { Generated } from 'kysely';

export interface IdentityTables {
  person: { id: string; status: Generated<string>; attributes: Buffer; created_at: Generated<string> };
  alias: { kind: string; value_hash: Buffer; person_id: string };
  credential: {
    person_id: string;
    kind: 'pin';
    verifier: string;
    failures: Generated<number>;
    locked_until: Generated<string | null>;
  };
  appointment: { person_id: string; agency: string; role: string };
  persona: { person_id: string; label: unknown; position: number };
  oidc_client: {
    client_id: string;
    relying_party_id: string;
    metadata: unknown;
    status: 'active' | 'inactive';
  };
  oidc_model: {
    model: string;
    id_hash: string;
    payload: Buffer;
    grant_id: string | null;
    uid: string | null;
    user_code: string | null;
    consumed_at: string | null;
    expires_at: string | null;
  };
  signing_key: { kid: string; sealed: Buffer; created_at: Generated<string> };
}
