"""The server alone: who gets in, what is sent to whom. No ROS, no browser."""

from __future__ import annotations

import asyncio
import queue
import re

import aiohttp
import pytest
from page_client import with_page

from sag_ros.ros.view.access import COOKIE, Door
from sag_ros.ros.view.node import packed
from sag_ros.ros.view.server import PAGE, Server

TOKEN = "a-token-that-nobody-guesses"


class Served:
    """A server and what it was told."""

    def __init__(self, token=""):
        self.pressed, self.watched = queue.Queue(), queue.Queue()
        door = Door("127.0.0.1", token)
        self.server = Server("127.0.0.1", 0, door, lambda: "{}", self._press, self.watched.put)
        self.server.start()

    def _press(self, button, choice, answer):
        self.pressed.put((button, choice))
        answer(True, f"{button} it is")

    @property
    def url(self):
        return self.server.url

    def ask(self, path, method="GET", **options):
        """(status, text, headers, cookies) of one request."""

        async def run():
            jar = aiohttp.CookieJar(unsafe=True)  # keeps cookies of addresses
            async with (
                aiohttp.ClientSession(cookie_jar=jar) as session,
                session.request(method, self.url + path, **options) as answer,
            ):
                return answer.status, await answer.text(), answer.headers, answer.cookies

        return asyncio.run(run())


@pytest.fixture
def served(request):
    made = Served(*getattr(request, "param", ()))
    yield made
    made.server.stop()


guarded = pytest.mark.parametrize("served", [(TOKEN,)], indirect=True)


def test_the_page_and_all_it_names_come_from_here(served):
    status, page, headers, _ = served.ask("")
    assert status == 200
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    named = re.findall(r'(?:src|href)="/([^"]+)"', page)
    for path in PAGE.glob("*.js"):
        imports = re.findall(r'from "\./([^"]+)"', path.read_text())
        named += [f"page/{name}" for name in (path.name, *imports)]
    assert len(named) > 8
    for path in set(named):
        assert served.ask(path)[0] == 200, path
    assert served.ask("page/nothing.js")[0] == 404
    assert served.ask("page/../node.py")[0] == 404
    assert served.ask("login")[0] == 405


def test_nothing_of_the_page_comes_from_elsewhere():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), path.name


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    ],
)
@pytest.mark.parametrize("path", ["", "ws", "arm.json"])
def test_requests_from_elsewhere_are_refused(served, headers, path):
    assert served.ask(path, headers=headers)[0] == 403


def test_a_websocket_from_elsewhere_is_refused(served):
    async def nothing(client):
        raise AssertionError("it was let in")

    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        with_page(served.url, nothing, origin="http://evil.example")
    assert served.pressed.empty()


@guarded
def test_a_wrong_token_is_refused(served):
    status, page, _, _ = served.ask("")
    assert status == 401
    assert 'type="password"' in page
    assert 'id="wrong" hidden' in page
    status, page, _, cookies = served.ask("login", "POST", data={"token": TOKEN[:-1]})
    assert (status, 'id="wrong" hidden' in page, COOKIE in cookies) == (401, False, False)
    for path in ("ws", "arm.json", "page/main.js"):
        assert served.ask(path)[0] == 401, path
        assert served.ask(path, cookies={COOKIE: "guessed"})[0] == 401, path
        assert served.ask(path, headers={"Authorization": "Bearer wrong"})[0] == 401, path
    assert served.ask("page/login.css")[0] == 200


@guarded
def test_the_token_lets_in_until_logout(served):
    status, _, _, cookies = served.ask("login", "POST", data={"token": TOKEN}, allow_redirects=False)
    cookie = cookies[COOKIE]
    assert status == 303
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert TOKEN not in cookie.value
    session = {COOKIE: cookie.value}
    assert "Robot arm" in served.ask("", cookies=session)[1]
    assert served.ask("arm.json", cookies=session)[0] == 200
    assert served.ask("arm.json", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
    served.ask("logout", "POST", cookies=session)
    assert served.ask("arm.json", cookies=session)[0] == 401


@guarded
def test_the_websocket_needs_the_token_too(served):
    async def act(client):
        assert await client.press("pause") == (True, "pause it is")

    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        with_page(served.url, act)
    with_page(served.url, act, headers={"Authorization": f"Bearer {TOKEN}"})
    assert served.pressed.get(timeout=10) == ("pause", "")


def test_who_looks_is_counted_and_gets_the_newest(served):
    async def act(client):
        assert served.watched.get(timeout=10) == 1
        served.server.publish(packed({"n": 1}, [("camera a", b"123"), ("mask", b"4")]))
        await client.until(lambda: client.messages == 1)
        assert (client.values["n"], client.parts) == (1, {"camera a": b"123", "mask": b"4"})
        await client.say(look=False)
        while served.watched.empty():
            await asyncio.sleep(0.01)
        assert served.watched.get() == 0
        await client.say(look=True)
        assert await client.press("load", choice="fast") == (True, "load it is")
        assert served.watched.get(timeout=10) == 1

    with_page(served.url, act)
    assert served.watched.get(timeout=10) == 0
    assert served.pressed.get(timeout=10) == ("load", "fast")


def test_nonsense_does_no_harm(served):
    async def act(client):
        for text in ("{", "[]", "7", '{"press": 3}', '{"look": "x"}'):
            await client._socket.send_str(text)
        assert (await client.press("pause"))[0]

    with_page(served.url, act)


def test_a_port_that_is_taken_is_said(served):
    second = Server("127.0.0.1", served.server.port, Door("127.0.0.1"), str, print, print)
    with pytest.raises(OSError, match=f"port {served.server.port}"):
        second.start()
