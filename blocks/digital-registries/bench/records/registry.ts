/** The registry that the bench works on: 20 fields of every common kind, the first ones indexed. */
export const schema = (personal: boolean) => ({
  type: 'object',
  required: ['nationalId'],
  properties: {
    nationalId: { type: 'string', id: 1, maxLength: 20, unique: true, owner: true, personal },
    givenName: { type: 'string', id: 2, maxLength: 100, searchable: true, personal },
    familyName: { type: 'string', id: 3, maxLength: 100, searchable: true, filterable: true, personal },
    village: { type: 'string', id: 4, maxLength: 100, filterable: true },
    birthDate: { type: 'string', format: 'date', id: 5, filterable: true, personal },
    sex: { type: 'string', id: 6, enum: ['female', 'male'] },
    householdSize: { type: 'integer', id: 7, minimum: 1, maximum: 40 },
    income: { type: 'number', id: 8, minimum: 0 },
    enrolled: { type: 'boolean', id: 9 },
    enrolledAt: { type: 'string', format: 'date-time', id: 10 },
    phone: { type: 'string', id: 11, maxLength: 20 },
    occupation: { type: 'string', id: 12, maxLength: 100 },
    education: { type: 'string', id: 13, maxLength: 50 },
    district: { type: 'string', id: 14, maxLength: 50 },
    plots: { type: 'integer', id: 15, minimum: 0 },
    hectares: { type: 'number', id: 16, minimum: 0 },
    roof: { type: 'string', id: 17, maxLength: 30 },
    water: { type: 'string', id: 18, maxLength: 30 },
    note: { type: 'string', id: 19, maxLength: 500 },
    status: { type: 'string', id: 20, enum: ['active', 'suspended', 'ended'] },
  },
});

const names = ['Amara', 'Bela', 'Chidi', 'Dina', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jaro'];
const pick = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;
export const villages = 8000;
export const villageOf = (n: number): string => `Village ${n % villages}`;

/** A record as a client sends it. */
export const record = (n: number) => ({
  nationalId: `N${n}`,
  givenName: pick(names, n),
  familyName: `Family${n % 50_000}`,
  village: villageOf(n),
  birthDate: new Date(Date.UTC(1940, 0, 1) + ((n * 7919) % 25_000) * 86_400_000).toISOString().slice(0, 10),
  sex: n % 2 === 0 ? 'female' : 'male',
  householdSize: 1 + (n % 12),
  income: (n % 100_000) / 100,
  enrolled: n % 3 === 0,
  enrolledAt: new Date(Date.UTC(2024, 0, 1) + (n % 500_000) * 60_000).toISOString(),
  phone: `+9990${String(n).padStart(8, '0')}`,
  occupation: 'farmer',
  education: 'primary',
  district: `District ${n % 40}`,
  plots: n % 5,
  hectares: (n % 50) / 10,
  roof: 'thatch',
  water: 'well',
  note: `Household ${n} was visited and what was told was written down.`,
  status: 'active',
});

/** The same records made inside the database, for a table that is full from the beginning. */
export const fill = (table: string, code: string, from: number, to: number): string => `
  insert into ${table} (uuid, no, schema_version, created_at, modified_at, f_1, f_2, f_3, f_4, f_5, f_6, f_7, f_8, f_9,
    f_10, f_11, f_12, f_13, f_14, f_15, f_16, f_17, f_18, f_19, f_20)
  select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '${code}' || n, '1.0', now(), now(),
    'N' || n, (array['${names.join("','")}'])[n % 10 + 1], 'Family' || n % 50000, 'Village ' || n % ${villages},
    date '1940-01-01' + (n::bigint * 7919 % 25000)::integer, case n % 2 when 0 then 'female' else 'male' end,
    1 + n % 12, (n % 100000) / 100.0, n % 3 = 0, timestamptz '2024-01-01' + (n % 500000) * interval '1 minute',
    '+9990' || lpad(n::text, 8, '0'), 'farmer', 'primary', 'District ' || n % 40, n % 5, (n % 50) / 10.0, 'thatch',
    'well', 'Household ' || n || ' was visited and what was told was written down.', 'active'
  from generate_series(${from}, ${to}) n`;
