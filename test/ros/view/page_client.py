"""A page without a browser: the websocket of the view, read as the page reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

PATIENCE = 30.0  # s


class Client:
    """An open page; ``values`` is what the messages said so far, ``parts`` the newest pictures."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.values: dict[str, Any] = {}
        self.parts: dict[str, bytes] = {}
        self.answers: list[dict[str, Any]] = []
        self.messages = 0

    async def hear(self) -> None:
        """Take one message."""
        message = await self._socket.receive(PATIENCE)
        if message.type is aiohttp.WSMsgType.TEXT:
            self.answers.append(json.loads(message.data)["answer"])
            return
        assert message.type is aiohttp.WSMsgType.BINARY, message
        data = message.data
        at = 4 + int.from_bytes(data[:4], "big")
        values = json.loads(data[4:at])
        for name, size in values["parts"]:
            self.parts[name] = data[at : at + size]
            at += size
        assert at == len(data)
        self.values |= values
        self.messages += 1

    async def until(self, done: Callable[[], bool]) -> None:
        """Take messages until ``done()``."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not done():
            assert asyncio.get_running_loop().time() < deadline, self.values
            await self.hear()

    async def say(self, **what: object) -> None:
        """Send a message."""
        await self._socket.send_str(json.dumps(what))

    async def press(self, button: str, **more: object) -> tuple[bool, str]:
        """Press a button and wait for its answer."""
        number = len(self.answers) + 1
        await self.say(press=button, id=number, **more)
        await self.until(lambda: len(self.answers) == number)
        assert self.answers[-1]["id"] == number
        assert self.answers[-1]["button"] == button
        return self.answers[-1]["success"], self.answers[-1]["message"]

    @property
    def word(self) -> str:
        return self.values.get("slow", {}).get("state", {}).get("word", "")


def with_page(url: str, act: Callable[[Client], Any], **options: Any) -> None:
    """Open the page of ``url`` and do ``await act(client)``."""

    async def run() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}ws", **options) as socket:
            await act(Client(socket))

    asyncio.run(run())
