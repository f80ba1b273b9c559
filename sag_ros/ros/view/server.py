"""The web server: one page, one websocket, everything of it from the package. No ROS.

It has a thread of its own. Every message is made once, whoever looks; who cannot take them as fast gets only
the newest.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from sag_ros.ros.view.access import COOKIE, Door
from sag_ros.ros.worker import name_thread

PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_OPEN = {"/login", "/page/login.css", "/page/icon.svg"}  # without a token
_GUESS = 1.0  # s that a wrong token costs, and everybody who guesses waits for the others
_LARGEST = 4096  # bytes that a browser may send at once
_HEARTBEAT = 20.0  # s; half of it a browser may take to answer, and those of busy machines do
_LOOKERS = 40  # websockets at a time
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'none'",
    "X-Frame-Options": "DENY",  # nobody may lay our buttons under his own
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, browsers hide from us that a form is ours
    "Cache-Control": "no-store",
}
Answer = Callable[[bool, str], object]


class Server:
    """Serves until it is stopped.

    Args:
        host, port: to bind to; port 0: any that is free.
        door: who may.
        arm: returns the arm's shape as JSON, for the drawing.
        press: called with button, choice, and where the answer goes; in the server's thread.
        watch: called with how many look, whenever that changes; in the server's thread.

    Attributes:
        port: that it listens on.
    """

    def __init__(
        self,
        host: str,
        port: int,
        door: Door,
        arm: Callable[[], str],
        press: Callable[[str, str, Answer], object],
        watch: Callable[[int], object],
    ) -> None:
        self.host, self.port, self._door = host, port, door
        self._arm, self._press, self._watch = arm, press, watch
        self._files = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in _TYPES}
        self._lookers: set[_Looker] = set()
        self._guessing = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="web server", daemon=True)

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def start(self) -> None:
        """Begin to serve. Raises OSError where the address cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            raise self._problem

    def stop(self) -> None:
        """End the thread and close every connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    def publish(self, message: bytes) -> None:
        """Send ``message`` to all who look; from any thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._hand_out, message)

    def _hand_out(self, message: bytes) -> None:
        for looker in self._lookers:
            looker.offer(message)

    def _work(self) -> None:
        name_thread("web server")
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard], client_max_size=_LARGEST)
        app.add_routes(
            [
                web.get("/", self._on_page),
                web.get("/page/{name}", self._on_file),
                web.get("/arm.json", self._on_arm),
                web.get("/ws", self._on_socket),
                web.post("/login", self._on_login),
                web.post("/logout", self._on_logout),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            await site.start()
            self.port = runner.addresses[0][1]
        except OSError as error:
            self._problem = OSError(
                f"cannot serve on {self.host}, port {self.port}: {error.strerror or error}"
            )
            await runner.cleanup()
            return
        self._ready.set()
        await self._end.wait()
        for looker in list(self._lookers):
            await looker.socket.close()
        await runner.cleanup()

    # Requests ----------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        refusal = self._door.refusal(request.headers)
        if refusal:
            answer: web.StreamResponse = web.Response(status=403, text=f"{refusal}\n")
        elif request.path not in _OPEN and not self._door.knows(request.cookies, request.headers):
            answer = (
                self._login_page() if request.path == "/" else web.Response(status=401, text="token needed\n")
            )
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                answer = web.Response(status=error.status, text=f"{error.reason}\n", headers=_allow(error))
        if not answer.prepared:
            answer.headers.update(_HEADERS)
        return answer

    def _file(self, name: str, status: int = 200) -> web.Response:
        if name not in self._files:
            return web.Response(status=404, text="there is no such file\n")
        kind = _TYPES[Path(name).suffix]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8", status=status)

    def _login_page(self) -> web.Response:
        return self._file("login.html", 401)

    async def _on_page(self, _: web.Request) -> web.Response:
        return self._file("index.html")

    async def _on_file(self, request: web.Request) -> web.Response:
        return self._file(request.match_info["name"])

    async def _on_arm(self, _: web.Request) -> web.Response:
        return web.Response(text=self._arm(), content_type="application/json")

    async def _on_login(self, request: web.Request) -> web.Response:
        token = str((await request.post()).get("token", ""))
        if not self._door.fits(token):
            async with self._guessing:
                await asyncio.sleep(_GUESS)
            page = self._files["login.html"].replace(b'id="wrong" hidden', b'id="wrong"')
            return web.Response(body=page, content_type="text/html", charset="utf-8", status=401)
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(COOKIE, self._door.admit(), httponly=True, samesite="Strict", path="/")
        return answer

    async def _on_logout(self, request: web.Request) -> web.Response:
        self._door.forget(request.cookies)
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def _on_socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._lookers) >= _LOOKERS:
            return web.Response(status=503, text=f"{_LOOKERS} pages are open already; close one\n")
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_LARGEST, compress=False)
        await socket.prepare(request)
        looker = _Looker(socket)
        sending = asyncio.ensure_future(looker.send())
        self._change(looker, True)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._on_message(looker, message.data)
        finally:
            self._change(looker, False)
            sending.cancel()
        return socket

    def _change(self, looker: _Looker, looks: bool) -> None:
        before = len(self._lookers)
        (self._lookers.add if looks else self._lookers.discard)(looker)
        if len(self._lookers) != before:
            self._watch(len(self._lookers))

    def _on_message(self, looker: _Looker, text: str) -> None:
        try:
            said = json.loads(text)
            looks, button = said.get("look"), said.get("press")
        except (ValueError, AttributeError):
            return
        if isinstance(looks, bool):  # a page in the background sees nothing
            self._change(looker, looks)
        if isinstance(button, str):
            number = said.get("id")

            def answer(success: bool, message: str) -> None:
                told = {"answer": {"id": number, "button": button, "success": success, "message": message}}
                self._loop.call_soon_threadsafe(looker.tell, json.dumps(told))

            self._press(button, str(said.get("choice", "")), answer)


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


class _Looker:
    """One open page. Answers are all sent; of the other messages only the newest."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self._newest: bytes | None = None
        self._answers: list[str] = []
        self._something = asyncio.Event()

    def offer(self, message: bytes) -> None:
        """Replace what has not been sent yet."""
        self._newest = message
        self._something.set()

    def tell(self, answer: str) -> None:
        """Send this, whatever else."""
        self._answers.append(answer)
        self._something.set()

    async def send(self) -> None:
        """Send until cancelled, or until nobody is there any more."""
        try:
            while not self.socket.closed:
                await self._something.wait()
                self._something.clear()
                answers, self._answers = self._answers, []
                message, self._newest = self._newest, None
                for answer in answers:
                    await self.socket.send_str(answer)
                if message is not None:
                    await self.socket.send_bytes(message)
        except (ConnectionError, RuntimeError):  # it has gone
            pass
