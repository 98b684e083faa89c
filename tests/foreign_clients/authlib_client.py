"""Python's Authlib, over requests, at mock-server: every flow that its client has.

Needs the environment variables MOCK_SERVER_ISSUER and ID_TOKEN_ALG.
"""

import unittest
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import rfc8414, rfc9207
from authlib.oauth2.rfc6749 import MismatchingStateException
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url as openid_url
from joserfc import jws
from joserfc.errors import InvalidClaimError

from mock_server import ID_TOKEN_ALG, ISSUER, REDIRECT_URI, TIMEOUT, Flow

SCOPE = "openid profile email offline_access"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class Application(OAuth2Mixin, OpenIDMixin, BaseApp):
    """What Authlib's web integrations are made of, without a web framework."""

    client_cls = OAuth2Session


class AuthlibFlow(Flow):
    def application(self, client_id, client_secret=None, method=None):
        return Application(
            framework=None,
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=openid_url(self.issuer, external=True),
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "default_timeout": TIMEOUT,
            },
        )

    def session(self, client_id, client_secret=None, method=None, **options):
        return OAuth2Session(
            client_id,
            client_secret,
            token_endpoint_auth_method=method,
            token_endpoint=self.url("token"),
            default_timeout=TIMEOUT,
            **options,
        )

    def url(self, endpoint):
        return f"{self.issuer}/{endpoint}"

    def sign_in(self, application):
        """The tokens, and what the library had sent out by the browser."""
        request = application.create_authorization_url(redirect_uri=REDIRECT_URI)
        redirect = self.browse(request["url"])
        tokens = application.fetch_access_token(
            redirect_uri=REDIRECT_URI,
            authorization_response=redirect,
            state=request["state"],
            code_verifier=request["code_verifier"],
        )
        return tokens, request

    def refused(self, error, call, *arguments, **options):
        with self.assertRaises(OAuthError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.error, error)

    def introspect(self, session, token):
        answer = session.introspect_token(self.url("introspect"), token=token)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def revoke(self, session, token):
        answer = session.revoke_token(self.url("revoke"), token=token)
        self.assertEqual(answer.status_code, 200, answer.text)


class Metadata(AuthlibFlow):
    def test_metadata_of_openid_connect(self):
        for issuer in [ISSUER, self.issuer]:
            session = OAuth2Session(default_timeout=TIMEOUT)
            answer = session.get(openid_url(issuer, external=True), withhold_token=True)
            metadata = OpenIDProviderMetadata(answer.json())
            metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
            self.assertEqual(metadata["issuer"], issuer)

    def test_metadata_of_oauth(self):
        for issuer in [ISSUER, self.issuer]:
            session = OAuth2Session(default_timeout=TIMEOUT)
            answer = session.get(rfc8414.get_well_known_url(issuer, external=True), withhold_token=True)
            metadata = rfc8414.AuthorizationServerMetadata(answer.json())
            metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
            self.assertEqual(metadata["issuer"], issuer)


class AuthorizationCode(AuthlibFlow):
    def login(self, client_id, client_secret=None, method=None):
        application = self.application(client_id, client_secret, method)
        tokens, request = self.sign_in(application)
        self.assertEqual(jws.extract_compact(tokens["id_token"].encode()).protected["alg"], ID_TOKEN_ALG)
        claims = application.parse_id_token(tokens, nonce=request["nonce"])
        self.assertEqual(claims["sub"], "alice")
        with self.assertRaises(InvalidClaimError):
            application.parse_id_token(tokens, nonce="another")
        self.assertEqual(application.userinfo(token=tokens)["email"], "alice@example.com")

        session = self.session(client_id, client_secret, method, token=tokens)
        fresh = session.refresh_token(self.url("token"))
        self.assertNotEqual(fresh["refresh_token"], tokens["refresh_token"])
        self.assertEqual(application.parse_id_token(fresh, nonce=None)["sub"], "alice")
        self.assertEqual(session.get(self.url("resource")).status_code, 200)
        self.revoke(session, fresh["refresh_token"])
        self.assertEqual(session.get(self.url("resource")).status_code, 401)
        self.refused("invalid_grant", session.refresh_token, self.url("token"))

    def test_a_login_by_code_of_a_public_client(self):
        self.login("native")

    def test_a_login_by_code_with_client_secret_basic(self):
        self.login("web", "web-secret", "client_secret_basic")

    def test_a_login_by_code_with_client_secret_post(self):
        self.login("web", "web-secret", "client_secret_post")

    def test_a_token_that_ran_out_is_refreshed_by_the_way(self):
        tokens, _ = self.sign_in(self.application("native"))
        kept = []
        keep = lambda token, refresh_token: kept.append((token["refresh_token"], refresh_token))
        session = self.session("native", token=tokens | {"expires_at": 1}, update_token=keep)
        self.assertEqual(session.get(self.url("resource")).status_code, 200)
        self.assertEqual(kept, [(session.token["refresh_token"], tokens["refresh_token"])])

    def test_a_stolen_refresh_token_ends_the_whole_family(self):
        stolen, _ = self.sign_in(self.application("native"))
        session = self.session("native")
        fresh = session.refresh_token(self.url("token"), refresh_token=stolen["refresh_token"])
        for token in [stolen, fresh]:
            refresh_token = token["refresh_token"]
            self.refused("invalid_grant", session.refresh_token, self.url("token"), refresh_token=refresh_token)
        # The test steals the token, and the server cannot know from whom.
        self.verdicts = ["error spent-refresh-token"]

    def test_a_login_that_the_person_denies(self):
        application = self.application("native")
        request = application.create_authorization_url(redirect_uri=REDIRECT_URI)
        self.fault("authorize", "error:access_denied")
        answer = parse_qs(urlsplit(self.browse(request["url"])).query)
        # The library leaves the error, and iss of RFC 9207, to the web framework around it.
        self.assertEqual(answer["error"], ["access_denied"])
        self.assertEqual((answer["state"], answer["iss"]), ([request["state"]], [self.issuer]))

    def test_an_answer_with_another_state(self):
        application = self.application("native")
        request = application.create_authorization_url(redirect_uri=REDIRECT_URI)
        redirect = self.browse(request["url"])
        with self.assertRaises(MismatchingStateException):
            application.fetch_access_token(authorization_response=redirect, state="another")
        self.assertEqual(self.answers("/token"), [])


class ClientCredentials(AuthlibFlow):
    def test_client_credentials_introspected_and_revoked(self):
        session = self.session("service", "service-secret", scope="read")
        token = session.fetch_token()
        self.assertEqual(session.get(self.url("resource")).status_code, 200)
        described = self.introspect(session, token["access_token"])
        self.assertEqual((described["active"], described["client_id"]), (True, "service"))
        self.revoke(session, token["access_token"])
        self.assertEqual(self.introspect(session, token["access_token"]), {"active": False})

    def test_characters_that_a_form_encodes(self):
        client_id, client_secret = "tv: living room+100%é☃", "s:e+c%2Br e/t&=ü☃"
        self.register(client_id=client_id, client_secret=client_secret)
        session = self.session(client_id, client_secret, "client_secret_post", scope="read")
        session.fetch_token()
        self.assertEqual(self.introspect(session, session.token["access_token"])["client_id"], client_id)

    def test_basic_is_not_form_encoded_by_this_library(self):
        """RFC 6749 section 2.3.1 wants both halves "encoded using the "application/x-www-form-urlencoded" encoding
        algorithm"; Authlib sends them as they are, so that a plus sign, say, reads as a space."""
        self.register(client_id="plus", client_secret="a+b")
        self.refused("invalid_client", self.session("plus", "a+b", scope="read").fetch_token)
        encoded = self.session("plus", "a%2Bb", scope="read")
        self.assertIn("access_token", encoded.fetch_token())

    def test_a_wrong_secret(self):
        for method in ["client_secret_basic", "client_secret_post"]:
            self.refused("invalid_client", self.session("service", "wrong", method).fetch_token)


class DeviceCode(AuthlibFlow):
    """The library has no request of its own for RFC 8628 section 3.1, but the grant of section 3.4."""

    def start(self, session, scope):
        auth = session.client_auth(session.token_endpoint_auth_method)
        answer = session.post(
            self.url("device-authorization"), data={"scope": scope}, auth=auth, withhold_token=True
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def poll(self, session, codes):
        """Polls until the login ends, by the server's time in place of ours."""
        interval = codes["interval"]
        while True:
            self.advance(interval)
            try:
                return session.fetch_token(grant_type=DEVICE_CODE, device_code=codes["device_code"])
            except OAuthError as error:
                if error.error == "slow_down":
                    interval += 5
                elif error.error != "authorization_pending":
                    raise

    def test_a_device_login_through_pending_and_slow_down(self):
        session = self.session("device")
        self.script("pending, slow_down, pending, approve")
        tokens = self.poll(session, self.start(session, "openid read"))
        claims = self.application("device").parse_id_token(tokens, nonce=None)
        self.assertEqual(claims["sub"], "alice")
        pending = "authorization_pending"
        self.assertEqual(self.answers("/token"), [pending, "slow_down", pending, None])

    def test_a_device_login_that_a_person_approves(self):
        session = self.session("device-secret", "device-secret")
        codes = self.start(session, "read")
        self.approve()
        self.assertEqual(self.poll(session, codes)["scope"], "read")

    def test_a_device_login_that_the_person_denies(self):
        self.ends_with("deny", "access_denied")

    def test_a_device_login_that_expires(self):
        self.ends_with("expire", "expired_token")

    def ends_with(self, end, error):
        session = self.session("device")
        self.script(f"pending, {end}")
        codes = self.start(session, "read")
        self.refused(error, self.poll, session, codes)
        self.assertEqual(self.answers("/token"), ["authorization_pending", error])


if __name__ == "__main__":
    unittest.main()
