import type { Jobs } from '@govstack/platform';
import type { CheckpointKey } from '../../history/checkpoints.ts';
import type { OnSealed } from '../../history/seal-changes.ts';
import type { Sealing } from '../../history/sealing.ts';
import type { ReportParts } from '../../history/usage-report.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import type { Keyring } from '../../secrets/keyring.ts';
import type { UseCounter } from '../../statistics/uses.ts';

export interface InsightParts extends ReportParts {
  readonly catalogue: Catalogue;
  readonly keyring: Keyring;
  readonly jobs: Jobs;
  readonly checkpointKey: CheckpointKey;
  readonly sealing: Sealing;
  readonly onSealed: OnSealed;
  readonly uses: UseCounter;
  readonly now: () => Date;
}
