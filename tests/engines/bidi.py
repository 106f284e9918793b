"""As much of WebDriver BiDi as a page needs that is opened, read and typed into.

Firefox speaks it without a driver beside it; selenium would ask for one that neither Debian nor PyPI
has, and Playwright for commands that Debian's Firefox does not know. https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import websocket  # websocket-client, which selenium brings

_KEYS = {"Enter": "\ue007", "Control": "\ue009"}


class Firefox:
    """A Firefox without a window, with one page."""

    name = "Firefox"

    def __init__(self, path: str, width: int, height: int, patience: float) -> None:
        self._profile = tempfile.TemporaryDirectory()
        command = [path, "--headless", "--no-remote", "--profile", self._profile.name]
        self._log = Path(self._profile.name) / "told.txt"
        with self._log.open("w") as told:
            self._process = subprocess.Popen(
                [*command, "--remote-debugging-port", "0", "about:blank"],
                stdout=told, stderr=told, env={"HOME": self._profile.name, "MOZ_HEADLESS": "1"},
            )  # fmt: skip
        self._numbers = itertools.count(1)
        self._errors: list[str] = []
        try:
            self._socket = websocket.create_connection(
                f"{self._address(patience)}/session", timeout=patience, suppress_origin=True
            )
            found = self._send("session.new", capabilities={})["capabilities"]
            self.version = f"{found['browserName']} {found['browserVersion']}"
            self._send("session.subscribe", events=["log.entryAdded"])
            self._page = self._send("browsingContext.getTree")["contexts"][0]["context"]
            size = {"width": width, "height": height}
            self._send("browsingContext.setViewport", context=self._page, viewport=size)
        except BaseException:
            self.close()
            raise

    def _address(self, patience: float) -> str:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", self._log.read_text()):
                return found[1]
            time.sleep(0.1)
        raise RuntimeError(f"Firefox did not start: {self._log.read_text()[-500:]}")

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("method") == "log.entryAdded":
                if answer["params"]["level"] == "error":
                    self._errors.append(str(answer["params"]["text"]))
            elif answer.get("id") == number:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, address: str) -> None:
        self._errors.clear()
        self._send("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def evaluate(self, function: str) -> Any:
        """What a function of the page gives, through JSON."""
        found = self._send(
            "script.callFunction",
            functionDeclaration=f"async () => JSON.stringify((await ({function})()) ?? null)",
            awaitPromise=True,
            target={"context": self._page},
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def type(self, selector: str, text: str) -> None:
        self.evaluate(f"() => document.querySelector({json.dumps(selector)}).focus()")
        keys = [("keyDown", "Control"), ("keyDown", "a"), ("keyUp", "a"), ("keyUp", "Control")]
        for key in [*text, "Enter"]:
            keys += [("keyDown", key), ("keyUp", key)]
        actions = [{"type": kind, "value": _KEYS.get(key, key)} for kind, key in keys]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._send("input.performActions", context=self._page, actions=[source])

    def errors(self) -> list[str]:
        self.evaluate("() => null")  # what was logged before has come by then
        return list(self._errors)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._profile.cleanup()
