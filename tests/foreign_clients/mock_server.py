"""What a test does at mock-server beside the library that it runs: every flow has a tenant of its own there, and its
control interface plays the person, and lets time pass."""

import os
import unittest

import requests

REDIRECT_URI = "http://127.0.0.1:8765/cb"
# By the configuration of the server.
ISSUER = os.environ["MOCK_SERVER_ISSUER"]
ID_TOKEN_ALG = os.environ["ID_TOKEN_ALG"]
# Longer than any answer takes, also on a busy machine.
TIMEOUT = 60


class Flow(unittest.TestCase):
    """Tests that end with the server's verdict on the client: none, or exactly the rules named."""

    def setUp(self):
        self.verdicts = []
        self.issuer = f"{ISSUER}/t/{self._testMethodName[:64]}"
        # The script may run again at the same server.
        self.control("POST", "/reset")

    def tearDown(self):
        found = self.control("GET", "/verdicts").json()["verdicts"]
        self.assertEqual([f"{verdict['severity']} {verdict['rule']}" for verdict in found], self.verdicts, found)

    def control(self, method, path, body=None):
        answer = requests.request(method, f"{self.issuer}/_control{path}", json=body, timeout=TIMEOUT)
        self.assertTrue(answer.ok, f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def register(self, **client):
        self.control("POST", "/clients", client)

    def script(self, script):
        """What the polls of the next device login meet."""
        self.control("POST", "/scripts", {"script": script})

    def fault(self, endpoint, fault):
        """What the next answer of an endpoint is like."""
        self.control("POST", "/faults", {"endpoint": endpoint, "fault": fault, "times": 1})

    def approve(self):
        """Approves the device login that waits longest."""
        self.control("POST", "/devices/next/approve")

    def advance(self, seconds):
        self.control("POST", "/clock/advance", {"seconds": seconds})

    def browse(self, url):
        """What a browser does with an authorization URL: where it is sent to."""
        answer = requests.get(url, allow_redirects=False, timeout=TIMEOUT)
        self.assertEqual(answer.status_code, 302, answer.text)
        return answer.headers["location"]

    def answers(self, path):
        """The errors of all answers at a path, None for an answer without one."""
        recorded = self.control("GET", "/requests").json()["requests"]
        return [request["error"] for request in recorded if request["path"].endswith(path)]
