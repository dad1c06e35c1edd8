#!/usr/bin/env python3
"""lifeguard from Python, with nothing but the standard library: JSON lines over its Unix socket (docs/protocol.md).

    client.py ls                    id, name and state of each session
    client.py run COMMAND [ARG…]    run it in a session, print what it prints, exit as it does
    client.py events [KIND…]        follow events until interrupted

The socket is $LIFEGUARD_SOCKET, else where the daemon puts it by default.
"""
import base64
import json
import os
import socket
import sys


def default_socket():
    """As docs/protocol.md has it. What is set to nothing is not set."""
    env = {name: value for name, value in os.environ.items() if value}
    if "LIFEGUARD_SOCKET" in env:
        return env["LIFEGUARD_SOCKET"]
    if "LIFEGUARD_RUNTIME_DIR" in env:
        runtime = env["LIFEGUARD_RUNTIME_DIR"]
    elif "LIFEGUARD_HOME" in env:
        runtime = os.path.join(env["LIFEGUARD_HOME"], "run")
    elif os.path.isdir(env.get("XDG_RUNTIME_DIR", "")):
        runtime = os.path.join(env["XDG_RUNTIME_DIR"], "lifeguard")
    else:
        state = env.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        runtime = os.path.join(env.get("LIFEGUARD_STATE_DIR") or os.path.join(state, "lifeguard"), "run")
    return os.path.join(runtime, "lifeguard.sock")


class Refused(Exception):
    """The daemon's error: `name` as in docs/errors.md, `data` for programs."""

    def __init__(self, error):
        super().__init__(f"{error['name']}: {error['message']}")
        self.name, self.data = error["name"], error.get("data", {})


class Client:
    def __init__(self, path=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path or default_socket())
        # Not "rw": a text file in both directions forgets what it has read ahead whenever it writes.
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.waiting = []  # notifications that came while an answer was awaited
        self.last = 0

    def call(self, method, **params):
        self.last += 1
        request = {"id": self.last, "method": method, "params": params}
        self.socket.sendall((json.dumps(request) + "\n").encode())
        while True:
            message = self.receive()
            if message.get("id") != self.last:
                self.waiting.append(message)
            elif "error" in message:
                raise Refused(message["error"])
            else:
                return message["result"]

    def notify(self, method, **params):
        """A call that nobody answers: what it is about may be over by the time it arrives."""
        self.socket.sendall((json.dumps({"method": method, "params": params}) + "\n").encode())

    def receive(self):
        line = self.lines.readline()
        if not line:
            raise ConnectionError("the daemon has closed the connection")
        return json.loads(line)

    def notifications(self):
        while True:
            message = self.waiting.pop(0) if self.waiting else self.receive()
            yield message["method"], message["params"]

    def output(self, session):
        """What a session prints, as bytes, from its beginning to its end."""
        watch = self.call("session.watch", id=session, since=0, window=262144)["watch"]
        for method, params in self.notifications():
            if params.get("watch") != watch:
                continue
            if method == "session.output":
                data = base64.b64decode(params["data_b64"])
                yield data
                self.notify("session.ack", watch=watch, offset=params["offset"] + len(data))
            elif method == "session.closed":
                return


def main(verb="ls", *words):
    client = Client()
    if verb == "ls":
        for session in client.call("session.list")["sessions"]:
            print(session["id"], session["name"], session["state"], sep="\t")
    elif verb == "run" and words:
        session = client.call("session.create", command=words[0], args=list(words[1:]), cwd=os.getcwd())["id"]
        for data in client.output(session):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        client.call("session.wait", id=session, until=["exited"])
        end = client.call("session.get", id=session)["exit"]
        return end["code"] if end["code"] is not None else 1
    elif verb == "events":
        client.call("events.subscribe", **({"kinds": list(words)} if words else {}))
        for _, event in client.notifications():
            print(json.dumps(event), flush=True)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Refused as refusal:
        sys.exit(f"client.py: {refusal}")
    except KeyboardInterrupt:
        pass
