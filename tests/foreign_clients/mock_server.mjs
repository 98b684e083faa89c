// What a test does at mock-server beside the library that it runs: every flow has a tenant of its own there, and its
// control interface plays the person, and lets time pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';

export const REDIRECT_URI = 'http://127.0.0.1:8765/cb';
// By the configuration of the server.
export const { MOCK_SERVER_ISSUER: ISSUER, ID_TOKEN_ALG } = process.env;
// RFC 6749 section 2.3.1: what Basic holds is form-encoded first. These two show whether it was, and wholly.
export const ODD_CLIENT = { client_id: 'tv: living room+100%é☃', client_secret: 's:e+c%2Br e/t&=ü☃-_.~*\'()!"' };

// A test that ends with the server's verdict on the client: none, or exactly the rules named.
export function flow(name, body, { verdicts = [] } = {}) {
  test(name, { timeout: 60_000 }, async () => {
    const tenant = new Tenant(name.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 64));
    // The script may run again at the same server.
    await tenant.control('POST', '/reset');
    await body(tenant);
    const found = (await tenant.control('GET', '/verdicts')).verdicts;
    assert.deepEqual(
      found.map((verdict) => `${verdict.severity} ${verdict.rule}`),
      verdicts,
      JSON.stringify(found, null, 2),
    );
  });
}

class Tenant {
  constructor(name) {
    this.issuer = `${ISSUER}/t/${name}`;
  }

  async control(method, path, body) {
    const response = await fetch(`${this.issuer}/_control${path}`, {
      method,
      headers: body && { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  register(client) {
    return this.control('POST', '/clients', client);
  }

  // What the polls of the next device login meet.
  script(script) {
    return this.control('POST', '/scripts', { script });
  }

  // What the next answer of an endpoint is like.
  fault(endpoint, fault) {
    return this.control('POST', '/faults', { endpoint, fault, times: 1 });
  }

  approve(userCode) {
    return this.control('POST', `/devices/${userCode}/approve`, {});
  }

  advance(seconds) {
    return this.control('POST', '/clock/advance', { seconds });
  }

  // What a browser does with an authorization URL: where it is sent to.
  async browse(url) {
    const response = await fetch(url, { redirect: 'manual' });
    const location = response.headers.get('location');
    assert.ok(location, `no redirect: ${response.status} ${await response.text()}`);
    return new URL(location);
  }

  // The errors of all answers at a path, null for an answer without one.
  async answers(path) {
    const { requests } = await this.control('GET', '/requests');
    const here = requests.filter((request) => request.path.endsWith(path));
    return here.map((request) => request.error);
  }
}

// The protected header of a JWT.
export function header(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url').toString());
}
