import type { Random } from './random.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Invented given and family names: they sound like somewhere, and are from nowhere. */
const givenFemale = words(`
  Amara Belina Calista Dalia Elira Fenna Galia Hanaë Ilena Jorina Kalinda Lisera Mirelle Naëlle Odira Pelia
  Quilla Ravena Selika Tamira Ulema Vaëlle Wenna Xirela Yamina Zelia Anoura Brisela Corelle Dessa Eluna Farida
  Gisane Halima Isaure Josana Kerena Lunaya Maïssa Nerissa Orina Priya Ranelle Samira Tilda Uriane Velora Yselle
  Zahra Adenike Basira Chenda Doumia Estela Fiora Ganiya Hesper Imara Jalena Katsina Leïla Mahina Nadira Oumara`);

const givenMale = words(`
  Adrin Belan Corvin Dario Emric Farel Garan Haldor Isen Joran Kelim Lorin Marek Nolan Osric Pavel
  Quiron Rafel Soren Tarek Ulric Valen Wendel Xavon Yanis Zoran Amadi Bastien Cassim Doran Elvio Faris
  Gaspar Hakim Idris Jovan Kassim Léandre Malik Naël Orso Petrus Rashid Samba Tomas Umar Vasco Yusran
  Zaïd Aleki Brandt Cyran Demba Evandro Felan Goran Hamid Ivano Jaleel Kofan Lucan Modou Nazim Oren`);

const family = words(`
  Abrenna Adalio Alvesso Amarande Anduri Arvane Belmoro Benkari Brassard Calvane Camiri Cordova-Lis Dahlani Dambele Delorme Diarrane
  Dorvane Ebrima Elvaris Estrevan Fadouli Fenwari Ferrane Galdari Garamond Gueyane Haddouri Halvane Ibarrane Idrissane Ilvari Jalloune
  Jorvane Kalembe Kanouri Karvane Kessandra Ketirane Lamarou Laswari Lorvane Maboule Madrane Mansouri-Vel Marvelle Mbaline Merindo Mirvane
  Moravane Nadjari Ndiolane Nuvarro Okandri Oranie Orvandi Osmane Pellane Quessari Rahmane Revanno Rocasel Sabrane Salvari Sandrevo
  Sekouni Solvane Tamboure Tavares-Lin Tessali Torvane Touranne Umbrane Valderi Vassaro Velanne Verani Wassouli Yaméris Zandari Zerouali
  Almesso Barinde Cassoune Derwane Esmarel Fortane Gassama-Ri Hervalde Issoune Jemayel-Or Kolvane Lindari Monteluma Norvassi Olembe Pirvane
  Rassoul-An Sirvane Talvesso Urbane-Ko Vindari Wolvane Yelvane Zimbrane Anselmi Borvani Chalane Domvari Elgane Frevasse Gilvari Hosane`);

export type Sex = 'female' | 'male';

export const givenName = (random: Random, sex: Sex): string =>
  random.pick(sex === 'female' ? givenFemale : givenMale);

export const familyName = (random: Random): string => random.pick(family);

/** A name as the local part of an e-mail address has it: ASCII, lower case. */
export const mailName = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^A-Za-z-]/g, '')
    .toLowerCase();
