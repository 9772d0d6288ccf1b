const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

interface Words {
  readonly signIn: string;
  readonly identifier: string;
  readonly pin: string;
  readonly wrong: string;
  readonly demo: string;
  readonly demoWarning: string;
  readonly or: string;
  readonly problem: string;
  readonly again: string;
  readonly signOut: string;
  readonly signOutQuestion: string;
  readonly stay: string;
  readonly error: string;
}

const catalogue: Readonly<Record<string, Words>> = {
  en: {
    signIn: 'Sign in',
    identifier: 'National number or login name',
    pin: 'PIN',
    wrong:
      'The number or the PIN is not right, or too many attempts were made. Wait a quarter of an hour after several attempts.',
    demo: 'Demonstration',
    demoWarning: 'Demonstration country: invented people. Choose who you want to be.',
    or: 'Or sign in with a PIN',
    problem: 'You cannot be signed in',
    again: 'Go back to the service and start again.',
    signOut: 'Sign out',
    signOutQuestion: 'Do you want to sign out?',
    stay: 'Stay signed in',
    error: 'Error',
  },
  fr: {
    signIn: 'Se connecter',
    identifier: 'Numéro national ou identifiant',
    pin: 'Code PIN',
    wrong:
      'Le numéro ou le code est faux, ou il y a eu trop de tentatives. Après plusieurs tentatives, attendez un quart d’heure.',
    demo: 'Démonstration',
    demoWarning: 'Pays de démonstration : personnes inventées. Choisissez qui vous voulez être.',
    or: 'Ou connectez-vous avec un code PIN',
    problem: 'La connexion est impossible',
    again: 'Revenez au service et recommencez.',
    signOut: 'Se déconnecter',
    signOutQuestion: 'Voulez-vous vous déconnecter ?',
    stay: 'Rester connecté',
    error: 'Erreur',
  },
  ar: {
    signIn: 'تسجيل الدخول',
    identifier: 'الرقم الوطني أو اسم المستخدم',
    pin: 'الرمز السري',
    wrong: 'الرقم أو الرمز غير صحيح، أو كثرت المحاولات. بعد عدة محاولات انتظر ربع ساعة.',
    demo: 'عرض توضيحي',
    demoWarning: 'بلد للعرض التوضيحي: أشخاص من نسج الخيال. اختر من تريد أن تكون.',
    or: 'أو سجّل الدخول بالرمز السري',
    problem: 'تعذّر تسجيل الدخول',
    again: 'ارجع إلى الخدمة وابدأ من جديد.',
    signOut: 'تسجيل الخروج',
    signOutQuestion: 'هل تريد تسجيل الخروج؟',
    stay: 'البقاء متصلاً',
    error: 'خطأ',
  },
};

/** First language of the request's `ui_locales` (or Accept-Language) that there is a catalogue for. */
export const languageOf = (wanted: string | undefined): string =>
  (wanted ?? '')
    .split(/[\s,;]+/)
    .map((tag) => tag.split('-')[0] as string)
    .find((tag) => tag in catalogue) ?? 'en';

const wordsOf = (language: string): Words => catalogue[language] ?? (catalogue.en as Words);

/** Sent with every page: no script, no foreign content, not in a frame. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action *; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export const stylesheet = `
:root { color: #16222e; background: #fff; font: 1.1875rem/1.4 "Noto Sans", "Noto Naskh Arabic", system-ui, sans-serif; }
body { margin: 0; }
header { background: #12384f; color: #fff; padding: 0.8rem 1rem; font-weight: 600; }
main { max-width: 38rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem; }
label { display: block; margin: 1rem 0 0.3rem; font-weight: 600; }
input { font: inherit; width: 100%; max-width: 22rem; box-sizing: border-box; padding: 0.4rem; border: 2px solid #16222e; }
button { font: inherit; padding: 0.6rem 1rem; margin-block-start: 1.2rem; border: 0; border-bottom: 3px solid #063; background: #00703c; color: #fff; cursor: pointer; }
button.persona { display: block; width: 100%; text-align: start; margin-block: 0 0.6rem; background: #e8eef3; color: #16222e; border-bottom: 3px solid #7a93a6; }
button.plain { background: #e8eef3; color: #16222e; border-bottom-color: #7a93a6; }
:focus-visible { outline: 3px solid #ffbf47; outline-offset: 0; box-shadow: 0 0 0 5px #16222e; }
.demo { border-inline-start: 8px solid #b58840; background: #fbf3e2; padding: 0.8rem 1rem; margin-block-end: 1.2rem; }
.error { border: 4px solid #b3261e; padding: 0.8rem 1rem; margin-block-end: 1.2rem; }
h2 { font-size: 1.4rem; margin-block: 2rem 0.5rem; }
`;

const page = (language: string, title: string, country: string, content: string): string => `<!DOCTYPE html>
<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – ${escapeHtml(country)}</title><link rel="stylesheet" href="/id/style.css"></head>
<body><header>${escapeHtml(country)}</header><main>
${content}
</main></body></html>
`;

export interface SignInPage {
  readonly language: string;
  readonly country: string;
  readonly action: string;
  readonly personas: readonly { readonly id: string; readonly label: Readonly<Record<string, string>> }[];
  readonly wrong: boolean;
}

export function signInPage({ language, country, action, personas, wrong }: SignInPage): string {
  const words = wordsOf(language);
  const choice =
    personas.length === 0
      ? ''
      : `<p class="demo"><strong>${escapeHtml(words.demo)}.</strong> ${escapeHtml(words.demoWarning)}</p>
${personas
  .map(
    ({
      id,
      label,
    }) => `<form method="post" action="${escapeHtml(action)}"><input type="hidden" name="persona" value="${escapeHtml(id)}">
<button class="persona" type="submit">${escapeHtml(label[language] ?? label.en ?? id)}</button></form>`,
  )
  .join('\n')}
<h2>${escapeHtml(words.or)}</h2>`;
  return page(
    language,
    wrong ? `${words.error}: ${words.signIn}` : words.signIn,
    country,
    `<h1>${escapeHtml(words.signIn)}</h1>
${wrong ? `<div class="error" role="alert">${escapeHtml(words.wrong)}</div>` : ''}
${choice}
<form method="post" action="${escapeHtml(action)}">
<label for="identifier">${escapeHtml(words.identifier)}</label>
<input id="identifier" name="identifier" autocomplete="username" spellcheck="false" required maxlength="200">
<label for="pin">${escapeHtml(words.pin)}</label>
<input id="pin" name="pin" type="password" autocomplete="current-password" required maxlength="64">
<button type="submit">${escapeHtml(words.signIn)}</button>
</form>`,
  );
}

export function problemPage(language: string, country: string): string {
  const words = wordsOf(language);
  return page(
    language,
    words.problem,
    country,
    `<h1>${escapeHtml(words.problem)}</h1><p>${escapeHtml(words.again)}</p>`,
  );
}

/** `form` is the provider's own hidden form with id op.logoutForm. */
export function signOutPage(language: string, country: string, form: string): string {
  const words = wordsOf(language);
  return page(
    language,
    words.signOut,
    country,
    `<h1>${escapeHtml(words.signOutQuestion)}</h1>${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">${escapeHtml(words.signOut)}</button>
<button class="plain" type="submit" form="op.logoutForm">${escapeHtml(words.stay)}</button>`,
  );
}
