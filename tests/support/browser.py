"""Drives a headless Chromium through its debugging pipe: JSON messages that end in a zero byte, on file descriptors 3 and 4."""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time


def find() -> str | None:
    """The program, where one is installed."""
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


class Browser:
    """One tab. `with Browser(folder) as tab: tab.open(path); tab.value("document.title")`."""

    SECONDS = 30  # for one answer, on a busy machine

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.buffer = b""
        self.number = 0
        self.messages = []  # that were no answer

    def __enter__(self) -> "Browser":
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def connect():  # the numbers that Chromium reads and writes; copies first, as they may be among the pipe's own
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        words = [find(), "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder / 'profile'}", "--disable-gpu",
                 "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars", "about:blank"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # Chromium refuses its sandbox to root
        self.process = subprocess.Popen(words, preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(self.SECONDS)
        os.close(self.out)
        os.close(self.into)

    def receive(self) -> dict:
        end = time.monotonic() + self.SECONDS
        while b"\0" not in self.buffer:
            if not select.select([self.into], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.into, 1 << 16)
            if not part:
                raise ConnectionError("the browser has gone")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method: str, session: str | None = None, **parameters) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.out, text):]
        while (answer := self.receive()).get("id") != self.number:
            self.messages.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def call(self, method: str, **parameters) -> dict:
        return self.send(method, self.session, **parameters)

    def open(self, address: str):
        """Goes there and waits until the page has loaded, its scripts included."""
        for step in ("about:blank", address):  # by way of an empty page: another #fragment alone would load nothing
            self.messages.clear()
            self.call("Page.navigate", url=step)
            end = time.monotonic() + self.SECONDS
            while not self.loaded(step):
                if time.monotonic() > end:
                    raise TimeoutError(f"{step} does not load")

    def loaded(self, address: str) -> bool:
        try:
            where, state = self.value("[location.href, document.readyState]")
        except RuntimeError:  # between two pages there is none to ask
            return False
        return state == "complete" and where.split("#")[0] == address.split("#")[0]

    def value(self, expression: str):
        """What JavaScript makes of it; promises are awaited."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']['exception'].get('description')}")
        return done["result"].get("value")

    def resize(self, width: int, height: int):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, colours: str):
        """The colours that the user's system prefers: light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")  # the page hears of it

    def move(self, x: float, y: float):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def drag(self, x: float, y: float, to_x: float, to_y: float):
        """Presses at one place and lets go at another; the same place is a click."""
        for kind, at, buttons in [("mouseMoved", (x, y), 0), ("mousePressed", (x, y), 1), ("mouseMoved", (to_x, to_y), 1), ("mouseReleased", (to_x, to_y), 0)]:
            button = "none" if kind == "mouseMoved" else "left"
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button=button, buttons=buttons, clickCount=1)

    def click(self, x: float, y: float):
        self.drag(x, y, x, y)

    def key(self, name: str, code: int):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def picture(self, whole: bool = False) -> bytes:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"clip": size | {"scale": 1}, "captureBeyondViewport": True} if whole else {}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def complaints(self) -> list[str]:
        """Errors of scripts and of the page, and requests that left it, since open()."""
        out = []
        self.value("0")  # what was said before is here now
        for message in self.messages:
            method, said = message.get("method"), message.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = said["exceptionDetails"]
                out.append(details.get("exception", {}).get("description") or details["text"])
            elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
                out.append(said["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
                out.append(str(said["args"]))
            elif method == "Network.requestWillBeSent" and not said["request"]["url"].startswith(("file:", "data:", "about:")):
                out.append("request of " + said["request"]["url"])
        return out
