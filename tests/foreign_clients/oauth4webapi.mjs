// npm's oauth4webapi at mock-server: every flow that the library has. It makes single requests and reads single
// answers; what to do next is the caller's, as here.
// Needs the environment variables MOCK_SERVER_ISSUER and ID_TOKEN_ALG.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { ID_TOKEN_ALG, ISSUER, ODD_CLIENT, REDIRECT_URI, flow, header } from './mock_server.mjs';

const SCOPE = 'openid profile email offline_access';
const PLAIN_HTTP = { [oauth.allowInsecureRequests]: true };
const CLIENTS = {
  'a public client': ['native', oauth.None()],
  'client_secret_basic': ['web', oauth.ClientSecretBasic('web-secret')],
  'client_secret_post': ['web', oauth.ClientSecretPost('web-secret')],
};

async function discover(issuer, algorithm = 'oidc') {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm, ...PLAIN_HTTP });
  return oauth.processDiscoveryResponse(url, response);
}

// What goes out by the browser, and what the client remembers until it comes back.
async function authorizationRequest(as, client) {
  const remembered = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(remembered.verifier),
    code_challenge_method: 'S256',
    state: remembered.state,
    nonce: remembered.nonce,
  });
  return { url, remembered };
}

async function redeem(as, client, authentication, redirect, { verifier, state, nonce }) {
  const parameters = oauth.validateAuthResponse(as, client, redirect, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, parameters, REDIRECT_URI, verifier, PLAIN_HTTP,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, PLAIN_HTTP);
  return tokens;
}

async function signIn(tenant, as, client, authentication) {
  const { url, remembered } = await authorizationRequest(as, client);
  return redeem(as, client, authentication, await tenant.browse(url), remembered);
}

async function refresh(as, client, authentication, refreshToken) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, PLAIN_HTTP);
  return oauth.processRefreshTokenResponse(as, client, response);
}

async function userinfo(as, client, accessToken) {
  const response = await oauth.userInfoRequest(as, client, accessToken, PLAIN_HTTP);
  return oauth.processUserInfoResponse(as, client, 'alice', response);
}

async function revoke(as, client, authentication, token) {
  const response = await oauth.revocationRequest(as, client, authentication, token, PLAIN_HTTP);
  return oauth.processRevocationResponse(response);
}

async function introspect(as, client, authentication, token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token, PLAIN_HTTP);
  return oauth.processIntrospectionResponse(as, client, response);
}

async function clientCredentials(as, client, authentication) {
  const response = await oauth.clientCredentialsGrantRequest(
    as, client, authentication, { scope: 'read' }, PLAIN_HTTP,
  );
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function startDeviceLogin(as, client, authentication, scope) {
  const response = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope }, PLAIN_HTTP);
  return oauth.processDeviceAuthorizationResponse(as, client, response);
}

// Polls until the login ends, by the server's time in place of ours.
async function poll(tenant, as, client, authentication, codes) {
  let interval = codes.interval ?? 5;
  for (;;) {
    await tenant.advance(interval);
    const response = await oauth.deviceCodeGrantRequest(
      as, client, authentication, codes.device_code, PLAIN_HTTP,
    );
    try {
      return await oauth.processDeviceCodeResponse(as, client, response);
    } catch (thrown) {
      if (thrown.error === 'slow_down') interval += 5;
      else if (thrown.error !== 'authorization_pending') throw thrown;
    }
  }
}

const refused = (status, error) => (thrown) => {
  assert.ok(thrown instanceof oauth.ResponseBodyError, thrown);
  assert.deepEqual([thrown.status, thrown.error], [status, error]);
  return true;
};

const challenged = (scheme, error) => (thrown) => {
  assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, thrown);
  const [challenge] = thrown.cause;
  assert.deepEqual([thrown.status, challenge.scheme, challenge.parameters.error], [401, scheme, error]);
  return true;
};

for (const algorithm of ['oidc', 'oauth2']) {
  flow(`metadata by ${algorithm}`, async (tenant) => {
    for (const issuer of [ISSUER, tenant.issuer]) {
      const as = await discover(issuer, algorithm);
      assert.equal(as.device_authorization_endpoint, `${issuer}/device-authorization`);
      assert.equal(as.authorization_response_iss_parameter_supported, true);
    }
  });
}

for (const [name, [client_id, authentication]] of Object.entries(CLIENTS)) {
  flow(`a login by code of ${name}`, async (tenant) => {
    const as = await discover(tenant.issuer);
    const client = { client_id, require_auth_time: true };
    const tokens = await signIn(tenant, as, client, authentication);
    assert.equal(header(tokens.id_token).alg, ID_TOKEN_ALG);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, 'alice');
    assert.equal((await userinfo(as, client, tokens.access_token)).email, 'alice@example.com');

    const fresh = await refresh(as, client, authentication, tokens.refresh_token);
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);
    await revoke(as, client, authentication, fresh.refresh_token);
    await assert.rejects(userinfo(as, client, fresh.access_token), challenged('bearer', 'invalid_token'));
    await assert.rejects(
      refresh(as, client, authentication, fresh.refresh_token),
      refused(400, 'invalid_grant'),
    );
  });
}

// RFC 9068, as a protected resource checks it.
flow('an access token that a protected resource can check', async (tenant) => {
  const as = await discover(tenant.issuer);
  const { access_token: token } = await signIn(tenant, as, { client_id: 'native' }, oauth.None());
  const resource = `${tenant.issuer}/resource`;
  const request = new Request(resource, { headers: { authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, resource, PLAIN_HTTP);
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], ['alice', 'native', SCOPE]);
  const response = await oauth.protectedResourceRequest(
    token, 'GET', new URL(resource), undefined, undefined, PLAIN_HTTP,
  );
  assert.equal(response.status, 200);
});

flow('a login that the person denies', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'native' };
  const { url, remembered } = await authorizationRequest(as, client);
  await tenant.fault('authorize', 'error:access_denied');
  const redirect = await tenant.browse(url);
  assert.throws(
    () => oauth.validateAuthResponse(as, client, redirect, remembered.state),
    (thrown) => thrown instanceof oauth.AuthorizationResponseError && thrown.error === 'access_denied',
  );
});

for (const fault of ['no_iss', 'wrong_iss']) {
  flow(`a mix-up with ${fault} is seen`, async (tenant) => {
    const as = await discover(tenant.issuer);
    const client = { client_id: 'native' };
    const { url, remembered } = await authorizationRequest(as, client);
    await tenant.fault('authorize', fault);
    const redirect = await tenant.browse(url);
    assert.throws(() => oauth.validateAuthResponse(as, client, redirect, remembered.state), {
      code: 'OAUTH_INVALID_RESPONSE',
      message: /"iss"/,
    });
  });
}

flow('another code_verifier', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'native' };
  const { url, remembered } = await authorizationRequest(as, client);
  const verifier = oauth.generateRandomCodeVerifier();
  const redirect = await tenant.browse(url);
  await assert.rejects(
    redeem(as, client, oauth.None(), redirect, { ...remembered, verifier }),
    refused(400, 'invalid_grant'),
  );
});

flow('client credentials, introspected and revoked', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'service' };
  const authentication = oauth.ClientSecretBasic('service-secret');
  const { access_token: token } = await clientCredentials(as, client, authentication);
  const described = await introspect(as, client, authentication, token);
  assert.deepEqual([described.active, described.scope, described.client_id], [true, 'read', 'service']);
  await revoke(as, client, authentication, token);
  assert.deepEqual(await introspect(as, client, authentication, token), { active: false });
});

for (const method of ['ClientSecretBasic', 'ClientSecretPost']) {
  flow(`${method} with characters that have to be encoded`, async (tenant) => {
    await tenant.register({ ...ODD_CLIENT, redirect_uris: [REDIRECT_URI] });
    const as = await discover(tenant.issuer);
    const client = { client_id: ODD_CLIENT.client_id };
    const authentication = oauth[method](ODD_CLIENT.client_secret);
    const { access_token: token } = await clientCredentials(as, client, authentication);
    const described = await introspect(as, client, authentication, token);
    assert.equal(described.client_id, ODD_CLIENT.client_id);
    const tokens = await signIn(tenant, as, client, authentication);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, ODD_CLIENT.client_id);
  });
}

flow('a wrong secret', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'service' };
  const attempt = (authentication) => clientCredentials(as, client, authentication);
  await assert.rejects(attempt(oauth.ClientSecretBasic('wrong')), challenged('basic', undefined));
  await assert.rejects(attempt(oauth.ClientSecretPost('wrong')), refused(401, 'invalid_client'));
});

flow('a device login through pending and slow_down', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'device' };
  await tenant.script('pending, slow_down, pending, approve');
  const codes = await startDeviceLogin(as, client, oauth.None(), 'openid read');
  const tokens = await poll(tenant, as, client, oauth.None(), codes);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, 'alice');
  const pending = 'authorization_pending';
  assert.deepEqual(await tenant.answers('/token'), [pending, 'slow_down', pending, null]);
});

flow('a device login that a person approves by its code', async (tenant) => {
  const as = await discover(tenant.issuer);
  const client = { client_id: 'device-secret' };
  const authentication = oauth.ClientSecretBasic('device-secret');
  const codes = await startDeviceLogin(as, client, authentication, 'read');
  await tenant.approve(codes.user_code);
  const tokens = await poll(tenant, as, client, authentication, codes);
  assert.equal(tokens.scope, 'read');
});

for (const [end, error] of [
  ['deny', 'access_denied'],
  ['expire', 'expired_token'],
]) {
  flow(`a device login that ends with ${error}`, async (tenant) => {
    const as = await discover(tenant.issuer);
    const client = { client_id: 'device' };
    await tenant.script(`pending, ${end}`);
    const codes = await startDeviceLogin(as, client, oauth.None(), 'read');
    await assert.rejects(poll(tenant, as, client, oauth.None(), codes), refused(400, error));
    assert.deepEqual(await tenant.answers('/token'), ['authorization_pending', error]);
  });
}
