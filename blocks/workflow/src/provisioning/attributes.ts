/** One attribute of a SCIM schema, as `/Schemas` tells it (RFC 7643, 7). */
export interface Attribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'complex' | 'reference';
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable';
  readonly returned: 'always' | 'default';
  readonly uniqueness: 'none' | 'server';
  readonly subAttributes?: readonly Attribute[];
  readonly referenceTypes?: readonly string[];
}

export interface ResourceSchema {
  readonly id: string;
  readonly name: 'User' | 'Group';
  readonly description: string;
  readonly attributes: readonly Attribute[];
  /** Attributes of the standard that are taken and not kept: nobody needs them to give rights. */
  readonly notKept: readonly string[];
}

const attribute = (
  name: string,
  description: string,
  more: Partial<Omit<Attribute, 'name' | 'description'>> = {},
): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...more,
});

const externalId = attribute('externalId', 'Identifier at the client', { caseExact: true });
const reference = (referenceTypes: readonly string[]) =>
  attribute('$ref', 'Address', {
    type: 'reference',
    referenceTypes,
    mutability: 'readOnly',
    caseExact: true,
  });

export const userSchema: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A person who works for the agency',
  attributes: [
    attribute('userName', 'The subject (`sub`) by which access tokens name the person', {
      required: true,
      mutability: 'immutable',
      returned: 'always',
      uniqueness: 'server',
    }),
    externalId,
    attribute('active', 'Whether the person has any rights in workflow', { type: 'boolean' }),
    attribute('displayName', 'Name to show'),
    attribute('name', 'Parts of the name', {
      type: 'complex',
      subAttributes: [
        attribute('formatted', 'The whole name'),
        attribute('familyName', 'Family name'),
        attribute('givenName', 'Given name'),
      ],
    }),
    attribute('emails', 'Addresses', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The address'),
        attribute('type', 'Kind of address'),
        attribute('primary', 'The preferred one', { type: 'boolean' }),
      ],
    }),
    attribute('groups', 'Roles of the person that are provisioned here', {
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      subAttributes: [
        attribute('value', 'Id of the role', { mutability: 'readOnly', caseExact: true }),
        reference(['Group']),
        attribute('display', 'Name of the role', { mutability: 'readOnly' }),
        attribute('type', 'How the person has it', { mutability: 'readOnly' }),
      ],
    }),
  ],
  notKept: [
    'nickName',
    'profileUrl',
    'title',
    'userType',
    'preferredLanguage',
    'locale',
    'timezone',
    'password',
    'phoneNumbers',
    'ims',
    'photos',
    'addresses',
    'entitlements',
    'roles',
    'x509Certificates',
  ],
};

export const groupSchema: ResourceSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A role in workflow: candidate role of tasks, supervision, design',
  attributes: [
    attribute('displayName', 'Name of the role, as processes and settings name it', {
      required: true,
      returned: 'always',
      uniqueness: 'server',
    }),
    externalId,
    attribute('members', 'Persons who have the role', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'Id of the person', { mutability: 'immutable', caseExact: true }),
        reference(['User']),
        attribute('type', '`User`', { mutability: 'immutable' }),
      ],
    }),
  ],
  notKept: [],
};

/** An attribute by its name, which has no case (RFC 7643, 2.1). */
export const attributeOf = (attributes: readonly Attribute[], name: string): Attribute | undefined =>
  attributes.find((one) => one.name.toLowerCase() === name.toLowerCase());
