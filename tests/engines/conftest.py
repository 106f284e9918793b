"""The built book in Firefox and in WebKitGTK, the engine of Safari: `make browsers` runs these tests.

Firefox is driven over WebDriver BiDi; selenium drives WebKitGTK's small browser over its WebDriver, on
a screen that nobody sees. Both open, evaluate and type, and nothing more is asked of them. Another Firefox can be used with ``FIREFOX=path``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from bidi import Firefox

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "build" / "book" / "_build" / "html")).resolve()
PATIENCE = 120.0  # seconds, for a busy machine
WIDTH, HEIGHT = 1280, 900


class Engine(Protocol):
    """A browser with one page."""

    name: str

    def open(self, address: str) -> None: ...
    def evaluate(self, function: str) -> Any: ...
    def type(self, selector: str, text: str) -> None: ...
    def errors(self) -> list[str]: ...


class WebKit:
    name = "WebKitGTK"

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        driver.set_window_size(WIDTH, HEIGHT)
        driver.set_page_load_timeout(PATIENCE)

    def open(self, address: str) -> None:
        self.driver.get(address)

    def evaluate(self, function: str) -> Any:
        return self.driver.execute_script(f"return ({function})()")

    def type(self, selector: str, text: str) -> None:
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        field = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", field)
        field.click()
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys(text + Keys.ENTER)

    def errors(self) -> list[str]:
        return []  # WebKit's driver tells none


def until(engine: Engine, function: str) -> None:
    """Wait until what the page says is true."""
    deadline = time.monotonic() + PATIENCE
    while not engine.evaluate(function):
        assert time.monotonic() < deadline, f"{engine.name} never came to: {function}"
        time.sleep(0.1)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def book_url() -> Iterator[str]:
    if not (HTML / "index.html").exists():
        raise pytest.UsageError(f"no book in {HTML}; run `make html` first")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _found(*names: str) -> str:
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail(
            f"expected one of {', '.join(names)}; found none: sh scripts/bootstrap.sh browsers"
        )
    return path


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """The name of a display that nobody sees."""
    server = subprocess.Popen(
        [_found("Xvfb"), "-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    yield f":{server.stdout.readline().strip()}"
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def firefox() -> Iterator[Engine]:
    path = os.environ.get("FIREFOX") or _found("firefox-esr", "firefox")
    browser = Firefox(path, WIDTH, HEIGHT, PATIENCE)
    print(browser.version)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def webkit(screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    from selenium import webdriver

    browsers = [*Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), Path("MiniBrowser")]
    options = webdriver.WebKitGTKOptions()
    options.binary_location = _found(*map(str, browsers))
    options.add_argument("--automation")
    home = str(tmp_path_factory.mktemp("webkit"))
    service = webdriver.WebKitGTKService(
        executable_path=_found("WebKitWebDriver"),
        # Containers lack the rights that its sandbox needs; the pages are our own.
        env={**os.environ, "DISPLAY": screen, "HOME": home, "XDG_RUNTIME_DIR": home,
             "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "LIBGL_ALWAYS_SOFTWARE": "1",
             "WEBKIT_DISABLE_COMPOSITING_MODE": "1"},
    )  # fmt: skip
    driver = webdriver.WebKitGTK(options=options, service=service)
    print(driver.capabilities["browserName"], driver.capabilities["browserVersion"])
    yield WebKit(driver)
    driver.quit()


@pytest.fixture(params=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found
