import { demonstrationCountry } from './country.ts';
import { documentsAndSecrets } from './registry-pages/fields.ts';
import { figuresAndLinks } from './registry-pages/figures.ts';
import { rightsOnARegistry } from './registry-pages/rights.ts';
import { transferOfRecords } from './registry-pages/transfer.ts';

// Each works on a registry of its own; the country, slow to start, is one.
const country = demonstrationCountry('registry-pages');
transferOfRecords(country);
figuresAndLinks(country);
rightsOnARegistry(country);
documentsAndSecrets(country);
