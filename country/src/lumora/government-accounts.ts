import { accountNumber } from './account-number.ts';

/** Account of the Treasury at the First National Bank from which the social cash transfer is paid. */
export const programmeBankAccount = accountNumber('0001', '00000001');

/** Float of the Treasury at Lumora Mobile Money for payments to wallets. */
export const programmeWalletFloat = 'LMM-FLOAT-TRE-0001';

/** Account of the Revenue Authority at the First National Bank to which taxes are paid. */
export const revenueBankAccount = accountNumber('0001', '00000002');
