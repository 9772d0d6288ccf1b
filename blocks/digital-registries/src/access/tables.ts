import type { ColumnType, Generated } from 'kysely';
import type { Group, Right, Standing } from '../api/rights/right.ts';

/** What the rights are kept in. */
export interface RightsTables {
  access_right: {
    owner: string;
    registry_id: string | null;
    template: string | null;
    name: string;
    content: Stored<Right>;
  };
  rights_template: { owner: string; name: string; title: string; everywhere: Generated<boolean> };
  rights_template_use: { owner: string; template: string; registry_id: string };
  standing_rights: { registry_id: string } & Standing;
  rights_group: { owner: string; name: string; title: string; members: Stored<Group['members']> };
  person_identifiers: { owner: string; person: string; sealed: Buffer };
  delegation: {
    id: string;
    owner: string;
    delegate: string;
    subject_hash: Buffer;
    subject_sealed: Buffer;
    registries: string[] | null;
    methods: string[];
    ground: string;
    from_at: string;
    until_at: string;
    revoked_at: Generated<string | null>;
  };
  rights_revision: { owner: string; revision: string };
  rights_change: {
    seq: Generated<string>;
    owner: string;
    kind: string;
    registry: string | null;
    name: string;
    before: Stored<unknown>;
    after: Stored<unknown>;
    application: string;
    person: string | null;
    at: string;
  };
}

/** Written as JSON, read as what it says. */
type Stored<T> = ColumnType<T, string | null, string | null>;
