// npm's openid-client at mock-server: every flow that the library has.
// Needs the environment variables MOCK_SERVER_ISSUER and ID_TOKEN_ALG.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { ID_TOKEN_ALG, ISSUER, ODD_CLIENT, REDIRECT_URI, flow, header } from './mock_server.mjs';

const SCOPE = 'openid profile email offline_access';
const CLIENTS = {
  'a public client': ['native', () => client.None()],
  'client_secret_basic': ['web', () => client.ClientSecretBasic('web-secret')],
  'client_secret_post': ['web', () => client.ClientSecretPost('web-secret')],
};

async function discover(tenant, { client_id, ...metadata }, authentication, algorithm = 'oidc') {
  const config = await client.discovery(new URL(tenant.issuer), client_id, metadata, authentication, {
    algorithm,
    // Plain http; and signatures are checked against the JWK set, not left to TLS.
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
  config.timeout = 30;
  return config;
}

// The request that goes out by the browser, and what the library checks when the browser comes back.
async function authorizationRequest(config) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    maxAge: 300,
    idTokenExpected: true,
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    max_age: String(checks.maxAge),
  });
  return { url, checks };
}

async function signIn(tenant, config) {
  const { url, checks } = await authorizationRequest(config);
  return client.authorizationCodeGrant(config, await tenant.browse(url), checks);
}

// The library's waits between polls take the server's time in place of ours.
async function withoutWaiting(tenant, polling) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, milliseconds, ...rest) => {
    // Shorter ones are those of fetch.
    if (milliseconds < 5000) return setTimeout(callback, milliseconds, ...rest);
    return void tenant.advance(milliseconds / 1000).then(callback);
  };
  try {
    return await polling();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
}

const poll = (tenant, config, codes) =>
  withoutWaiting(tenant, () => client.pollDeviceAuthorizationGrant(config, codes));

const refused = (status, error) => (thrown) => {
  assert.ok(thrown instanceof client.ResponseBodyError, thrown);
  assert.deepEqual([thrown.status, thrown.error], [status, error]);
  return true;
};

const challenged = (scheme, error) => (thrown) => {
  assert.ok(thrown instanceof client.WWWAuthenticateChallengeError, thrown);
  const [challenge] = thrown.cause;
  assert.deepEqual([thrown.status, challenge.scheme, challenge.parameters.error], [401, scheme, error]);
  return true;
};

for (const algorithm of ['oidc', 'oauth2']) {
  flow(`metadata by ${algorithm}`, async (tenant) => {
    for (const issuer of [ISSUER, tenant.issuer]) {
      const config = await discover({ issuer }, { client_id: 'native' }, client.None(), algorithm);
      const metadata = config.serverMetadata();
      assert.equal(metadata.issuer, issuer);
      assert.equal(metadata.token_endpoint, `${issuer}/token`);
      assert.ok(metadata.supportsPKCE('S256'));
    }
  });
}

for (const [name, [client_id, authentication]] of Object.entries(CLIENTS)) {
  flow(`a login by code of ${name}`, async (tenant) => {
    const config = await discover(tenant, { client_id }, authentication());
    const tokens = await signIn(tenant, config);
    assert.equal(header(tokens.id_token).alg, ID_TOKEN_ALG);
    assert.equal(tokens.claims().sub, 'alice');
    assert.equal(tokens.scope, SCOPE);
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, 'alice');
    assert.equal(userinfo.email, 'alice@example.com');

    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.equal(fresh.claims().sub, 'alice');
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);
    const resource = new URL(`${tenant.issuer}/resource`);
    const { status } = await client.fetchProtectedResource(config, fresh.access_token, resource, 'GET');
    assert.equal(status, 200);

    await client.tokenRevocation(config, fresh.refresh_token);
    await assert.rejects(
      client.fetchUserInfo(config, fresh.access_token, 'alice'),
      challenged('bearer', 'invalid_token'),
    );
  });
}

for (const alg of ['ES256', 'RS256']) {
  flow(`a login by code of a client that registered ${alg}`, async (tenant) => {
    const registered = { client_id: 'registered', id_token_signed_response_alg: alg };
    await tenant.register({ ...registered, redirect_uris: [REDIRECT_URI] });
    const config = await discover(tenant, registered, client.None());
    const tokens = await signIn(tenant, config);
    assert.equal(header(tokens.id_token).alg, alg);
  });
}

flow('a login that the person denies', async (tenant) => {
  const config = await discover(tenant, { client_id: 'native' }, client.None());
  const { url, checks } = await authorizationRequest(config);
  await tenant.fault('authorize', 'error:access_denied');
  await assert.rejects(client.authorizationCodeGrant(config, await tenant.browse(url), checks), (thrown) => {
    assert.ok(thrown instanceof client.AuthorizationResponseError, thrown);
    return thrown.error === 'access_denied';
  });
});

for (const fault of ['no_iss', 'wrong_iss']) {
  flow(`a mix-up with ${fault} ends before the token request`, async (tenant) => {
    const config = await discover(tenant, { client_id: 'native' }, client.None());
    const { url, checks } = await authorizationRequest(config);
    await tenant.fault('authorize', fault);
    await assert.rejects(
      client.authorizationCodeGrant(config, await tenant.browse(url), checks),
      (thrown) => thrown.code === 'OAUTH_INVALID_RESPONSE' && /"iss"/.test(thrown.cause.message),
    );
    assert.deepEqual(await tenant.answers('/token'), []);
  });
}

// The test steals the token, and the server cannot know from whom.
flow(
  'a stolen refresh token ends the whole family',
  async (tenant) => {
    const config = await discover(tenant, { client_id: 'native' }, client.None());
    const stolen = await signIn(tenant, config);
    const fresh = await client.refreshTokenGrant(config, stolen.refresh_token);
    for (const { refresh_token } of [stolen, fresh]) {
      await assert.rejects(client.refreshTokenGrant(config, refresh_token), refused(400, 'invalid_grant'));
    }
  },
  { verdicts: ['error spent-refresh-token'] },
);

flow('client credentials, introspected and revoked', async (tenant) => {
  const config = await discover(tenant, { client_id: 'service' }, client.ClientSecretBasic('service-secret'));
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'read' });
  const resource = new URL(`${tenant.issuer}/resource`);
  assert.equal((await client.fetchProtectedResource(config, token, resource, 'GET')).status, 200);
  const described = await client.tokenIntrospection(config, token);
  assert.deepEqual([described.active, described.scope, described.client_id], [true, 'read', 'service']);
  await client.tokenRevocation(config, token, { token_type_hint: 'access_token' });
  assert.deepEqual(await client.tokenIntrospection(config, token), { active: false });
});

for (const method of ['ClientSecretBasic', 'ClientSecretPost']) {
  flow(`${method} with characters that have to be encoded`, async (tenant) => {
    await tenant.register({ ...ODD_CLIENT, redirect_uris: [REDIRECT_URI] });
    const authentication = client[method](ODD_CLIENT.client_secret);
    const config = await discover(tenant, { client_id: ODD_CLIENT.client_id }, authentication);
    const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'read' });
    assert.equal((await client.tokenIntrospection(config, token)).client_id, ODD_CLIENT.client_id);
    const tokens = await signIn(tenant, config);
    assert.equal(tokens.claims().aud, ODD_CLIENT.client_id);
  });
}

// RFC 7662 section 2.1: "the endpoint MUST also require some form of authorization".
flow('a public client may not introspect', async (tenant) => {
  const config = await discover(tenant, { client_id: 'native' }, client.None());
  const { access_token } = await signIn(tenant, config);
  await assert.rejects(client.tokenIntrospection(config, access_token), challenged('basic', undefined));
});

flow('a wrong secret', async (tenant) => {
  const basic = await discover(tenant, { client_id: 'service' }, client.ClientSecretBasic('wrong'));
  await assert.rejects(client.clientCredentialsGrant(basic), challenged('basic', undefined));
  const post = await discover(tenant, { client_id: 'service' }, client.ClientSecretPost('wrong'));
  await assert.rejects(client.clientCredentialsGrant(post), refused(401, 'invalid_client'));
});

flow('a device login through pending and slow_down', async (tenant) => {
  const config = await discover(tenant, { client_id: 'device' }, client.None());
  await tenant.script('pending, slow_down, pending, approve');
  const codes = await client.initiateDeviceAuthorization(config, { scope: 'openid read' });
  assert.equal(codes.interval, 5);
  const tokens = await poll(tenant, config, codes);
  assert.equal(tokens.claims().sub, 'alice');
  const pending = 'authorization_pending';
  assert.deepEqual(await tenant.answers('/token'), [pending, 'slow_down', pending, null]);
});

flow('a device login that a person approves by its code', async (tenant) => {
  const config = await discover(tenant, { client_id: 'device-secret' }, client.ClientSecretBasic('device-secret'));
  const codes = await client.initiateDeviceAuthorization(config, { scope: 'read' });
  await tenant.approve(codes.user_code);
  const tokens = await poll(tenant, config, codes);
  assert.equal(tokens.scope, 'read');
});

for (const [end, error] of [
  ['deny', 'access_denied'],
  ['expire', 'expired_token'],
]) {
  flow(`a device login that ends with ${error}`, async (tenant) => {
    const config = await discover(tenant, { client_id: 'device' }, client.None());
    await tenant.script(`pending, ${end}`);
    const codes = await client.initiateDeviceAuthorization(config, { scope: 'read' });
    await assert.rejects(poll(tenant, config, codes), refused(400, error));
    assert.deepEqual(await tenant.answers('/token'), ['authorization_pending', error]);
  });
}
