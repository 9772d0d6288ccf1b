import { Type } from '@govstack/platform/operation';

const part = "[A-Za-z0-9'()+,\\-.=?_]{1,100}";

/** Members, applications and services are named by their full identifier; in a path it is percent-encoded whole. */
export const MemberId = Type.String({
  pattern: `^${part}(/${part}){2}$`,
  description: 'INSTANCE/CLASS/MEMBER',
});
export const ApplicationId = Type.String({
  pattern: `^${part}(/${part}){3}$`,
  description: 'INSTANCE/CLASS/MEMBER/APPLICATION',
});
export const ServiceId = Type.String({
  pattern: `^${part}(/${part}){4}$`,
  description: 'INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE',
});

export const GroupId = Type.String({
  pattern: `^${part}(/GLOBALGROUP|(/${part}){3}/LOCALGROUP)/${part}$`,
  description:
    'INSTANCE/GLOBALGROUP/CODE, kept for the instance, or INSTANCE/CLASS/MEMBER/APPLICATION/LOCALGROUP/CODE, kept by a provider',
});
/** Who can have a right. */
export const SubjectId = Type.String({
  pattern: `^${part}((/${part}){3}|/GLOBALGROUP/${part}|(/${part}){3}/LOCALGROUP/${part})$`,
  description: 'An application or a group of them',
});

/** Query of a list: how many, and where the page before ended. */
export const paging = {
  pageSize: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 500, description: '100 unless said otherwise' }),
  ),
  pageToken: Type.Optional(
    Type.String({ maxLength: 2000, description: '`nextPageToken` of the page before' }),
  ),
};

export const nextPageToken = Type.Optional(
  Type.String({ description: 'Present when there may be more: the `pageToken` of the next page' }),
);
