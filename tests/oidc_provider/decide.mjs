// What a person does on the pages of oidc-provider, without a browser: `node decide.mjs approve|deny`.
// For a device login USER_CODE and VERIFICATION_URI are in the environment, for an authorization code AUTHORIZATION_URL and
// REDIRECT_URI; then the last line printed is the URL on which a browser would end.
const approves = process.argv[2] === 'approve';
const { USER_CODE, VERIFICATION_URI, AUTHORIZATION_URL, REDIRECT_URI } = process.env;

const cookies = new Map();

// Follows redirects as far as the client's own URL.
async function go(url, form) {
  for (;;) {
    if (REDIRECT_URI && url.startsWith(REDIRECT_URI)) return { url };
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      redirect: 'manual',
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = response.headers.get('location');
    if (!location) return { url, html: await response.text() };
    url = new URL(location, url).href;
    form = undefined;
  }
}

const hidden = (page) => Object.fromEntries(
  [...page.html.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]),
);
const action = (page) => new URL(page.html.match(/action="([^"]+)"/)[1], page.url).href;

let page;
if (AUTHORIZATION_URL) {
  page = await go(AUTHORIZATION_URL);
} else {
  page = await go(VERIFICATION_URI);
  page = await go(action(page), { ...hidden(page), user_code: USER_CODE });
  const { confirm, ...rest } = hidden(page);
  page = await go(action(page), approves ? { confirm, ...rest } : { ...rest, abort: 'yes' });
}
while (page.html?.includes('name="prompt"')) {
  if (!approves) {
    page = await go(new URL(page.html.match(/href="([^"]+\/abort)"/)[1], page.url).href);
  } else {
    page = await go(action(page), { ...hidden(page), login: 'ada', password: 'anything' });
  }
}
if (page.html && approves && !page.html.includes('was successful')) throw new Error(page.html);
console.log(page.url);
process.exit(0);
