"""Starts each server, asks it what a client asks, and reads from /proc what it took. Prints a Markdown table.

CPU is that of the whole server process in user and kernel mode, from the scheduler's own nanosecond account, over all
requests of a run; the load comes from wrk on kept connections. Every figure is the median of the rounds, and every
round measures all servers in turn, so that a machine that slows down slows all of them.
"""

import argparse
import base64
import json
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target" / "release"
FORM = "application/x-www-form-urlencoded"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
BASIC = "Basic " + base64.b64encode(b"service:service-secret").decode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_seconds(pid):
    """What all threads that live have run, and what those that ended had run is lost: none of ours ends."""
    threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


class Server:
    """A server process, from its start to its first 200."""

    def __init__(self, command, ready_path):
        self.port = free_port()
        command = [part.replace("PORT", str(self.port)) for part in command]
        request = f"GET {ready_path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        begin = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=HERE, **quiet)
        while not self.answers(request):
            if self.process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {self.process.returncode}")
            if time.perf_counter() - begin > 30:
                raise SystemExit(f"{command} does not answer {ready_path}")
            time.sleep(0.0002)
        self.start_wall = time.perf_counter() - begin
        self.start_cpu = cpu_seconds(self.process.pid)
        time.sleep(0.5)
        self.idle_mib = resident_mib(self.process.pid)

    def answers(self, request):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as stream:
                stream.sendall(request)
                return stream.recv(15).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, path, form, authorization=None):
        headers = {"Content-Type": FORM} | ({"Authorization": authorization} if authorization else {})
        request = urllib.request.Request(self.url(path), urllib.parse.urlencode(form).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def cpu_per_request(self, path, form, authorization, seconds, expect):
        """CPU milliseconds a request; every answer must have the expected status."""
        status, body = self.post(path, form, authorization)
        if status != expect[0] or expect[1] not in body:
            raise SystemExit(f"{path} answers {status}: {body[:300]}")
        with load_script(form, authorization, expect[0]) as script:
            before = cpu_seconds(self.process.pid)
            requests, unexpected = load(self.url(path), script.name, seconds)
            used = cpu_seconds(self.process.pid) - before
        if unexpected:
            raise SystemExit(f"{path}: {unexpected} of {requests} answers are not {expect[0]}")
        return used / requests * 1e3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def load_script(form, authorization, status):
    script = tempfile.NamedTemporaryFile("w", suffix=".lua")
    script.write(f"""
wrk.method = "POST"
wrk.body = {json.dumps(urllib.parse.urlencode(form))}
wrk.headers["Content-Type"] = "{FORM}"
{f'wrk.headers["Authorization"] = "{authorization}"' if authorization else ''}
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
unexpected = 0
function response(status, headers, body) if status ~= {status} then unexpected = unexpected + 1 end end
function done(summary, latency, requests)
  local count = 0
  for _, thread in ipairs(threads) do count = count + thread:get("unexpected") end
  io.write(string.format("requests=%d unexpected=%d errors=%d\\n", summary.requests, count, summary.errors.read + summary.errors.write + summary.errors.timeout))
end
""")
    script.flush()
    return script


def load(url, script, seconds):
    command = ["wrk", "--threads", "1", "--connections", "8", "--duration", f"{seconds}s", "--script", script, url]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counted = re.search(r"requests=(\d+) unexpected=(\d+) errors=(\d+)", printed)
    requests, unexpected, errors = map(int, counted.groups())
    return requests, unexpected + errors


def device_code(server, path, form):
    status, body = server.post(path, form)
    if status != 200:
        raise SystemExit(f"{path} answers {status}: {body[:300]}")
    return json.loads(body)["device_code"]


TOKEN = (200, b"access_token")
PENDING = (400, b"authorization_pending")
CREDENTIALS = {"grant_type": "client_credentials", "scope": "read"}
METADATA = "/.well-known/openid-configuration"


def ours(format_, seconds):
    # Polls come without a pause: the check of the interval is relaxed, all others stand.
    command = [str(TARGET / "mock-server"), "--port", "PORT", "--lenient", "poll_interval", "--token-format", format_]
    with Server(command, METADATA) as server:
        found = {"start": server.start_wall * 1e3, "start_cpu": server.start_cpu * 1e3, "idle": server.idle_mib}
        name = "signed" if format_ == "es256" else "opaque"
        found[name] = server.cpu_per_request("/token", CREDENTIALS, BASIC, seconds, TOKEN)
        if format_ == "opaque":
            code = device_code(server, "/device-authorization", {"client_id": "device"})
            form = {"grant_type": DEVICE_GRANT, "client_id": "device", "device_code": code}
            found["pending"] = server.cpu_per_request("/token", form, None, seconds, PENDING)
        return found


def bare_axum(seconds):
    command = [str(HERE / "bare_axum" / "target" / "release" / "bare-axum"), "PORT"]
    with Server(command, "/ready") as server:
        found = {"start": server.start_wall * 1e3, "start_cpu": server.start_cpu * 1e3, "idle": server.idle_mib}
        found["signed"] = server.cpu_per_request("/signed", CREDENTIALS, BASIC, seconds, TOKEN)
        found["opaque"] = server.cpu_per_request("/opaque", CREDENTIALS, BASIC, seconds, TOKEN)
        form = {"grant_type": DEVICE_GRANT, "client_id": "device", "device_code": "x" * 43}
        found["pending"] = server.cpu_per_request("/pending", form, None, seconds, PENDING)
        return found


def oidc_provider(seconds):
    with Server(["node", "oidc_provider.mjs", "PORT"], METADATA) as server:
        found = {"start": server.start_wall * 1e3, "start_cpu": server.start_cpu * 1e3, "idle": server.idle_mib}
        resource = CREDENTIALS | {"resource": "https://api.example"}
        found["signed"] = server.cpu_per_request("/token", resource, BASIC, seconds, TOKEN)
        opaque = {"grant_type": "client_credentials"}
        found["opaque"] = server.cpu_per_request("/token", opaque, BASIC, seconds, TOKEN)
        code = device_code(server, "/device/auth", {"client_id": "device", "scope": "openid"})
        form = {"grant_type": DEVICE_GRANT, "client_id": "device", "device_code": code}
        found["pending"] = server.cpu_per_request("/token", form, None, seconds, PENDING)
        return found


def oauth2_mock_server(seconds):
    with Server(["node", "oauth2_mock_server.mjs", "PORT"], METADATA) as server:
        found = {"start": server.start_wall * 1e3, "start_cpu": server.start_cpu * 1e3, "idle": server.idle_mib}
        found["signed"] = server.cpu_per_request("/token", CREDENTIALS, BASIC, seconds, TOKEN)
        return found


def memory(requests):
    """Resident memory over device authorization requests, in which logins expire as fast as they come."""
    command = [str(TARGET / "mock-server"), "--port", "PORT"]
    with Server(command, METADATA) as server, load_script({"client_id": "device"}, None, 200) as script:
        done, sizes, stop = 0, [(0, server.idle_mib)], threading.Event()

        def let_expire():
            while not stop.wait(0.02):
                server.post("/_control/clock/advance", {"seconds": 7200})

        clock = threading.Thread(target=let_expire)
        clock.start()
        while done < requests:
            counted, unexpected = load(server.url("/device-authorization"), script.name, 5)
            if unexpected:
                raise SystemExit(f"{unexpected} of {counted} device authorization requests were refused")
            done += counted
            sizes.append((done, resident_mib(server.process.pid)))
        stop.set()
        clock.join()
        return sizes


ROWS = [
    ("start", "start to first 200, wall", "ms", 1),
    ("start_cpu", "start to first 200, CPU", "ms", 1),
    ("idle", "resident memory, idle", "MiB", 1),
    ("signed", "CPU for a client-credentials token, ES256", "ms", 4),
    ("opaque", "CPU for an opaque one", "ms", 4),
    ("pending", "CPU for a pending poll", "ms", 4),
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=3, help="of load, for each figure of each round")
    arguments.add_argument("--requests", type=int, default=1_000_000, help="for the memory's course; 0 leaves it out")
    arguments.add_argument("--readme", action="store_true", help="write the table into README.md")
    chosen = arguments.parse_args()

    servers = {
        "mock-server": lambda: ours("opaque", chosen.seconds) | ours("es256", chosen.seconds),
        "bare axum handler": lambda: bare_axum(chosen.seconds),
        "oauth2-mock-server": lambda: oauth2_mock_server(chosen.seconds),
        "oidc-provider": lambda: oidc_provider(chosen.seconds),
    }
    rounds = [{name: measure() for name, measure in servers.items()} for _ in range(chosen.rounds)]

    def median(server, figure):
        values = [one[server][figure] for one in rounds if figure in one[server]]
        return statistics.median(values) if values else None

    versions = json.loads((HERE / "package.json").read_text())["dependencies"]
    heads = [f"{name} {versions[name]}" if name in versions else name for name in servers]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for figure, words, unit, digits in ROWS:
        values = [median(server, figure) for server in servers]
        cells = ["—" if value is None else f"{value:.{digits}f} {unit}" for value in values]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    table = "\n".join(lines)
    print(table)
    if chosen.requests:
        sizes = memory(chosen.requests)
        course = ", ".join(f"{size:.1f} MiB after {done:,}" for done, size in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
        table += f"\n\nResident memory over device logins that expire as they come: {course}."
        print(f"memory: {course}")
    if chosen.readme:
        readme = HERE.parent / "README.md"
        text = readme.read_text()
        begin, end = "<!-- made by benchmark/run --readme -->\n", "<!-- end -->"
        head, rest = text.split(begin)
        readme.write_text(f"{head}{begin}{table}\n{end}{rest.split(end, 1)[1]}")


if __name__ == "__main__":
    main()
