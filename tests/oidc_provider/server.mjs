// oidc-provider, a certified authorization server that is not ours, on a free loopback port.
// Prints JSON lines: {"event":"ready","issuer":..} and, for each request to its token endpoint,
// {"event":"token_request","at":MILLISECONDS,"grant_type":..,"status":..,"error":..}. Ends with its stdin.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

// Its notices are not part of the JSON lines.
console.info = console.log = console.error;

const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'tv',
      client_name: 'A television',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'radio',
      client_secret: 'radio-secret',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'desktop',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1/callback'],
    },
    {
      client_id: 'backend',
      client_secret: 'backend-secret: 100%+',
      grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
      redirect_uris: ['https://backend.example/callback'],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
  },
  claims: { openid: ['sub'], profile: ['name'] },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: `Name of ${sub}` }) }),
});

provider.use(async (ctx, next) => {
  const at = performance.now();
  await next();
  if (ctx.path === '/token') {
    const { grant_type } = ctx.oidc?.params ?? {};
    print({ event: 'token_request', at, grant_type, status: ctx.status, error: ctx.body?.error ?? null });
  }
});

server.on('request', provider.callback());
print({ event: 'ready', issuer });
process.stdin.resume().on('end', () => process.exit(0));
