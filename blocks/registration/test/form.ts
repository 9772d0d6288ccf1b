/** A small form with everything the tests need. */
export const form = {
  id: 'benefit-application',
  name: { en: 'Application' },
  version: '1.0.0',
  pages: [
    {
      id: 'household',
      title: { en: 'Household' },
      fields: [
        {
          id: 'headNumber',
          type: 'nationalNumber',
          label: { en: 'Number' },
          required: true,
          pattern: 'LU[0-9]{8}',
        },
        {
          id: 'roof',
          type: 'radios',
          label: { en: 'Roof' },
          required: true,
          options: [
            { value: 'thatch', label: { en: 'Thatch' } },
            { value: 'tiles', label: { en: 'Tiles' } },
          ],
        },
        { id: 'ownsLand', type: 'boolean', label: { en: 'Land?' }, required: true },
        {
          id: 'hectares',
          type: 'number',
          label: { en: 'Hectares' },
          required: true,
          when: 'ownsLand = true',
          min: 0,
          max: 1000,
        },
        { id: 'crop', type: 'text', label: { en: 'Crop' }, when: 'hectares > 1', maxLength: 20 },
        { id: 'rent', type: 'money', label: { en: 'Rent' }, currency: 'USD', min: '0.00' },
        { id: 'phone', type: 'phone', label: { en: 'Phone' } },
      ],
    },
    {
      id: 'members',
      title: { en: 'Members' },
      fields: [
        {
          id: 'members',
          type: 'group',
          label: { en: 'Members' },
          required: true,
          max: 3,
          items: [
            { id: 'name', type: 'text', label: { en: 'Name' }, required: true },
            { id: 'born', type: 'date', label: { en: 'Born' }, required: true, max: 'today' },
            {
              id: 'school',
              type: 'boolean',
              label: { en: 'School' },
              required: true,
              when: 'date(born) > date("2010-01-01")',
            },
          ],
        },
      ],
    },
  ],
} as const;

export const goodAnswers = {
  headNumber: 'LU12345678',
  roof: 'thatch',
  ownsLand: false,
  rent: '12.50',
  phone: '+99912345678',
  members: [{ name: 'Amina', born: '1990-04-02' }],
};
